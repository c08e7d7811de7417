//! Mates in BAM: by their flags, not by the names of files.

use std::path::Path;

use bm_io::{Input, Tasks, is_stdio};
use bm_reads::bam::FLAGS;
use bm_reads::fastq::{QualityOffset, Record};

use crate::PipelineError;
use crate::file_group::Layout;
use crate::record_writer::LONGEST_NAME;
use crate::templates::TemplateBatch;

/// Flags that say which mate a read is.
const MATE: u16 = FLAGS::FIRST | FLAGS::SECOND;

/// Returns whether a file is BAM whose first read has a mate.
pub(crate) fn begins_with_mate(path: &Path) -> bool {
    let mut record = Record::default();
    open_bam(path).is_some_and(|mut input| input.read_record(&mut record).unwrap_or(false))
        && record.view().bam.flags() & FLAGS::PAIRED != 0
}

/// Returns whether a file is BAM, by its content.
pub(crate) fn is_bam_file(path: &Path) -> bool {
    open_bam(path).is_some()
}

/// Opens a file if it is BAM. Streams are not looked at, as they can be read once; a file that cannot be read
/// is a fault where it is read.
fn open_bam(path: &Path) -> Option<Input> {
    if is_stdio(path) || !path.metadata().is_ok_and(|it| it.is_file()) {
        return None;
    }
    let input = Input::open(path, QualityOffset::Phred33, &Tasks::for_workers(0)).ok()?;
    input.header().is_some().then_some(input)
}

/// Bytes of a name that are left for the identifier of a molecule.
const IDENTIFIER: usize = 64;

/// Checks that reads of other formats have names that BAM can have, also with the identifier of a molecule;
/// messages call the files by these `names`.
pub(crate) fn check_names<'a>(
    batch: &TemplateBatch,
    names: impl Iterator<Item = &'a str>,
    with_identifier: bool,
) -> Result<(), PipelineError> {
    let longest = LONGEST_NAME - if with_identifier { IDENTIFIER } else { 0 };
    for (records, file) in batch.files().zip(names) {
        if records.has_fields() {
            continue;
        }
        for (index, record) in records.iter().enumerate() {
            let name = record.name();
            if name.len() <= longest && name.iter().all(u8::is_ascii_graphic) {
                continue;
            }
            let number = records.address(index).map_or(0, |address| address.record);
            let read = name[..name.len().min(80)].escape_ascii();
            return PipelineError::refuse(format!(
                "{file}: record {number} (read {read}): BAM has no such name: names there have at most \
                 {longest} printable characters; write FASTQ"
            ));
        }
    }
    Ok(())
}

/// Checks that the flags of reads from BAM agree with how they are read; messages call a file by `name`.
pub(crate) fn check(batch: &TemplateBatch, name: &str) -> Result<(), PipelineError> {
    let records = &batch.files[0];
    if !records.has_fields() || batch.layout() == Layout::TwoFiles {
        return Ok(());
    }
    for (index, record) in records.iter().enumerate().filter(|(_, it)| !it.bam.is_none()) {
        let flags = record.bam.flags();
        let is_paired = flags & FLAGS::PAIRED != 0;
        let expected = if index % 2 == 0 { FLAGS::FIRST } else { FLAGS::SECOND };
        let what = match batch.layout() {
            Layout::Single if is_paired => {
                "has a mate, but is read as a single read: say --interleaved, or, if the file has single \
                 reads too, divide it by `samtools view -b -f 1` and `-F 1`"
            }
            Layout::Interleaved if !is_paired => {
                "has no mate; divide pairs and single reads by `samtools view -b -f 1` and `-F 1`"
            }
            Layout::Interleaved if flags & MATE != expected => {
                "is not the mate that belongs here, first mates before second ones; `samtools collate` \
                 brings mates together"
            }
            _ => continue,
        };
        let number = records.address(index).map_or(0, |address| address.record);
        let read = record.name().escape_ascii();
        return PipelineError::refuse(format!(
            "{name}: record {number} (read {read}): by its flags ({flags:#x}), the read {what}"
        ));
    }
    Ok(())
}
