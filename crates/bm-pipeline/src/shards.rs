//! A shard of the files of a run. What the first reads of a run show is known by those of the whole
//! files, which every shard reads; then a shard reads its own records.

use bm_io::{Between, Cancellation, DivisibleFile, Input, PartOfFile, Shard, Tasks, is_stdio};
use bm_reads::fastq::QualityOffset;

use crate::PipelineError;
use crate::file_group::Layout;
use crate::inputs::Inputs;
use crate::inserts::Ahead;
use crate::pipeline::BATCH_BYTES;
use crate::template_reader::{TemplateReader, or_cancelled};
use crate::templates::TemplateBatch;

/// Refuses files that cannot be divided, before anything is read.
pub(crate) fn check(inputs: &Inputs) -> Result<(), PipelineError> {
    if inputs.in_memory().is_some() {
        return PipelineError::refuse("reads in memory: have no shards; write the reads to a file");
    }
    if inputs.groups().len() > 1 {
        return PipelineError::refuse(
            "--shard: divides one file, or two of mates; call it for each lane, and join the outputs \
             of all",
        );
    }
    for path in inputs.paths() {
        if is_stdio(path) {
            return PipelineError::refuse(
                "stdin: --shard reads a part of a file, and a stream has no parts; give it a file",
            );
        }
        DivisibleFile::open(path, false)?;
    }
    Ok(())
}

/// Opens a shard of files of which `whole` has read the `first` templates.
///
/// The numbers of its templates are those in the whole files up to `numbered`, that of the templates
/// from which something was learned; `whole` reads on as far as that.
pub(crate) fn open(
    whole: &mut TemplateReader,
    first: &[TemplateBatch],
    numbered: u64,
    (inputs, shard): (&Inputs, Shard),
    tasks: &Tasks,
    cancellation: Option<&Cancellation>,
) -> Result<TemplateReader, PipelineError> {
    if let Some(bam) = whole.inputs().find(|input| input.header().is_some()) {
        return PipelineError::refuse(format!(
            "{}: --shard divides text, not BAM; make shards of it first, by `samtools split` or \
             `samtools fastq`",
            bam.name()
        ));
    }
    let paths = inputs.paths().into_iter().zip(whole.inputs());
    let files = paths.map(|(path, input)| DivisibleFile::open(path, input.is_fasta()));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let parts = match &files[..] {
        [one, other] => Vec::from(DivisibleFile::parts_of_mates(one, other, shard)?),
        [file] if whole.layout() == Layout::Interleaved => vec![file.part(shard, Between::Pairs)?],
        files => {
            files.iter().map(|file| file.part(shard, Between::Records)).collect::<Result<_, _>>()?
        }
    };
    // The first reads of the files were looked at.
    let offset = match inputs.offset {
        QualityOffset::Unstated => QualityOffset::Phred33,
        stated => stated,
    };
    let opened = parts.iter().map(|part| Input::open_part(part, offset, tasks, cancellation));
    let opened = opened.collect::<Result<Vec<_>, _>>().map_err(PipelineError::from);
    let opened = or_cancelled(opened, cancellation)?;
    for (input, whole) in opened.iter().zip(whole.inputs()) {
        whole.state().map_or(Ok(()), |before| input.check_state(&before))?;
    }
    if inputs.strict {
        opened.iter().try_for_each(|input| input.end().require())?;
    }
    let before = match parts.first() {
        Some(part) if !shard.is_first() => templates_before(part, whole, first, numbered)?,
        _ => 0,
    };
    Ok(whole.shard(opened, before, shard))
}

/// Returns the number of templates before a part of the first file, at most `most`.
fn templates_before(
    part: &PartOfFile<'_>,
    whole: &mut TemplateReader,
    first: &[TemplateBatch],
    most: u64,
) -> Result<u64, PipelineError> {
    // What is learned from is not longer, but for its last template.
    let Some(text) = part.text_before(2 * Ahead::LEARN.bytes() as u64)? else { return Ok(most) };
    let before = |batch: &TemplateBatch| batch.begin_before(text) as u64;
    let mut templates: u64 = first.iter().map(before).sum();
    let (mut batch, mut more) = (TemplateBatch::default(), true);
    while more && templates < most && templates == whole.templates() {
        more = whole.read(&mut batch, BATCH_BYTES)?;
        templates += before(&batch);
    }
    Ok(templates.min(most))
}
