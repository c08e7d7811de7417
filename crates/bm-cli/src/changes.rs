//! What the k-mers of a run changed in the reads that were judged.

use bm_quality::Prediction;
use serde::Serialize;

/// A share of the bases below which the reads are hardly those that were counted.
const FEW: f64 = 0.05;

/// Sums over reads that were asked about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Changes {
    bases: f64,
    evaluable: f64,
    expected_errors_prior: f64,
    expected_errors: f64,
}

/// The same for machines; its keys are a contract.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ChangeFacts {
    /// Share of the bases of which the k-mers know something.
    evaluable: f64,
    /// Errors that the network alone expects in all reads.
    expected_errors_prior: f64,
    /// Errors that are expected with what the k-mers say.
    expected_errors: f64,
}

impl Changes {
    /// Adds a read of so many bases.
    pub(crate) fn add(&mut self, prediction: &Prediction, bases: usize) {
        if let (Some(evidence), Some(errors)) =
            (prediction.kmer_support(), prediction.expected_errors())
        {
            self.bases += bases as f64;
            self.evaluable += f64::from(evidence.evaluable) * bases as f64;
            self.expected_errors_prior += f64::from(evidence.expected_errors_prior);
            self.expected_errors += f64::from(errors);
        }
    }

    /// Adds what was summed up over later reads.
    pub(crate) fn merge(&mut self, later: &Self) {
        self.bases += later.bases;
        self.evaluable += later.evaluable;
        self.expected_errors_prior += later.expected_errors_prior;
        self.expected_errors += later.expected_errors;
    }

    /// Returns the facts, if k-mers were asked about any read.
    pub(crate) fn facts(&self) -> Option<ChangeFacts> {
        let Self { bases, evaluable, expected_errors_prior, expected_errors } = *self;
        (bases > 0.0).then(|| ChangeFacts {
            evaluable: evaluable / bases,
            expected_errors_prior,
            expected_errors,
        })
    }
}

impl ChangeFacts {
    /// Returns a line for people.
    pub(crate) fn words(&self) -> String {
        let Self { evaluable, expected_errors_prior, expected_errors } = self;
        let other = if *evaluable < FEW {
            "; are these reads of the run that the package learned?"
        } else {
            ""
        };
        format!(
            "k-mers know something of {:.1} % of the bases: {expected_errors_prior:.0} errors expected by the network alone, \
             {expected_errors:.0} with them{other}",
            100.0 * evaluable
        )
    }
}
