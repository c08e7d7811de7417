//! `cargo xtask cluster`: runs the workflow of `packaging/snakemake` on two nodes of Slurm on this
//! machine, and compares what it makes with single calls of `bm`.

mod slurm;
mod wrappers;

use std::path::{self, Path, PathBuf};

use anyhow::Result;

use crate::python::{self, Environment};
use crate::step::{self, Step};
use crate::workspace::Workspace;
use crate::{print, process};

const SCRIPT: &str = "research/cluster/cluster.py";

/// Folder of the kept results.
const RESULTS: &str = "research/cluster/results";

/// Options of `cargo xtask cluster`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Folder of the truth sets, for two lanes of a NovaSeq run [default: reads of testdata]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// About this number of reads in all; real reads are repeated under new names
    #[arg(long, value_name = "N", default_value_t = 2_000_000)]
    reads: u64,
    /// The bm program to run [default: a release build of this workspace]
    #[arg(long, value_name = "BM")]
    bm: Option<PathBuf>,
    /// Keep the result in research/cluster/results
    #[arg(long)]
    keep: bool,
}

/// `cargo xtask cluster`.
///
/// # Errors
/// When Slurm cannot be had or started, or a result is not that of single calls.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let scratch = workspace.scratch()?;
    let output =
        if options.keep { workspace.root.join(RESULTS) } else { scratch.join("cluster-results") };
    let mut bm = PathBuf::new();
    let mut root = PathBuf::new();
    let steps = vec![
        Step::new("bm", || {
            bm = options
                .bm
                .as_ref()
                .map_or_else(|| workspace.build_bm(), |bm| Ok(path::absolute(bm)?))?;
            Ok(())
        }),
        Step::with_outcome("Slurm", || {
            let (found, remark) = slurm::ensure(workspace)?;
            root = found;
            Ok(remark)
        }),
    ];
    step::run_all("cluster", steps)?;
    let steps = vec![
        Step::new("Snakemake wrappers", || wrappers::check(workspace, &bm)),
        Step::new("the workflow on two nodes", || {
            check(workspace, options, (&bm, &root), &scratch.join("cluster"), &output)
        }),
    ];
    step::run_all("cluster", steps)?;
    print::wrote(&output);
    Ok(())
}

/// Runs the script, with the program and the folder of Slurm.
fn check(
    workspace: &Workspace,
    options: &Options,
    (bm, slurm): (&Path, &Path),
    scratch: &Path,
    output: &Path,
) -> Result<()> {
    let interpreter = python::ensure(workspace, Environment::Cluster)?;
    let mut script = python::script(workspace, &interpreter, [SCRIPT]);
    script.arg("--bm").arg(bm).arg("--slurm").arg(slurm);
    script.arg("--scratch").arg(scratch).arg("--output").arg(output);
    script.args(["--reads", &options.reads.to_string()]);
    if let Some(data) = &options.data {
        script.arg("--data").arg(path::absolute(data)?);
    }
    process::shown(&mut script)
}
