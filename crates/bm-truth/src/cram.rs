//! The records of CRAM, one container after the other.

use std::io::{self, Read};
use std::vec;

use noodles_cram::io::reader::{Builder, Container};
use noodles_fasta::record::{Definition, Sequence};
use noodles_sam::Header;
use noodles_sam::alignment::RecordBuf;
use {noodles_cram as cram, noodles_fasta as fasta};

use crate::Reference;

/// Reads records. The memory is that of the reference once more, and of one container: some 10,000 records.
pub(crate) struct CramRecords<R> {
    reader: cram::io::Reader<R>,
    repository: fasta::Repository,
    container: Container,
    records: vec::IntoIter<RecordBuf>,
}

impl<R: Read> CramRecords<R> {
    /// Begins with a stream whose records differ from `reference`.
    pub(crate) fn new(inner: R, reference: &Reference) -> Self {
        let sequences = reference.names().enumerate().map(|(at, (name, _))| {
            let letters = Sequence::from(reference.sequence(at).to_vec());
            fasta::Record::new(Definition::new(name, None), letters)
        });
        let repository = fasta::Repository::new(sequences.collect::<Vec<_>>());
        Self {
            reader: Builder::default().build_from_reader(inner),
            repository,
            container: Container::default(),
            records: Vec::new().into_iter(),
        }
    }

    /// Returns the stream.
    pub(crate) fn get_ref(&self) -> &R {
        self.reader.get_ref()
    }

    /// Reads the header.
    pub(crate) fn read_header(&mut self) -> io::Result<Header> {
        self.reader.read_header()
    }

    /// Reads the next record into `record`; returns 0 at the end of the file.
    pub(crate) fn read(&mut self, header: &Header, record: &mut RecordBuf) -> io::Result<usize> {
        loop {
            if let Some(next) = self.records.next() {
                *record = next;
                return Ok(1);
            }
            if self.reader.read_container(&mut self.container)? == 0 {
                return Ok(0);
            }
            self.records = self.container_records(header)?.into_iter();
        }
    }

    fn container_records(&self, header: &Header) -> io::Result<Vec<RecordBuf>> {
        let compression = self.container.compression_header()?;
        let mut records = Vec::new();
        for slice in self.container.slices() {
            let slice = slice?;
            let (core, external) = slice.decode_blocks()?;
            let repository = self.repository.clone();
            for record in slice.records(repository, header, &compression, &core, &external)? {
                records.push(RecordBuf::try_from_alignment_record(header, &record)?);
            }
        }
        Ok(records)
    }
}
