//! Tests that the recipes in `packaging/` fit the workspace.

use std::path::Path;

use serde::Deserialize;

#[derive(Deserialize)]
struct Root {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Workspace {
    package: Package,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Package {
    version: String,
    license: String,
    repository: String,
}

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    std::fs::read_to_string(root.join(path)).expect(path)
}

#[test]
fn recipes_have_the_version_and_licence_of_the_workspace() {
    let Root { workspace: Workspace { package } } =
        toml::from_str(&read("Cargo.toml")).expect("Cargo.toml");
    let recipe = read("packaging/bioconda/meta.yaml");
    for expected in [
        format!("{{% set version = \"{}\" %}}", package.version),
        format!("  license: {}\n", package.license),
        format!("  home: {}\n", package.repository),
        format!("  url: {}/releases/download/v", package.repository),
    ] {
        assert!(recipe.contains(&expected), "{expected}");
    }
    // The recipe installs the manual page of every command.
    assert!(read("packaging/bioconda/build.sh").contains("bm\" man --all "));
}
