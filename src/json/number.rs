//! Numbers of JSON texts. The standard library's parser would bring 17 KB of tables and code into the wasm,
//! serde_json's 20 KB with all that hangs on it.

/// The largest power of ten that a double holds exactly.
const EXACT: i32 = 22;

/// The number a text is, as JSON writes numbers (RFC 8259, 6). Exact for up to 15 digits with an exponent of at most 22
/// (Clinger, "How to read floating point numbers accurately", 1990), else right to the last digit or two. `None` for
/// what is too large for a double, too.
///
/// ```
/// assert_eq!(json::number("-1.5e3"), Some(-1500.0));
/// assert_eq!(json::number("01"), None);
/// ```
pub fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    if super::grammar::number(text.as_bytes()) != Some(text.len()) {
        return None;
    }
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, power(exponent)),
        None => (text, 0),
    };
    let (mut mantissa, mut scale) = (0u64, 0i32);
    let mut is_fraction = false;
    for byte in digits.bytes() {
        match byte {
            b'.' => is_fraction = true,
            b'0'..=b'9' if mantissa < 1 << 59 => {
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                scale -= i32::from(is_fraction);
            }
            // More digits than a double tells apart.
            b'0'..=b'9' => scale += i32::from(!is_fraction),
            _ => {}
        }
    }
    let magnitude = scaled(mantissa as f64, exponent.saturating_add(scale));
    let value = if text.starts_with('-') { -magnitude } else { magnitude };
    value.is_finite().then_some(value)
}

/// An exponent; far ones are all the same.
fn power(text: &str) -> i32 {
    let digits = text.trim_start_matches(['+', '-']);
    let value = digits.bytes().fold(0i32, |value, byte| (value * 10 + i32::from(byte - b'0')).min(9999));
    if text.starts_with('-') { -value } else { value }
}

/// `value` times ten to the power of `exponent`, in as few steps as may be: each step may round.
fn scaled(mut value: f64, exponent: i32) -> f64 {
    let mut left = exponent.unsigned_abs();
    while left > 0 && value != 0.0 && value.is_finite() {
        let step = left.min(EXACT as u32);
        let factor = (0..step).fold(1.0, |factor, _| factor * 10.0);
        value = if exponent < 0 { value / factor } else { value * factor };
        left -= step;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_those_of_the_standard_library() {
        for text in [
            "0",
            "-0",
            "7",
            "0.7",
            "-1.5e3",
            "1E-2",
            "1e22",
            "123456789012345",
            "0.1234567890123",
            "48.9",
            "1e-22",
        ] {
            assert_eq!(number(text).map(f64::to_bits), text.parse().ok().map(f64::to_bits), "{text}");
        }
        // Long and far ones are as near as makes no difference.
        for text in [
            "0.12345678901234567890123",
            "123456789012345678901234567890",
            "1e300",
            "5e-324",
            "2.5e-300",
            "-1.7976931348623157e308",
        ] {
            let (ours, exact) = (number(text).unwrap(), text.parse::<f64>().unwrap());
            assert!(((ours - exact) / exact).abs() < 1e-14, "{text}: {ours}");
        }
        let zeros = ["0.", &"0".repeat(5000), "1"].concat();
        for (text, expected) in [
            (" 1 ", Some(1.0)),
            (zeros.as_str(), Some(0.0)),
            ("1e-400", Some(0.0)),
            ("1e-99999999999", Some(0.0)),
            ("0e99999999999", Some(0.0)),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
        for text in [
            "",
            "-",
            "+1",
            ".5",
            "1.",
            "01",
            "1e",
            "1e999",
            "1e99999999999",
            "inf",
            "NaN",
            "true",
            "null",
            "t",
            "1 2",
            "0x1",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn short_numbers_are_exact(mantissa in 0u64..1_000_000_000_000_000, point in 0usize..16, minus: bool) {
            let digits = format!("{mantissa:016}");
            let (whole, part) = digits.split_at(point.max(1));
            let whole = whole.trim_start_matches('0');
            let whole = if whole.is_empty() { "0" } else { whole };
            let fraction = if part.is_empty() { String::new() } else { format!(".{part}") };
            let text = format!("{}{whole}{fraction}", if minus { "-" } else { "" });
            prop_assert_eq!(number(&text), text.parse().ok(), "{}", text);
        }
    }
}
