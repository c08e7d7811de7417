//! Helpers of several modules: running `bm`, reading FASTQ independently, test data.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const BM: &str = env!("CARGO_BIN_EXE_bm");

/// The result of a run of `bm`.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Run {
    /// Expects exit code 0.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// Expects exit code 1 and one line on stderr; returns it.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        assert_eq!(self.code, Some(1), "{}", self.stderr);
        assert_eq!(self.stderr.trim_end().lines().count(), 1, "{}", self.stderr);
        assert!(self.stderr.starts_with("bm: ") && self.stderr.ends_with('\n'), "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self.stderr
    }

    /// Expects exit code 2, wrong usage; returns the message.
    #[track_caller]
    pub(crate) fn misused(self) -> String {
        assert_eq!(self.code, Some(2), "{}", self.stderr);
        assert!(self.stdout.is_empty() && !self.stderr.contains("panicked"), "{}", self.stderr);
        self.stderr
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }
}

/// Returns the command in an environment that does not depend on the user's: no ONNX Runtime, no
/// width.
pub(crate) fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    cleaned(Command::new(BM), arguments)
}

/// Returns the command with all signals as programs usually get them: `nohup` and scripts that start a
/// program in the background let it ignore some.
pub(crate) fn command_with_signals<A: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    if !cfg!(target_os = "linux") {
        return command(arguments);
    }
    let mut env = Command::new("env");
    env.args(["--default-signal", BM]);
    cleaned(env, arguments)
}

fn cleaned<A: AsRef<OsStr>>(
    mut command: Command,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    command
        .args(arguments)
        .env_remove("ORT_DYLIB_PATH")
        .env_remove("BM_THREADS")
        .env_remove("COLUMNS")
        .stdin(Stdio::null());
    command
}

pub(crate) fn run(command: &mut Command) -> Run {
    let output = loop {
        match command.output() {
            // A new copy of the program is busy while a process that another test starts at the
            // same time has inherited the open file.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                thread::sleep(Duration::from_millis(10))
            }
            output => break output.unwrap(),
        }
    };
    Run {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn bm<const N: usize>(arguments: [&str; N]) -> Run {
    run(&mut command(arguments))
}

/// Runs `bm` with `input` on its stdin.
pub(crate) fn bm_with_stdin<const N: usize>(arguments: [&str; N], input: &[u8]) -> Run {
    let mut command = command(arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = thread::scope(|scope| {
        // `bm` may refuse its input and close the pipe early; the test then checks the message.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    });
    Run {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a shell command in which `$BM` is the program.
pub(crate) fn shell(script: &str) -> Run {
    run(Command::new("bash")
        .arg("-c")
        .arg(script)
        .env("BM", BM)
        .env_remove("ORT_DYLIB_PATH")
        .stdin(Stdio::null()))
}

/// A folder for outputs, removed with its content when dropped.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file and returns its path.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> String {
        fs::write(self.0.path().join(name), content).unwrap();
        self.path(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).unwrap()
    }

    /// Returns the names of all files, hidden ones too.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn root() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../.."].iter().collect::<PathBuf>().canonicalize().unwrap()
}

/// Returns the path of a file in the test data of the repository.
pub(crate) fn testdata(file: &str) -> String {
    root().join("testdata").join(file).to_str().unwrap().to_owned()
}

/// Returns the path of a file of a model package.
pub(crate) fn package(id: &str, file: &str) -> String {
    root().join("models").join(id).join(file).to_str().unwrap().trim_end_matches('/').to_owned()
}

pub(crate) const HISEQ: &str = "hiseqx_phage/hiseqx_phage.fastq.gz";
pub(crate) const MEASLES: &str = "hiseq_measles/hiseq_measles_1.fastq.gz";
pub(crate) const MEASLES_2: &str = "hiseq_measles/hiseq_measles_2.fastq.gz";
pub(crate) const MISEQ: &str = "miseq_twist/miseq_twist_first2000_1.fastq.gz";
pub(crate) const MISEQ_2: &str = "miseq_twist/miseq_twist_first2000_2.fastq.gz";
pub(crate) const NOVASEQ: &str = "novaseq_A00129_800.fastq.gz";

/// Returns the text of a file that may be gzip, with the line ends of `bm`.
pub(crate) fn text_of(path: &str) -> Vec<u8> {
    let mut text = plain(fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}")));
    let mut next = text.clone().into_iter().skip(1);
    text.retain(|byte| next.next() != Some(b'\n') || *byte != b'\r');
    text
}

/// Writes the first reads of a real run, enough to learn from.
pub(crate) fn some_reads(scratch: &Scratch, count: usize) -> String {
    let text = text_of(&testdata(HISEQ));
    scratch.file("reads.fastq", &records(&text)[..count].concat())
}

/// The files of a folder by name.
pub(crate) fn files(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let file = |entry: fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    };
    fs::read_dir(folder).unwrap().map(|entry| file(entry.unwrap())).collect()
}

pub(crate) fn json(content: &[u8]) -> Value {
    serde_json::from_slice(content).unwrap()
}

/// Decompresses the content if it is gzip.
pub(crate) fn plain(content: Vec<u8>) -> Vec<u8> {
    if !content.starts_with(&[0x1f, 0x8b]) {
        return content;
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(content.as_slice()).read_to_end(&mut text).unwrap();
    text
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Cuts FASTQ text with `\n` line ends into records of four whole lines.
pub(crate) fn records(text: &[u8]) -> Vec<&[u8]> {
    let lines: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!(lines.len() % 4, 0, "{} lines are not whole records", lines.len());
    let mut rest = text;
    lines
        .chunks(4)
        .map(|record| {
            let (record, others) = rest.split_at(record.iter().map(|line| line.len()).sum());
            rest = others;
            record
        })
        .collect()
}

/// Returns a record of generated bases, all with the same quality.
pub(crate) fn record(name: &str, bases: usize, quality: u8) -> Vec<u8> {
    let sequence: Vec<u8> = (0..bases).map(|i| b"ACGT"[(i * 7 + i / 5) % 4]).collect();
    let mut text = format!("@{name}\n").into_bytes();
    text.extend([&sequence, b"\n+\n".as_slice(), &vec![quality; bases], b"\n"].concat());
    text
}

/// A row of the table of `bm score`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) read: String,
    pub(crate) length: usize,
    pub(crate) probability: f32,
    /// Only with models that expect a number of errors.
    pub(crate) expected_errors: Option<f32>,
    pub(crate) phred_expected_errors: f32,
    pub(crate) mean_phred: f32,
    /// Expected errors by the network alone, and the fraction of bases covered by k-mers; only with
    /// k-mer evidence.
    pub(crate) evidence: Option<(f32, f32)>,
    /// Number of the mate, and the probability of the pair; only for pairs.
    pub(crate) pair: Option<(u8, f32)>,
    /// The part to keep, and the number of adapter bases; only where reads are trimmed.
    pub(crate) part: Option<(usize, usize, usize)>,
    pub(crate) verdict: String,
    pub(crate) reason: String,
}

/// Reads the table of `bm score`.
pub(crate) fn rows(table: &[u8]) -> Vec<Row> {
    let text = String::from_utf8_lossy(table);
    let mut lines = text.lines();
    let header: Vec<_> = lines.next().unwrap().split('\t').collect();
    let groups: [(&[&str], bool); 7] = [
        (&["read", "length", "probability"], true),
        (&["expected_errors"], false),
        (&["phred_expected_errors", "mean_phred"], true),
        (&["expected_errors_prior", "evaluable"], false),
        (&["mate", "pair_probability"], false),
        (&["keep_from", "keep_to", "adapter_bases"], false),
        (&["verdict", "reason"], true),
    ];
    let present = groups.iter().filter(|(group, always)| *always || header.contains(&group[0]));
    assert!(present.flat_map(|(group, _)| *group).eq(&header), "{header:?}");
    let row = |line: &str| {
        let columns: Vec<_> = line.split('\t').collect();
        assert_eq!(columns.len(), header.len(), "{line:?}");
        let text = |name: &str| {
            header.iter().position(|column| *column == name).map(|i| columns[i].to_owned())
        };
        let number = |name: &str| text(name).map(|text| text.parse::<f32>().unwrap());
        Row {
            read: text("read").unwrap(),
            length: text("length").unwrap().parse().unwrap(),
            probability: number("probability").unwrap(),
            expected_errors: number("expected_errors"),
            phred_expected_errors: number("phred_expected_errors").unwrap(),
            mean_phred: number("mean_phred").unwrap(),
            evidence: number("expected_errors_prior").zip(number("evaluable")),
            pair: text("mate").map(|mate| mate.parse().unwrap()).zip(number("pair_probability")),
            part: text("keep_from").map(|from| {
                let whole = |text: String| text.parse().unwrap();
                let [to, bases] = ["keep_to", "adapter_bases"].map(|name| text(name).unwrap());
                (whole(from), whole(to), whole(bases))
            }),
            verdict: text("verdict").unwrap(),
            reason: text("reason").unwrap(),
        }
    };
    lines.map(row).collect()
}
