//! Batches: many records in one buffer.

use std::ops::Range;

use super::error::Fault;
use super::parse::Span;
use super::record::RecordRef;
use super::text::Text;
use crate::ReadError;
use crate::bam::BamFields;

/// Records handled together: their text, and the position of each record in it. The memory of a
/// batch depends on the size of its text, not on the number of records.
#[derive(Clone, Debug, Default)]
pub struct RecordBatch {
    pub(super) text: Text,
    pub(super) records: Vec<Span>,
    /// Number of records in the file before this batch, and the byte where this batch starts.
    pub(super) before: Address,
    /// Start in the file of each record added by [`RecordBatch::push`]; empty if the text was read
    /// from the file as it is.
    starts: Vec<u64>,
    /// The fields that BAM has beside each record added by [`RecordBatch::push`], and where they end.
    fields: Vec<u8>,
    ends: Vec<usize>,
    /// The record that each record is a piece of, and its number among these, from 1; empty if the records
    /// are whole.
    pieces: Vec<(usize, usize)>,
}

/// Memory for the fields of BAM that a cleared batch keeps, in bytes.
const KEPT_FIELDS: usize = 4 << 20;

/// Position of a record in its file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Address {
    /// Number of the record, from 1.
    pub record: u64,
    /// Start of the record, in bytes of the decompressed stream, from 0.
    pub byte: u64,
}

impl RecordBatch {
    /// Removes all records and keeps the memory, unless a very long read made it large.
    pub fn clear(&mut self) {
        self.text.clear();
        self.records.clear();
        self.starts.clear();
        self.fields.clear();
        self.fields.shrink_to(KEPT_FIELDS);
        self.ends.clear();
        self.pieces.clear();
    }

    /// Empties the batch for records that follow the first `records` of their file.
    pub fn begin_after(&mut self, records: u64) {
        self.clear();
        self.before = Address { record: records, byte: 0 };
    }

    /// Adds a record of another read format, which starts at this byte of its file. Call
    /// [`RecordBatch::begin_after`] before the first record.
    ///
    /// # Errors
    ///
    /// [`ReadError::LengthMismatch`] if there is not one quality score per base; the batch is then
    /// unchanged.
    pub fn push(&mut self, record: RecordRef<'_>, byte: u64) -> Result<(), ReadError> {
        let RecordRef { definition, sequence, quality_scores, bam } = record;
        if sequence.len() != quality_scores.len() {
            return Err(ReadError::LengthMismatch {
                sequence: sequence.len(),
                quality_scores: quality_scores.len(),
            });
        }
        let start = self.text.as_slice().len();
        let parts: [&[u8]; 7] =
            [b"@", definition, b"\n", sequence, b"\n+\n", quality_scores, b"\n"];
        parts.into_iter().for_each(|part| self.text.append(part));
        self.fields.extend_from_slice(bam.raw());
        self.added(Span::of_parts(start, definition.len(), sequence.len()), byte);
        Ok(())
    }

    /// Adds a record of BAM with as many bases, which starts at this byte of its file. `decode` writes the
    /// bases and the quality scores; if it fails, the batch is unchanged.
    pub(crate) fn push_decoded(
        &mut self,
        definition: &[u8],
        bases: usize,
        byte: u64,
        fields: [&[u8]; 2],
        decode: impl FnOnce(&mut [u8], &mut [u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let start = self.text.as_slice().len();
        for part in [b"@", definition, b"\n"] {
            self.text.append(part);
        }
        let between: &[u8] = b"\n+\n";
        let [sequence, rest] = self.text.append_two(bases, bases + between.len() + 1);
        let (separator, quality_scores) = rest.split_at_mut(between.len());
        separator.copy_from_slice(between);
        quality_scores[bases] = b'\n';
        if let Err(fault) = decode(sequence, &mut quality_scores[..bases]) {
            self.text.truncate(start);
            return Err(fault);
        }
        fields.into_iter().for_each(|part| self.fields.extend_from_slice(part));
        self.added(Span::of_parts(start, definition.len(), bases), byte);
        Ok(())
    }

    /// Adds the places of a record whose text and fields are there.
    fn added(&mut self, span: Span, byte: u64) {
        self.records.push(span);
        self.starts.push(byte);
        self.ends.push(self.fields.len());
    }

    /// Returns whether there are fields of BAM beside the records.
    pub fn has_fields(&self) -> bool {
        !self.fields.is_empty()
    }

    /// Returns the fields of BAM beside the record at `index`.
    fn fields_of(&self, index: usize) -> BamFields<'_> {
        let index = self.whole_index(index);
        let Some(end) = self.ends.get(index) else { return BamFields::NONE };
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        BamFields::of(&self.fields[start..*end])
    }

    /// Keeps the first `count` records, which are whole, and returns the others as a batch of their own.
    #[must_use]
    pub fn split_off(&mut self, count: usize) -> Self {
        let Some(start) = self.records.get(count).map(|record| record.start()) else {
            return Self::default();
        };
        let fields =
            count.checked_sub(1).and_then(|last| self.ends.get(last).copied()).unwrap_or(0);
        let mut rest = Self {
            fields: self.fields.split_off(fields.min(self.fields.len())),
            ends: self.ends.split_off(count.min(self.ends.len())),
            records: self.records.drain(count..).map(|span| span.before(start)).collect(),
            starts: self.starts.split_off(count.min(self.starts.len())),
            before: Address {
                record: self.before.record + count as u64,
                byte: self.before.byte + start as u64,
            },
            text: Text::default(),
            pieces: Vec::new(),
        };
        self.text.split_off(start, &mut rest.text);
        rest.ends.iter_mut().for_each(|end| *end -= fields);
        rest
    }

    /// Returns the number of records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Returns whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Returns the size of the records' text in bytes, with the fields of BAM beside it.
    pub fn bytes(&self) -> usize {
        self.text.as_slice().len() + self.fields.len()
    }

    /// Returns the record at `index`; `None` if the batch has fewer records.
    pub fn get(&self, index: usize) -> Option<RecordRef<'_>> {
        let record = self.records.get(index)?.of(self.text.as_slice());
        Some(RecordRef { bam: self.fields_of(index), ..record })
    }

    /// Leaves out bases at the start of each record, as many as `bases` says for its index, or all if
    /// there are fewer.
    pub fn cut_starts(&mut self, bases: impl Fn(usize) -> usize) {
        for (index, record) in self.records.iter_mut().enumerate() {
            record.cut_start(bases(index));
        }
    }

    /// Divides records into pieces, each of which is a record from then on: `pieces` returns the bases of
    /// those of a record, given by its index, in order; a record without pieces stays whole. Call it once,
    /// before records are kept apart.
    pub fn divide(&mut self, mut pieces: impl FnMut(usize, RecordRef<'_>) -> Vec<Range<usize>>) {
        let (mut records, mut numbers) = (Vec::new(), Vec::new());
        for (index, span) in self.records.iter().enumerate() {
            let of_record = pieces(index, span.of(self.text.as_slice()));
            if of_record.is_empty() {
                records.push(*span);
                numbers.push((index, 0));
            }
            for (number, bases) in of_record.into_iter().enumerate() {
                records.push(span.part(bases));
                numbers.push((index, number + 1));
            }
        }
        if numbers.iter().any(|(_, number)| *number > 0) {
            (self.records, self.pieces) = (records, numbers);
        }
    }

    /// Returns which piece of its record the record at `index` is, from 1; `None` if it is whole.
    pub fn piece(&self, index: usize) -> Option<usize> {
        self.pieces.get(index).map(|(_, number)| *number).filter(|number| *number > 0)
    }

    /// Returns the index of the record of the text that the record at `index` is, or is a piece of.
    fn whole_index(&self, index: usize) -> usize {
        self.pieces.get(index).map_or(index, |(whole, _)| *whole)
    }

    /// Returns how many bases are left out at the start of the record at `index`.
    pub fn cut_start(&self, index: usize) -> usize {
        self.records.get(index).map_or(0, |record| record.cut())
    }

    /// Returns the record at `index` with the bases that are left out; `None` if the batch has fewer
    /// records.
    pub fn whole(&self, index: usize) -> Option<RecordRef<'_>> {
        let record = self.records.get(index)?.whole().of(self.text.as_slice());
        Some(RecordRef { bam: self.fields_of(index), ..record })
    }

    /// Returns the address of the record at `index`; `None` if the batch has fewer records.
    pub fn address(&self, index: usize) -> Option<Address> {
        let start = self.records.get(index)?.start();
        let index = self.whole_index(index);
        let in_text = self.before.byte + start as u64;
        Some(Address {
            record: self.before.record + index as u64 + 1,
            byte: self.starts.get(index).copied().unwrap_or(in_text),
        })
    }

    /// Returns the records in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RecordRef<'_>> + Clone {
        let text = self.text.as_slice();
        let with_fields = move |(index, span): (usize, &Span)| RecordRef {
            bam: self.fields_of(index),
            ..span.of(text)
        };
        self.records.iter().enumerate().map(with_fields)
    }
}

/// The size of a batch. Only the text decides where batches end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BatchSize {
    /// The complete records in this many bytes of text, or one record if it is longer.
    Bytes(usize),
    /// As [`BatchSize::Bytes`], plus the mate of the last record if needed: an even number of
    /// records, unless the file ends after an odd number.
    PairsInBytes(usize),
    /// This many records of any size, or all remaining records if there are fewer.
    Records(usize),
    /// As [`BatchSize::Records`], but no more after the record that fills `bytes` of text.
    RecordsUpTo {
        /// Largest number of records.
        records: usize,
        /// Bytes of text after which no record is added.
        bytes: usize,
    },
}

impl BatchSize {
    /// Returns whether a batch of this many records and bytes takes no further record of any size.
    pub(crate) fn is_full(self, records: usize, bytes: usize) -> bool {
        match self {
            Self::Records(most) => records >= most,
            Self::RecordsUpTo { records: most, bytes: stop } => {
                records >= most || (records > 0 && bytes >= stop)
            }
            Self::Bytes(_) | Self::PairsInBytes(_) => false,
        }
    }

    /// Returns whether such a batch, which is not full, takes a record of `more` bytes.
    pub(crate) fn takes(self, records: usize, bytes: usize, more: usize) -> bool {
        match self {
            Self::Bytes(most) => records == 0 || bytes + more <= most,
            Self::PairsInBytes(most) => records == 0 || records % 2 == 1 || bytes + more <= most,
            Self::Records(_) | Self::RecordsUpTo { .. } => true,
        }
    }
}
