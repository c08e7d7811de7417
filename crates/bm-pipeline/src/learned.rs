//! What was learned of a run.

use std::path::Path;

use bm_adapt::{Adaptation, Choice, RunEvidence};
use bm_io::{FileState, Input};
use bm_quality::{LongReads, ModelPackage};

use crate::PipelineError;
use crate::inserts::RunInserts;
use crate::library::Library;
use crate::reading::Passed;

/// The result of learning a run.
pub struct Learned {
    /// The model, and how it was selected.
    pub adaptation: Adaptation,
    /// The k-mer evidence of the run, if k-mers were counted.
    pub evidence: Option<RunEvidence>,
    /// What the library has that is not of the sample.
    pub library: Library,
    /// Where the inserts of the run's first files end, if files were read.
    pub(crate) inserts: Option<Box<RunInserts>>,
    /// The limit for the reads, if they are longer than those that the base model was trained on.
    pub(crate) long_reads: Option<LongReads>,
    pub(crate) seen: Seen,
}

/// What was read to learn a run, for a second pass over the same files.
#[derive(Default)]
pub(crate) struct Seen {
    /// The state of each file when it was opened; `None` for a stream.
    pub(crate) files: Vec<Option<FileState>>,
    pub(crate) reads: u64,
}

impl Seen {
    /// Checks that the second pass opened the same files, or had them to the end.
    pub(crate) fn check_files<'a>(
        &self,
        inputs: impl Iterator<Item = &'a Input>,
    ) -> Result<(), PipelineError> {
        for (input, before) in inputs.zip(&self.files) {
            if let Some(before) = before {
                input.check_state(before)?;
            }
        }
        Ok(())
    }

    /// Checks that the files are those that were opened.
    pub(crate) fn check_states(&self, inputs: &[&Path]) -> Result<(), PipelineError> {
        // Groups are read in the order of their files.
        for (path, before) in inputs.iter().zip(&self.files) {
            if let (Some(before), Some(now)) = (before, FileState::at(path)) {
                now.check(before, &bm_io::name(path))?;
            }
        }
        Ok(())
    }

    /// Checks that another pass found the same files with as many reads.
    pub(crate) fn check_passed(
        &self,
        passed: &Passed,
        names: &[String],
    ) -> Result<(), PipelineError> {
        for ((before, now), name) in self.files.iter().zip(&passed.states).zip(names) {
            if let (Some(before), Some(now)) = (before, now) {
                now.check(before, name)?;
            }
        }
        self.check_reads(passed.records, names)
    }

    /// Checks that the second pass found as many reads; messages call its inputs `names`.
    pub(crate) fn check_reads(&self, found: u64, names: &[String]) -> Result<(), PipelineError> {
        if found == self.reads {
            return Ok(());
        }
        PipelineError::refuse(format!(
            "{}: changed while the run was learned: there were {} reads, and now there are {found}; \
             run again when nothing writes to it",
            names.join(", "),
            self.reads
        ))
    }
}

impl Learned {
    /// Checks that there is something to score the reads of `inputs` by if their reported qualities are
    /// ignored.
    pub(crate) fn require_without_quality(&self, inputs: &[&Path]) -> Result<(), PipelineError> {
        let (doubts, missing) = match &self.evidence {
            Some(RunEvidence { evidence: None, doubts, .. }) => (doubts, "k-mer evidence"),
            _ if self.adaptation.choice == Choice::Reported => {
                (&self.adaptation.doubts, "error rate of the run")
            }
            _ => return Ok(()),
        };
        let inputs = names(inputs);
        let doubts: Vec<String> = doubts.iter().map(ToString::to_string).collect();
        PipelineError::refuse(format!(
            "{}: no qualities to look at, and no {missing} to score the reads by: {}; give more \
             reads of the run, or reads with qualities",
            inputs.join(", "),
            doubts.join("; ")
        ))
    }

    /// Returns the limit for long reads, if the reported qualities score them.
    pub(crate) fn long_limit(&self) -> Option<LongReads> {
        self.long_reads.filter(|_| self.adaptation.choice == Choice::Reported)
    }

    /// Returns the package of the model, with the evidence if there is some. Threads can share it: each
    /// opens a [`QualityModel`](bm_quality::QualityModel) of its own with it.
    ///
    /// # Errors
    ///
    /// If the files of the package cannot be one, which is a bug.
    pub fn package(&self) -> Result<ModelPackage, PipelineError> {
        let package = ModelPackage::from_files("adapted", self.adaptation.files.clone())?;
        let evidence = self.evidence.as_ref().and_then(|evidence| evidence.evidence.clone());
        Ok(match evidence {
            Some(evidence) => package.with_evidence(evidence),
            None => package,
        })
    }
}

/// Returns the names of inputs in messages.
pub(crate) fn names(inputs: &[&Path]) -> Vec<String> {
    inputs.iter().map(|path| bm_io::name(path)).collect()
}
