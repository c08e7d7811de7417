//! `cargo xtask ci`: everything that a change must pass, cheapest first. Continuous integration runs
//! the README's commands, `cargo xtask test` among them, and then this with `--after-test`.

use anyhow::Result;

use crate::process;
use crate::step::{self, Outcome, Step};
use crate::workspace::{Package, Workspace};
use crate::{
    deny, dist, evaluate, folder, fuzz_corpora, multiqc, package, pages, python_module, test, tidy,
    train,
};

/// Options of `cargo xtask ci`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Skip the steps of `cargo xtask test`, for a script that has just run it
    #[arg(long)]
    after_test: bool,
}

/// `cargo xtask ci`.
///
/// # Errors
/// When any step fails.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    step::run_all("ci", steps(workspace, options)?)
}

fn steps<'a>(workspace: &'a Workspace, options: &Options) -> Result<Vec<Step<'a>>> {
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
    if options.after_test {
        let skipped = || Ok(Outcome::Skipped("--after-test: they have just run".to_owned()));
        steps.push(Step::with_outcome("steps of cargo xtask test", skipped));
    } else {
        steps.extend(test::steps(workspace)?);
    }
    steps.push(fuzz_corpora::step(workspace));
    steps.push(Step::new("documentation", || {
        let mut command = workspace.cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
        process::kept(command.env("RUSTDOCFLAGS", "-D warnings"))
    }));
    steps.push(Step::new("packages", || package::check(workspace)));
    steps.push(Step::new("release archive", || {
        dist::check(workspace, &dist::make(workspace)?).map(|_| ())
    }));
    steps.push(Step::new("installation from the source archive", || {
        let folder = workspace.scratch()?.join("release");
        folder::clear(&folder)?;
        dist::source::check(
            workspace,
            &dist::source::make(workspace, dist::version(workspace)?, &folder)?,
        )
    }));
    steps.push(python_module::step(workspace));
    steps.push(multiqc::step(workspace));
    steps.push(pages::step(workspace));
    steps.extend(evaluate::smoke_steps(workspace)?);
    steps.extend(train::smoke_steps(workspace));
    Ok(steps)
}

/// Returns a step for each library, which checks it with its default features and with none: cargo
/// unifies features over the workspace, which hides a missing one.
fn libraries_alone(workspace: &Workspace) -> Vec<Step<'_>> {
    let libraries = workspace.members.iter().filter(|member| member.is_library());
    let steps = libraries.map(|library| {
        Step::new(format!("{} on its own", library.name), move || {
            for features in feature_sets(library) {
                // Clippy and not check, to find imports that only one feature set needs.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_test_skips_the_steps_of_test_and_no_others() {
        let workspace = Workspace::open().expect("cargo reads it");
        let names = |after_test| -> Vec<String> {
            let steps = steps(&workspace, &Options { after_test }).expect("the steps");
            steps.iter().map(|step| step.name().to_owned()).collect()
        };
        let (mut all, after) = (names(false), names(true));
        for step in test::steps(&workspace).expect("the steps") {
            let at = all.iter().position(|name| name == step.name()).expect("a step of ci");
            all.remove(at);
        }
        let (marks, others): (Vec<_>, Vec<_>) =
            after.into_iter().partition(|name| name == "steps of cargo xtask test");
        assert_eq!((marks.len(), others), (1, all));
    }
}
