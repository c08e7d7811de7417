//! Many records in one piece of memory.

use super::parse::Span;
use super::record::RecordRef;
use super::text::Text;
use crate::ReadError;

/// Records handled together: the text that they were read from, and where in it they are. A batch
/// costs what its text costs, whatever the lengths.
#[derive(Clone, Debug, Default)]
pub struct RecordBatch {
    pub(super) text: Text,
    pub(super) records: Vec<Span>,
    /// Records of the file before these, and where these start in it.
    pub(super) before: Address,
    /// Where records that were added one by one start in their file; empty if the text is the
    /// file's own.
    starts: Vec<u64>,
}

/// Where a record is in its file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Address {
    /// Which record, from 1.
    pub record: u64,
    /// Where it starts, in bytes of the decompressed stream, from 0.
    pub byte: u64,
}

impl RecordBatch {
    /// Removes all records and keeps the memory, unless a very long read made it large.
    pub fn clear(&mut self) {
        self.text.clear();
        self.records.clear();
        self.starts.clear();
    }

    /// Empties the batch for records that follow the first `records` of their file.
    pub fn begin_after(&mut self, records: u64) {
        self.clear();
        self.before = Address { record: records, byte: 0 };
    }

    /// Adds a record that another format of reads gave, and that starts at this byte of its file. The
    /// batch must have been emptied by [`RecordBatch::begin_after`].
    ///
    /// # Errors
    ///
    /// [`ReadError::LengthMismatch`] without one quality score per base; the batch is then as it was.
    pub fn push(&mut self, record: RecordRef<'_>, byte: u64) -> Result<(), ReadError> {
        let RecordRef { definition, sequence, quality_scores } = record;
        if sequence.len() != quality_scores.len() {
            return Err(ReadError::LengthMismatch {
                sequence: sequence.len(),
                quality_scores: quality_scores.len(),
            });
        }
        self.records.push(Span::of_parts(self.bytes(), definition.len(), sequence.len()));
        self.starts.push(byte);
        let parts: [&[u8]; 7] =
            [b"@", definition, b"\n", sequence, b"\n+\n", quality_scores, b"\n"];
        parts.into_iter().for_each(|part| self.text.append(part));
        Ok(())
    }

    /// Returns the number of records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Returns whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Returns the size of the records' text in bytes.
    pub fn bytes(&self) -> usize {
        self.text.as_slice().len()
    }

    /// Returns a record, if there are so many.
    pub fn get(&self, index: usize) -> Option<RecordRef<'_>> {
        Some(self.records.get(index)?.of(self.text.as_slice()))
    }

    /// Returns where a record of the batch is in its file, if there is such a record.
    pub fn address(&self, index: usize) -> Option<Address> {
        let start = self.records.get(index)?.start();
        let in_text = self.before.byte + start as u64;
        Some(Address {
            record: self.before.record + index as u64 + 1,
            byte: self.starts.get(index).copied().unwrap_or(in_text),
        })
    }

    /// Returns the records in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RecordRef<'_>> + Clone {
        let text = self.text.as_slice();
        self.records.iter().map(|span| span.of(text))
    }
}

/// How much goes into a batch. Where batches are cut depends on the text alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BatchSize {
    /// The records that are whole in the next so many bytes of text, or one that is longer than
    /// that.
    Bytes(usize),
    /// The same, and the mate of the last one: an even number of records, unless the file has an
    /// odd one.
    PairsInBytes(usize),
    /// So many records, whatever their size, or those that are left.
    Records(usize),
}
