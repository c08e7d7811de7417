//! Truth tables of the runs that were downloaded: aligns the reads to their reference, and counts their
//! true errors with `bm truth`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::sources::{REFERENCE, Run, Truth};
use crate::step::Outcome;
use crate::workspace::Workspace;
use crate::{apt, folder, process};

/// Writes `NAME.truth.tsv.gz` beside the reads of a run, unless it exists.
///
/// # Errors
/// When there is no aligner, or it or `bm truth` fails.
pub(super) fn make(
    workspace: &Workspace,
    run: &Run,
    truth: &Truth,
    output: &Path,
) -> Result<Outcome> {
    let folder = run.folder(output);
    let table = folder.join(format!("{}.truth.tsv.gz", run.name));
    if table.exists() {
        return Ok(Outcome::DoneWith("already made".into()));
    }
    let reference = folder.join(REFERENCE);
    if let Some(path) = &truth.reference {
        let path = workspace.root.join(path);
        fs::copy(&path, &reference).with_context(|| path.display().to_string())?;
    }
    let program = aligner(workspace, &truth.aligner[0])?;
    let bm = workspace.build_bm()?;
    let scratch = workspace.scratch()?.join("truth-partial");
    folder::clear(&scratch)?;
    let done = align(&program, run, truth, &folder, &scratch).and_then(|alignment| {
        // It gets its name when it is complete.
        let mut count = Command::new(bm);
        count.arg("truth").arg(alignment).arg("--reference").arg(&reference).arg("-q");
        process::kept(count.args(&truth.options).arg("-o").arg(&table))
    });
    folder::remove(&scratch)?;
    done?;
    let options = truth.options.iter().map(|option| format!(" {option}")).collect::<String>();
    Ok(Outcome::DoneWith(format!("{}, bm truth{options}", truth.aligner.join(" "))))
}

/// Aligns the reads of a run, and returns the path of the alignment.
fn align(
    program: &Path,
    run: &Run,
    truth: &Truth,
    folder: &Path,
    scratch: &Path,
) -> Result<PathBuf> {
    // bwa writes its index beside the reference.
    let reference = scratch.join(REFERENCE);
    fs::copy(folder.join(REFERENCE), &reference).context("copying the reference")?;
    if truth.aligner[0] == "bwa" {
        process::kept(Command::new(program).arg("index").arg(&reference))?;
    }
    let alignment = scratch.join("aligned.sam");
    let mut command = Command::new(program);
    command.args(&truth.aligner[1..]).arg("-o").arg(&alignment).arg(&reference);
    let reads = run.files.iter().filter(|file| file.name != REFERENCE);
    process::kept(command.args(reads.map(|file| folder.join(&file.name))))?;
    Ok(alignment)
}

/// Returns the path of an aligner: the one that is installed, or one from its Debian package.
fn aligner(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    // Without arguments, the aligners print their usage, some with exit code 1.
    let mut command = Command::new(name);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if command.status().is_ok() {
        return Ok(name.into());
    }
    if !apt::is_there() {
        bail!("no {name} is installed, which aligns the reads; install it, and run this again");
    }
    let folder = workspace.scratch()?.join("aligners");
    let program = folder.join("usr/bin").join(name);
    if !program.is_file() {
        let scratch = workspace.scratch()?.join("aligners-partial");
        folder::clear(&scratch)?;
        let done = apt::unpack(name, &scratch, &folder);
        folder::remove(&scratch)?;
        done.with_context(|| format!("no {name} is installed, which aligns the reads"))?;
    }
    Ok(program)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::sources::tests::list;
    use super::*;

    /// Stands in for an aligner: writes its arguments into the file after `-o`.
    const PROGRAM: &str =
        "#!/bin/sh\n[ $1 = index ] && touch $2.bwt && exit\necho \"$@\" > \"$3\"\n";

    #[test]
    fn reads_are_aligned_to_an_indexed_copy_of_the_reference() {
        let root = std::env::temp_dir().join(format!("xtask-truth-{}", std::process::id()));
        folder::clear(&root).expect("a temporary folder");
        let sources = list(b">x\nAC\n");
        let run = &sources.run[0];
        let truth = run.truth.as_ref().expect("the run has truth");
        let (data, scratch) = (run.folder(&root), root.join("scratch"));
        for folder in [&data, &scratch] {
            folder::make(folder).expect("made");
        }
        fs::write(data.join(REFERENCE), ">x\nAC\n").expect("written");
        let program = root.join("aligner");
        fs::write(&program, PROGRAM).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");

        let alignment = align(&program, run, truth, &data, &scratch).expect("aligned");
        let arguments = fs::read_to_string(&alignment).expect("written");
        let reference = scratch.join(REFERENCE);
        let reads = data.join("reads.fq");
        let expected =
            format!("mem -o {} {} {}\n", alignment.display(), reference.display(), reads.display());
        assert_eq!(arguments, expected);
        assert!(scratch.join("ref.fa.bwt").is_file(), "the copy is indexed");
        let left = folder::entries(&data).expect("readable");
        assert_eq!(left, [data.join(REFERENCE)], "nothing else is written beside the reads");
        fs::remove_dir_all(root).expect("removed");
    }
}
