//! The effect of k-mer evidence, summed over the scored reads.

use bm_quality::Prediction;
use serde::{Deserialize, Serialize};

/// Sums over the reads for which k-mers were looked up.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct EvidenceTotals {
    /// Bases of these reads.
    pub bases: f64,
    /// Bases that k-mers cover.
    pub covered_bases: f64,
    /// Expected errors by the network alone.
    pub expected_errors_prior: f64,
    /// Expected errors with the k-mers.
    pub expected_errors: f64,
}

impl EvidenceTotals {
    /// Adds a read of this many bases.
    pub(crate) fn count(&mut self, prediction: &Prediction, bases: usize) {
        if let (Some(support), Some(errors)) =
            (prediction.kmer_support(), prediction.expected_errors())
        {
            self.bases += bases as f64;
            self.covered_bases += f64::from(support.evaluable) * bases as f64;
            self.expected_errors_prior += f64::from(support.expected_errors_prior);
            self.expected_errors += f64::from(errors);
        }
    }

    /// Adds the sums over other reads.
    pub fn add(&mut self, other: &Self) {
        self.bases += other.bases;
        self.covered_bases += other.covered_bases;
        self.expected_errors_prior += other.expected_errors_prior;
        self.expected_errors += other.expected_errors;
    }

    /// Returns whether no k-mers were looked up.
    pub fn is_empty(&self) -> bool {
        self.bases == 0.0
    }

    /// Returns the fraction of the bases that k-mers cover.
    pub fn coverage(&self) -> f64 {
        self.covered_bases / self.bases
    }
}
