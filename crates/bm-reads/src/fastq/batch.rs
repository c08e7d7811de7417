//! Many records in one piece of memory.

use super::parse::Span;
use super::record::RecordRef;
use super::text::Text;

/// Records handled together: the text that they were read from, and where in it they are. A batch
/// costs what its text costs, whatever the lengths.
#[derive(Clone, Debug, Default)]
pub struct RecordBatch {
    pub(super) text: Text,
    pub(super) records: Vec<Span>,
    /// Records of the file before these, and where these start in it.
    pub(super) before: Address,
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
        Some(Address {
            record: self.before.record + index as u64 + 1,
            byte: self.before.byte + start as u64,
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
