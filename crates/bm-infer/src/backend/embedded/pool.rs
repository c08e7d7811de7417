//! Pools: the largest value of each window, or the mean.

use super::windows::OUTSIDE;

/// What is taken of a window.
#[derive(Clone, Debug)]
pub(super) enum Of {
    /// The largest value.
    Most,
    /// The sum divided by a number, one per window.
    Mean(Vec<f32>),
}

/// One number for each window of values.
#[derive(Debug)]
pub(super) struct Pool {
    /// Values that a table of windows is for.
    pub(super) size: usize,
    /// The index of each place of each window.
    pub(super) table: Vec<u32>,
    /// Places in a window.
    pub(super) places: usize,
    pub(super) of: Of,
}

impl Pool {
    /// Writes a number for each window of each `size` values.
    ///
    /// **Shape:** `[any, size]` to `[any, windows]`. A sum goes from first to last, and is then divided.
    pub(super) fn run(&self, input: &[f32], output: &mut Vec<f32>) {
        output.clear();
        for values in input.chunks_exact(self.size) {
            let windows = self.table.chunks_exact(self.places).map(|window| {
                window.iter().filter(|at| **at != OUTSIDE).map(|at| values[*at as usize])
            });
            match &self.of {
                Of::Most => output.extend(windows.map(most)),
                Of::Mean(sizes) => {
                    output.extend(windows.zip(sizes).map(|(window, size)| {
                        window.fold(0.0, |sum: f32, value| sum + value) / size
                    }));
                }
            }
        }
    }
}

/// Not `f32::max`, which leaves NaN out: a value that overflowed must stay NaN.
fn most(values: impl Iterator<Item = f32>) -> f32 {
    values.fold(
        f32::NEG_INFINITY,
        |most, value| {
            if value <= most || most.is_nan() { most } else { value }
        },
    )
}
