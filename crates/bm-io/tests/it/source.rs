//! A reader of another format replaces the FASTQ reader through `RecordSource`.

use std::io;

use bm_io::Input;
use bm_reads::RecordSource;
use bm_reads::bam::BamFields;
use bm_reads::fastq::{
    Address, BatchSize, FastqError, Fault, Reader, Record, RecordBatch, RecordRef,
};

/// Reads as lines of three columns: name, bases, qualities.
struct Lines {
    text: &'static str,
    /// Start of the next line.
    byte: usize,
    records: u64,
}

impl Lines {
    fn next(&mut self) -> Option<(u64, RecordRef<'static>)> {
        let start = self.byte;
        let line = self.text[start..].split_inclusive('\n').next()?;
        self.byte += line.len();
        let columns: Vec<_> = line.trim_end_matches('\n').split('\t').map(str::as_bytes).collect();
        let [definition, sequence, quality_scores] = columns[..] else { panic!("three columns") };
        Some((
            start as u64,
            RecordRef { definition, sequence, quality_scores, bam: BamFields::NONE },
        ))
    }
}

impl RecordSource for Lines {
    fn read_batch(&mut self, batch: &mut RecordBatch, size: BatchSize) -> Result<bool, FastqError> {
        let BatchSize::Records(most) = size else { panic!("batches of records") };
        batch.begin_after(self.records);
        for _ in 0..most {
            let Some((byte, record)) = self.next() else { return Ok(false) };
            batch.push(record, byte).map_err(|error| FastqError {
                record: self.records + 1,
                byte,
                name: Some(record.name().to_vec()),
                fault: Fault::Read(error),
            })?;
            self.records += 1;
        }
        Ok(true)
    }

    fn read_record(&mut self, _: &mut Record) -> Result<bool, FastqError> {
        panic!("this test reads batches")
    }

    fn records(&self) -> u64 {
        self.records
    }

    fn stream_failure_within(&mut self, _: u64) -> Option<io::Error> {
        None
    }
}

fn input(text: &'static str) -> Input {
    Input::from_source("lines.txt", Box::new(Lines { text, byte: 0, records: 0 }))
}

#[test]
fn another_format_gives_the_same_records_as_fastq() {
    let mut input = input("r1 x\tACGT\tIIII\nr2\t\t\nr3\tNAC\t!5~\n");
    let mut fastq = Reader::new(&b"@r1 x\nACGT\n+\nIIII\n@r2\n\n+\n\n@r3\nNAC\n+\n!5~\n"[..]);
    let (mut ours, mut expected) = (RecordBatch::default(), RecordBatch::default());
    let mut addresses = Vec::new();
    for _ in 0..2 {
        input.read_batch(&mut ours, BatchSize::Records(2)).unwrap();
        fastq.read_batch(&mut expected, BatchSize::Records(2)).unwrap();
        assert!(ours.iter().eq(expected.iter()));
        addresses.extend((0..ours.len()).filter_map(|i| ours.address(i)));
    }
    let address = |record, byte| Address { record, byte };
    assert_eq!(addresses, [address(1, 0), address(2, 15), address(3, 20)]);
    assert_eq!((input.name(), input.records(), input.bytes()), ("lines.txt", 3, None));
}

#[test]
fn a_fault_of_another_format_has_its_address() {
    let mut input = input("r1\tACGT\tIIII\nr2\tACGT\tIII\n");
    let mut batch = RecordBatch::default();
    let error = input.read_batch(&mut batch, BatchSize::Records(9)).unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(
        format!("{error}: {source}"),
        "lines.txt: record 2 (read r2, byte 13): 4 bases but 3 quality scores"
    );
}
