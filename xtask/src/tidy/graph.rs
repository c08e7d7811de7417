//! Dependencies between the crates of the workspace, by the table "Who knows what" of ARCHITECTURE.md,
//! and external crates that only some members may use.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::workspace::Package;

/// The section of ARCHITECTURE.md that holds the table.
const SECTION: &str = "## Who knows what";

/// The column of the table that lists which members a crate may depend on. `(tests)` after a name
/// allows it for tests, examples and benches only.
const COLUMN: &str = "may name";

/// External crates that only these members may use, with the reason.
const ONLY_IN: [(&str, &[&str], &str); 9] = [
    ("anyhow", &["bm-cli", "xtask"], "a library's errors are types that a caller can match"),
    ("clap", &["bm-cli", "xtask"], "libraries have no command line"),
    ("indicatif", &["bm-cli"], "libraries do not print"),
    (
        "noodles-bam",
        &["bm-pipeline", "bm-reads", "bm-truth"],
        "alignments are read in one place; tests compare unaligned BAM with it",
    ),
    (
        "noodles-sam",
        &["bm-pipeline", "bm-reads", "bm-truth"],
        "alignments are read in one place; tests compare unaligned BAM with it",
    ),
    ("ort", &["bm-infer"], "engines are known in one place"),
    (
        "parquet",
        &["bm-pipeline", "bm-cli"],
        "tables are written in one place; tests of bm-cli read them",
    ),
    ("plotters", &["bm-report"], "pictures are drawn in one place"),
    ("rayon", &["bm-adapt", "bm-cli", "bm-io", "bm-pipeline"], "other libraries start no threads"),
];

/// The members that each member may depend on, and whether for its tests only.
type Table<'a> = BTreeMap<&'a str, BTreeMap<&'a str, bool>>;

/// Returns the direct dependencies of the members that break the rules of `document`, which is
/// ARCHITECTURE.md, and the names in its table that are no members.
pub(super) fn dependencies(document: &str, members: &[Package]) -> Vec<String> {
    let table = match table(document) {
        Ok(table) => table,
        Err(error) => return vec![format!("ARCHITECTURE.md: {error:#}")],
    };
    let is_member = |name: &str| members.iter().any(|member| member.name == name);
    let rows =
        table.iter().flat_map(|(name, allowed)| [*name].into_iter().chain(allowed.keys().copied()));
    let mut unknown: Vec<_> = rows.filter(|name| !is_member(name)).collect();
    unknown.sort_unstable();
    unknown.dedup();
    let unknown = unknown.into_iter().map(|name| {
        format!(
            "ARCHITECTURE.md: {:?} names {name}, which is no crate of the workspace",
            &SECTION[3..]
        )
    });
    unknown.chain(members.iter().flat_map(|member| member_findings(member, &table))).collect()
}

/// Reads the table.
///
/// # Errors
/// When it is not there or lacks a column.
fn table(document: &str) -> Result<Table<'_>> {
    let (_, section) = document
        .split_once(SECTION)
        .with_context(|| format!("has no section {:?}", &SECTION[3..]))?;
    let section = section.split("\n## ").next().unwrap_or(section);
    let mut rows = section
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim().trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let header = rows.next().with_context(|| format!("{:?} has no table", &SECTION[3..]))?;
    let column = header
        .iter()
        .position(|title| *title == COLUMN)
        .with_context(|| format!("the table of {:?} has no column {COLUMN:?}", &SECTION[3..]))?;
    // The second line is the rule below the header.
    let rows = rows.skip(1).filter_map(|row| {
        let (name, _) = names(row.first()?).next()?;
        Some((name, names(row.get(column)?).collect()))
    });
    Ok(rows.collect())
}

/// Returns the names in backticks, each with whether `(tests)` follows it.
fn names(cell: &str) -> impl Iterator<Item = (&str, bool)> {
    let parts: Vec<_> = cell.split('`').collect();
    let names: Vec<_> = parts
        .chunks(2)
        .zip(parts.chunks(2).skip(1))
        .filter_map(|(name, after)| Some((*name.get(1)?, after[0].trim().starts_with("(tests)"))))
        .collect();
    names.into_iter()
}

fn member_findings(member: &Package, table: &Table<'_>) -> Vec<String> {
    let name = member.name.as_str();
    let Some(allowed) = table.get(name) else {
        return vec![format!(
            "{name}: has no row in the table {:?} of ARCHITECTURE.md; add one",
            &SECTION[3..]
        )];
    };
    let mut findings = Vec::new();
    for dependency in &member.dependencies {
        let (on, kind) = (dependency.name.as_str(), dependency.kind.as_deref().unwrap_or("normal"));
        // A crate may name itself to switch on features for its tests.
        if table.contains_key(on) && on != name {
            match allowed.get(on) {
                None => findings.push(format!(
                    "{name}: depends on {on} ({kind}), which it may not name by ARCHITECTURE.md"
                )),
                Some(true) if kind != "dev" => findings.push(format!(
                    "{name}: depends on {on} ({kind}), which only its tests may name by ARCHITECTURE.md"
                )),
                Some(_) => {}
            }
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

/// Returns a finding if a member does not take the workspace's lints: none of them would check it.
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

    const DOCUMENT: &str = "# Architecture\n\n| crate | may name |\n|---|---|\n| `other` | `none` |\n\n\
        ## Who knows what\n\nText.\n\n| crate | knows | may name |\n|---|---|---|\n\
        | `bm-encode` | reads | nothing |\n\
        | `bm-infer` | tensors | nothing |\n\
        | `bm-truth` | alignments | nothing |\n\
        | `bm-quality` | packages | `bm-encode`, `bm-infer`, `bm-truth` (tests) |\n\
        | `bm-cli` | files | `bm-quality` |\n\n\
        ## Code map\n\n| crate | may name |\n|---|---|\n| `bm-new` | nothing |\n";

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependencies: Vec<_> =
            dependencies.iter().map(|(name, kind)| json!({ "name": name, "kind": kind })).collect();
        let package = json!({
            "name": name, "version": "0.1.0", "license": "MIT", "source": null, "targets": [],
            "features": {}, "manifest_path": "Cargo.toml", "dependencies": dependencies,
        });
        serde_json::from_value(package).expect("a package")
    }

    /// The findings for a workspace in which `of` has `dependencies` and the other crates none.
    fn findings(of: &str, dependencies: &[(&str, Option<&str>)]) -> Vec<String> {
        let crates = ["bm-encode", "bm-infer", "bm-truth", "bm-quality", "bm-cli"];
        let others = crates.into_iter().filter(|name| *name != of).map(|name| package(name, &[]));
        let members: Vec<_> = others.chain([package(of, dependencies)]).collect();
        super::dependencies(DOCUMENT, &members)
    }

    #[test]
    fn dependencies_that_the_table_allows_are_no_finding() {
        for (of, dependencies) in [
            ("bm-encode", &[("bm-encode", Some("dev")), ("serde", None)][..]),
            ("bm-truth", &[("noodles-sam", None)]),
            ("bm-infer", &[("ort", None)]),
            ("bm-quality", &[("bm-encode", None), ("bm-infer", None), ("bm-truth", Some("dev"))]),
        ] {
            assert_eq!(findings(of, dependencies), Vec::<String>::new(), "{of}");
        }
    }

    #[test]
    fn dependencies_that_the_table_does_not_allow_are_findings() {
        for (of, on, kind) in [
            ("bm-encode", "bm-infer", None),
            ("bm-infer", "bm-encode", Some("dev")),
            ("bm-cli", "bm-encode", Some("build")),
            ("bm-quality", "bm-truth", None),
        ] {
            let findings = findings(of, &[(on, kind)]);
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].starts_with(&format!("{of}: depends on {on} (")), "{findings:?}");
        }
    }

    #[test]
    fn external_crates_for_some_members_are_findings_in_others() {
        for name in ["anyhow", "clap", "indicatif"] {
            assert_eq!(findings("bm-quality", &[(name, None)]).len(), 1, "{name}");
            assert_eq!(findings("bm-cli", &[(name, None)]).len(), 0, "{name}");
        }
        assert_eq!(findings("bm-cli", &[("ort", None), ("noodles-bam", Some("dev"))]).len(), 2);
    }

    #[test]
    fn a_crate_without_a_row_and_a_row_without_a_crate_are_findings() {
        let members = ["bm-encode", "bm-infer", "bm-truth", "bm-quality", "bm-new"];
        let members: Vec<_> = members.into_iter().map(|name| package(name, &[])).collect();
        let findings = super::dependencies(DOCUMENT, &members);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].contains("names bm-cli, which is no crate"), "{findings:?}");
        assert!(findings[1].starts_with("bm-new: has no row"), "{findings:?}");
    }

    #[test]
    fn a_document_without_the_table_is_a_finding() {
        for document in
            ["", "## Who knows what\n", "## Who knows what\n| crate | knows |\n|---|---|\n"]
        {
            let findings = super::dependencies(document, &[package("bm-encode", &[])]);
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].starts_with("ARCHITECTURE.md: "), "{findings:?}");
        }
    }

    #[test]
    fn a_manifest_without_the_lints_of_the_workspace_is_a_finding() {
        let lints = |text| lints("Cargo.toml", text).expect("TOML");
        assert_eq!(lints("[lints]\nworkspace = true"), None);
        assert!(lints("[package]\nname = \"x\"").is_some());
        assert!(lints("[lints]\nworkspace = false").is_some());
    }
}
