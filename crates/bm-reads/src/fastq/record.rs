//! One FASTQ record, owned or borrowed.

use std::io::{self, Write};

use memchr::memchr2;

use crate::ReadRef;
use crate::bam::BamFields;

/// Memory that each part of a record keeps for the next one, in bytes.
const KEPT: usize = 4 * 1024 * 1024;

/// A FASTQ record. Reuse one record for many reads: it keeps its memory, unless a very long read made
/// it large.
#[derive(Clone, Default)]
pub struct Record {
    definition: Vec<u8>,
    sequence: Vec<u8>,
    quality_scores: Vec<u8>,
    /// The fields that BAM has beside these.
    fields: Vec<u8>,
}

impl Record {
    /// Returns the definition line as in the file, without `@`: the name and the description.
    pub fn definition(&self) -> &[u8] {
        &self.definition
    }

    /// Returns the read's name: the definition up to the first space or tab.
    pub fn name(&self) -> &[u8] {
        self.view().name()
    }

    /// Returns the bases.
    pub fn sequence(&self) -> &[u8] {
        &self.sequence
    }

    /// Returns the quality scores, Phred + 33.
    pub fn quality_scores(&self) -> &[u8] {
        &self.quality_scores
    }

    /// Returns the record, borrowed.
    pub fn view(&self) -> RecordRef<'_> {
        RecordRef {
            definition: &self.definition,
            sequence: self.sequence(),
            quality_scores: self.quality_scores(),
            bam: BamFields::of(&self.fields),
        }
    }

    /// Returns the record as a read.
    pub fn as_read(&self) -> ReadRef<'_> {
        self.view().as_read()
    }

    /// Returns the memory that is held, in bytes.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        [&self.definition, &self.sequence, &self.quality_scores].map(Vec::capacity).iter().sum()
    }

    /// Replaces this record by a copy of `record`.
    pub(crate) fn copy(&mut self, record: RecordRef<'_>) {
        let RecordRef { definition, sequence, quality_scores, bam } = record;
        for (ours, theirs) in [
            (&mut self.definition, definition),
            (&mut self.sequence, sequence),
            (&mut self.quality_scores, quality_scores),
            (&mut self.fields, bam.raw()),
        ] {
            ours.clear();
            if ours.capacity() > KEPT {
                ours.shrink_to(theirs.len().max(KEPT));
            }
            ours.extend_from_slice(theirs);
        }
    }

    /// Writes the record as four lines, see [`RecordRef::write_to`].
    ///
    /// # Errors
    ///
    /// The error of `writer`.
    pub fn write_to<W: Write + ?Sized>(&self, writer: &mut W, suffix: &[u8]) -> io::Result<()> {
        self.view().write_to(writer, suffix)
    }
}

/// A FASTQ record, borrowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RecordRef<'a> {
    /// The definition line as in the file, without `@`.
    pub definition: &'a [u8],
    /// The bases.
    pub sequence: &'a [u8],
    /// The quality scores, Phred + 33.
    pub quality_scores: &'a [u8],
    /// What BAM has beside these; empty for other formats.
    pub bam: BamFields<'a>,
}

impl<'a> RecordRef<'a> {
    /// Returns the read's name: the definition up to the first space or tab.
    pub fn name(&self) -> &'a [u8] {
        name(self.definition)
    }

    /// Returns the record as a read.
    pub fn as_read(&self) -> ReadRef<'a> {
        ReadRef { name: self.name(), sequence: self.sequence, quality_scores: self.quality_scores }
    }

    /// Writes the record as four lines, with `suffix` at the end of the definition.
    ///
    /// Definition, sequence and quality scores are written unchanged, byte for byte; line ends are
    /// `\n` and the third line is `+`.
    ///
    /// # Errors
    ///
    /// The error of `writer`.
    pub fn write_to<W: Write + ?Sized>(&self, writer: &mut W, suffix: &[u8]) -> io::Result<()> {
        for part in [
            b"@",
            self.definition,
            suffix,
            b"\n",
            self.sequence,
            b"\n+\n",
            self.quality_scores,
            b"\n",
        ] {
            writer.write_all(part)?;
        }
        Ok(())
    }
}

/// Returns the name in a definition: the part before the first space or tab.
pub(crate) fn name(definition: &[u8]) -> &[u8] {
    &definition[..memchr2(b' ', b'\t', definition).unwrap_or(definition.len())]
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record")
            .field("definition", &String::from_utf8_lossy(&self.definition))
            .field("sequence", &String::from_utf8_lossy(self.sequence()))
            .field("quality_scores", &String::from_utf8_lossy(self.quality_scores()))
            .finish()
    }
}
