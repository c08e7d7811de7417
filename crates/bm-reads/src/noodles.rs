//! Records of noodles-fastq as reads.

use noodles_fastq::Record;

use crate::ReadRef;

impl<'a> From<&'a Record> for ReadRef<'a> {
    /// Returns the read that a record of noodles-fastq holds, borrowed. noodles does not compare the
    /// lengths of bases and qualities; [`ReadRef::check_scorable`] does.
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
    fn a_record_of_noodles_is_a_read() {
        let record = Record::new(Definition::new("r1", "lane 1"), "ACGT", "IIII");
        let read = ReadRef::from(&record);
        assert_eq!(
            (read.name, read.sequence, read.quality_scores),
            (&b"r1"[..], &b"ACGT"[..], &b"IIII"[..])
        );
    }
}
