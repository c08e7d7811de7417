//! Bytes as the input of `bm filter`: either exit code 0 and every record accounted for, or exit
//! code 1 and no output left behind.
//!
//! An input may begin with three bytes that select the flags; the first of them is below 8, and no
//! FASTQ or compressed file begins with such a byte. All other inputs run with the flags of three
//! zeros.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use flate2::read::MultiGzDecoder;
use tempfile::TempDir;

use crate::reference;
use crate::support::Owned;

/// The flags of a run, as bits.
#[derive(Clone, Copy, Debug)]
struct Flags([u8; 3]);

impl Flags {
    /// Returns the flags at the start of `bytes`, and the rest.
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

    /// File name extension of the outputs.
    fn ending(self) -> &'static str {
        ["", ".gz", ".zst", ".bgz"][usize::from(self.0[1] & 3)]
    }

    /// True for one in four sets of flags, so that most runs write all records.
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

    /// The arguments for pairs.
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

/// Runs `bm filter` on bytes, and checks its exit code and outputs.
///
/// # Panics
///
/// If records are lost, invented or changed; if a valid file is refused or an invalid one accepted;
/// if a refused run leaves files behind; or if a second thread changes the outputs.
pub fn check(bytes: &[u8]) {
    let (flags, stored) = Flags::of(bytes);
    let threads = if flags.two_threads() { "2" } else { "1" };
    let folder = folder();
    let done = run(flags, folder.path(), stored, threads);
    let text = text_of(stored);
    let parsed = text.as_deref().map(|text| records(text, flags.phred64()));
    if done {
        let parsed = parsed.map(|parsed| {
            parsed.unwrap_or_else(|| panic!("{flags:?}: an invalid file is accepted"))
        });
        accounted(flags, folder.path(), parsed.as_deref());
    } else {
        assert_eq!(names(folder.path()), [INPUT], "{flags:?}: a refused run leaves files behind");
        // Unpaired reads, and flags that a model does not support, are refused too.
        let may_be_refused =
            flags.interleaved() || flags.recalibrate() || flags.max_ee() && flags.mean_q20();
        let is_plain = matches!(text, Some(Text::Plain(_)));
        assert!(
            may_be_refused || !is_plain || parsed == Some(None),
            "{flags:?}: a valid file is refused"
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
        // Reports contain times, so they differ.
        for name in names(folder.path())
            .iter()
            .filter(|name| !name.contains(".json") && !name.ends_with(".html"))
        {
            let read = |folder: &TempDir| fs::read(folder.path().join(name)).unwrap();
            assert!(read(&folder) == read(&other), "{flags:?}: threads change {name}");
        }
    }
}

/// Returns a new folder, in memory if the system supports it.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("bm-fuzz-");
    if memory.is_dir() { builder.tempdir_in(memory) } else { builder.tempdir() }.unwrap()
}

/// Runs `bm filter` and returns whether it ends with exit code 0.
fn run(flags: Flags, folder: &Path, stored: &[u8], threads: &str) -> bool {
    fs::write(folder.join(INPUT), stored).unwrap();
    let code = bm_cli::run(flags.arguments(folder, threads));
    // `ExitCode` cannot be compared, only printed.
    let is = |expected: ExitCode| format!("{code:?}") == format!("{expected:?}");
    assert!(is(ExitCode::SUCCESS) || is(ExitCode::FAILURE), "{flags:?}: {code:?}");
    is(ExitCode::SUCCESS)
}

/// The text of an input.
enum Text<'a> {
    Plain(&'a [u8]),
    /// Decompressed by a library that bm does not use for it.
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

/// Returns the text of an input; none for formats that only bm decompresses, and for invalid data.
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
    // BAM and CRAM are no text.
    .filter(|text| !text.starts_with(b"BAM\x01") && !text.starts_with(b"CRAM"))
}

/// Returns the expected output records of a text; none if the text is invalid.
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

/// Checks that every record is in one output or counted as discarded. `parsed` are the records of
/// the input, if known.
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
        // The output must be a subsequence of the input.
        let mut rest = parsed.unwrap_or_default().iter();
        let changes = flags.recalibrate() && !discarded;
        for record in records.iter().filter(|_| parsed.is_some()) {
            assert!(
                rest.any(|of| is_of(record, of, changes)),
                "{flags:?}: {name} has a record that is not in the input: {record:?}"
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

/// Returns whether a written record equals a read one, apart from an addition to its description.
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

/// Returns the sorted names of all files in a folder, including hidden files.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
