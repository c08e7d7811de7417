//! Unique molecular identifiers (UMIs): bases of a read, or its index, that go into the read's name.

use std::fmt;
use std::str::FromStr;

use bm_reads::fastq::RecordRef;
use thiserror::Error;

use crate::PipelineError;

/// What is put before an identifier in a name, as fastp does.
const DELIMITER: &str = ":";

/// Where the identifier of a molecule is, and how it is written into the names of its reads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Umi {
    /// The places, in their order in the name.
    pub(crate) places: Vec<UmiPlace>,
    /// Bases behind the identifier of a read that are left out too, such as a spacer.
    pub skip: usize,
    /// What is put before the identifier.
    pub(crate) delimiter: String,
}

/// A place of an identifier, or of a part of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UmiPlace {
    /// As many of the first bases of a mate, 0 or 1.
    Read {
        /// 0, or 1 for the second mate.
        mate: usize,
        /// Number of bases.
        bases: usize,
    },
    /// An index in the description, 0 or 1: `1:N:0:ACGT+TTGA` has two.
    Index(usize),
}

/// Why a text names no identifiers.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum BadUmi {
    /// No place of an identifier.
    #[error(
        "expected read1:N or read2:N, where N is a number of bases from 1 on, index1 or index2"
    )]
    NoPlace,
    /// The same read or index twice.
    #[error("{0} is of a read or an index that is named before")]
    Twice(UmiPlace),
    /// A delimiter that cannot be part of a name.
    #[error("expected visible characters of ASCII, such as : or _")]
    Delimiter,
}

impl FromStr for UmiPlace {
    type Err = BadUmi;

    fn from_str(text: &str) -> Result<Self, BadUmi> {
        match text {
            "index1" => return Ok(Self::Index(0)),
            "index2" => return Ok(Self::Index(1)),
            _ => {}
        }
        let (read, bases) = text.split_once(':').ok_or(BadUmi::NoPlace)?;
        let mate = match read {
            "read1" => 0,
            "read2" => 1,
            _ => return Err(BadUmi::NoPlace),
        };
        let bases = bases.parse().ok().filter(|bases| *bases > 0).ok_or(BadUmi::NoPlace)?;
        Ok(Self::Read { mate, bases })
    }
}

impl fmt::Display for UmiPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { mate, bases } => write!(f, "read{}:{bases}", mate + 1),
            Self::Index(index) => write!(f, "index{}", index + 1),
        }
    }
}

impl fmt::Display for Umi {
    /// The places, separated by commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, place) in self.places.iter().enumerate() {
            let between = if number > 0 { "," } else { "" };
            write!(f, "{between}{place}")?;
        }
        Ok(())
    }
}

impl FromStr for Umi {
    type Err = BadUmi;

    /// Returns identifiers at places separated by commas, in their order in the name.
    fn from_str(text: &str) -> Result<Self, BadUmi> {
        let same = |one: &UmiPlace, other: &UmiPlace| match (one, other) {
            (UmiPlace::Read { mate: one, .. }, UmiPlace::Read { mate: other, .. }) => one == other,
            (one, other) => one == other,
        };
        let mut places = Vec::new();
        for place in text.split(',') {
            let place = place.parse()?;
            if places.iter().any(|before| same(before, &place)) {
                return Err(BadUmi::Twice(place));
            }
            places.push(place);
        }
        Ok(Self { places, skip: 0, delimiter: DELIMITER.to_owned() })
    }
}

impl Umi {
    /// Returns the identifiers with this delimiter between name and identifier instead of `:`.
    ///
    /// # Errors
    ///
    /// [`BadUmi::Delimiter`].
    pub fn with_delimiter(mut self, delimiter: &str) -> Result<Self, BadUmi> {
        Self::check_delimiter(delimiter)?;
        self.delimiter = delimiter.to_owned();
        Ok(self)
    }

    /// Checks that a delimiter can be part of a name.
    ///
    /// # Errors
    ///
    /// [`BadUmi::Delimiter`].
    pub fn check_delimiter(delimiter: &str) -> Result<(), BadUmi> {
        let fits = !delimiter.is_empty() && delimiter.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(()) } else { Err(BadUmi::Delimiter) }
    }

    /// Refuses a place that not all reads have, if not all are of pairs.
    pub(crate) fn check(&self, are_pairs: bool) -> Result<(), PipelineError> {
        let needs_mates = |place: &&UmiPlace| matches!(place, UmiPlace::Read { mate: 1, .. });
        match self.places.iter().find(needs_mates) {
            Some(place) if !are_pairs => {
                PipelineError::refuse(format!("--umi {place}: not all reads have a second mate"))
            }
            _ => Ok(()),
        }
    }

    /// Returns the identifiers that a record has in its description.
    pub(crate) fn indexes<'a>(
        &self,
        record: RecordRef<'a>,
    ) -> impl Iterator<Item = &'a [u8]> + use<'_, 'a> {
        self.places.iter().filter_map(move |place| match place {
            UmiPlace::Index(index) => Some(index_of(record, *index)),
            UmiPlace::Read { .. } => None,
        })
    }

    /// Returns the number of bases at the start of a mate, 0 or 1, that are an identifier or skipped.
    pub(crate) fn bases_of(&self, mate: usize) -> usize {
        let of_mate = |place: &UmiPlace| match place {
            UmiPlace::Read { mate: of, bases } if *of == mate => {
                Some(bases.saturating_add(self.skip))
            }
            _ => None,
        };
        self.places.iter().find_map(of_mate).unwrap_or(0)
    }
}

/// Returns an index of a read, 0 or 1, from its description: `1:N:0:ACGT+TTGA`.
pub(crate) fn index_of(record: RecordRef<'_>, index: usize) -> &[u8] {
    let description = &record.definition[record.name().len()..];
    let mut words = description.split(|byte| byte.is_ascii_whitespace());
    let word = words.find(|word| !word.is_empty()).unwrap_or(b"");
    let Some(colon) = word.iter().rposition(|byte| *byte == b':') else { return b"" };
    let bases = word[colon + 1..].split(|byte| *byte == b'+').nth(index).unwrap_or(b"");
    let is_base = |byte: &u8| matches!(byte.to_ascii_uppercase(), b'A' | b'C' | b'G' | b'T' | b'N');
    // Where the index is not known, its place has the number of the sample.
    if bases.iter().all(is_base) { bases } else { b"" }
}

#[cfg(test)]
mod tests {
    use bm_reads::bam::BamFields;

    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        for text in ["read1:8", "read2:12", "index1", "index2"] {
            let place: Result<UmiPlace, _> = text.parse();
            assert_eq!(place.map(|place| place.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "read1", "read1:0", "read3:8", "read1:-1", "index3", "index1:8", "8"] {
            assert_eq!(text.parse::<UmiPlace>(), Err(BadUmi::NoPlace), "{text}");
        }
    }

    #[test]
    fn a_read_has_one_identifier() {
        let umi = |text: &str| text.parse::<Umi>();
        assert_eq!(umi(""), Err(BadUmi::NoPlace));
        assert_eq!(umi("read1:3,"), Err(BadUmi::NoPlace));
        let twice = BadUmi::Twice(UmiPlace::Read { mate: 0, bases: 4 });
        assert_eq!(umi("read1:3,read1:4"), Err(twice));
        let both = umi("read2:6,index1").map(|umi| umi.to_string());
        assert_eq!(both.as_deref(), Ok("read2:6,index1"));
        for delimiter in ["", " ", "\t", "é", "a b"] {
            let umi = umi("read1:3").and_then(|umi| umi.with_delimiter(delimiter));
            assert_eq!(umi, Err(BadUmi::Delimiter));
        }
    }

    #[test]
    fn indexes_are_the_last_field_of_the_first_word_of_the_description() {
        let of = |definition: &'static str, index| {
            let definition = definition.as_bytes();
            index_of(
                RecordRef { definition, sequence: b"", quality_scores: b"", bam: BamFields::NONE },
                index,
            )
        };
        assert_eq!(of("r:1 1:N:0:ACGT+TTGA more:x", 0), b"ACGT");
        assert_eq!(of("r:1 1:N:0:ACGT+TTGA", 1), b"TTGA");
        assert_eq!(of("r:1 1:N:0:ACGT", 1), b"");
        assert_eq!(of("r:1 1:N:0:17", 0), b"");
        assert_eq!(of("r:1", 0), b"");
    }
}
