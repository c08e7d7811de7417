//! The Snakemake wrappers of `packaging/snakemake/wrapper`, run by their own test workflows.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::python::{self, Environment};
use crate::workspace::Workspace;
use crate::{folder, process};

const WRAPPERS: &str = "packaging/snakemake/wrapper";

/// The reads that the tests need, as `reads/a_1.fastq.gz` and so on.
const READS: &str = "testdata/hiseq_measles/hiseq_measles_";

/// Runs each wrapper's test workflow, in the order of their names, in one folder: `bm filter` takes
/// the package that `bm adapt` made.
///
/// # Errors
/// When a workflow fails or makes no file.
pub(super) fn check(workspace: &Workspace, bm: &Path) -> Result<()> {
    let interpreter = python::ensure(workspace, Environment::Cluster)?;
    let scratch = workspace.scratch()?.join("wrappers");
    folder::clear(&scratch)?;
    let (reads, bin) = (scratch.join("reads"), scratch.join("bin"));
    folder::make(&reads)?;
    folder::make(&bin)?;
    fs::copy(bm, bin.join("bm")).with_context(|| bm.display().to_string())?;
    for mate in [1, 2] {
        let source = workspace.root.join(format!("{READS}{mate}.fastq.gz"));
        fs::copy(&source, reads.join(format!("a_{mate}.fastq.gz")))
            .with_context(|| source.display().to_string())?;
    }
    // The paths in the tests begin with the branch of the wrappers' repository.
    let (wrappers, repository) = (workspace.root.join(WRAPPERS), scratch.join("repository"));
    folder::make(&repository)?;
    process::kept(Command::new("ln").arg("-s").arg(&wrappers).arg(repository.join("master")))?;
    for name in ["observe", "adapt", "filter"] {
        let mut snakemake = python::script(workspace, &interpreter, ["-m", "snakemake"]);
        snakemake.arg("--snakefile").arg(wrappers.join(format!("bio/bm/{name}/test/Snakefile")));
        snakemake.arg("--directory").arg(&scratch).args(["--cores", "2", "--wrapper-prefix"]);
        snakemake.arg(format!("file://{}/", repository.display()));
        snakemake.env("PATH", with(&bin)?).env("XDG_CACHE_HOME", scratch.join("cache"));
        process::kept(&mut snakemake).with_context(|| format!("the wrapper of bm {name}"))?;
    }
    for name in [
        "a.obs",
        "a.model/manifest.json",
        "a_kept_1.fastq.gz",
        "a_kept_2.fastq.gz",
        "multiqc/a/a_mqc.json",
        "multiqc/a/a_general_mqc.json",
    ] {
        ensure!(scratch.join(name).is_file(), "the wrappers made no {name}");
    }
    Ok(())
}

/// Returns the path of programs, this folder first.
fn with(bin: &Path) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(bin.to_owned()).chain(env::split_paths(&path));
    env::join_paths(folders).context("the path of programs")
}
