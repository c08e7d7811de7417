//! Bytes as inflated BAM: the records and the fault do not depend on the size of batches nor on how the
//! bytes arrive, and every record can be read part by part.

use std::io::{self, Read};

use bm_reads::RecordSource;
use bm_reads::bam::Reader;
use bm_reads::bam::tags::tags;
use bm_reads::fastq::{BatchSize, RecordBatch};

use crate::message;

/// A record: definition, bases, qualities, flags and tags.
type Owned = (Vec<u8>, Vec<u8>, Vec<u8>, u16, Vec<u8>);

/// Reads bytes as BAM in several ways.
///
/// # Panics
///
/// If these differ, a record is not valid, or a message has control characters.
pub fn check(bytes: &[u8]) {
    let whole = read(bytes, BatchSize::Records(1));
    for size in [1, 100, 1 << 18] {
        for size in [
            BatchSize::Bytes(size),
            BatchSize::PairsInBytes(size),
            BatchSize::RecordsUpTo { records: 3, bytes: size },
        ] {
            assert!(read(bytes, size) == whole, "{size:?}");
        }
        assert!(read(Pieces(bytes, size), BatchSize::Bytes(1000)) == whole, "pieces of {size}");
    }
}

/// Returns all records, and the message of the fault.
fn read(input: impl Read + Send, size: BatchSize) -> (Vec<Owned>, Option<String>) {
    let mut records = Vec::new();
    let mut reader = match Reader::new(input) {
        Ok(reader) => reader,
        Err(error) => return (records, Some(message(&error))),
    };
    let mut batch = RecordBatch::default();
    loop {
        match reader.read_batch(&mut batch, size) {
            Err(fault) => return (records, Some(message(&fault))),
            Ok(more) => {
                for record in batch.iter() {
                    assert_eq!(record.sequence.len(), record.quality_scores.len());
                    assert!(record.quality_scores.iter().all(|byte| (b'!'..=b'~').contains(byte)));
                    let mut text = Vec::new();
                    tags(record.bam.tags()).for_each(|tag| tag.unwrap().write_sam(&mut text));
                    assert!(!text.contains(&b'\n'));
                    records.push((
                        record.definition.to_vec(),
                        record.sequence.to_vec(),
                        record.quality_scores.to_vec(),
                        record.bam.flags(),
                        record.bam.tags().to_vec(),
                    ));
                }
                assert_eq!(reader.records(), records.len() as u64);
                if !more {
                    return (records, None);
                }
            }
        }
    }
}

/// Bytes that arrive in pieces.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(buf.len()).min(self.0.len());
        buf[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}
