//! Who may depend on whom: what ARCHITECTURE.md says each crate has never heard of.

use anyhow::{Context, Result};

use crate::workspace::Package;

/// The crates of ours that each crate may name, tests and benches included.
const OURS: [(&str, &[&str]); 9] = [
    ("bm-encode", &[]),
    ("bm-evidence", &[]),
    ("bm-infer", &[]),
    ("bm-models", &[]),
    ("bm-quality", &["bm-encode", "bm-evidence", "bm-infer", "bm-models"]),
    ("bm-truth", &["bm-encode"]),
    ("bm-adapt", &["bm-encode", "bm-evidence", "bm-infer", "bm-quality", "bm-truth"]),
    (
        "bm-cli",
        &[
            "bm-adapt",
            "bm-encode",
            "bm-evidence",
            "bm-infer",
            "bm-models",
            "bm-quality",
            "bm-truth",
        ],
    ),
    ("xtask", &[]),
];

/// Crates of others that only these crates of ours may name, and why.
const ONLY_IN: [(&str, &[&str], &str); 8] = [
    ("anyhow", &["bm-cli", "xtask"], "a library's errors are types that a caller can match"),
    ("clap", &["bm-cli", "xtask"], "libraries have no command line"),
    ("indicatif", &["bm-cli"], "libraries do not print"),
    ("plotters", &["bm-cli"], "libraries draw no pictures"),
    (
        "rayon",
        &["bm-adapt", "bm-cli"],
        "a caller says how many threads; the pool ends with the call",
    ),
    ("noodles-sam", &["bm-truth"], "alignments are read in one place"),
    ("noodles-bam", &["bm-truth"], "alignments are read in one place"),
    ("ort", &["bm-infer"], "engines are known in one place"),
];

/// What in the members' direct dependencies breaks a rule.
pub(super) fn dependencies(members: &[Package]) -> Vec<String> {
    members.iter().flat_map(|member| member_findings(member, members)).collect()
}

fn member_findings(member: &Package, members: &[Package]) -> Vec<String> {
    let name = member.name.as_str();
    let Some((_, allowed)) = OURS.iter().find(|(of, _)| *of == name) else {
        return vec![format!(
            "{name}: a new crate; say in xtask/src/tidy/graph.rs what it may depend on"
        )];
    };
    let mut findings = Vec::new();
    for dependency in &member.dependencies {
        let (on, kind) = (dependency.name.as_str(), dependency.kind.as_deref().unwrap_or("normal"));
        let is_ours = members.iter().any(|member| member.name == on);
        // A crate may name itself to switch on features for its tests.
        if is_ours && on != name && !allowed.contains(&on) {
            findings.push(format!("{name}: depends on {on} ({kind}), which it must not know"));
        }
        if let Some((_, places, why)) = ONLY_IN.iter().find(|(of, ..)| *of == on)
            && !places.contains(&name)
        {
            let places = places.join(" and ");
            findings
                .push(format!("{name}: depends on {on} ({kind}), allowed only in {places}: {why}"));
        }
    }
    findings
}

/// Whether a member takes the workspace's lints: one that does not is checked by none of them.
pub(super) fn lints(path: &str, manifest: &str) -> Result<Option<String>> {
    let manifest: toml::Table = toml::from_str(manifest).with_context(|| path.to_owned())?;
    let inherits = manifest
        .get("lints")
        .and_then(|lints| lints.get("workspace"))
        .and_then(toml::Value::as_bool)
        .unwrap_or(false);
    Ok((!inherits).then(|| format!("{path}: lacks `[lints] workspace = true`")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependencies: Vec<_> =
            dependencies.iter().map(|(name, kind)| json!({ "name": name, "kind": kind })).collect();
        let package = json!({
            "name": name, "version": "0.1.0", "license": "MIT", "source": null, "targets": [], "features": {},
            "manifest_path": "Cargo.toml", "dependencies": dependencies,
        });
        serde_json::from_value(package).expect("a package")
    }

    #[test]
    fn allowed_dependencies_are_no_finding() {
        let members = [
            package("bm-encode", &[("bm-encode", Some("dev"))]),
            package("bm-truth", &[("noodles-sam", None)]),
            package("bm-infer", &[("ort", None)]),
            package("bm-quality", &[("bm-encode", None), ("bm-infer", None)]),
        ];
        assert_eq!(dependencies(&members), Vec::<String>::new());
    }

    #[test]
    fn encode_and_infer_may_not_meet() {
        for (one, other) in [("bm-encode", "bm-infer"), ("bm-infer", "bm-encode")] {
            let members = [package(one, &[(other, None)]), package(other, &[])];
            let findings = dependencies(&members);
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].starts_with(&format!("{one}: depends on {other}")), "{findings:?}");
        }
    }

    #[test]
    fn a_dependency_of_tests_counts() {
        let members =
            [package("bm-models", &[("bm-quality", Some("dev"))]), package("bm-quality", &[])];
        assert!(dependencies(&members)[0].contains("bm-quality (dev)"));
    }

    #[test]
    fn xtask_links_no_crate_of_ours() {
        let members = [package("xtask", &[("bm-models", None)]), package("bm-models", &[])];
        assert_eq!(dependencies(&members).len(), 1);
    }

    #[test]
    fn a_library_may_not_depend_on_what_is_for_programs() {
        for name in ["anyhow", "clap", "indicatif"] {
            assert_eq!(dependencies(&[package("bm-quality", &[(name, None)])]).len(), 1, "{name}");
            assert_eq!(dependencies(&[package("bm-cli", &[(name, None)])]).len(), 0, "{name}");
        }
    }

    #[test]
    fn a_crate_without_a_rule_is_a_finding() {
        assert_eq!(dependencies(&[package("bm-new", &[])]).len(), 1);
    }

    #[test]
    fn a_manifest_without_the_workspaces_lints_is_a_finding() {
        let lints = |text| lints("Cargo.toml", text).expect("TOML");
        assert_eq!(lints("[lints]\nworkspace = true"), None);
        assert!(lints("[package]\nname = \"x\"").is_some());
        assert!(lints("[lints]\nworkspace = false").is_some());
    }
}
