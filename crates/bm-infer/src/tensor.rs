//! A borrowed matrix.

use crate::InferError;

/// A matrix of `f32`: one row per case, one column per feature.
#[derive(Clone, Copy, Debug)]
pub struct TensorRef<'a> {
    shape: [usize; 2],
    values: &'a [f32],
}

impl<'a> TensorRef<'a> {
    /// Returns the matrix of `values`.
    ///
    /// **Shape:** `[rows, columns]`, `values` in C order.
    ///
    /// # Errors
    ///
    /// [`InferError::ValueCount`] if `values` does not hold rows × columns numbers.
    pub fn new(shape: [usize; 2], values: &'a [f32]) -> Result<Self, InferError> {
        match shape[0].checked_mul(shape[1]) {
            Some(expected) if expected == values.len() => Ok(Self { shape, values }),
            _ => Err(InferError::ValueCount { shape, actual: values.len() }),
        }
    }

    /// Returns the shape `[rows, columns]`.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.shape[0]
    }

    /// Returns the number of columns.
    pub fn columns(&self) -> usize {
        self.shape[1]
    }

    /// Returns the values, row by row.
    pub fn values(&self) -> &'a [f32] {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_must_fit_the_number_of_values() {
        assert!(TensorRef::new([2, 3], &[0.0; 6]).is_ok());
        assert!(TensorRef::new([0, 3], &[]).is_ok());
        assert!(matches!(
            TensorRef::new([2, 3], &[0.0; 5]),
            Err(InferError::ValueCount { actual: 5, .. })
        ));
        assert!(TensorRef::new([usize::MAX, 2], &[]).is_err());
    }
}
