//! Texts without what is nobody else's business: names of folders, and with them of users and hosts.

/// Returns a text in which only the last part of a path is left. `private` are texts to remove
/// wherever they are, such as the path of the home folder, whose parts may have spaces.
pub(crate) fn without_paths(text: &str, private: &[String]) -> String {
    let mut private: Vec<_> = private.iter().filter(|path| path.len() > 1).collect();
    // The longest first: one may be the start of another.
    private.sort_by_key(|path| std::cmp::Reverse(path.len()));
    let mut text = text.to_owned();
    for path in private {
        text = text.replace(path.as_str(), "/…");
    }
    let mut result = String::with_capacity(text.len());
    for word in text.split_inclusive(' ') {
        let is_path = |letter: char| matches!(letter, '/' | '\\');
        let start = word.find(|letter: char| !matches!(letter, '(' | '"' | '\'' | '`' | '[' | '<'));
        let (before, path) = word.split_at(start.unwrap_or(0));
        let is_absolute = path.starts_with(['/', '~'])
            || path.get(1..3).is_some_and(|drive| matches!(drive, ":\\" | ":/"));
        match path.rfind(is_path).filter(|_| is_absolute) {
            Some(at) => {
                result += before;
                result += "…/";
                result += &path[at + 1..];
            }
            None => result += word,
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_part_of_a_path_is_left() {
        let home = ["/Users/Jane Roe".to_owned(), "/".to_owned(), String::new()];
        for (text, expected) in [
            (
                "ONNX Runtime 1.28.0 (/a/b/libonnxruntime.so), CPU",
                "ONNX Runtime 1.28.0 (…/libonnxruntime.so), CPU",
            ),
            ("names /Users/Jane Roe/x/y.dylib: not there", "names …/y.dylib: not there"),
            ("it is C:\\Users\\jane\\o.dll", "it is …/o.dll"),
            ("~/x/y", "…/y"),
            ("12 reads/s and N/A", "12 reads/s and N/A"),
            ("", ""),
        ] {
            assert_eq!(without_paths(text, &home), expected);
        }
    }
}
