//! The effect of k-mer evidence, summed over the scored reads.

use bm_profile::ExactSum;
use bm_quality::Prediction;
use serde::{Deserialize, Serialize};

/// Sums over the reads for which k-mers were looked up. In JSON: the sums in double precision, and as
/// they are under `exact`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct EvidenceTotals {
    /// Bases of these reads.
    pub bases: u64,
    /// Bases that k-mers cover.
    pub covered_bases: ExactSum,
    /// Expected errors by the network alone.
    pub expected_errors_prior: ExactSum,
    /// Expected errors with the k-mers.
    pub expected_errors: ExactSum,
}

impl EvidenceTotals {
    /// Adds a read of this many bases.
    pub(crate) fn count(&mut self, prediction: &Prediction, bases: usize) {
        if let (Some(support), Some(errors)) =
            (prediction.kmer_support(), prediction.expected_errors())
        {
            self.bases += bases as u64;
            self.covered_bases.add(f64::from(support.evaluable) * bases as f64);
            self.expected_errors_prior.add(f64::from(support.expected_errors_prior));
            self.expected_errors.add(f64::from(errors));
        }
    }

    /// Adds the sums over other reads.
    pub fn add(&mut self, other: &Self) {
        self.bases = self.bases.saturating_add(other.bases);
        self.covered_bases.merge(&other.covered_bases);
        self.expected_errors_prior.merge(&other.expected_errors_prior);
        self.expected_errors.merge(&other.expected_errors);
    }

    /// Returns whether no k-mers were looked up.
    pub fn is_empty(&self) -> bool {
        self.bases == 0
    }

    /// Returns the fraction of the bases that k-mers cover.
    pub fn coverage(&self) -> f64 {
        self.covered_bases.get() / self.bases as f64
    }
}

/// The sums in JSON.
#[derive(Deserialize, Serialize)]
struct Stored {
    bases: u64,
    covered_bases: f64,
    expected_errors_prior: f64,
    expected_errors: f64,
    exact: Exact,
}

/// The sums from which those of several reports are made.
#[derive(Deserialize, Serialize)]
struct Exact {
    covered_bases: ExactSum,
    expected_errors_prior: ExactSum,
    expected_errors: ExactSum,
}

impl From<EvidenceTotals> for Stored {
    fn from(totals: EvidenceTotals) -> Self {
        let EvidenceTotals { bases, covered_bases, expected_errors_prior, expected_errors } =
            totals;
        Self {
            bases,
            covered_bases: covered_bases.get(),
            expected_errors_prior: expected_errors_prior.get(),
            expected_errors: expected_errors.get(),
            exact: Exact { covered_bases, expected_errors_prior, expected_errors },
        }
    }
}

impl From<Stored> for EvidenceTotals {
    fn from(stored: Stored) -> Self {
        let Exact { covered_bases, expected_errors_prior, expected_errors } = stored.exact;
        Self { bases: stored.bases, covered_bases, expected_errors_prior, expected_errors }
    }
}
