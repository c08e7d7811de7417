//! `bm recalibrate` as a library: writes every read with qualities by what was learned of the run.

use std::path::{Path, PathBuf};

use bm_io::{Input, ReadFormats, Tasks, is_stdio, refuse_twins};
use bm_quality::{Criteria, Threshold};

use crate::PipelineError;
use crate::bam_tags::LeftOutTags;
use crate::decide::{PairMode, ScoredTemplate};
use crate::fate::Decision;
use crate::filter::{mark, refuse_two_bam};
use crate::inputs::Inputs;
use crate::kept_records::recalibrate;
use crate::notes::Notes;
use crate::observer::Observer;
use crate::pipeline::Product;
use crate::record_writer::{RecordFormat, Written, create};
use crate::run::{Finished, Job, LEARNING_BYTES, Outputs, RunSettings};
use crate::sam_tags::TagList;
use crate::splitting::Splitting;
use crate::templates::Mate;

/// Writes all reads with the qualities of a model, in input order.
///
/// Reads may be FASTQ, whose own qualities can be ignored, or FASTA. By default the run is learned from
/// its own reads first, and qualities are those of the network.
#[derive(Clone, Debug)]
pub struct Recalibrate {
    /// The reads and the model. Criteria, rules and trimming do not count.
    pub settings: RunSettings,
    /// Output for the reads. Without [`Recalibrate::output2`], both mates of a pair go here, one after
    /// the other.
    pub output: PathBuf,
    /// Output for the second mates of pairs.
    pub output2: Option<PathBuf>,
    /// Tags of reads from BAM that are written into the descriptions of FASTQ.
    pub tags: TagList,
}

impl Recalibrate {
    /// Returns the recalibration of `bm recalibrate IN -o OUT` without other flags.
    pub fn new(inputs: Inputs, output: impl Into<PathBuf>) -> Self {
        let settings = RunSettings {
            learning_bytes: Some(LEARNING_BYTES),
            evidence: false,
            ..RunSettings::new(inputs)
        };
        Self { settings, output: output.into(), output2: None, tags: TagList::default() }
    }

    /// Returns the outputs, the main one first.
    pub fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.output).chain(&self.output2)
    }

    /// Writes the reads. [`Finished::commit`] gives the outputs their names.
    ///
    /// # Errors
    ///
    /// If an input is broken, the run teaches nothing while there are no other qualities, the model or
    /// its engine cannot be used, or an output cannot be written; no output exists then.
    pub fn run(&self, observer: &dyn Observer) -> Result<Finished, PipelineError> {
        refuse_twins(self.outputs())?;
        let mut settings = self.settings.clone();
        settings.inputs.formats = ReadFormats::FastqOrFasta;
        settings.inputs.ignore_quality |= has_fasta(&settings.inputs)?;
        // Every read that is scored counts as kept, whatever becomes of its mate.
        let threshold = Some(Threshold::new(0.0)?);
        settings.criteria = Criteria { threshold, ..Criteria::default() };
        settings.pair_mode = PairMode::Both;
        let inputs = settings.files();
        let compression = settings.compression();
        refuse_two_bam(&self.output, self.output2.as_deref())?;
        let outputs = self.outputs().map(|path| create(path, &inputs, &compression));
        let outputs = outputs.collect::<Result<Vec<_>, _>>()?;
        let second = outputs.len() - 1;
        let formats: Vec<RecordFormat> =
            self.outputs().map(|path| RecordFormat::of(path, &self.tags)).collect();
        let outputs = Outputs::of_formats(outputs, &formats);
        let job = Job {
            settings: &settings,
            compression: &compression,
            keeps_singles: true,
            recalibrates: true,
            merges: false,
            splitting: Splitting::NONE,
            names_adapters: true,
            observer,
        };
        job.run(outputs, None, |source, _| {
            let left_out = LeftOutTags::default();
            Ok(AllRecords { second, formats, mark: mark(source)?, left_out })
        })
    }
}

/// Returns whether a file has no qualities. Stdin is not looked at, as it can be read once.
pub(crate) fn has_fasta(inputs: &Inputs) -> Result<bool, PipelineError> {
    let tasks = Tasks::for_workers(0);
    for path in inputs.paths() {
        if !is_regular(path) {
            continue;
        }
        let formats = ReadFormats::FastqOrFasta;
        if Input::open_formats(path, formats, inputs.offset, &tasks, None)?.is_fasta() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_regular(path: &Path) -> bool {
    !is_stdio(path) && path.metadata().is_ok_and(|it| it.is_file())
}

/// Records of all reads.
struct AllRecords {
    /// The place of the output for second mates.
    second: usize,
    /// The format of each output.
    formats: Vec<RecordFormat>,
    /// The mark for records with the model's qualities.
    mark: Vec<u8>,
    left_out: LeftOutTags,
}

impl Product for AllRecords {
    fn write(&self, scored: &ScoredTemplate<'_>, _: &Decision, texts: &mut [Vec<u8>]) {
        let mut quality_scores = Vec::new();
        let mates = scored.template.mates();
        for (number, (mate, place)) in mates.iter().zip([0, self.second]).enumerate() {
            let mut record = mate.record;
            let (mut notes, mut replaced) = (Notes::default(), None);
            if recalibrate(scored, mate, &mut quality_scores) {
                replaced = Some(record.quality_scores);
                record.quality_scores = &quality_scores;
                notes.recalibrated = Some(&self.mark);
            }
            let read = Written {
                record,
                whole: mate.whole.sequence,
                part: Some(mate.cut_start()..mate.whole.sequence.len()),
                replaced,
                notes,
                mate: (mates.len() == 2).then_some(number),
                is_alone: false,
            };
            self.formats[place].write(&mut texts[place], &read, &self.left_out);
        }
    }

    fn warnings(&self) -> Vec<String> {
        self.left_out.warnings()
    }

    fn rewrites(
        &self,
        scored: &ScoredTemplate<'_>,
        mate: &Mate<'_>,
        quality_scores: &mut Vec<u8>,
    ) -> bool {
        recalibrate(scored, mate, quality_scores)
    }
}
