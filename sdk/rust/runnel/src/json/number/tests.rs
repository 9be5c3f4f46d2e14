use super::*;
use crate::json::{from_str, to_string};

/// A small generator, so that a failure can be had again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

fn reads_as_std(text: &str) {
    let want = text.parse::<f64>().ok().filter(|v| v.is_finite());
    let got = parse(text);
    assert_eq!(got.map(f64::to_bits), want.map(f64::to_bits), "{text}");
    let exact = exact::parse(&Decimal::new(text.trim_start_matches('-')));
    assert_eq!(
        exact.map(f64::to_bits),
        want.map(|v| v.abs().to_bits()),
        "exact {text}"
    );
}

/// The digits of a printed number, without point, exponent and outer zeros.
fn digits(text: &str) -> String {
    let mantissa = text
        .trim_start_matches('-')
        .split('e')
        .next()
        .unwrap_or_default();
    let digits = mantissa.replace('.', "");
    digits.trim_matches('0').to_owned()
}

fn prints_as_std(value: f64) {
    let got = to_string(&value).unwrap();
    assert_eq!(
        got.parse::<f64>().unwrap().to_bits(),
        value.to_bits(),
        "{got}"
    );
    assert_eq!(digits(&got), digits(&format!("{value:e}")), "{value:e}");
    assert!(serde_json::from_str::<f64>(&got).is_ok(), "{got}");
    if value != 0.0 {
        let (digits, exponent) = exact::shortest(value.abs());
        let again: f64 = format!("0.{digits}e{exponent}").parse().unwrap();
        assert_eq!(again, value.abs(), "exact {value:e}");
    }
}

#[test]
fn edges_read_as_the_standard_library_reads_them() {
    for text in [
        "0",
        "-0",
        "-0.0",
        "1",
        "0.1",
        "1e22",
        "1e23",
        "9007199254740993",
        "9007199254740992.5",
        "5e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1e309",
        "1e-400",
        "1e999999999999999999999",
        "1e-999999999999",
        "0e999999999999999999999",
        "123456789012345678901234567890",
        "8.5",
        "4.35",
        "0.000001",
        "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880",
    ] {
        reads_as_std(text);
    }
    let half = "2.".to_owned() + &"0".repeat(900) + "1";
    reads_as_std(&half);
    // Half way between two floats, but for a digit very far behind.
    let tie = "9007199254740993.".to_owned() + &"0".repeat(1200);
    reads_as_std(&tie);
    reads_as_std(&(tie + "1"));
}

#[test]
fn edges_print_as_short_as_can_be() {
    for (value, want) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (30.0, "30"),
        (12.5, "12.5"),
        (-0.125, "-0.125"),
        (0.1, "0.1"),
        (0.001, "0.001"),
        (1764000000000.0, "1764000000000"),
        (9007199254740992.0, "9007199254740992"),
        (1e300, "1e300"),
        (1.5e-9, "1.5e-9"),
        (0.000015, "0.000015"),
        (1.5e20, "150000000000000000000"),
        (1e21, "1e21"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e308"),
        (1.0 / 3.0, "0.3333333333333333"),
    ] {
        assert_eq!(to_string(&value).unwrap(), want);
        prints_as_std(value);
    }
    for exponent in -1074..1024 {
        prints_as_std(2f64.powi(exponent));
    }
}

#[test]
fn random_numbers_go_both_ways_as_with_the_standard_library() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..4_000 {
        let value = f64::from_bits(random.next());
        if value.is_finite() {
            prints_as_std(value);
            reads_as_std(&format!("{value:e}"));
        }
        let places = random.below(9) as i32;
        prints_as_std(random.below(10_000_000_000) as f64 / 10f64.powi(places));
        let digits = random.next() >> random.below(64);
        let exponent = random.below(700) as i64 - 350;
        reads_as_std(&format!("{digits}.{}e{exponent}", random.next()));
        reads_as_std(&format!("{digits}e{}", random.below(60) as i64 - 30));
    }
}

#[test]
fn whole_numbers_may_be_spelled_in_other_ways() {
    assert_eq!(from_str::<i32>("1e3"), Ok(1000));
    assert_eq!(from_str::<i32>("-2.0"), Ok(-2));
    assert_eq!(from_str::<i64>("9223372036854775807"), Ok(i64::MAX));
    for (text, want) in [
        ("1.5", "1.5 is not an Int"),
        ("2147483648", "2147483648 is not an Int"),
        ("1e99", "1e99 is not an Int"),
        ("1e999", "1e999 is not an Int"),
        ("true", "expected Int, got a boolean"),
    ] {
        assert_eq!(from_str::<i32>(text).unwrap_err().to_string(), want);
    }
}

#[test]
fn a_number_that_is_not_finite_has_no_json() {
    assert!(to_string(&f64::NAN).is_err());
    assert!(to_string(&f64::NEG_INFINITY).is_err());
    let error = from_str::<f64>("-1e999").unwrap_err();
    assert_eq!(error.to_string(), "-1e999 is not a Float");
}
