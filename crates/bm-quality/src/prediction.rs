//! What a model predicts of a read.

use bm_reads::ReadError;

use crate::Probability;

/// The prediction for a read that has one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// P(the read passes) under the model's label.
    pub probability: Probability,
    /// Expected number of wrong bases; `None` from a model that does not count errors.
    pub expected_errors: Option<f32>,
    /// How the k-mers of the run contributed; `None` if the package has no evidence.
    pub support: Option<KmerSupport>,
}

/// How the k-mers of a run contributed to a prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KmerSupport {
    /// Expected number of wrong bases by the network alone.
    pub expected_errors_prior: f32,
    /// Fraction of the bases that the k-mers cover, 0 to 1.
    pub evaluable: f32,
}

/// What a model predicts of one read.
#[derive(Clone, Debug, PartialEq)]
pub enum Prediction {
    /// The read has a probability.
    Scored(Score),
    /// The read cannot be scored, and why.
    Unscored(ReadError),
}

impl Prediction {
    /// Returns the probability, if the read is scored.
    pub fn probability(&self) -> Option<Probability> {
        match self {
            Prediction::Scored(score) => Some(score.probability),
            Prediction::Unscored(_) => None,
        }
    }

    /// Returns how the k-mers of the run contributed, if they did.
    pub fn kmer_support(&self) -> Option<KmerSupport> {
        match self {
            Prediction::Scored(score) => score.support,
            Prediction::Unscored(_) => None,
        }
    }

    /// Returns the expected number of wrong bases, if the model counts errors.
    pub fn expected_errors(&self) -> Option<f32> {
        match self {
            Prediction::Scored(score) => score.expected_errors,
            Prediction::Unscored(_) => None,
        }
    }
}
