//! Numbers and words for people.

/// Returns text in which nothing is markup.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Neither HTML nor XML has these, however they are written.
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Returns text with its first letter in upper case.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Returns a count with commas between thousands: `1,234,567`.
pub(crate) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a number with three significant digits, or all before the point.
pub(crate) fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    // What is rounded may have a digit more than what was not.
    let exponent = |value: f64| value.abs().log10().floor() as i32;
    let step = 10f64.powi(exponent(value) - 2);
    let rounded = (value / step).round() * step;
    let decimals = (2 - exponent(rounded * (1.0 + 1e-12))).clamp(0, 12);
    format!("{value:.*}", decimals as usize)
}

/// Returns a share as per cent.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", number(100.0 * share))
}

/// Returns a share as per cent, of which the nearest one is enough.
pub(crate) fn roughly(share: f64) -> String {
    match share {
        share if share > 0.0 && share < 0.01 => "under 1 %".to_owned(),
        share if share > 0.99 && share < 1.0 => "over 99 %".to_owned(),
        share => format!("{:.0} %", 100.0 * share),
    }
}

/// Returns how often something is: `1 in 350`.
pub(crate) fn one_in(share: f64) -> String {
    if share > 0.0 {
        format!("1 in {}", count((1.0 / share).round() as u64))
    } else {
        "none".to_owned()
    }
}

/// Returns parts of a sentence with commas and a last "and".
pub(crate) fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
        assert_eq!(
            escape("<b a=\"1\">'&amp;'</b>"),
            "&lt;b a=&quot;1&quot;&gt;&#39;&amp;amp;&#39;&lt;/b&gt;"
        );
        assert_eq!(escape("é – 1\u{1}\n"), "é – 1\u{fffd}\u{fffd}");
    }

    #[test]
    fn counts_have_their_thousands_apart() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(count(value), text);
        }
    }

    #[test]
    fn numbers_have_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1.00"),
            (0.999_6, "1.00"),
            (9.996, "10.0"),
            (99.96, "100"),
            (1234.5, "1234"),
            (0.012_345, "0.0123"),
            (-2.5, "-2.50"),
            (0.1, "0.100"),
            (1000.0, "1000"),
        ] {
            assert_eq!(number(value), text, "{value}");
        }
    }

    #[test]
    fn shares_in_words() {
        assert_eq!(percent(0.002_86), "0.286 %");
        assert_eq!(roughly(0.004), "under 1 %");
        assert_eq!(roughly(0.667), "67 %");
        assert_eq!(roughly(0.997), "over 99 %");
        assert_eq!([0.0, 1.0].map(roughly), ["0 %", "100 %"]);
        assert_eq!(one_in(0.002_86), "1 in 350");
        assert_eq!(one_in(0.0), "none");
    }

    #[test]
    fn lists_in_words() {
        let parts = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(list(&parts[..0]), "");
        assert_eq!(list(&parts[..1]), "a");
        assert_eq!(list(&parts[..2]), "a and b");
        assert_eq!(list(&parts), "a, b and c");
    }
}
