//! The reader: returns records one by one or in batches.

use std::io::{self, Read};

use super::batch::{Address, BatchSize, RecordBatch};
use super::error::{FastqError, Fault};
use super::offset::{FirstQualities, QualityOffset};
use super::parse::{self, Found, LONGEST_RECORD};
use super::record::Record;
use super::text::{CHUNK, Source, Text};
use crate::RecordSource;

/// Reads FASTQ records and checks each one.
pub struct Reader<R> {
    source: Source<R>,
    /// Text that was read from the source but not returned yet.
    text: Text,
    /// Number of records returned.
    records: u64,
    /// Start of the next record, in bytes of the decompressed stream.
    byte: u64,
    /// The fault after the last batch; the next call returns it.
    fault: Option<FastqError>,
    /// Whether quality scores are Phred + 64.
    phred64: bool,
    /// The quality scores so far, if it is not yet known whether they may be Phred + 33.
    first: Option<FirstQualities>,
}

/// [`BatchSize`] in numbers.
struct Size {
    /// Largest text of a batch, in bytes.
    bytes: usize,
    /// Records per template, which stay together: 1 or 2.
    group: usize,
    /// Largest number of records.
    records: usize,
    /// Bytes of text after which a batch by number of records ends.
    stop: usize,
}

impl Size {
    /// No limit, single records.
    const ALL: Self = Self { bytes: usize::MAX, group: 1, records: usize::MAX, stop: usize::MAX };

    /// Returns whether a batch by number of records is full.
    fn is_reached(&self, records: usize, bytes: usize) -> bool {
        records == self.records || bytes >= self.stop
    }
}

impl<R: Read> Reader<R> {
    /// Returns a reader of the FASTQ text of `inner` with quality scores as Phred + 33. The reader
    /// buffers, so `inner` does not need to.
    pub fn new(inner: R) -> Self {
        Self {
            source: Source::new(inner),
            text: Text::default(),
            records: 0,
            byte: 0,
            fault: None,
            phred64: false,
            first: None,
        }
    }

    /// Reads quality scores as Phred + 64 (Illumina before 2011); the records returned have
    /// Phred + 33.
    #[must_use]
    pub fn phred64(self) -> Self {
        self.with_offset(QualityOffset::Phred64)
    }

    /// Reads quality scores with this offset; the records returned always have Phred + 33.
    #[must_use]
    pub fn with_offset(self, offset: QualityOffset) -> Self {
        Self {
            phred64: offset == QualityOffset::Phred64,
            first: (offset == QualityOffset::Unstated).then(FirstQualities::default),
            ..self
        }
    }

    /// Returns the number of whole records read.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Reads the next record into `record`; returns `false` at the end of the file.
    ///
    /// Line ends are `\n` or `\r\n` and are not part of the record. Blank lines are allowed at the
    /// end of the file only.
    ///
    /// # Errors
    ///
    /// A [`FastqError`] with the number, the start and, if known, the name of the record. Do not
    /// read further after an error.
    pub fn read_record(&mut self, record: &mut Record) -> Result<bool, FastqError> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        loop {
            match parse::record(self.text.rest(), self.source.is_at_end()) {
                Found::Record { span, bytes } => {
                    if self.phred64
                        && let Err(fault) = span.convert_phred64(self.text.rest())
                    {
                        let name = span.of(self.text.rest()).name().to_vec();
                        return Err(self.error(Some(name), fault));
                    }
                    let found = span.of(self.text.rest());
                    if let Err(fault) = FirstQualities::look(&mut self.first, found.quality_scores)
                    {
                        return Err(self.error(None, fault));
                    }
                    record.copy(found);
                    self.text.consume(bytes);
                    self.count(1, bytes);
                    return Ok(true);
                }
                Found::Nothing => {
                    let last = FirstQualities::decide(&mut self.first);
                    return last.map(|()| false).map_err(|fault| self.error(None, fault));
                }
                Found::Fault { name, fault } => return Err(self.error(name, fault)),
                Found::Part => self.read_on(CHUNK)?,
            }
        }
    }

    /// Empties `batch` and fills it with the next records; returns whether there may be more.
    ///
    /// # Errors
    ///
    /// As [`Reader::read_record`], after the records before the fault have been returned; the batch
    /// is then empty.
    pub fn read_batch(
        &mut self,
        batch: &mut RecordBatch,
        size: BatchSize,
    ) -> Result<bool, FastqError> {
        let size = match size {
            // Batches of 0 bytes would never end.
            BatchSize::Bytes(bytes) => Size { bytes: bytes.max(1), ..Size::ALL },
            BatchSize::PairsInBytes(bytes) => Size { bytes: bytes.max(1), group: 2, ..Size::ALL },
            BatchSize::Records(records) => Size { records, ..Size::ALL },
            BatchSize::RecordsUpTo { records, bytes } => {
                Size { records, stop: bytes.max(1), ..Size::ALL }
            }
        };
        batch.clear();
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        batch.text.append(self.text.rest());
        self.text.clear();
        let chunk = if size.bytes == usize::MAX { CHUNK } else { size.bytes };
        let mut wanted = chunk;
        let mut end = 0;
        let (more, fault) = loop {
            self.source.fill(&mut batch.text, wanted);
            let found = loop {
                if size.is_reached(batch.records.len(), end) {
                    break Found::Part;
                }
                let is_whole = batch.records.len().is_multiple_of(size.group);
                let text = batch.text.rest();
                // Only the first record of a batch, or the mate of the last one, may exceed its
                // size.
                let most = if end == 0 || !is_whole {
                    text.len()
                } else {
                    text.len().min(size.bytes.max(end))
                };
                let at_end = self.source.is_at_end() && most == text.len();
                match parse::record(&mut text[end..most], at_end) {
                    Found::Record { span, bytes } => {
                        let text = &mut text[end..];
                        if self.phred64
                            && let Err(fault) = span.convert_phred64(text)
                        {
                            break Found::Fault {
                                name: Some(span.of(text).name().to_vec()),
                                fault,
                            };
                        }
                        let found = span.of(text).quality_scores;
                        if let Err(fault) = FirstQualities::look(&mut self.first, found) {
                            break Found::Fault { name: None, fault };
                        }
                        batch.records.push(span.after(end));
                        end += bytes;
                    }
                    found => break found,
                }
            };
            let is_full = end > 0
                && size.bytes != usize::MAX
                && batch.records.len().is_multiple_of(size.group);
            match found {
                Found::Nothing => match FirstQualities::decide(&mut self.first) {
                    Ok(()) => break (false, None),
                    Err(fault) => break (true, Some((None, fault))),
                },
                Found::Fault { name, fault } => break (true, Some((name, fault))),
                _ if is_full || size.is_reached(batch.records.len(), end) => break (true, None),
                Found::Record { .. } | Found::Part => match self.source.failure() {
                    Some(error) => break (true, Some((None, Fault::Io(error)))),
                    None if batch.bytes() - end > LONGEST_RECORD => {
                        break (true, Some((None, Fault::LongRecord { longest: LONGEST_RECORD })));
                    }
                    None => wanted = longer(batch.bytes(), 2 * chunk, end),
                },
            }
        };
        let fault = match fault {
            // A fault of all records: none is returned.
            Some((_, fault @ Fault::LooksLikePhred64 { .. })) => {
                batch.clear();
                return Err(self.error(None, fault));
            }
            fault => fault,
        };
        batch.text.split_off(end, &mut self.text);
        batch.before = Address { record: self.records, byte: self.byte };
        self.count(batch.len(), end);
        self.fault = fault.map(|(name, fault)| self.error(name, fault));
        match self.fault.take_if(|_| batch.is_empty()) {
            Some(fault) => Err(fault),
            None => Ok(more),
        }
    }

    /// Reads up to this many more bytes without parsing them, and returns the error of the stream,
    /// if one occurs.
    ///
    /// After a fault in the text, this shows whether the stream itself is damaged: decompressors
    /// often verify their checksum only at the end.
    pub fn stream_failure_within(&mut self, bytes: u64) -> Option<io::Error> {
        self.source.skip(bytes);
        self.source.failure()
    }

    /// Reads more of an incomplete record: `bytes` in all, or as many as [`longer`] returns if that
    /// is more.
    fn read_on(&mut self, bytes: usize) -> Result<(), FastqError> {
        if let Some(error) = self.source.failure() {
            return Err(self.error(None, Fault::Io(error)));
        }
        if self.text.rest().len() > LONGEST_RECORD {
            return Err(self.error(None, Fault::LongRecord { longest: LONGEST_RECORD }));
        }
        self.text.shrink();
        let bytes = longer(self.text.rest().len(), bytes, 0);
        self.source.fill(&mut self.text, bytes);
        Ok(())
    }

    fn count(&mut self, records: usize, bytes: usize) {
        self.records += records as u64;
        self.byte += bytes as u64;
    }

    fn error(&self, name: Option<Vec<u8>>, fault: Fault) -> FastqError {
        FastqError { record: self.records + 1, byte: self.byte, name, fault }
    }
}

/// Returns the length to which a text of this many bytes is read on, at least to `least`, if its
/// last record begins at `start` and is incomplete. Growth by a fraction keeps the text that is
/// parsed again few times as long as the new text; a small fraction keeps short what was read after
/// the record.
fn longer(bytes: usize, least: usize, start: usize) -> usize {
    let longer = bytes.saturating_add((bytes / 4).max(CHUNK)).max(least);
    longer.min(start.saturating_add(LONGEST_RECORD + 1)).max(bytes + 1)
}

impl<R: Read + Send> RecordSource for Reader<R> {
    fn read_batch(&mut self, batch: &mut RecordBatch, size: BatchSize) -> Result<bool, FastqError> {
        Self::read_batch(self, batch, size)
    }

    fn read_record(&mut self, record: &mut Record) -> Result<bool, FastqError> {
        Self::read_record(self, record)
    }

    fn records(&self) -> u64 {
        Self::records(self)
    }

    fn stream_failure_within(&mut self, bytes: u64) -> Option<io::Error> {
        Self::stream_failure_within(self, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_a_batch_are_written_back_unchanged() {
        let text = b"@a x\nAC\n+\nII\n@b\n\n+\n\n@c\nNNN\n+\n!!~\n";
        let (mut batch, mut written) = (RecordBatch::default(), Vec::new());
        let mut reader = Reader::new(&text[..]);
        while reader.read_batch(&mut batch, BatchSize::Bytes(23)).expect("the records are whole") {
            assert_eq!(batch.len(), 2);
            batch.iter().for_each(|record| {
                record.write_to(&mut written, b"").expect("memory can be written")
            });
        }
        batch
            .iter()
            .for_each(|record| record.write_to(&mut written, b"").expect("memory can be written"));
        assert_eq!(written, text);
    }

    #[test]
    fn a_batch_holds_the_records_that_fit_or_one_longer_record() {
        let text = b"@a\nACGT\n+\nIIII\n".repeat(5);
        for (bytes, records) in
            [(0, 1), (1, 1), (14, 1), (15, 1), (29, 1), (30, 2), (75, 5), (76, 5)]
        {
            let mut batch = RecordBatch::default();
            let more = Reader::new(&text[..]).read_batch(&mut batch, BatchSize::Bytes(bytes));
            assert_eq!(
                (more.ok(), batch.len(), batch.bytes()),
                (Some(bytes < 76), records, 15 * records),
                "{bytes}"
            );
        }
    }

    /// Returns the number of records in each batch of `text`, and the fault at the end, if any.
    fn sizes(text: &[u8], size: BatchSize) -> (Vec<usize>, Option<String>) {
        let (mut reader, mut batch, mut sizes) =
            (Reader::new(text), RecordBatch::default(), Vec::new());
        loop {
            match reader.read_batch(&mut batch, size) {
                Ok(more) => {
                    sizes.push(batch.len());
                    if !more {
                        return (sizes, None);
                    }
                }
                Err(error) => return (sizes, Some(error.to_string())),
            }
        }
    }

    #[test]
    fn every_record_has_its_address() {
        let text = b"@a\nACGT\n+\nIIII\n@bc\n\n+\n\n".repeat(3);
        for bytes in [1, 30, 40, 1_000] {
            let (mut reader, mut batch, mut found) =
                (Reader::new(&text[..]), RecordBatch::default(), Vec::new());
            while reader
                .read_batch(&mut batch, BatchSize::Bytes(bytes))
                .expect("the records are whole")
            {
                found.extend((0..batch.len()).map(|i| batch.address(i)));
            }
            found.extend((0..=batch.len()).map(|i| batch.address(i)));
            let expected = [0, 15, 23, 38, 46, 61]
                .into_iter()
                .zip(1..)
                .map(|(byte, record)| Some(Address { record, byte }));
            assert!(found.iter().copied().eq(expected.chain([None])), "{bytes}: {found:?}");
        }
    }

    #[test]
    fn pairs_stay_in_one_batch() {
        // Records of 15 bytes.
        let text = b"@a\nACGT\n+\nIIII\n".repeat(5);
        for (bytes, expected) in [
            (0, vec![2, 2, 1]),
            (1, vec![2, 2, 1]),
            (15, vec![2, 2, 1]),
            (30, vec![2, 2, 1]),
            (45, vec![4, 1]),
            (60, vec![4, 1]),
        ] {
            assert_eq!(sizes(&text, BatchSize::PairsInBytes(bytes)), (expected, None), "{bytes}");
        }
        assert_eq!(sizes(&text, BatchSize::PairsInBytes(1_000)), (vec![5], None));
    }

    #[test]
    fn wrapped_mates_are_joined_once() {
        let text = b"@a\nAC\nGT\n+\nII\nHH\n".repeat(6);
        for bytes in 1..120 {
            let (mut reader, mut batch, mut records) =
                (Reader::new(&text[..]), RecordBatch::default(), 0);
            loop {
                let more = reader
                    .read_batch(&mut batch, BatchSize::PairsInBytes(bytes))
                    .expect("the records are whole");
                assert!(
                    batch.iter().all(
                        |record| (record.sequence, record.quality_scores) == (b"ACGT", b"IIHH")
                    ),
                    "{bytes}"
                );
                records += batch.len();
                if !more {
                    break;
                }
            }
            assert_eq!(records, 6, "{bytes}");
        }
    }

    #[test]
    fn phred_64_is_converted_once() {
        let text = b"@a\nACGT\n+\n@Bh~\n".repeat(6);
        for size in [
            BatchSize::Bytes(20),
            BatchSize::PairsInBytes(20),
            BatchSize::Records(3),
            BatchSize::Bytes(1_000),
        ] {
            let (mut reader, mut batch, mut records) =
                (Reader::new(&text[..]).phred64(), RecordBatch::default(), 0);
            while reader.read_batch(&mut batch, size).expect("the records are whole")
                || !batch.is_empty()
            {
                assert!(batch.iter().all(|record| record.quality_scores == b"!#I_"), "{size:?}");
                records += batch.len();
            }
            assert_eq!(records, 6, "{size:?}");
        }
        let mut batch = RecordBatch::default();
        let mut reader = Reader::new(&b"@a\nAC\n+\nhh\n@b\nAC\n+\nh?\n"[..]).phred64();
        assert!(reader.read_batch(&mut batch, BatchSize::Bytes(100)).is_ok());
        let error = reader
            .read_batch(&mut batch, BatchSize::Bytes(100))
            .expect_err("not Phred+64")
            .to_string();
        assert_eq!(
            error,
            "record 2 (read b, byte 11): byte 0x3f at position 1 of the quality is no Phred + 64"
        );
        let mut record = Record::default();
        let mut reader = Reader::new(&b"@a\nAC\n+\nhh\n"[..]).phred64();
        assert!(
            reader.read_record(&mut record).is_ok_and(|more| more)
                && record.quality_scores() == b"II"
        );
    }

    #[test]
    fn a_batch_by_number_of_records_ignores_their_size() {
        let mut text = b"@a\nACGT\n+\nIIII\n".repeat(5);
        let long = 3 * CHUNK;
        text.extend(
            [b"@b\n".as_slice(), &vec![b'A'; long], b"\n+\n", &vec![b'I'; long], b"\n"].concat(),
        );
        assert_eq!(sizes(&text, BatchSize::Records(2)), (vec![2, 2, 2, 0], None));
        assert_eq!(sizes(&text, BatchSize::Records(4)), (vec![4, 2], None));
        assert_eq!(sizes(&text, BatchSize::Records(100)), (vec![6], None));
        // The records before a fault come first, in a smaller batch.
        let (found, fault) = sizes(&text[..text.len() - 9], BatchSize::Records(4));
        assert_eq!(found, [4, 1]);
        assert!(fault.is_some_and(|fault| fault.starts_with("record 6 (read b, byte 75): ")));
    }

    #[test]
    fn a_batch_by_number_of_records_may_end_after_some_text() {
        let text = b"@a\nACGT\n+\nIIII\n".repeat(7);
        for (records, bytes, expected) in [
            (3, 1, vec![1; 7]),
            (3, 15, vec![1; 7]),
            (3, 16, vec![2, 2, 2, 1]),
            (3, 1_000, vec![3, 3, 1]),
            (9, 60, vec![4, 3]),
        ] {
            let (mut found, fault) = sizes(&text, BatchSize::RecordsUpTo { records, bytes });
            // After a full batch, the end of the file is found by an empty one.
            found.pop_if(|last| *last == 0);
            assert_eq!((found, fault), (expected, None), "{records} records, {bytes} bytes");
        }
    }

    #[test]
    fn a_batch_is_divided_between_any_two_records() {
        let text = b"@a\nAC\n+\nII\n@b x\n\n+\n\n@c\nNN\nN\n+\n!!~\n@d\nG\n+\nI\n";
        let whole = |reader: &mut Reader<&[u8]>| {
            let mut batch = RecordBatch::default();
            reader.read_batch(&mut batch, BatchSize::Bytes(1_000)).map(|_| batch)
        };
        let all = whole(&mut Reader::new(&text[..])).expect("the records are whole");
        for count in 0..=5 {
            let mut first = all.clone();
            let rest = first.split_off(count);
            assert_eq!(first.len(), count.min(4), "{count}");
            assert!(first.iter().chain(rest.iter()).eq(all.iter()), "{count}");
            let addresses = [&first, &rest].map(|part| (0..part.len()).map(|i| part.address(i)));
            let expected = (0..all.len()).map(|i| all.address(i));
            assert!(addresses.into_iter().flatten().eq(expected), "{count}");
        }
    }

    #[test]
    fn a_very_long_read_leaves_little_memory_behind() {
        let long = 40 << 20;
        let text = [b"@a\n", &vec![b'A'; long][..], b"\n+\n", &vec![b'I'; long], b"\n"].concat();
        let text = [&text[..], &b"@b\nACGT\n+\nIIII\n".repeat(100)].concat();
        let (mut reader, mut batch) = (Reader::new(&text[..]), RecordBatch::default());
        let more = reader.read_batch(&mut batch, BatchSize::Bytes(1 << 18));
        assert!(more.is_ok_and(|more| more) && batch.len() == 1);
        // The text after the record is what was read on, a quarter at most.
        let beside = batch.text.capacity() - batch.bytes() + reader.text.capacity();
        assert!(beside < long, "{beside} bytes beside the record");
        assert!(reader.read_batch(&mut batch, BatchSize::Bytes(1 << 18)).is_ok());
        let kept = batch.text.capacity() + reader.text.capacity();
        assert!(batch.len() == 100 && kept <= 8 << 20, "{kept} bytes are kept");
        let (mut reader, mut record) = (Reader::new(&text[..]), Record::default());
        for _ in 0..2 {
            assert!(reader.read_record(&mut record).is_ok_and(|more| more));
        }
        assert!(record.capacity() <= 12 << 20, "{} bytes are kept", record.capacity());
    }

    #[test]
    fn lines_and_records_without_an_end_are_refused() {
        use std::io::{Cursor, repeat};

        // A file without line ends, and a sequence without an end.
        let endless =
            |start: &'static [u8], then: u8| Cursor::new(start).chain(repeat(then).take(u64::MAX));
        for (start, expected) in
            [(&b"@a"[..], "more than 67108864 bytes"), (b"@a\nACGT\n", "more than 268435456 bytes")]
        {
            let mut batch = RecordBatch::default();
            let error = Reader::new(endless(start, b'A'))
                .read_batch(&mut batch, BatchSize::Bytes(1 << 18))
                .expect_err("no end");
            assert!(error.to_string().contains(expected), "{error}");
            let mut record = Record::default();
            let error =
                Reader::new(endless(start, b'A')).read_record(&mut record).expect_err("no end");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
