//! Bytes as the input of `bm filter`: exit code 0 and every record accounted for, or 1 and nothing
//! left behind.
//!
//! An input may begin with three bytes that choose the flags, of which the first is below 8; no
//! file that is FASTQ or compressed begins so. Any other runs with the flags that three zeros
//! choose.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use flate2::read::MultiGzDecoder;
use tempfile::TempDir;

use crate::reference;
use crate::support::Owned;

/// What is asked of a run.
#[derive(Clone, Copy, Debug)]
struct Flags([u8; 3]);

impl Flags {
    /// Returns the flags that bytes begin with, and what follows them.
    fn of(bytes: &[u8]) -> (Self, &[u8]) {
        match bytes {
            [first @ 0..8, second, third, rest @ ..] => (Self([*first, *second, *third]), rest),
            _ => (Self([0; 3]), bytes),
        }
    }

    fn has(self, byte: usize, bit: u8) -> bool {
        self.0[byte] >> bit & 1 == 1
    }

    fn interleaved(self) -> bool {
        self.has(0, 0)
    }

    fn two_threads(self) -> bool {
        self.has(0, 1)
    }

    fn annotate(self) -> bool {
        self.has(0, 2)
    }

    /// How names of outputs end.
    fn ending(self) -> &'static str {
        ["", ".gz", ".zst", ".bgz"][usize::from(self.0[1] & 3)]
    }

    /// One of four, so that nearly all runs account for all records.
    fn drops_discarded(self) -> bool {
        self.has(1, 2) && self.has(1, 3)
    }

    fn reports(self) -> bool {
        self.has(1, 3)
    }

    fn pages(self) -> bool {
        self.has(1, 4)
    }

    fn mean_q20(self) -> bool {
        self.has(1, 5)
    }

    fn recalibrate(self) -> bool {
        self.has(1, 6)
    }

    fn phred64(self) -> bool {
        self.has(1, 7)
    }

    fn max_ee(self) -> bool {
        self.has(2, 4)
    }

    /// What is asked of pairs.
    fn pairs(self) -> &'static [&'static str] {
        match (self.interleaved(), self.0[2] >> 6) {
            (false, _) => &[],
            (true, 0) => &["--interleaved"],
            (true, 1) => &["--interleaved", "--pair", "both", "--singles", "singles"],
            (true, 2) => &["--interleaved", "--pair", "any", "-O", "second.zst"],
            (true, _) => &["--interleaved", "--singles", "singles.gz", "-O", "second"],
        }
    }

    /// The command line, with outputs in `folder`.
    fn arguments(self, folder: &Path, threads: &str) -> Vec<OsString> {
        let path = |name: &str| folder.join(name).into_os_string();
        let mut arguments: Vec<OsString> =
            ["bm", "filter", "-q", "-j", threads].map(OsString::from).into();
        let mut output = |flag: &str, name: String| arguments.extend([flag.into(), path(&name)]);
        output("-o", format!("kept{}", self.ending()));
        if !self.drops_discarded() {
            output("--discarded", format!("discarded{}", self.ending()));
        }
        if self.reports() {
            output("--report", "report.json".to_owned());
        }
        if self.pages() {
            output("--html", "page.html".to_owned());
            output("--multiqc", "counts_mqc.json".to_owned());
        }
        let mut is_output = false;
        for word in self.pairs() {
            arguments.push(if is_output { path(word) } else { word.into() });
            is_output = matches!(*word, "--singles" | "-O");
        }
        let choices: [(bool, &[&str]); 10] = [
            (self.annotate(), &["--annotate"]),
            (self.mean_q20(), &["-m", "mean-q20"]),
            (self.recalibrate(), &["--recalibrate"]),
            (self.phred64(), &["--phred64"]),
            (self.has(2, 0), &["--min-length", "3", "--max-length", "200"]),
            (self.has(2, 1), &["--max-n", "0.1"]),
            (self.has(2, 2), &["--min-complexity", "0.5"]),
            (self.has(2, 3), &["--max-poly-g", "2"]),
            (self.max_ee(), &["--max-ee", "1"]),
            (self.has(2, 5), &["-t", "0.9"]),
        ];
        arguments.extend(
            choices
                .iter()
                .filter(|(is_chosen, _)| *is_chosen)
                .flat_map(|(_, words)| *words)
                .map(OsString::from),
        );
        arguments.push(path(INPUT));
        arguments
    }
}

const INPUT: &str = "input";

/// Runs `bm filter` on bytes, and checks what it leaves.
///
/// # Panics
///
/// If records are lost, made up or changed, if a file that is in order is refused or one that is
/// not is accepted, if a refusal leaves anything behind, or if a second thread changes the outputs.
pub fn check(bytes: &[u8]) {
    let (flags, stored) = Flags::of(bytes);
    let threads = if flags.two_threads() { "2" } else { "1" };
    let folder = folder();
    let done = run(flags, folder.path(), stored, threads);
    let text = text_of(stored);
    let parsed = text.as_deref().map(|text| records(text, flags.phred64()));
    if done {
        let parsed = parsed.map(|parsed| {
            parsed.unwrap_or_else(|| panic!("{flags:?}: a file that is not in order is accepted"))
        });
        accounted(flags, folder.path(), parsed.as_deref());
    } else {
        assert_eq!(names(folder.path()), [INPUT], "{flags:?}: a refusal leaves files behind");
        // Pairs, and what a model cannot do, are refused for other reasons.
        let may_be_refused =
            flags.interleaved() || flags.recalibrate() || flags.max_ee() && flags.mean_q20();
        let is_plain = matches!(text, Some(Text::Plain(_)));
        assert!(
            may_be_refused || !is_plain || parsed == Some(None),
            "{flags:?}: a file that is in order is refused"
        );
    }
    if flags.two_threads() {
        let other = self::folder();
        assert_eq!(
            run(flags, other.path(), stored, "1"),
            done,
            "{flags:?}: threads change the outcome"
        );
        assert_eq!(names(other.path()), names(folder.path()));
        // Reports have times in them.
        for name in names(folder.path())
            .iter()
            .filter(|name| !name.contains(".json") && !name.ends_with(".html"))
        {
            let read = |folder: &TempDir| fs::read(folder.path().join(name)).unwrap();
            assert!(read(&folder) == read(&other), "{flags:?}: threads change {name}");
        }
    }
}

/// A new folder, in memory where the system has a place for that.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("bm-fuzz-");
    if memory.is_dir() { builder.tempdir_in(memory) } else { builder.tempdir() }.unwrap()
}

/// Returns whether `bm filter` ends with exit code 0.
fn run(flags: Flags, folder: &Path, stored: &[u8], threads: &str) -> bool {
    fs::write(folder.join(INPUT), stored).unwrap();
    let code = bm_cli::run(flags.arguments(folder, threads));
    // An exit code can only be printed.
    let is = |expected: ExitCode| format!("{code:?}") == format!("{expected:?}");
    assert!(is(ExitCode::SUCCESS) || is(ExitCode::FAILURE), "{flags:?}: {code:?}");
    is(ExitCode::SUCCESS)
}

/// The text of an input.
enum Text<'a> {
    Plain(&'a [u8]),
    /// By somebody else than bm.
    Inflated(Vec<u8>),
}

impl std::ops::Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Plain(text) => text,
            Self::Inflated(text) => text,
        }
    }
}

/// Returns nothing for what only bm reads, or not even that.
fn text_of(stored: &[u8]) -> Option<Text<'_>> {
    const MOST: u64 = 1 << 26;
    match stored {
        [0x1f, 0x8b, ..] => {
            let mut text = Vec::new();
            MultiGzDecoder::new(stored).take(MOST).read_to_end(&mut text).ok()?;
            (text.len() < MOST as usize).then_some(Text::Inflated(text))
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let mut text = Vec::new();
            zstd::Decoder::new(stored).ok()?.take(MOST).read_to_end(&mut text).ok()?;
            (text.len() < MOST as usize).then_some(Text::Inflated(text))
        }
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', ..]
        | [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => None,
        _ => Some(Text::Plain(stored)),
    }
}

/// Returns the records of a text that is in order, as they are to come out.
fn records(text: &[u8], phred64: bool) -> Option<Vec<Owned>> {
    let (mut records, fault) = reference::parse(text);
    if fault.is_some() {
        return None;
    }
    if phred64 {
        for byte in records.iter_mut().flat_map(|record| &mut record.quality_scores) {
            *byte = byte.checked_sub(31).filter(|byte| *byte >= b'!')?;
        }
    }
    Some(records)
}

/// Checks that every record is in one output, or counted as discarded; `parsed` are those of the
/// input, where they are known.
fn accounted(flags: Flags, folder: &Path, parsed: Option<&[Owned]>) {
    let mut reads = [0, 0];
    for name in names(folder) {
        let Some(discarded) =
            ["kept", "second", "singles", "discarded"].iter().position(|of| name.starts_with(of))
        else {
            continue;
        };
        let discarded = discarded == 3;
        let (records, fault) =
            reference::parse(&decompressed(&name, &fs::read(folder.join(&name)).unwrap()));
        assert_eq!(fault, None, "{flags:?}: {name} is not FASTQ");
        reads[usize::from(discarded)] += records.len();
        // They are some of the input's, in its order.
        let mut rest = parsed.unwrap_or_default().iter();
        let changes = flags.recalibrate() && !discarded;
        for record in records.iter().filter(|_| parsed.is_some()) {
            assert!(
                rest.any(|of| is_of(record, of, changes)),
                "{flags:?}: {name} has what was not read: {record:?}"
            );
        }
    }
    let [kept, discarded] = reads;
    if let Some(parsed) = parsed {
        let accounted = if flags.drops_discarded() {
            kept <= parsed.len()
        } else {
            kept + discarded == parsed.len()
        };
        assert!(
            accounted,
            "{flags:?}: {} records in, {kept} kept, {discarded} discarded",
            parsed.len()
        );
    }
    if flags.reports() {
        let report = fs::read(folder.join("report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
        let count = |key: &str| report["reads"][key].as_u64().map(|count| count as usize);
        assert_eq!(count("kept"), Some(kept));
        let lost = count("discarded").zip(count("unscored")).map(|(one, other)| one + other);
        assert_eq!(count("in"), lost.map(|lost| kept + lost));
        assert!(flags.drops_discarded() || lost == Some(discarded));
        assert!(parsed.is_none_or(|parsed| count("in") == Some(parsed.len())));
    }
}

/// Whether a record that was written is one that was read, with something behind its description.
fn is_of(written: &Owned, read: &Owned, changes_qualities: bool) -> bool {
    written.definition.starts_with(&read.definition)
        && written.sequence == read.sequence
        && (changes_qualities || written.quality_scores == read.quality_scores)
}

fn decompressed(name: &str, stored: &[u8]) -> Vec<u8> {
    match name.rsplit_once('.') {
        Some((_, "gz" | "bgz")) => {
            let mut text = Vec::new();
            MultiGzDecoder::new(stored).read_to_end(&mut text).unwrap();
            text
        }
        Some((_, "zst")) => zstd::decode_all(stored).unwrap(),
        _ => stored.to_vec(),
    }
}

/// Names of what is in a folder, hidden files too.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
