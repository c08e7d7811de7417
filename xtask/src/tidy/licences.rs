//! Licences and origins of all dependencies, by the lists in `deny.toml`.
//!
//! `cargo xtask deny` runs cargo-deny with all rules of that file. These two rules need only
//! `cargo metadata`, and cover every platform.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::workspace::Package;

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

/// Returns the packages that no allowed licence covers, or that are not from an allowed registry.
///
/// # Errors
/// When `deny.toml` lacks one of the lists.
pub(super) fn check(packages: &[Package], deny: &str) -> Result<Vec<String>> {
    let deny: Deny = toml::from_str(deny).context("deny.toml")?;
    ensure!(!deny.licenses.allow.is_empty(), "deny.toml allows no licence");
    let mut findings = Vec::new();
    for package in packages {
        let name = format!("{} {}", package.name, package.version);
        match package.license.as_deref() {
            None => findings.push(format!("{name}: states no SPDX licence")),
            Some(expression) => match is_satisfied(expression, &deny.licenses.allow) {
                Ok(true) => {}
                Ok(false) => {
                    findings.push(format!(
                        "{name}: {expression} is not covered by the list in deny.toml"
                    ));
                }
                Err(error) => findings.push(format!("{name}: licence {expression:?}: {error:#}")),
            },
        }
        if let Some(source) = &package.source {
            let is_allowed = |registry: &String| {
                source.strip_prefix("registry+").or(source.strip_prefix("sparse+"))
                    == Some(registry)
            };
            if !deny.sources.allow_registry.iter().any(is_allowed) {
                findings
                    .push(format!("{name}: comes from {source}, which deny.toml does not list"));
            }
        }
    }
    Ok(findings)
}

/// Returns whether the allowed licences satisfy an SPDX expression: `AND` binds closer than `OR`, and
/// `WITH` closest. A slash, as in older manifests, means `OR`.
fn is_satisfied(expression: &str, allowed: &[String]) -> Result<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, allowed };
    let satisfied = parser.any()?;
    ensure!(parser.words.is_empty(), "unexpected {:?}", parser.words[0]);
    Ok(satisfied)
}

struct Parser<'a> {
    /// The words still to be read.
    words: &'a [&'a str],
    allowed: &'a [String],
}

impl Parser<'_> {
    fn any(&mut self) -> Result<bool> {
        let mut satisfied = self.all()?;
        while self.take("OR") {
            satisfied |= self.all()?;
        }
        Ok(satisfied)
    }

    fn all(&mut self) -> Result<bool> {
        let mut satisfied = self.one()?;
        while self.take("AND") {
            satisfied &= self.one()?;
        }
        Ok(satisfied)
    }

    fn one(&mut self) -> Result<bool> {
        if self.take("(") {
            let satisfied = self.any()?;
            ensure!(self.take(")"), "a parenthesis is not closed");
            return Ok(satisfied);
        }
        let mut licence = self.word()?.to_owned();
        if self.take("WITH") {
            licence = format!("{licence} WITH {}", self.word()?);
        }
        Ok(self.allowed.contains(&licence))
    }

    fn word(&mut self) -> Result<&str> {
        match self.words.split_first() {
            Some((word, rest)) if !["(", ")", "AND", "OR", "WITH"].contains(word) => {
                self.words = rest;
                Ok(word)
            }
            _ => bail!("a licence is missing"),
        }
    }

    fn take(&mut self, expected: &str) -> bool {
        match self.words.split_first() {
            Some((word, rest)) if *word == expected => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DENY: &str = r#"
        [licenses]
        allow = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"]
        [sources]
        allow-registry = ["https://registry.example/index"]
    "#;

    fn findings(license: Option<&str>, source: Option<&str>) -> Vec<String> {
        let package = json!({
            "name": "some", "version": "1.0.0", "license": license, "source": source, "targets": [], "features": {},
            "manifest_path": "Cargo.toml", "dependencies": [],
        });
        let package = serde_json::from_value(package).expect("a package");
        check(&[package], DENY).expect("deny.toml is well-formed")
    }

    #[test]
    fn covered_expressions_pass() {
        let expressions = [
            "MIT",
            "MIT OR Apache-2.0",
            "GPL-3.0-only OR MIT",
            "MIT/Apache-2.0",
            "(MIT OR GPL-3.0-only) AND Apache-2.0",
            "GPL-3.0-only AND GPL-2.0-only OR MIT",
            "Apache-2.0 WITH LLVM-exception AND MIT",
        ];
        for expression in expressions {
            assert_eq!(findings(Some(expression), None), Vec::<String>::new(), "{expression}");
        }
    }

    #[test]
    fn expressions_that_are_not_covered_are_findings() {
        let expressions = [
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "MIT AND (GPL-3.0-only OR GPL-2.0-only)",
            "MIT WITH Other-exception",
            "mit",
        ];
        for expression in expressions {
            assert_eq!(findings(Some(expression), None).len(), 1, "{expression}");
        }
        assert_eq!(findings(None, None).len(), 1);
    }

    #[test]
    fn invalid_expressions_are_findings() {
        for expression in ["", "MIT OR", "(MIT", "MIT)", "MIT Apache-2.0", "AND MIT", "MIT WITH"] {
            assert_eq!(findings(Some(expression), None).len(), 1, "{expression}");
        }
    }

    #[test]
    fn only_the_listed_registry_passes() {
        let from = |source| findings(Some("MIT"), Some(source)).len();
        assert_eq!(from("registry+https://registry.example/index"), 0);
        assert_eq!(from("registry+https://other.example/index"), 1);
        assert_eq!(from("git+https://registry.example/index"), 1);
    }
}
