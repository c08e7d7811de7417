//! Many records in one piece of memory.

use super::record::RecordRef;
use super::{FastqError, Record};

/// Records handled together. Their text lies in one buffer, so a batch costs what its text costs, whatever the lengths.
#[derive(Clone, Debug, Default)]
pub struct RecordBatch {
    /// Definition, sequence and quality scores of every record, without line ends.
    text: Vec<u8>,
    records: Vec<Span>,
}

/// Where a record lies in the text.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    definition: usize,
    /// Bases, and as many quality scores.
    bases: usize,
}

impl RecordBatch {
    /// Memory that an emptied batch keeps.
    const KEPT: usize = 4 * 1024 * 1024;

    /// Appends a record that a [`super::Reader`] has checked: it has one quality score a base.
    fn push(&mut self, record: &Record) {
        let record = record.view();
        self.records.push(Span { start: self.text.len(), definition: record.definition.len(), bases: record.sequence.len() });
        for part in [record.definition, record.sequence, record.quality_scores] {
            self.text.extend_from_slice(part);
        }
    }

    /// Removes all records and keeps the memory, unless a very long read made it large.
    pub fn clear(&mut self) {
        self.text.clear();
        self.text.shrink_to(Self::KEPT);
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

    /// Returns the size of the text in bytes.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Returns the records in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RecordRef<'_>> + Clone {
        self.records.iter().map(|span| {
            let (definition, rest) = self.text[span.start..].split_at(span.definition);
            let (sequence, rest) = rest.split_at(span.bases);
            RecordRef { definition, sequence, quality_scores: &rest[..span.bases] }
        })
    }
}

impl<R: std::io::BufRead> super::Reader<R> {
    /// Fills `batch`, after emptying it, with the records that come next: until it has `records` of them or `bytes` of text.
    ///
    /// Returns whether there may be more. `record` is scratch memory.
    ///
    /// # Errors
    ///
    /// As [`super::Reader::read_record`]; the records before the fault are in the batch.
    pub fn read_batch(
        &mut self,
        batch: &mut RecordBatch,
        record: &mut Record,
        records: usize,
        bytes: usize,
    ) -> Result<bool, FastqError> {
        batch.clear();
        while batch.len() < records && batch.bytes() < bytes {
            if !self.read_record(record)? {
                return Ok(false);
            }
            batch.push(record);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fastq::Reader;

    #[test]
    fn a_batch_gives_back_what_was_put_in() {
        let text = b"@a x\nAC\n+\nII\n@b\n\n+\n\n@c\nNNN\n+\n!!~\n";
        let (mut batch, mut record, mut written) = (RecordBatch::default(), Record::default(), Vec::new());
        let mut reader = Reader::new(&text[..]);
        while reader.read_batch(&mut batch, &mut record, 2, usize::MAX).expect("the records are whole") {
            assert_eq!(batch.len(), 2);
            batch.iter().for_each(|record| record.write_to(&mut written, b"").expect("memory can be written"));
        }
        batch.iter().for_each(|record| record.write_to(&mut written, b"").expect("memory can be written"));
        assert_eq!(written, text);
    }

    #[test]
    fn a_batch_ends_at_the_first_record_beyond_its_bytes() {
        let text = b"@a\nACGT\n+\nIIII\n".repeat(5);
        let mut batch = RecordBatch::default();
        let more = Reader::new(&text[..]).read_batch(&mut batch, &mut Record::default(), 100, 10);
        assert!(matches!(more, Ok(true)));
        assert_eq!((batch.len(), batch.bytes()), (2, 18));
    }
}
