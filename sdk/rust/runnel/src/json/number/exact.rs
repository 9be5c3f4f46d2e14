//! Conversions that are right for every number, by whole-number arithmetic.

use std::cmp::Ordering;

use super::Decimal;
use super::big::Big;

/// Significant digits that can tell two floats apart; what comes behind only
/// matters for not being zero.
const DIGITS: usize = 770;

/// The exponent of the least bit of the smallest float: 2^-1074.
const LEAST: i32 = -1074;

/// The float nearest to `decimal`, its sign aside; of two as near, the even one.
/// `None` beyond the largest.
pub(super) fn parse(decimal: &Decimal<'_>) -> Option<f64> {
    let leading = decimal.digits().take_while(|d| *d == 0).count();
    let count = decimal.digits().count() - leading;
    // The value lies in 10^(magnitude-1) .. 10^magnitude.
    let magnitude = decimal.exponent.saturating_add(count as i64);
    if count == 0 || magnitude < -330 {
        return Some(0.0);
    }
    if magnitude > 310 {
        return None;
    }
    let mut digits = Big::new(0);
    for digit in decimal.digits().skip(leading).take(DIGITS) {
        digits.scale(10, u32::from(digit));
    }
    if decimal.digits().skip(leading + DIGITS).any(|d| d > 0) {
        digits.scale(10, 1);
    } else {
        digits.scale(if count > DIGITS { 10 } else { 1 }, 0);
    }
    let exponent = magnitude as i32 - count.min(DIGITS + 1) as i32;
    let mut divisor = Big::new(1);
    match exponent < 0 {
        true => divisor.times_power_of_ten(exponent.unsigned_abs()),
        false => digits.times_power_of_ten(exponent.unsigned_abs()),
    }
    divide(digits, divisor)
}

/// The float nearest to `dividend` / `divisor`.
fn divide(mut dividend: Big, mut divisor: Big) -> Option<f64> {
    // The quotient's first bit is 2^top or 2^(top-1). 53 bits and one to round
    // by are wanted, but none below half of the smallest float.
    let top = dividend.bits() - divisor.bits();
    let exponent = (top - 54).max(LEAST - 1);
    match top < 0 {
        true => dividend.shift_left(top.unsigned_abs()),
        false => divisor.shift_left(top.unsigned_abs()),
    }
    let mut quotient = 0u64;
    for _ in exponent..=top {
        quotient <<= 1;
        if dividend.compare(&divisor) != Ordering::Less {
            dividend.subtract(&divisor);
            quotient |= 1;
        }
        dividend.scale(2, 0);
    }
    let cut_bits = 1 + (quotient >> 54) as i32;
    let (mut kept, cut) = (quotient >> cut_bits, quotient & ((1 << cut_bits) - 1));
    let half = 1 << (cut_bits - 1);
    if cut > half || cut == half && (!dividend.is_zero() || kept & 1 == 1) {
        kept += 1;
    }
    // Where `kept` has a 53rd bit, it counts into the exponent's bits.
    let bits = kept + (((exponent + cut_bits - LEAST) as u64) << 52);
    (bits < f64::INFINITY.to_bits()).then(|| f64::from_bits(bits))
}

/// The fewest digits that read as `value`, positive and finite, and among these
/// the nearest: 0.`digits` × 10^`exponent` (Steele and White; Dragon4).
pub(super) fn shortest(value: f64) -> (String, i32) {
    let mut rest = Remainder::new(value);
    let exponent = rest.normalize(value);
    let mut digits = String::new();
    loop {
        let (digit, last) = rest.next_digit();
        digits.push((b'0' + digit) as char);
        if last {
            return (digits, exponent);
        }
    }
}

/// What is left of a value while its digits are taken off: `rest` / `scale`.
/// `below` and `above`, over the same scale, are half the way to the value's
/// neighbours; digits that end between them read as the value.
struct Remainder {
    rest: Big,
    scale: Big,
    below: Big,
    above: Big,
    /// Whether half the way itself still reads as the value.
    even: bool,
}

impl Remainder {
    fn new(value: f64) -> Self {
        let (mantissa, exponent) = parts(value);
        // Below a power of two, floats lie half as far apart.
        let narrow = u32::from(mantissa == 1 << 52 && exponent > LEAST);
        let (up, down) = (exponent.max(0) as u32, (-exponent).max(0) as u32);
        let shifted = |number: u64, bits: u32| {
            let mut big = Big::new(number);
            big.shift_left(bits);
            big
        };
        Remainder {
            rest: shifted(mantissa, up + 1 + narrow),
            scale: shifted(1, down + 1 + narrow),
            below: shifted(1, up),
            above: shifted(1, up + narrow),
            even: mantissa & 1 == 0,
        }
    }

    /// Divides by the power of ten that leaves a value of 0.1 to 1, and gives
    /// its exponent.
    fn normalize(&mut self, value: f64) -> i32 {
        let (mantissa, exponent) = parts(value);
        let log2 = f64::from(exponent + 63 - mantissa.leading_zeros() as i32);
        // This, or one more: it comes from the value rounded down to 2^log2.
        let guess = (log2 * std::f64::consts::LOG10_2 - 1e-10).ceil() as i32;
        if guess < 0 {
            for part in [&mut self.rest, &mut self.below, &mut self.above] {
                part.times_power_of_ten(guess.unsigned_abs());
            }
        } else {
            self.scale.times_power_of_ten(guess.unsigned_abs());
        }
        if self.reaches(&self.rest.plus(&self.above), &self.scale) {
            self.scale.scale(10, 0);
            return guess + 1;
        }
        guess
    }

    /// Takes the next digit off, and says whether it is the last.
    fn next_digit(&mut self) -> (u8, bool) {
        for part in [&mut self.rest, &mut self.below, &mut self.above] {
            part.scale(10, 0);
        }
        let mut digit = 0;
        while self.rest.compare(&self.scale) != Ordering::Less {
            self.rest.subtract(&self.scale);
            digit += 1;
        }
        let low = self.reaches(&self.below, &self.rest);
        let high = self.reaches(&self.rest.plus(&self.above), &self.scale);
        let mut twice = self.rest.clone();
        twice.scale(2, 0);
        let nearer_up = twice.compare(&self.scale) != Ordering::Less;
        let up = high && (!low || nearer_up);
        (digit + u8::from(up), low || high)
    }

    fn reaches(&self, sum: &Big, limit: &Big) -> bool {
        match sum.compare(limit) {
            Ordering::Greater => true,
            Ordering::Equal => self.even,
            Ordering::Less => false,
        }
    }
}

/// Mantissa and exponent: `value` = mantissa × 2^exponent.
fn parts(value: f64) -> (u64, i32) {
    let (biased, fraction) = (
        (value.to_bits() >> 52) as i32,
        value.to_bits() & ((1 << 52) - 1),
    );
    match biased {
        0 => (fraction, LEAST),
        _ => (fraction | 1 << 52, LEAST + biased - 1),
    }
}
