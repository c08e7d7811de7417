//! What a model says of a read.

use bm_reads::ReadError;

/// A probability: finite, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Probability(f32);

impl Probability {
    /// Returns the probability, if the value is one.
    pub fn new(value: f32) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// Returns the value, 0 to 1.
    pub const fn get(self) -> f32 {
        self.0
    }
}

/// What a model says of a read that it can judge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// P(the read passes) under the model's label.
    pub probability: Probability,
    /// How many of the read's bases the model expects to be wrong; `None` from a model that does
    /// not count errors.
    pub expected_errors: Option<f32>,
    /// What the k-mers of the run changed; `None` where the package holds none.
    pub support: Option<KmerSupport>,
}

/// What the k-mers of a run had to say of a read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KmerSupport {
    /// How many of the read's bases the network alone expects to be wrong.
    pub expected_errors_prior: f32,
    /// Share of the bases of which the k-mers know something, 0 to 1.
    pub evaluable: f32,
}

/// What a model says of one read.
#[derive(Clone, Debug, PartialEq)]
pub enum Prediction {
    /// The model's answer.
    Scored(Score),
    /// The read is well-formed but cannot be judged, and why.
    Unscored(ReadError),
}

impl Prediction {
    /// Returns the probability, where there is one.
    pub fn probability(&self) -> Option<Probability> {
        match self {
            Prediction::Scored(score) => Some(score.probability),
            Prediction::Unscored(_) => None,
        }
    }

    /// Returns what the k-mers of the run had to say, where they were asked.
    pub fn kmer_support(&self) -> Option<KmerSupport> {
        match self {
            Prediction::Scored(score) => score.support,
            Prediction::Unscored(_) => None,
        }
    }

    /// Returns the expected number of wrong bases, where the model gives one.
    pub fn expected_errors(&self) -> Option<f32> {
        match self {
            Prediction::Scored(score) => score.expected_errors,
            Prediction::Unscored(_) => None,
        }
    }
}
