//! Many records in one piece of memory.

use std::io::Read;

use super::parse::{self, Found, Span};
use super::record::RecordRef;
use super::text::Text;
use super::{FastqError, Fault, Reader};

/// Records handled together: the text that they were read from, and where in it they are. A batch costs what its text costs,
/// whatever the lengths.
#[derive(Clone, Debug, Default)]
pub struct RecordBatch {
    text: Text,
    records: Vec<Span>,
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

    /// Returns the records in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RecordRef<'_>> + Clone {
        let text = self.text.as_slice();
        self.records.iter().map(|span| span.of(text))
    }
}

impl<R: Read> Reader<R> {
    /// Fills `batch`, after emptying it, with the records that are whole in the next `bytes` bytes of text, or with one that is
    /// longer than that.
    ///
    /// Returns whether there may be more. Where batches are cut depends on the text alone.
    ///
    /// # Errors
    ///
    /// As [`Reader::read_record`], once the records before the fault have been returned; the batch is empty then.
    pub fn read_batch(&mut self, batch: &mut RecordBatch, bytes: usize) -> Result<bool, FastqError> {
        batch.clear();
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        batch.text.append(self.text.rest());
        self.text.clear();
        let mut wanted = bytes;
        let mut end = 0;
        let (more, fault) = loop {
            self.source.fill(&mut batch.text, wanted);
            let found = loop {
                let text = batch.text.rest();
                // Only the first record may be longer than a batch.
                let most = if end == 0 { text.len() } else { text.len().min(bytes.max(end)) };
                let at_end = self.source.is_at_end() && most == text.len();
                match parse::record(&mut text[end..most], at_end) {
                    Found::Record { span, bytes } => {
                        batch.records.push(span.after(end));
                        end += bytes;
                    }
                    found => break found,
                }
            };
            match found {
                Found::Nothing => break (false, None),
                Found::Fault { name, fault } => break (true, Some((name, fault))),
                _ if !batch.is_empty() => break (true, None),
                Found::Record { .. } | Found::Part => match self.source.failure() {
                    Some(error) => break (true, Some((None, Fault::Io(error)))),
                    // Twice as much each time, so that what is looked at again is never more than what is new.
                    None => wanted = 2 * batch.bytes().max(bytes),
                },
            }
        };
        batch.text.split_off(end, &mut self.text);
        self.count(batch.len(), end);
        self.fault = fault.map(|(name, fault)| self.error(name, fault));
        match self.fault.take_if(|_| batch.is_empty()) {
            Some(fault) => Err(fault),
            None => Ok(more),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_gives_back_what_was_put_in() {
        let text = b"@a x\nAC\n+\nII\n@b\n\n+\n\n@c\nNNN\n+\n!!~\n";
        let (mut batch, mut written) = (RecordBatch::default(), Vec::new());
        let mut reader = Reader::new(&text[..]);
        while reader.read_batch(&mut batch, 23).expect("the records are whole") {
            assert_eq!(batch.len(), 2);
            batch.iter().for_each(|record| record.write_to(&mut written, b"").expect("memory can be written"));
        }
        batch.iter().for_each(|record| record.write_to(&mut written, b"").expect("memory can be written"));
        assert_eq!(written, text);
    }

    #[test]
    fn a_batch_holds_whole_records_or_one_that_is_longer() {
        let text = b"@a\nACGT\n+\nIIII\n".repeat(5);
        for (bytes, records) in [(1, 1), (14, 1), (15, 1), (29, 1), (30, 2), (75, 5), (76, 5)] {
            let mut batch = RecordBatch::default();
            let more = Reader::new(&text[..]).read_batch(&mut batch, bytes);
            assert_eq!((more.ok(), batch.len(), batch.bytes()), (Some(bytes < 76), records, 15 * records), "{bytes}");
        }
    }
}
