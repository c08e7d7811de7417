//! Reads alignments, SAM, BAM or CRAM, and checks that each record is consistent and lies on the reference.

use std::io::{self, BufReader, Cursor, Read};

use noodles_sam::alignment::RecordBuf;
use noodles_sam::alignment::record::cigar::op::Kind;
use noodles_sam::header::record::value::map::reference_sequence::tag::MD5_CHECKSUM;
use noodles_sam::{self as sam, Header};
use {noodles_bam as bam, noodles_bgzf as bgzf};

use crate::cram::CramRecords;
use crate::guard::{Checked, CheckedBam, HeaderLimits, SamLines};
use crate::{Aligned, Fault, Place, Reference, TruthError};

/// The empty block at the end of every complete BAM file.
const END_OF_FILE: [u8; 28] =
    [31, 139, 8, 4, 0, 0, 0, 0, 0, 255, 6, 0, 66, 67, 2, 0, 27, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The container at the end of every complete CRAM file has this start position, the letters EOF.
const END_OF_CRAM: [u8; 4] = [0xe0, b'E', b'O', b'F'];

/// Bytes of that container.
const END_CONTAINER: usize = 38;

/// The primary records of an alignment, mapped or not, in file order.
pub struct Alignment<R> {
    format: Format<R>,
    header: Header,
    /// For each sequence of the header, its index in the reference.
    sequences: Vec<usize>,
    record: RecordBuf,
    records: u64,
}

enum Format<R> {
    Sam(sam::io::Reader<Checked<BufReader<Stored<R>>, SamLines>>),
    Bam(Box<bam::io::Reader<CheckedBam<Blocks<R>>>>),
    Cram(Box<CramRecords<Tail<Stored<R>>>>),
}

/// The text of the blocks of a BAM file.
type Blocks<R> = bgzf::io::Reader<Tail<Stored<R>>>;

/// A stream whose first bytes have been read and put back.
type Stored<R> = io::Chain<Cursor<Vec<u8>>, R>;

impl<R: Read> Alignment<R> {
    /// Opens SAM, BAM or CRAM, detected by its first bytes, that was aligned to `reference`.
    ///
    /// # Errors
    ///
    /// [`TruthError::Header`] for other formats, for a header without sequences, and for a header
    /// whose sequences differ from the reference; [`TruthError::HeaderRead`] if the header cannot be
    /// read.
    pub fn open(mut inner: R, reference: &Reference) -> Result<Self, TruthError> {
        let mut magic = Vec::new();
        (&mut inner).take(4).read_to_end(&mut magic).map_err(TruthError::HeaderRead)?;
        let stored = Cursor::new(magic.clone()).chain(inner);
        let limits = HeaderLimits::new(reference.sequences.len());
        let (format, header) = match magic.as_slice() {
            [] => {
                return Err(TruthError::Header(
                    "the alignment is empty, expected SAM, BAM or CRAM".to_owned(),
                ));
            }
            b"CRAM" => {
                let stored = Tail { inner: stored, last: Vec::new() };
                let mut reader = CramRecords::new(stored, reference);
                let header = reader.read_header().map_err(in_header)?;
                (Format::Cram(Box::new(reader)), header)
            }
            [b'>', ..] => return Err(not_aligned("FASTA")),
            [b'@', second, third, fourth]
                if !(second.is_ascii_uppercase()
                    && third.is_ascii_uppercase()
                    && *fourth == b'\t') =>
            {
                return Err(not_aligned("FASTQ"));
            }
            [0x1f, 0x8b, ..] => {
                let blocks = bgzf::io::Reader::new(Tail { inner: stored, last: Vec::new() });
                let mut reader = bam::io::Reader::from(CheckedBam::new(blocks, limits));
                let header = reader.read_header().map_err(in_header)?;
                (Format::Bam(Box::new(reader)), header)
            }
            _ => {
                let mut reader = sam::io::Reader::new(Checked::new(
                    BufReader::new(stored),
                    SamLines::new(limits),
                ));
                let header = reader.read_header().map_err(in_header)?;
                (Format::Sam(reader), header)
            }
        };
        if header.reference_sequences().is_empty() {
            return Err(TruthError::Header(
                "names no reference sequence (@SQ lines); expected SAM, BAM or CRAM with its header"
                    .to_owned(),
            ));
        }
        let sequences = header
            .reference_sequences()
            .iter()
            .map(|(name, sequence)| {
                let name = String::from_utf8_lossy(name);
                let index = reference.find(&name, sequence.length().get())?;
                let stated = sequence.other_fields().get(&MD5_CHECKSUM);
                stated.map_or(Ok(()), |stated| reference.check_md5(index, stated.as_ref()))?;
                Ok(index)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { format, header, sequences, record: RecordBuf::default(), records: 0 })
    }

    /// Returns the number of records read so far, secondary and supplementary ones included.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Reads the next primary record into `aligned`; returns `false` at the end of the file.
    ///
    /// # Errors
    ///
    /// [`TruthError::Read`] for a record that cannot be parsed, [`TruthError::Record`] for a record
    /// that is inconsistent or does not lie on the reference, [`TruthError::Truncated`] for a BAM
    /// file without its end.
    pub fn read(
        &mut self,
        reference: &Reference,
        aligned: &mut Aligned,
    ) -> Result<bool, TruthError> {
        loop {
            let outcome = match &mut self.format {
                Format::Sam(reader) => reader.read_record_buf(&self.header, &mut self.record),
                Format::Bam(reader) => reader.read_record_buf(&self.header, &mut self.record),
                Format::Cram(reader) => reader.read(&self.header, &mut self.record),
            };
            let bytes = outcome.map_err(|source| in_record(self.records + 1, source))?;
            if bytes == 0 {
                return if self.is_whole() {
                    Ok(false)
                } else {
                    Err(TruthError::Truncated { records: self.records })
                };
            }
            self.records += 1;
            let flags = self.record.flags();
            if flags.is_secondary() || flags.is_supplementary() {
                continue;
            }
            let checked = take(&self.record, &self.sequences, aligned)
                .and_then(|()| aligned.check(reference));
            return match checked {
                Ok(()) => Ok(true),
                Err(fault) => Err(TruthError::Record {
                    record: self.records,
                    name: aligned.name.clone(),
                    fault,
                }),
            };
        }
    }
}

impl<R: Read> Alignment<R> {
    /// Returns whether a file that was read to its end has what marks it.
    fn is_whole(&self) -> bool {
        match &self.format {
            Format::Sam(_) => true,
            Format::Bam(reader) => {
                reader.get_ref().get_ref().get_ref().last.ends_with(&END_OF_FILE)
            }
            Format::Cram(reader) => {
                reader.get_ref().last.windows(END_OF_CRAM.len()).any(|it| it == END_OF_CRAM)
            }
        }
    }
}

/// Returns the error for reads that are not aligned.
fn not_aligned(format: &str) -> TruthError {
    TruthError::Header(format!(
        "looks like {format}, expected SAM, BAM or CRAM: align the reads first"
    ))
}

/// Returns whether a file ended early, and the error does not say where.
fn is_end(source: &io::Error) -> bool {
    source.kind() == io::ErrorKind::UnexpectedEof && source.get_ref().is_none()
}

/// Returns the error of a header that cannot be read.
fn in_header(source: io::Error) -> TruthError {
    if is_end(&source) {
        let reason =
            "the file ends inside its header, or is not an alignment; copy or create it again";
        return TruthError::Header(reason.to_owned());
    }
    TruthError::HeaderRead(source)
}

/// Returns the error of a record that cannot be read.
fn in_record(record: u64, source: io::Error) -> TruthError {
    let source = if is_end(&source) {
        io::Error::new(source.kind(), "the file ends inside the record; copy or create it again")
    } else {
        source
    };
    TruthError::Read { record, source }
}

/// Copies name, bases, quality scores and position of a record into `aligned`.
fn take(record: &RecordBuf, sequences: &[usize], aligned: &mut Aligned) -> Result<(), Fault> {
    let flags = record.flags();
    aligned.name.clear();
    aligned.name.extend_from_slice(record.name().ok_or(Fault::NoName)?);
    aligned.mate = if flags.is_last_segment() && !flags.is_first_segment() { 2 } else { 1 };
    aligned.flagged = flags.is_duplicate() || flags.is_qc_fail();
    aligned.has_mapped_mate = flags.is_segmented() && !flags.is_mate_unmapped();
    aligned.reverse = flags.is_reverse_complemented();
    aligned.bases.clear();
    aligned.bases.extend(record.sequence().as_ref().iter().map(u8::to_ascii_uppercase));
    aligned.scores.clear();
    aligned.scores.extend_from_slice(record.quality_scores().as_ref());
    aligned.place = None;
    if !flags.is_unmapped() {
        let sequence =
            record.reference_sequence_id().ok_or(Fault::NoPlace("reference sequence"))?;
        let start = record.alignment_start().ok_or(Fault::NoPlace("position"))?;
        let cigar: Vec<(Kind, usize)> =
            record.cigar().as_ref().iter().map(|op| (op.kind(), op.len())).collect();
        if cigar.is_empty() {
            return Err(Fault::NoPlace("CIGAR"));
        }
        aligned.place = Some(Place {
            sequence: *sequences
                .get(sequence)
                .ok_or(Fault::NoPlace("reference sequence of the header"))?,
            start: start.get() - 1,
            mapq: record.mapping_quality().map_or(255, u8::from),
            cigar,
        });
    }
    Ok(())
}

/// A stream that keeps its last bytes: whether the mark of the end is among them.
struct Tail<R> {
    inner: R,
    last: Vec<u8>,
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.last.extend_from_slice(&buf[..count][count.saturating_sub(END_CONTAINER)..]);
        let excess = self.last.len().saturating_sub(END_CONTAINER);
        self.last.drain(..excess);
        Ok(count)
    }
}
