//! Every Python package that is installed has one version and the digests of its files.
//!
//! People write `requirements*.in`, and `cargo xtask pin` the `.txt` files beside them, from which pip
//! installs.

/// Returns the packages of a `.txt` file without a version or a digest, and all other options, such as
/// one that names an index.
pub(super) fn check(path: &str, requirements: &str) -> Vec<String> {
    let lines = logical_lines(requirements);
    if lines.is_empty() {
        return vec![format!("{path}: names no package; run `cargo xtask pin`")];
    }
    let fault = |line: &String| {
        let requirement = line.split_whitespace().next().unwrap_or_default();
        if !is_pinned(requirement) {
            return Some(format!(
                "{path}: has {requirement:?}, expected NAME==VERSION; change the .in file beside \
                 it and run `cargo xtask pin`"
            ));
        }
        let mut options = line.split_whitespace().filter(|word| word.starts_with('-')).peekable();
        let is_digest = |word: &str| word.strip_prefix("--hash=sha256:").is_some_and(is_sha256);
        (options.peek().is_none() || !options.all(is_digest)).then(|| {
            format!("{path}: {requirement} has no valid --hash=sha256:; run `cargo xtask pin`")
        })
    };
    lines.iter().filter_map(fault).collect()
}

/// Returns the packages of an `.in` file that name no version, or another one than the `.txt` file
/// beside it.
pub(super) fn check_source(path: &str, source: &str, requirements: &str) -> Vec<String> {
    let requirements = logical_lines(requirements);
    let found: Vec<_> =
        requirements.iter().filter_map(|line| line.split_whitespace().next()).collect();
    let fault = |line: String| {
        if !is_pinned(&line) {
            return Some(format!("{path}: has {line:?}, expected NAME==VERSION"));
        }
        (!found.contains(&line.as_str())).then(|| {
            format!("{path}: the .txt file beside it does not have {line}; run `cargo xtask pin`")
        })
    };
    // Options include other files, which are checked themselves.
    let lines = logical_lines(source).into_iter().filter(|line| !line.starts_with('-'));
    lines.filter_map(fault).collect()
}

/// Returns the lines that are not empty, without comments, and with their continuations.
fn logical_lines(text: &str) -> Vec<String> {
    let mut joined = String::new();
    for line in text.lines() {
        let is_comment =
            |at: &usize| line[..*at].chars().next_back().is_none_or(char::is_whitespace);
        let comment = line.match_indices('#').map(|(at, _)| at).find(is_comment);
        let line = line[..comment.unwrap_or(line.len())].trim_end();
        match line.strip_suffix('\\') {
            Some(begin) => joined.push_str(begin),
            None => joined.extend([line, "\n"]),
        }
    }
    let lines = joined.lines().map(|line| line.trim().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

/// Whether a requirement is a name and one version.
fn is_pinned(requirement: &str) -> bool {
    let is_made_of = |text: &str, others: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    requirement
        .split_once("==")
        .is_some_and(|(name, version)| is_made_of(name, "-_.") && is_made_of(version, ".+!"))
}

/// Whether a text is a SHA-256 digest in hexadecimal.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> String {
        "--hash=sha256:".to_owned() + &"0a".repeat(32)
    }

    #[test]
    fn packages_with_versions_and_digests_are_no_finding() {
        let digest = digest();
        let text = format!(
            "# why\nnumpy==2.4.6 \\\n    {digest} \\\n    {digest}\n    # via x\n\
             zipp==4.1.2.post1 ; python_full_version < '3.12' \\\n    {digest}\n\n"
        );
        assert_eq!(check("requirements.txt", &text), [""; 0]);
    }

    #[test]
    fn a_package_without_version_or_digest_is_a_finding() {
        let digest = digest();
        for line in [
            "numpy==2.4.6".to_owned(),
            "numpy==2.4.6  # --hash=sha256:".to_owned() + &"0a".repeat(32),
            "numpy==2.4.6 --hash=sha256:0a0a".to_owned(),
            "numpy==2.4.6 --hash=md5:".to_owned() + &"0a".repeat(16),
            format!("numpy==2.4.6 {digest} --hash=sha256:"),
            format!("numpy==2.4.6 {digest} --index-url=x"),
            format!("numpy {digest}"),
            format!("numpy>=2 {digest}"),
            format!("numpy==2.* {digest}"),
            format!("numpy==2.4.6,<3 {digest}"),
            "numpy @ file:///numpy.whl".to_owned(),
            "-r requirements.txt".to_owned(),
            "--extra-index-url x".to_owned(),
        ] {
            let text = format!("onnx==1.23.2 {digest}\n{line}\n");
            assert_eq!(check("requirements.txt", &text).len(), 1, "{line}");
        }
        assert_eq!(check("requirements.txt", "# nothing\n").len(), 1);
    }

    #[test]
    fn a_source_that_the_other_file_does_not_follow_is_a_finding() {
        let requirements = format!("numpy==2.4.6 {0}\nonnx==1.23.2 {0}\n", digest());
        let findings = |source| check_source("requirements.in", source, &requirements).len();
        assert_eq!(findings("-r other.in\n-c x.txt\nnumpy==2.4.6  # why\n\nonnx==1.23.2\n"), 0);
        for line in ["numpy==2.4.7", "numpy==2.4", "torch==2.15.0", "onnx", "onnx>=1"] {
            assert_eq!(findings(line), 1, "{line}");
        }
    }
}
