//! Rows of features in one matrix.

use crate::{EncodeError, Encoder, Encoding};
use bm_reads::ReadRef;

/// A matrix of features, one row per read or window.
#[derive(Clone, Debug)]
pub struct FeatureBatch {
    features: usize,
    values: Vec<f32>,
}

impl FeatureBatch {
    /// Returns an empty batch for rows of `encoding`.
    pub fn new(encoding: &Encoding) -> Self {
        Self { features: encoding.features, values: Vec::new() }
    }

    /// Returns an empty batch with room for `rows` rows.
    pub fn with_capacity(encoding: &Encoding, rows: usize) -> Self {
        Self { features: encoding.features, values: Vec::with_capacity(rows * encoding.features) }
    }

    /// Appends the features of one read, at most one window long.
    ///
    /// # Errors
    ///
    /// Those of [`Encoder::encode_into`]; the batch is then unchanged.
    pub fn push(&mut self, encoder: &dyn Encoder, read: ReadRef<'_>) -> Result<(), EncodeError> {
        let start = self.values.len();
        self.values.resize(start + self.features, 0.0);
        encoder
            .encode_into(read, &mut self.values[start..])
            .inspect_err(|_| self.values.truncate(start))
    }

    /// Removes all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.values.clear();
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.features).unwrap_or(0)
    }

    /// Returns the shape: `[rows, features]`.
    pub fn shape(&self) -> [usize; 2] {
        [self.rows(), self.features]
    }

    /// Returns the values, row after row.
    ///
    /// **Shape:** `[rows, features]`, C order.
    pub fn as_slice(&self) -> &[f32] {
        &self.values
    }
}
