//! Conversion of noodles-fastq records to reads.

use noodles_fastq::Record;

use crate::ReadRef;

impl<'a> From<&'a Record> for ReadRef<'a> {
    /// Returns the read of a noodles-fastq record, borrowed. noodles-fastq does not compare the
    /// numbers of bases and quality scores; [`ReadRef::check_scorable`] does.
    fn from(record: &'a Record) -> Self {
        Self {
            name: record.name(),
            sequence: record.sequence(),
            quality_scores: record.quality_scores(),
        }
    }
}

#[cfg(test)]
mod tests {
    use noodles_fastq::record::Definition;

    use super::*;

    #[test]
    fn a_noodles_record_becomes_a_read() {
        let record = Record::new(Definition::new("r1", "lane 1"), "ACGT", "IIII");
        let read = ReadRef::from(&record);
        assert_eq!(
            (read.name, read.sequence, read.quality_scores),
            (&b"r1"[..], &b"ACGT"[..], &b"IIII"[..])
        );
    }
}
