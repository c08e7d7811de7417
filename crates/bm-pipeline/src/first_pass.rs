//! The first of two passes over a run of which a fraction or a number of bases is kept: it scores all
//! reads, and ranks them.

use bm_io::{Cancellation, Input, Tasks};

use crate::PipelineError;
use crate::decide::ScoredTemplate;
use crate::fate::Decision;
use crate::inputs::Inputs;
use crate::learned::Seen;
use crate::observer::{Observer, Task};
use crate::pipeline::{self, Destination, First, Plan, Product, Worker};
use crate::ranking::{Goal, Ranking, Unit};
use crate::run_pass::refuse_streams;
use crate::template_reader::TemplateReader;

/// Refuses inputs that have no best reads, or cannot be read twice.
pub(crate) fn check(inputs: &Inputs, goal: Goal) -> Result<(), PipelineError> {
    let flag = goal.flag();
    if inputs.shard.is_some() {
        return PipelineError::refuse(format!(
            "{flag}: a shard does not show which reads are the best of the files; filter them whole"
        ));
    }
    if inputs.is_mixed() {
        return PipelineError::refuse(format!(
            "{flag}: pairs and single reads are not ranked together; filter each apart"
        ));
    }
    let twice = format!(
        "{flag} reads its input twice, first to rank the reads and then to keep the best ones"
    );
    let table = ", or name the table that `bm score` made of the same reads with --scores";
    refuse_streams(&inputs.paths(), &twice, table)
}

/// No product: only decisions are kept, for the one who visits.
pub(crate) struct Decisions;

impl Product for Decisions {
    const KEEPS_DECISIONS: bool = true;

    fn write(&self, _: &ScoredTemplate<'_>, _: &Decision, _: &mut [Vec<u8>]) {}
}

/// The files of a run that are read for the first time.
pub(crate) struct FirstPass<'a> {
    pub(crate) inputs: &'a Inputs,
    /// Whether the model counts errors.
    pub(crate) counts_errors: bool,
    pub(crate) tasks: &'a Tasks,
    pub(crate) cancellation: Option<&'a Cancellation>,
    pub(crate) observer: &'a dyn Observer,
}

impl FirstPass<'_> {
    /// Scores all reads on these workers; returns their ranking. Adds to `seen` how many reads there
    /// are.
    ///
    /// # Errors
    ///
    /// If an input is broken, or is not the one that was opened for the second pass.
    pub(crate) fn rank(
        &self,
        workers: Vec<Worker>,
        plan: &Plan<'_, Decisions>,
        seen: &mut Seen,
    ) -> Result<Ranking, PipelineError> {
        let mut reader = TemplateReader::open_for(self.inputs, self.tasks, self.cancellation)?;
        seen.check_files(reader.inputs())?;
        let mut units = Vec::new();
        let visit = |scored: &ScoredTemplate<'_>, decision: &Decision| {
            units.push(Unit::of(scored, decision));
        };
        let destination =
            Destination { outputs: &mut [], splitter: None, visit: Some(Box::new(visit)) };
        let first = First { batches: [].into(), is_all: false, counted: 0 };
        let observer = Ranks(self.observer);
        observer.pass_begins(Task::Ranking, reader.leading());
        let tally = pipeline::run(&mut reader, first, workers, None, plan, destination, &observer);
        observer.pass_ends();
        tally?;
        seen.reads = reader.records();
        let reads_per_unit = if self.inputs.has_pairs() { 2 } else { 1 };
        Ok(Ranking { units, reads_per_unit, counts_errors: self.counts_errors })
    }
}

/// An observer of the first pass.
struct Ranks<'a>(&'a dyn Observer);

impl Observer for Ranks<'_> {
    fn pass_begins(&self, _: Task, input: &Input) {
        self.0.pass_begins(Task::Ranking, input);
    }

    fn reads_done(&self, reads: usize) {
        self.0.reads_done(reads);
    }

    fn pass_ends(&self) {
        self.0.pass_ends();
    }
    // The second pass reads the same files, and has the same warnings.
}
