//! Other programs that filter or trim reads, in the newest versions that can be had: one on the path, else
//! from a registry or from Debian.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::python::{self, Environment};
use crate::workspace::Workspace;
use crate::{apt, lock, print, process};

/// The adapter of the reads, which programs are told that do not find it.
const ADAPTER: &str = "AGATCGGAAGAGC";

/// Returns the arguments for input, output and number of threads.
type Arguments = fn(&str, &str, &str) -> Vec<String>;

/// A program.
struct Known {
    name: &'static str,
    /// The name of its file.
    file: &'static str,
    source: Source,
    /// The argument that prints the version.
    version: &'static str,
    /// The level of its gzip output, which its version decides if it has no number here.
    level: &'static str,
    /// Filters by mean quality 20, or by expected errors, with all other work switched off.
    filter: Option<Arguments>,
    /// Trims adapters and low qualities as it does by default.
    trim: Option<Arguments>,
}

/// Where a program comes from if it is not on the path, or always.
enum Source {
    /// The path, or the Debian package.
    Debian(&'static str),
    /// The newest version on PyPI, pinned, whatever is on the path.
    PyPi,
    /// The crate of this version.
    Crate(&'static str),
}

const KNOWN: [Known; 5] = [
    Known {
        name: "fastp",
        file: "fastp",
        source: Source::Debian("fastp"),
        version: "--version",
        level: "4",
        filter: Some(|input, output, threads| {
            let fixed = ["-A", "-G", "-Q", "-L", "-j", "/dev/null", "-h", "/dev/null"];
            words(&[&["-i", input, "-o", output, "-e", "20", "-w", threads], &fixed[..]].concat())
        }),
        trim: Some(|input, output, threads| {
            let fixed = ["-3", "-e", "20", "-j", "/dev/null", "-h", "/dev/null"];
            words(&[&["-i", input, "-o", output, "-w", threads], &fixed[..]].concat())
        }),
    },
    Known {
        name: "seqkit",
        file: "seqkit",
        source: Source::Debian("seqkit"),
        version: "version",
        level: "5",
        filter: Some(|input, output, threads| {
            words(&["seq", "-Q", "20", "-j", threads, input, "-o", output])
        }),
        trim: None,
    },
    Known {
        name: "cutadapt",
        file: "cutadapt",
        source: Source::PyPi,
        version: "--version",
        level: "1",
        filter: Some(|input, output, threads| {
            words(&["--max-expected-errors", "1", "-j", threads, "-o", output, input])
        }),
        trim: Some(|input, output, threads| {
            let fixed = ["-a", ADAPTER, "-q", "20", "-m", "20", "--max-expected-errors", "1"];
            words(&[&fixed[..], &["-j", threads, "-o", output, input]].concat())
        }),
    },
    Known {
        name: "Trim Galore",
        file: "trim_galore",
        source: Source::Crate("trim-galore@2.3.0"),
        version: "--version",
        level: "1",
        filter: None,
        trim: Some(|input, output, threads| {
            // It makes up the name of its output.
            let folder = Path::new(output).parent().unwrap_or(Path::new("."));
            let fixed = ["--illumina", "--basename", "trim_galore", "--no_report_file"];
            words(&[&fixed[..], &["-j", threads, "-o", &folder.to_string_lossy(), input]].concat())
        }),
    },
    Known {
        name: "AdapterRemoval",
        file: "AdapterRemoval",
        source: Source::Debian("adapterremoval"),
        version: "--version",
        level: "6",
        filter: None,
        trim: Some(|input, output, threads| {
            let fixed = ["--settings", "/dev/null", "--discarded", "/dev/null", "--trimqualities"];
            let files = ["--file1", input, "--output1", output, "--gzip", "--threads", threads];
            words(&[&files[..], &fixed[..]].concat())
        }),
    },
];

/// A program that is there.
pub(super) struct Peer {
    known: &'static Known,
    program: PathBuf,
    version: String,
    /// A folder of shared libraries that are not those of the system.
    libraries: Option<PathBuf>,
}

impl Peer {
    /// Returns the name with the version and, for gzip, the level of the output.
    pub(super) fn title(&self, gzip: bool) -> String {
        let Known { name, level, .. } = self.known;
        let level = if gzip { format!(", level {level}") } else { String::new() };
        format!("{name} {}{level}", self.version)
    }

    /// Returns the command that filters, if the program can.
    pub(super) fn filter(&self, input: &str, output: &str, threads: &str) -> Option<Vec<String>> {
        self.known.filter.map(|arguments| self.command(arguments(input, output, threads)))
    }

    /// Returns the command that trims, if the program can.
    pub(super) fn trim(&self, input: &str, output: &str, threads: &str) -> Option<Vec<String>> {
        self.known.trim.map(|arguments| self.command(arguments(input, output, threads)))
    }

    /// Returns where the program writes what it was told to write into `output`.
    pub(super) fn output(&self, output: &Path) -> PathBuf {
        match self.known.file {
            "trim_galore" => output.with_file_name("trim_galore_trimmed.fq.gz"),
            _ => output.to_owned(),
        }
    }

    fn command(&self, arguments: Vec<String>) -> Vec<String> {
        let libraries = self
            .libraries
            .as_ref()
            .map(|folder| ["env".to_owned(), format!("LD_LIBRARY_PATH={}", folder.display())]);
        let program = self.program.to_string_lossy().into_owned();
        libraries.into_iter().flatten().chain([program]).chain(arguments).collect()
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Returns the programs that are there or can be had; says of each other one why not.
pub(super) fn all(workspace: &Workspace) -> Vec<Peer> {
    let found = KNOWN.iter().filter_map(|known| match peer(workspace, known) {
        Ok(peer) => Some(peer),
        Err(error) => {
            print::note(format_args!("without {}: {error:#}", known.name));
            None
        }
    });
    found.collect()
}

fn peer(workspace: &Workspace, known: &'static Known) -> Result<Peer> {
    let (program, libraries) = match known.source {
        Source::PyPi => {
            let python = python::ensure(workspace, Environment::Trim)?;
            (python.with_file_name(known.file), None)
        }
        Source::Crate(version) => (installed(workspace, version, known.file)?, None),
        Source::Debian(package) => match version(&[known.file.to_owned()], known.version) {
            Ok(_) => (PathBuf::from(known.file), None),
            Err(_) => {
                let found = apt::program(workspace, package, known.file)?;
                (found.path, Some(found.libraries))
            }
        },
    };
    let mut peer = Peer { known, program, version: String::new(), libraries };
    peer.version = version(&peer.command(Vec::new()), known.version)?;
    Ok(peer)
}

/// Returns the version that a program prints.
fn version(command: &[String], argument: &str) -> Result<String> {
    let (program, arguments) = command.split_first().context("no program")?;
    let output = Command::new(program).args(arguments).arg(argument).output();
    let output = output.with_context(|| program.clone())?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    // The first word that begins like a number.
    let words = text.split_whitespace().map(|word| word.trim_start_matches(['v', 'V']));
    let mut words = words.filter(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    let number = words.next();
    number.map(str::to_owned).with_context(|| format!("{program} {argument} prints no version"))
}

/// Returns a program of a crate, which is built once.
fn installed(workspace: &Workspace, version: &str, file: &str) -> Result<PathBuf> {
    let root = workspace.scratch()?.join("bench-programs").join(version);
    let program = root.join("bin").join(file);
    let _lock = lock::take(workspace, "bench-programs")?;
    if !program.is_file() {
        let mut install = workspace.cargo(&["install", "--locked", "--quiet", version, "--root"]);
        process::kept(install.arg(&root))?;
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_the_first_number_that_is_printed() {
        let echo = |text: &str| version(&["echo".to_owned(), text.to_owned()], "--version");
        assert_eq!(echo("fastp 0.23.2").ok().as_deref(), Some("0.23.2"));
        assert_eq!(echo("seqkit v2.3.0\nCopyright 2016").ok().as_deref(), Some("2.3.0"));
        assert!(echo("none").is_err());
        assert!(version(&["no-such-program".to_owned()], "--version").is_err());
    }

    #[test]
    fn a_program_with_libraries_of_its_own_is_told_where_they_are() {
        let mut peer = Peer {
            known: &KNOWN[0],
            program: "fastp".into(),
            version: "1".to_owned(),
            libraries: None,
        };
        assert_eq!(peer.command(words(&["-h"])), ["fastp", "-h"]);
        peer.libraries = Some("lib".into());
        assert_eq!(peer.command(words(&["-h"])), ["env", "LD_LIBRARY_PATH=lib", "fastp", "-h"]);
        assert_eq!(
            (peer.title(true), peer.title(false)),
            ("fastp 1, level 4".into(), "fastp 1".into())
        );
    }
}
