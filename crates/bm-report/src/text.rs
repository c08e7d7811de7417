//! Formatting of numbers, lists and HTML text for people.

/// Returns text with the characters of markup escaped, for HTML and XML.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // HTML and XML allow no control characters, not even escaped.
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Returns whether an input has no name of its own: stdin, or a file that stands for a stream.
pub(crate) fn is_stream(input: &str) -> bool {
    input == "stdin" || ["/dev/", "/proc/"].iter().any(|folder| input.starts_with(folder))
}

/// Returns text on one line: names of files may have line ends.
pub(crate) fn one_line(text: &str) -> String {
    text.replace('\n', "\\n")
}

/// Returns the beginning of a text that may have any length, such as a name in a file.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
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

/// Returns a number with three significant digits; all digits before the point stay.
pub(crate) fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    // Rounding may add a digit: 9.996 becomes 10.0.
    let exponent = |value: f64| value.abs().log10().floor() as i32;
    let step = 10f64.powi(exponent(value) - 2);
    let rounded = (value / step).round() * step;
    let decimals = (2 - exponent(rounded * (1.0 + 1e-12))).clamp(0, 12);
    format!("{value:.*}", decimals as usize)
}

/// Returns a limit as it was given; with three significant digits if it follows from another number, such as
/// an error rate from a quality.
pub(crate) fn limit(limit: f64) -> String {
    let exact = limit.to_string();
    if exact.len() > 8 { number(limit) } else { exact }
}

/// Returns a fraction as a percentage with three significant digits.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{} %", number(100.0 * fraction))
}

/// Returns a fraction as a whole percentage.
pub(crate) fn roughly(fraction: f64) -> String {
    match fraction {
        fraction if fraction > 0.0 && fraction < 0.01 => "under 1 %".to_owned(),
        fraction if fraction > 0.99 && fraction < 1.0 => "over 99 %".to_owned(),
        fraction => format!("{:.0} %", 100.0 * fraction),
    }
}

/// Returns a fraction as a frequency: `1 in 350`; `none` for 0.
pub(crate) fn one_in(fraction: f64) -> String {
    if fraction > 0.0 {
        format!("1 in {}", count((1.0 / fraction).round() as u64))
    } else {
        "none".to_owned()
    }
}

/// Returns a list for a sentence: `a, b and c`.
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
    fn names_stay_on_their_line() {
        assert_eq!(one_line("a\nbm: all is well"), "a\\nbm: all is well");
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(shortened("TruSeq é"), "TruSeq é");
        assert_eq!(shortened(&"é".repeat(60)), "é".repeat(60));
        assert_eq!(shortened(&"é".repeat(61)), "é".repeat(60) + "...");
    }

    #[test]
    fn counts_have_commas_between_thousands() {
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
    fn numbers_have_three_significant_digits() {
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
    fn fractions_are_percentages_and_frequencies() {
        assert_eq!(percent(0.002_86), "0.286 %");
        assert_eq!(roughly(0.004), "under 1 %");
        assert_eq!(roughly(0.667), "67 %");
        assert_eq!(roughly(0.997), "over 99 %");
        assert_eq!([0.0, 1.0].map(roughly), ["0 %", "100 %"]);
        assert_eq!(one_in(0.002_86), "1 in 350");
        assert_eq!(one_in(0.0), "none");
    }

    #[test]
    fn lists_end_with_and() {
        let parts = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(list(&parts[..0]), "");
        assert_eq!(list(&parts[..1]), "a");
        assert_eq!(list(&parts[..2]), "a and b");
        assert_eq!(list(&parts), "a, b and c");
    }
}
