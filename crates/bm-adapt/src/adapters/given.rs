//! Adapters that a user gives: as a sequence, or in a FASTA file.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use bm_reads::base::{bases_of, code};
use noodles_fasta as fasta;
use serde::{Deserialize, Serialize};

use super::kits::{Kit, kit_of};
use crate::AdaptError;

/// Name of an adapter that has none and is no known kit's.
const NO_NAME: &str = "given";

/// Numbers of bases that an adapter may have, and the last base that is used: what follows is rarely
/// read, and tells no adapter from another.
const SHORTEST: usize = 4;
const LONGEST: usize = 200;
const USED: usize = 80;

/// Fewest used positions that are not `N`. Others would be found in any read.
const FEWEST_KNOWN: usize = 4;

/// Largest file, in bytes, and most sequences in it: more are a genome, not adapters.
const LARGEST_FILE: u64 = 1 << 20;
const MOST_SEQUENCES: usize = 64;

/// Most characters of a text that an error shows.
const SHOWN: usize = 24;

/// An adapter that a user gives.
///
/// ```
/// use bm_adapt::{Adapters, GivenAdapter};
///
/// let given = GivenAdapter::parse("agatcggaagagcNNNNac")?;
/// let adapter = &Adapters::told(given).found[0];
/// assert_eq!(adapter.name, "Illumina TruSeq");
/// assert_eq!(adapter.sequence, "AGATCGGAAGAGCNNNNAC");
/// assert_eq!(adapter.probabilities[13], [0.25; 4]);
///
/// let error = GivenAdapter::parse("AGATC-GGA").unwrap_err();
/// assert!(error.to_string().starts_with("adapter AGATC-GGA: `-` at position 6 is no base"));
/// # Ok::<(), bm_adapt::AdaptError>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Stored")]
pub struct GivenAdapter {
    name: Option<String>,
    /// IUPAC letters, upper case, without `U`.
    sequence: String,
}

/// An adapter in a file of `bm`, before it is checked.
#[derive(Deserialize)]
struct Stored {
    name: Option<String>,
    sequence: String,
}

impl TryFrom<Stored> for GivenAdapter {
    type Error = AdaptError;

    fn try_from(stored: Stored) -> Result<Self, AdaptError> {
        let Stored { name, sequence } = stored;
        Self::at(&format!("adapter {}", shown(&sequence)), name, sequence.as_bytes())
    }
}

impl GivenAdapter {
    /// Returns an adapter of IUPAC letters in either case, `U` for `T`. Only the first 80 are used.
    ///
    /// # Errors
    ///
    /// [`AdaptError::Adapter`] for a letter that is no base, for a sequence with fewer than 4 or
    /// more than 200 bases, and for one with fewer than 4 bases other than `N`.
    pub fn new(sequence: &str) -> Result<Self, AdaptError> {
        Self::at(&format!("adapter {}", shown(sequence)), None, sequence.as_bytes())
    }

    /// Returns the adapters that an argument of a command names: it is a sequence if it has IUPAC
    /// letters only and no file has that name, and the path of a FASTA file otherwise.
    ///
    /// The file is text, not compressed, with 64 sequences and 1 MB at most.
    ///
    /// # Errors
    ///
    /// [`AdaptError::Adapter`] as for [`GivenAdapter::new`], for text that is neither a sequence nor
    /// a file, and for a file without sequences or with too much. [`AdaptError::AdapterFile`] for a
    /// file that cannot be read or is not FASTA. All name file and record.
    pub fn parse(argument: impl AsRef<OsStr>) -> Result<Vec<Self>, AdaptError> {
        let argument = argument.as_ref();
        let (path, text) = (Path::new(argument), argument.to_string_lossy());
        let wrong = text.chars().position(|letter| !is_base(letter));
        match wrong {
            None if text.is_empty() || !path.try_exists().unwrap_or(false) => {
                Ok(vec![Self::new(&text)?])
            }
            Some(at) if !path.try_exists().unwrap_or(true) => Err(AdaptError::Adapter {
                place: format!("adapter {}", shown(&text)),
                reason: format!("{}, and there is no file of that name", no_base(&text, at)),
            }),
            _ => Self::read(path),
        }
    }

    /// Reads a FASTA file.
    fn read(path: &Path) -> Result<Vec<Self>, AdaptError> {
        let place = path.display().to_string();
        let fault = |reason: String| Err(AdaptError::Adapter { place: place.clone(), reason });
        let mut text = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut text))
            .map_err(|source| unread(&place, source))?;
        if text.len() as u64 > LARGEST_FILE {
            return fault("has more than 1 MB; a file of adapters is smaller".to_owned());
        }
        // Editors put a byte-order mark or empty lines first.
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text).trim_ascii_start();
        if text.is_empty() {
            return fault("holds no sequence, expected FASTA".to_owned());
        }
        if text[0] != b'>' {
            return fault(
                "does not begin with `>`; expected FASTA as text, not compressed".to_owned(),
            );
        }
        let mut found = Vec::new();
        for (index, record) in fasta::io::Reader::new(text).records().enumerate() {
            let record_place = format!("{place}: record {}", index + 1);
            if index == MOST_SEQUENCES {
                return fault(format!("has more than {MOST_SEQUENCES} sequences"));
            }
            let record = record.map_err(|source| unread(&record_place, source))?;
            let name: String = String::from_utf8_lossy(record.name()).into_owned();
            let name = name.replace(char::is_control, "\u{fffd}");
            let record_place = format!("{record_place} ({})", shown(&name));
            found.push(Self::at(&record_place, Some(name), record.sequence().as_ref())?);
        }
        Ok(found)
    }

    /// Returns an adapter; `place` is for errors.
    fn at(place: &str, name: Option<String>, letters: &[u8]) -> Result<Self, AdaptError> {
        let fault = |reason: String| Err(AdaptError::Adapter { place: place.to_owned(), reason });
        if let Some(at) = letters.iter().position(|letter| bases_of(*letter) == 0) {
            return fault(no_base(
                &letters.iter().map(|letter| char::from(*letter)).collect::<String>(),
                at,
            ));
        }
        if !(SHORTEST..=LONGEST).contains(&letters.len()) {
            let bases = if letters.len() == 1 { "base" } else { "bases" };
            return fault(format!(
                "{} {bases}; an adapter has {SHORTEST} to {LONGEST}",
                letters.len()
            ));
        }
        let used = &letters[..letters.len().min(USED)];
        let known = used.iter().filter(|letter| bases_of(**letter) < 15).count();
        if known < FEWEST_KNOWN {
            return fault(format!(
                "{known} bases other than N in the first {USED}; {FEWEST_KNOWN} are needed"
            ));
        }
        let letter = |letter: &u8| match letter.to_ascii_uppercase() {
            b'U' => 'T',
            other => char::from(other),
        };
        Ok(Self { name, sequence: used.iter().map(letter).collect() })
    }

    /// Returns the letters that are used: at most 80, in upper case.
    pub fn sequence(&self) -> &str {
        &self.sequence
    }

    /// Returns the name in the FASTA file, or else the kit's, or else "given".
    pub fn name(&self) -> &str {
        self.name.as_deref().or(self.kit().map(|kit| kit.name)).unwrap_or(NO_NAME)
    }

    /// Returns the known kit whose adapter begins like this one.
    pub(super) fn kit(&self) -> Option<&'static Kit> {
        kit_of(&self.sequence.bytes().map(code).collect::<Vec<_>>())
    }

    /// Returns the probability of each base at each position: the same for all bases that a letter
    /// stands for.
    pub(super) fn probabilities(&self) -> Vec<[f32; 4]> {
        let row = |letter: u8| {
            let bases = bases_of(letter);
            let each = 1.0 / bases.count_ones() as f32;
            std::array::from_fn(|code| if bases >> code & 1 == 1 { each } else { 0.0 })
        };
        self.sequence.bytes().map(row).collect()
    }
}

fn unread(place: &str, source: std::io::Error) -> AdaptError {
    AdaptError::AdapterFile { place: place.to_owned(), source }
}

fn is_base(letter: char) -> bool {
    u8::try_from(letter).is_ok_and(|letter| bases_of(letter) > 0)
}

/// Returns that the character at an index of a text is no base.
fn no_base(text: &str, at: usize) -> String {
    let found = text.chars().nth(at).unwrap_or_default().escape_debug();
    format!("`{found}` at position {} is no base (A, C, G, T, N, other IUPAC letters)", at + 1)
}

/// Returns the start of a text on one line.
fn shown(text: &str) -> String {
    let start: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() { format!("{start}…") } else { start }
}
