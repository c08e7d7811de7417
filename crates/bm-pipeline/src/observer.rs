//! Following a run while it works.

use bm_io::Input;

/// Follows a run: how far it is, and remarks on the way. All methods do nothing by default.
pub trait Observer: Sync {
    /// A pass over an input begins. [`Input::bytes`] is its size and [`Input::consumed`] how much of
    /// it was read.
    fn pass_begins(&self, input: &Input) {
        let _ = input;
    }

    /// This many more reads are done.
    fn reads_done(&self, reads: usize) {
        let _ = reads;
    }

    /// The pass is over.
    fn pass_ends(&self) {}

    /// A remark on the progress, in one line.
    fn note(&self, line: &str) {
        let _ = line;
    }

    /// A remark that the user should see in any case, in one line.
    fn warn(&self, line: &str) {
        let _ = line;
    }
}

/// An observer that ignores everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
