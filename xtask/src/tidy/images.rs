//! The base images of Dockerfiles have a digest: a tag may be another image tomorrow.

use super::requirements::is_sha256;

/// Returns the images without a tag, for people, or a digest, for the registry.
pub(super) fn check(path: &str, dockerfile: &str) -> Vec<String> {
    let mut stages = vec!["scratch"];
    let mut findings = Vec::new();
    for line in dockerfile.lines() {
        let mut words = line.split_whitespace();
        if !words.next().is_some_and(|word| word.eq_ignore_ascii_case("FROM")) {
            continue;
        }
        let mut words = words.skip_while(|word| word.starts_with("--"));
        let image = words.next().unwrap_or_default();
        let is_pinned = image.split_once("@sha256:").is_some_and(|(name, digest)| {
            let last = name.rsplit('/').next().unwrap_or_default();
            last.contains(':') && is_sha256(digest)
        });
        if !is_pinned && !stages.contains(&image) {
            findings.push(format!("{path}: has {image:?}, expected NAME:TAG@sha256:DIGEST"));
        }
        if words.next().is_some_and(|word| word.eq_ignore_ascii_case("AS")) {
            stages.extend(words.next());
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_with_tag_and_digest_and_earlier_stages_are_no_finding() {
        let digest = "0a".repeat(32);
        let text = format!(
            "# why\nFROM --platform=linux/amd64 host:80/rust:1@sha256:{digest} AS build\n\
             RUN x\nfrom build as more\nFROM scratch\nCOPY --from=more /a /a\n"
        );
        assert_eq!(check("Dockerfile", &text), [""; 0]);
    }

    #[test]
    fn an_image_without_tag_or_digest_is_a_finding() {
        let digest = "0a".repeat(32);
        for image in [
            "debian".to_owned(),
            "debian:bookworm-slim".to_owned(),
            "debian:bookworm-slim@sha256:0a".to_owned(),
            format!("debian@sha256:{digest}"),
            format!("host:80/debian@sha256:{digest}"),
            "build".to_owned(),
        ] {
            assert_eq!(
                check("Dockerfile", &format!("FROM {image} AS build\n")).len(),
                1,
                "{image}"
            );
        }
    }
}
