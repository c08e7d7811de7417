//! `bm classify` as a library: writes a table of the classes that reads come from.

use std::path::PathBuf;
use std::sync::Arc;

use bm_io::{Output, ReadFormats, Shard};
use bm_quality::{Criteria, Threshold};

use crate::PipelineError;
use crate::class_rows::ClassRows;
use crate::classes::Classes;
use crate::decide::PairMode;
use crate::inputs::Inputs;
use crate::observer::Observer;
use crate::recalibrate::has_fasta;
use crate::run::{Finished, Job, RunSettings};
use crate::screen::Screen;
use crate::splitting::Splitting;

/// Classifies reads: writes a table with a row for each read, or pair, with the probability of each class and
/// of none.
///
/// Reads may be FASTQ, BAM or FASTA. By default, the error probabilities of their bases are those
/// that the qualities report; of FASTA, all are equal.
#[derive(Clone, Debug)]
pub struct Classify {
    /// The reads and what gives the error probabilities of their bases. Criteria, rules and trimming do not
    /// count.
    pub settings: RunSettings,
    /// The classes.
    pub classes: Arc<Classes>,
    /// Output for the table; `-` is stdout.
    pub output: PathBuf,
}

impl Classify {
    /// Returns the classification of `bm classify IN -d CLASSES -o OUT` without other flags.
    pub fn new(inputs: Inputs, classes: Arc<Classes>, output: impl Into<PathBuf>) -> Self {
        let settings = RunSettings { reported_errors: true, ..RunSettings::new(inputs) };
        Self { settings, classes, output: output.into() }
    }

    /// Classifies the reads. [`Finished::commit`] gives the table its name.
    ///
    /// # Errors
    ///
    /// If an input is broken, the model or its engine cannot be used, or the table cannot be
    /// written; no table exists then.
    pub fn run(&self, observer: &dyn Observer) -> Result<Finished, PipelineError> {
        let mut settings = self.settings.clone();
        settings.screen = Some(Screen::all(Arc::clone(&self.classes)));
        settings.inputs.formats = ReadFormats::FastqOrFasta;
        settings.inputs.ignore_quality |= settings.reported_errors && has_fasta(&settings.inputs)?;
        // Every read that is scored counts as kept.
        let threshold = Some(Threshold::new(0.0)?);
        settings.criteria = Criteria { threshold, ..Criteria::default() };
        settings.pair_mode = PairMode::Both;
        let compression = settings.compression();
        let output = Output::create(&self.output, &settings.files(), &compression)?;
        let job = Job {
            settings: &settings,
            compression: &compression,
            keeps_singles: true,
            recalibrates: false,
            merges: false,
            splitting: Splitting::NONE,
            names_adapters: false,
            observer,
        };
        let has_header = settings.inputs.shard.is_none_or(Shard::is_first);
        job.run(vec![output], None, |_, outputs| {
            let rows = ClassRows::new(self.classes.names());
            if let (true, Some(output)) = (has_header, outputs.first_mut()) {
                output.write_text(rows.header().as_bytes())?;
            }
            Ok(rows)
        })
    }
}
