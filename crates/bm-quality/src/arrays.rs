//! Predictions as arrays of the crate `ndarray`.

use bm_reads::ReadRef;
use ndarray::{Array1, ArrayView1, s};

use crate::{Prediction, QualityError, QualityModel};

/// Predictions for reads, one value per read and in the order of the reads.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionArrays {
    /// P(the read passes) under the model's label; NaN for unscored reads.
    ///
    /// **Shape:** `[reads]`.
    pub probability: Array1<f32>,
    /// Expected number of wrong bases; NaN for unscored reads, and from a model that does not count
    /// errors.
    ///
    /// **Shape:** `[reads]`.
    pub expected_errors: Array1<f32>,
}

/// Error probabilities of the bases of reads of different lengths, one read after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseArrays {
    /// Error probability of every base, 0 to 1.
    ///
    /// **Shape:** `[bases]`.
    pub error_probability: Array1<f32>,
    /// Where the bases of each read begin, and the total at the end: those of read `i` are
    /// `offsets[i]..offsets[i + 1]`. An unscored read has none.
    ///
    /// **Shape:** `[reads + 1]`.
    pub offsets: Array1<usize>,
}

impl From<&[Prediction]> for PredictionArrays {
    fn from(predictions: &[Prediction]) -> Self {
        let value = |prediction: &Prediction| prediction.probability().map(|p| p.get());
        let array = |values: &dyn Fn(&Prediction) -> Option<f32>| {
            predictions.iter().map(|prediction| values(prediction).unwrap_or(f32::NAN)).collect()
        };
        Self { probability: array(&value), expected_errors: array(&Prediction::expected_errors) }
    }
}

impl BaseArrays {
    /// Returns the number of reads.
    pub fn reads(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Returns the error probabilities of the bases of a read; `None` if there is no such read.
    ///
    /// **Shape:** `[bases of the read]`, `[0]` if it is unscored.
    pub fn read(&self, index: usize) -> Option<ArrayView1<'_, f32>> {
        let (start, end) = (*self.offsets.get(index)?, *self.offsets.get(index + 1)?);
        Some(self.error_probability.slice(s![start..end]))
    }
}

impl QualityModel {
    /// Returns the predictions of [`QualityModel::predict`] as arrays.
    ///
    /// # Errors
    ///
    /// Those of [`QualityModel::predict`].
    pub fn predict_arrays(
        &mut self,
        reads: &[ReadRef<'_>],
    ) -> Result<PredictionArrays, QualityError> {
        Ok(self.predict(reads)?.as_slice().into())
    }

    /// Returns the predictions for reads and the error probabilities of their bases as arrays. A
    /// model that does not count errors ([`Facts::counts_errors`](crate::Facts::counts_errors))
    /// returns none for any base.
    ///
    /// # Errors
    ///
    /// Those of [`QualityModel::predict`].
    pub fn predict_bases_arrays(
        &mut self,
        reads: &[ReadRef<'_>],
    ) -> Result<(PredictionArrays, BaseArrays), QualityError> {
        let (mut predictions, mut bases) = (Vec::with_capacity(reads.len()), Vec::new());
        self.predict_bases_into(reads.iter().copied(), &mut predictions, &mut bases)?;
        let mut end = 0;
        let ends = reads.iter().zip(&predictions).map(|(read, prediction)| {
            if prediction.expected_errors().is_some() {
                end += read.len();
            }
            end
        });
        let offsets = std::iter::once(0).chain(ends).collect();
        let arrays = BaseArrays { error_probability: bases.into(), offsets };
        Ok((predictions.as_slice().into(), arrays))
    }
}
