//! Progress of a run.

use bm_io::Input;

/// Receives progress and messages of a run. By default, all methods do nothing.
pub trait Observer: Sync {
    /// A pass over an input begins. [`Input::bytes`] is its size, and [`Input::consumed`] counts
    /// the bytes read.
    fn pass_begins(&self, input: &Input) {
        let _ = input;
    }

    /// This many more reads are done.
    fn reads_done(&self, reads: usize) {
        let _ = reads;
    }

    /// The pass is over.
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
