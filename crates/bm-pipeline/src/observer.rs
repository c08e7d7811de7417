//! Progress of a run.

use bm_io::Input;

/// What a run does that may take long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Task {
    /// All reads are read to learn from them, and their k-mers are counted.
    Learning,
    /// The k-mers are counted again, without those that mislead.
    CountingAgain,
    /// The files of the parts of a run are merged.
    Merging,
    /// The errors in a sample of the reads are found.
    Labelling,
    /// Networks are trained, and compared on held-out reads.
    Training,
    /// The support of k-mers is weighed.
    Weighing,
    /// All reads are scored to rank them.
    Ranking,
    /// All reads are scored and written.
    Scoring,
    /// All reads get their vectors.
    Embedding,
}

/// Receives progress and messages of a run. By default, all methods do nothing.
pub trait Observer: Sync {
    /// A pass over an input begins. [`Input::bytes`] is its size, and [`Input::consumed`] counts
    /// the bytes read.
    fn pass_begins(&self, task: Task, input: &Input) {
        let _ = (task, input);
    }

    /// A task begins that reads no input: the one before is over.
    fn task_begins(&self, task: Task) {
        let _ = task;
    }

    /// This many more reads are done.
    fn reads_done(&self, reads: usize) {
        let _ = reads;
    }

    /// The pass or the task is over.
    fn pass_ends(&self) {}

    /// A message about progress, one line.
    fn note(&self, line: &str) {
        let _ = line;
    }

    /// A message that the user should always see, one line.
    fn warn(&self, line: &str) {
        let _ = line;
    }
}

/// An observer that ignores everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
