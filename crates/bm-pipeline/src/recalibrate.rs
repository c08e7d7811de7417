//! `bm recalibrate` as a library: writes every read with qualities by what was learned of the run.

use std::path::{Path, PathBuf};

use bm_io::{Input, Output, ReadFormats, Tasks, is_stdio, refuse_twins};
use bm_quality::{Criteria, Threshold};

use crate::PipelineError;
use crate::decide::{PairMode, ScoredTemplate};
use crate::fate::Decision;
use crate::filter::mark;
use crate::inputs::Inputs;
use crate::kept_records::recalibrate;
use crate::observer::Observer;
use crate::pipeline::Product;
use crate::run::{Finished, Job, LEARNING_BYTES, RunSettings};
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
}

impl Recalibrate {
    /// Returns the recalibration of `bm recalibrate IN -o OUT` without other flags.
    pub fn new(inputs: Inputs, output: impl Into<PathBuf>) -> Self {
        let settings = RunSettings {
            learning_bytes: Some(LEARNING_BYTES),
            evidence: false,
            ..RunSettings::new(inputs)
        };
        Self { settings, output: output.into(), output2: None }
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
        let mut outputs = Vec::new();
        for path in self.outputs() {
            outputs.push(Output::create(path, &inputs, &compression)?);
        }
        let second = outputs.len() - 1;
        let job = Job {
            settings: &settings,
            compression: &compression,
            keeps_singles: true,
            recalibrates: true,
            merges: false,
            observer,
        };
        job.run(outputs, None, |source, _| Ok(AllRecords { second, mark: mark(source)? }))
    }
}

/// Returns whether a file has no qualities. Stdin is not looked at, as it can be read once.
fn has_fasta(inputs: &Inputs) -> Result<bool, PipelineError> {
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
    /// The mark for records with the model's qualities.
    mark: Vec<u8>,
}

impl Product for AllRecords {
    fn write(&self, scored: &ScoredTemplate<'_>, _: &Decision, texts: &mut [Vec<u8>]) {
        let mut quality_scores = Vec::new();
        for (mate, place) in scored.template.mates().iter().zip([0, self.second]) {
            let mut record = mate.record;
            let mut suffix: &[u8] = b"";
            if recalibrate(scored, mate, &mut quality_scores) {
                record.quality_scores = &quality_scores;
                suffix = &self.mark;
            }
            // Writing to memory does not fail.
            let _ = record.write_to(&mut texts[place], suffix);
        }
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
