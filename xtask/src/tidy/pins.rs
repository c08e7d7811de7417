//! The ONNX Runtime library of the Rust tests and the Python package that they are compared with are the
//! same release, and the library that `bm` loads by itself is the one that xtask fetches.

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

/// The file of `bm` that knows the library by its digest.
pub(super) const LIBRARY: &str = "crates/bm-infer/src/pinned_library.rs";

/// Returns what the source of [`LIBRARY`] lacks: the version that is fetched, and name and digest of each
/// library.
pub(super) fn check_library<'a>(
    source: &str,
    version: &'a str,
    libraries: impl Iterator<Item = [&'a str; 2]>,
) -> Vec<String> {
    libraries
        .flatten()
        .chain([version])
        .filter(|text| !source.contains(&format!("\"{text}\"")))
        .map(|text| format!("{LIBRARY}: lacks {text:?}, which `cargo xtask fetch-runtime` fetches"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_with_another_digest_or_version_is_a_finding() {
        let source = "const VERSION: &str = \"1.28.0\"; (\"lib.so.1.28.0\", \"abc\")";
        let findings =
            |version, library| check_library(source, version, [library].into_iter()).len();
        assert_eq!(findings("1.28.0", ["lib.so.1.28.0", "abc"]), 0);
        assert_eq!(findings("1.28.0", ["lib.so.1.28.0", "abd"]), 1);
        assert_eq!(findings("1.28.1", ["lib.so.1.28.1", "abc"]), 2);
    }

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
