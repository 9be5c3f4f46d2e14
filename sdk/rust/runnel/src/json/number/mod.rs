//! Numbers.
//!
//! Floats are read and written here rather than by the standard library: its
//! tables and its exact printing would make up half of a small module. The short
//! ways below are exact for the numbers people write; `exact` has the long ones,
//! right for all others. Tests hold both to the standard library's results.

mod big;
mod exact;

use super::{FromJson, Mismatch, Reader, ToJson, Writer};

impl FromJson for f64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Mismatch> {
        let text = reader.number("Float")?;
        match parse(text) {
            Some(value) => Ok(value),
            None => Err(Mismatch::not(text, "a Float")),
        }
    }
}

impl ToJson for f64 {
    fn write(&self, writer: &mut Writer) {
        if self.is_finite() {
            print(*self, writer);
        } else {
            writer.reject("a number that is not finite");
        }
    }
}

/// 10^0 to 10^22, which are the powers of ten that a float holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// 2^53: up to here, a float holds every whole number exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A JSON number taken apart: `digits` × 10^`exponent`, and whether it is
/// negative.
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Decimal<'a> {
    fn new(text: &'a str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, ""));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        Decimal {
            negative,
            whole,
            fraction,
            exponent: exponent_of(exponent).saturating_sub(fraction.len() as i64),
        }
    }

    fn digits(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.whole
            .bytes()
            .chain(self.fraction.bytes())
            .map(|b| b - b'0')
    }
}

/// The value of `[+-]digits`; far beyond any float's exponent it stays where it
/// is.
fn exponent_of(text: &str) -> i64 {
    let digits = text.bytes().filter(u8::is_ascii_digit);
    let size = digits.fold(0, |size: i64, b| match size < 1 << 40 {
        true => size * 10 + i64::from(b - b'0'),
        false => size,
    });
    if text.starts_with('-') { -size } else { size }
}

/// The float that `text`, a JSON number, is nearest to; `None` where that is
/// not finite.
fn parse(text: &str) -> Option<f64> {
    let decimal = Decimal::new(text);
    let size = short(&decimal).or_else(|| exact::parse(&decimal))?;
    Some(if decimal.negative { -size } else { size })
}

/// Where digits and power of ten are exact floats, one operation rounds right.
fn short(decimal: &Decimal<'_>) -> Option<f64> {
    let mut digits = 0u64;
    for digit in decimal.digits() {
        digits = digits * 10 + u64::from(digit);
        if digits > EXACT as u64 {
            return None;
        }
    }
    let power = POWERS.get(usize::try_from(decimal.exponent.unsigned_abs()).ok()?)?;
    Some(match decimal.exponent < 0 {
        true => digits as f64 / power,
        false => digits as f64 * power,
    })
}

/// Writes the shortest decimal that reads as `value`.
fn print(value: f64, writer: &mut Writer) {
    if value.is_sign_negative() {
        writer.raw("-");
    }
    let value = value.abs();
    for (places, power) in POWERS.iter().take(16).enumerate() {
        let scaled = (value * power).round();
        if scaled > EXACT {
            break;
        }
        if scaled / power == value {
            let digits = digits_of(scaled as u64);
            let exponent = digits.len() as i32 - places as i32;
            return decimal(&digits, exponent, writer);
        }
    }
    let (digits, exponent) = exact::shortest(value);
    decimal(&digits, exponent, writer);
}

/// Writes 0.`digits` × 10^`exponent`, plainly where that is not much longer.
fn decimal(digits: &str, exponent: i32, writer: &mut Writer) {
    let split = |at: usize| digits.split_at_checked(at).unwrap_or((digits, ""));
    let point = |fraction: &str, writer: &mut Writer| {
        if !fraction.is_empty() {
            writer.raw(".");
            writer.raw(fraction);
        }
    };
    match exponent {
        -5..=0 => {
            writer.raw("0.");
            writer.raw(zeros(exponent.unsigned_abs() as usize));
            writer.raw(digits);
        }
        1..=21 => {
            let (whole, fraction) = split(exponent as usize);
            writer.raw(whole);
            writer.raw(zeros(exponent as usize - whole.len()));
            point(fraction, writer);
        }
        _ => {
            let (first, rest) = split(1);
            writer.raw(first);
            point(rest, writer);
            writer.raw("e");
            integer(i64::from(exponent) - 1, writer);
        }
    }
}

/// Writes a whole number.
fn integer(value: i64, writer: &mut Writer) {
    if value < 0 {
        writer.raw("-");
    }
    writer.raw(&digits_of(value.unsigned_abs()));
}

/// The decimal digits of a number; much less code than the standard library's
/// formatting.
pub(crate) fn digits_of(mut value: u64) -> String {
    let mut digits = Vec::with_capacity(20);
    while digits.is_empty() || value > 0 {
        digits.push(b'0' + (value % 10) as u8);
        value /= 10;
    }
    digits.reverse();
    String::from_utf8(digits).unwrap_or_default()
}

fn zeros(count: usize) -> &'static str {
    "000000000000000000000".get(..count).unwrap_or_default()
}

/// The whole number that `text` is, if an i64 holds it: plain digits, or another
/// spelling of a whole number that a float holds exactly.
fn whole(text: &str) -> Option<i64> {
    if let Ok(value) = text.parse() {
        return Some(value);
    }
    let value = parse(text)?;
    (value.trunc() == value && value.abs() <= EXACT).then_some(value as i64)
}

macro_rules! integer {
    ($($type:ty, $name:literal, $what:literal;)*) => {$(
        impl FromJson for $type {
            fn read(reader: &mut Reader<'_>) -> Result<Self, Mismatch> {
                let text = reader.number($name)?;
                match whole(text).and_then(|value| value.try_into().ok()) {
                    Some(value) => Ok(value),
                    None => Err(Mismatch::not(text, $what)),
                }
            }
        }

        impl ToJson for $type {
            fn write(&self, writer: &mut Writer) {
                integer(i64::from(*self), writer);
            }
        }
    )*};
}

integer! {
    i32, "Int", "an Int";
    i64, "i64", "an i64";
    u32, "u32", "a u32";
}

#[cfg(test)]
mod tests;
