//! noodles-fastq as a second reader, and where the two readers differ by design.
//!
//! | text | bm-reads | noodles-fastq |
//! |---|---|---|
//! | a record wrapped into more than four lines | joins its lines | refuses it |
//! | blank lines after the last record | ends the file there | refuses them |
//! | another name on the `+` line | refuses the record | skips the text of the line |
//! | bases and quality scores of different lengths | refuses the record | returns it |
//! | a byte that is no base or no quality score | refuses the record | returns it |
//! | a file that ends after the `+` | refuses the record | returns it without quality scores |
//! | a last line that ends in `\r` alone | takes it for a line end | takes it for a quality score |
//! | what separates name and description | keeps it | returns the two parts without it |

use bm_reads::fastq::{BatchSize, Reader, RecordBatch, RecordRef};

/// A record as both readers can return it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Parts {
    /// The definition up to the first space or tab.
    name: Vec<u8>,
    /// What follows that space or tab.
    description: Vec<u8>,
    sequence: Vec<u8>,
    quality_scores: Vec<u8>,
}

impl From<RecordRef<'_>> for Parts {
    fn from(record: RecordRef<'_>) -> Self {
        let (name, definition) = (record.name(), record.definition);
        Self {
            name: name.to_vec(),
            description: definition.get(name.len() + 1..).unwrap_or_default().to_vec(),
            sequence: record.sequence.to_vec(),
            quality_scores: record.quality_scores.to_vec(),
        }
    }
}

impl From<&noodles_fastq::Record> for Parts {
    fn from(record: &noodles_fastq::Record) -> Self {
        Self {
            name: record.name().to_vec(),
            description: record.description().to_vec(),
            sequence: record.sequence().to_vec(),
            quality_scores: record.quality_scores().to_vec(),
        }
    }
}

/// Numbers of records that were compared or left out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Compared {
    /// Records that both readers returned.
    pub(crate) same: usize,
    /// Records that noodles-fastq reads differently: wrapped, or with a last line that ends in
    /// `\r`.
    pub(crate) left_out: usize,
}

/// Reads `text` with our reader up to its first fault, and each record of four lines with
/// noodles-fastq too.
///
/// # Panics
///
/// If noodles-fastq refuses one of these records, returns other bytes, or ends it elsewhere.
pub(crate) fn compare(text: &[u8]) -> Compared {
    let (mut reader, mut batch) = (Reader::new(text), RecordBatch::default());
    let mut compared = Compared::default();
    if reader.read_batch(&mut batch, BatchSize::Records(usize::MAX)).is_err() {
        // The first record is faulty.
        return compared;
    }
    let start = |index| batch.address(index).map(|address| address.byte as usize);
    for (index, ours) in batch.iter().enumerate() {
        let rest = &text[start(index).unwrap_or_default()..];
        // No base is a `+`, so the third line of a wrapped record has none.
        let third_line = rest.split(|byte| *byte == b'\n').nth(2);
        let is_wrapped = !third_line.is_some_and(|line| line.starts_with(b"+"));
        let ends_in_return = start(index + 1).is_none()
            && rest.ends_with(b"\r")
            && rest.iter().filter(|byte| **byte == b'\n').count() == 3;
        if is_wrapped || ends_in_return {
            compared.left_out += 1;
            continue;
        }
        let mut theirs = noodles_fastq::Record::default();
        let bytes = match noodles_fastq::io::Reader::new(rest).read_record(&mut theirs) {
            Ok(bytes) => bytes,
            Err(error) => panic!("noodles-fastq refuses record {}: {error}", index + 1),
        };
        assert_eq!(Parts::from(&theirs), Parts::from(ours), "record {}", index + 1);
        if let Some(next) = start(index + 1) {
            assert_eq!(text.len() - rest.len() + bytes, next, "end of record {}", index + 1);
        }
        compared.same += 1;
    }
    compared
}
