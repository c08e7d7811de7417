//! The ONNX Runtime library of the Rust tests and the Python package that they are compared with are the
//! same release.

/// Returns the requirement lines that name onnxruntime without pinning `version`; one line must pin it.
pub(super) fn check(path: &str, requirements: &str, version: &str) -> Vec<String> {
    let names_it = |line: &&str| {
        line.strip_prefix("onnxruntime")
            .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    let pins: Vec<_> = requirements.lines().map(str::trim).filter(names_it).collect();
    if pins.is_empty() {
        return vec![format!(
            "{path}: does not pin onnxruntime=={version}, which `cargo xtask fetch-runtime` fetches"
        )];
    }
    let is_right = |line: &&&str| {
        line.split([' ', ';', '#']).next() == Some(&format!("onnxruntime=={version}"))
    };
    let wrong = pins.iter().filter(|line| !is_right(line));
    wrong
        .map(|line| {
            format!("{path}: has {line:?}, but `cargo xtask fetch-runtime` fetches {version}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(requirements: &str) -> usize {
        check("requirements.txt", requirements, "1.28.0").len()
    }

    #[test]
    fn the_same_release_is_no_finding() {
        assert_eq!(findings("numpy==2\nonnx==1.23.2\nonnxruntime==1.28.0  # why\n"), 0);
    }

    #[test]
    fn another_release_a_range_or_none_is_a_finding() {
        assert_eq!(findings("onnxruntime==1.28.1\n"), 1);
        assert_eq!(findings("onnxruntime>=1.28.0\n"), 1);
        assert_eq!(findings("onnxruntime==1.28.01\n"), 1);
        assert_eq!(findings("numpy==2\n"), 1);
    }
}
