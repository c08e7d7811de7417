//! How the blocks of a device of one shape are filled.

/// How much of its blocks a device of one shape computed for nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Filling {
    /// Columns of all blocks.
    pub columns: u64,
    /// Columns whose output was taken; the others are padding, or separate sequences.
    pub used: u64,
}

impl Filling {
    /// Returns the fraction of the columns that was padding; `None` before the first block.
    pub fn padding(&self) -> Option<f64> {
        (self.columns > 0).then(|| 1.0 - self.used as f64 / self.columns as f64)
    }
}
