//! `cargo xtask ci`: everything a change must pass, cheapest first. Hosted CI calls only this and
//! the README's commands.

use std::env::consts::EXE_SUFFIX;
use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::step::{self, Step};
use crate::workspace::{Package, Workspace};
use crate::{
    deny, dist, evaluate, folder, fuzz_corpora, multiqc, package, python_module, test, tidy, train,
};

/// `cargo xtask ci`.
///
/// # Errors
/// When any step fails.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut steps = vec![
        cargo_step(workspace, "format", &["fmt", "--all", "--check"]),
        Step::new("tidy", || tidy::check(workspace)),
    ];
    steps.extend(deny::steps(workspace));
    steps.push(cargo_step(
        workspace,
        "clippy",
        &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"],
    ));
    steps.extend(libraries_alone(workspace));
    steps.extend(test::steps(workspace)?);
    steps.push(fuzz_corpora::step(workspace));
    steps.push(Step::new("documentation", || {
        let mut command = workspace.cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
        process::kept(command.env("RUSTDOCFLAGS", "-D warnings"))
    }));
    steps.push(Step::new("packages", || package::check(workspace)));
    steps.push(Step::new("archive of a release", || {
        dist::check(workspace, &dist::make(workspace)?).map(|_| ())
    }));
    steps.push(Step::new("installing from what was fetched", || {
        let root = workspace.scratch()?.join("install");
        folder::clear(&root)?;
        let mut install = workspace.cargo(&[
            "install",
            "--path",
            "crates/bm-cli",
            "--offline",
            "--locked",
            "--no-track",
            "--root",
        ]);
        process::kept(install.arg(&root).arg("--target-dir").arg(&workspace.target))?;
        process::kept(
            Command::new(root.join("bin").join(format!("bm{EXE_SUFFIX}"))).arg("--version"),
        )
    }));
    steps.push(python_module::step(workspace));
    steps.push(multiqc::step(workspace));
    steps.extend(evaluate::smoke_steps(workspace)?);
    steps.extend(train::smoke_steps(workspace));
    step::run_all("ci", steps)
}

/// Each library with its default features and with none: features unified over the workspace would
/// hide a missing one.
fn libraries_alone(workspace: &Workspace) -> Vec<Step<'_>> {
    let libraries = workspace.members.iter().filter(|member| member.is_library());
    let steps = libraries.map(|library| {
        Step::new(format!("{} alone", library.name), move || {
            for features in feature_sets(library) {
                // Clippy rather than check, so that an import that only one feature set needs is
                // not let through.
                let arguments = ["clippy", "--package", &library.name];
                let mut command = workspace.cargo(&arguments);
                process::kept(command.args(features).args(["--", "-D", "warnings"]))?;
            }
            Ok(())
        })
    });
    steps.collect()
}

fn feature_sets(library: &Package) -> Vec<&'static [&'static str]> {
    let mut sets: Vec<&[&str]> = vec![&[]];
    if library.features.contains_key("default") {
        sets.push(&["--no-default-features"]);
    }
    sets
}

fn cargo_step<'a>(
    workspace: &'a Workspace,
    name: &'static str,
    arguments: &'a [&'a str],
) -> Step<'a> {
    Step::new(name, move || process::kept(&mut workspace.cargo(arguments)))
}
