//! Files of reads that can be read from any place on: where they are cut into shards.
//!
//! Shard `i` of `n` has the records that begin between two cuts, the first records behind the bytes
//! `(i - 1) / n` and `i / n` of the file as stored. A cut depends on the file and on its own fraction
//! only, so the two shards beside it agree about it. In BGZF, the first block behind the byte is looked
//! for, and the first record in its text.
//!
//! Where a cut is wrong all the same, such as among mates whose names occur again and again, nothing is
//! lost in silence: the first shard begins with the file, and a shard that begins right and ends within a
//! record, or with more mates than there are, is refused.

use std::path::Path;

use bm_reads::mates::{self, Mismatch};
use bm_reads::starts::Lines;

use crate::IoError;
use crate::part_of_file::PartOfFile;
use crate::shard::Shard;
use crate::stored_file::StoredFile;
use crate::walk::{Place, Walk};

/// Bytes as stored on both sides of a fraction of a file in which a mate is looked for first, and by how
/// much more they become if it is not there.
const REACH: u64 = 1 << 20;
const FARTHER: u64 = 8;

/// A file of reads that can be read from any place on: plain text or BGZF.
pub struct DivisibleFile {
    file: StoredFile,
    lines: Lines,
}

/// Between which records a file is cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Between {
    /// Any two records.
    Records,
    /// Two pairs of mates that follow each other.
    Pairs,
}

impl DivisibleFile {
    /// Opens a file of FASTQ or, if `is_fasta`, of FASTA.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, or cannot be read from any place on.
    pub fn open(path: &Path, is_fasta: bool) -> Result<Self, IoError> {
        let lines = if is_fasta { Lines::Fasta } else { Lines::Fastq };
        Ok(Self { file: StoredFile::open(path)?, lines })
    }

    /// Returns a shard of the file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or no record can be found where it is to be cut.
    pub fn part(&self, shard: Shard, between: Between) -> Result<PartOfFile<'_>, IoError> {
        let cut = |index| self.cut(index, shard, between).map(|(place, _)| place);
        self.between(shard, cut(shard.index() - 1)?, cut(shard.index())?)
    }

    /// Returns the shard between two cuts.
    fn between(&self, shard: Shard, from: Place, to: Place) -> Result<PartOfFile<'_>, IoError> {
        if to < from {
            return Err(IoError::Refused(format!(
                "{}: shard {shard} would end before it begins: records are not in order, or names of \
                 mates occur again and again; {INTERLEAVE}",
                self.file.name
            )));
        }
        Ok(PartOfFile { file: &self.file, lines: self.lines, shard, from, to })
    }

    /// Returns the shards of two files of mates: the mates of the records in the shard of the first file
    /// are looked for by their names.
    ///
    /// # Errors
    ///
    /// As [`DivisibleFile::part`], or if there is no such mate.
    pub fn parts_of_mates<'a>(
        first: &'a Self,
        second: &'a Self,
        shard: Shard,
    ) -> Result<[PartOfFile<'a>; 2], IoError> {
        let cut = |index| {
            let (ours, definition) = first.cut(index, shard, Between::Records)?;
            let theirs = match definition {
                Some(definition) => second.mate(&definition, index, shard, &first.file.name)?,
                None if index == 0 => Place { stored: 0, within: 0 },
                None => second.end(),
            };
            Ok::<_, IoError>([ours, theirs])
        };
        let (from, to) = (cut(shard.index() - 1)?, cut(shard.index())?);
        Ok([first.between(shard, from[0], to[0])?, second.between(shard, from[1], to[1])?])
    }

    /// Returns the place where the file ends.
    fn end(&self) -> Place {
        Place { stored: self.file.bytes, within: 0 }
    }

    /// Returns the byte of this fraction of the file.
    fn fraction(&self, index: u32, shard: Shard) -> u64 {
        let bytes = u128::from(self.file.bytes) * u128::from(index) / u128::from(shard.of());
        // Not more than the file has.
        u64::try_from(bytes).unwrap_or(self.file.bytes)
    }

    /// Returns the place before which the file is cut, and the definition of the record there, if the
    /// cut is behind the start of the file and before its end.
    fn cut(
        &self,
        index: u32,
        shard: Shard,
        between: Between,
    ) -> Result<(Place, Option<Vec<u8>>), IoError> {
        if index == 0 {
            return Ok((Place { stored: 0, within: 0 }, None));
        }
        if index == shard.of() {
            return Ok((self.end(), None));
        }
        let border = self.file.border(self.fraction(index, shard))?;
        let mut walk = Walk::new(&self.file, self.lines, border);
        if !walk.find_first()? {
            return Ok((self.end(), None));
        }
        let mut before: Option<Vec<u8>> = None;
        loop {
            let Some((place, definition)) = walk.next()? else { return Ok((self.end(), None)) };
            let is_start = match (between, &before) {
                (Between::Records, _) => true,
                (Between::Pairs, None) => false,
                // Of two records of different templates, or of a second and a first mate, the second
                // one begins a pair.
                (Between::Pairs, Some(before)) => matches!(
                    mates::check(before, &definition),
                    Some(Mismatch::Names | Mismatch::Order)
                ),
            };
            if is_start {
                return Ok((place, Some(definition)));
            }
            before = Some(definition);
        }
    }

    /// Returns the place of the mate of a record of another file, as near as possible to this fraction
    /// of this file.
    fn mate(
        &self,
        definition: &[u8],
        index: u32,
        shard: Shard,
        other: &str,
    ) -> Result<Place, IoError> {
        let middle = self.fraction(index, shard);
        let mut reach = REACH;
        loop {
            let from = middle.saturating_sub(reach);
            let to = middle.saturating_add(reach).min(self.file.bytes);
            let border = if from == 0 { 0 } else { self.file.border(from)? };
            let mut walk = Walk::new(&self.file, self.lines, border);
            let mut nearest: Option<Place> = None;
            let mut has_begun = from == 0 || walk.find_first()?;
            while let Some((place, found)) = if has_begun { walk.next()? } else { None } {
                let distance = |place: Place| place.stored.abs_diff(middle);
                if mates::check(definition, &found) != Some(Mismatch::Names)
                    && nearest.is_none_or(|nearest| distance(place) < distance(nearest))
                {
                    nearest = Some(place);
                }
                has_begun = place.stored <= to;
            }
            if let Some(place) = nearest {
                return Ok(place);
            }
            if from == 0 && to == self.file.bytes {
                let name = definition.split(|byte| matches!(byte, b' ' | b'\t')).next();
                return Err(IoError::Refused(format!(
                    "{}: has no mate of the read {} of {other}; mates must be in the same order, and \
                     none left out",
                    self.file.name,
                    name.unwrap_or_default().escape_ascii()
                )));
            }
            reach = reach.saturating_mul(FARTHER);
        }
    }
}

/// What to do with two files of mates that cannot be divided.
const INTERLEAVE: &str =
    "write both mates into one file, one after the other, and say --interleaved";
