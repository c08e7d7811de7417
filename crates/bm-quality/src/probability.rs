//! Probabilities, and means of their logits.

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

/// Returns the probability whose logit is the weighted mean of the parts' logits. Each part has its
/// weight in bases; `bases` is the sum of the weights.
pub(crate) fn mean_logit(
    parts: impl Iterator<Item = (Probability, f64)>,
    bases: usize,
) -> Option<Probability> {
    let weighted = parts.map(|(p, weight)| logit(p) * weight);
    Probability::new(sigmoid(weighted.sum::<f64>() / bases as f64) as f32)
}

/// Smallest distance of a probability from 0 and 1 for its logit: an `f32` sigmoid rounds to 1 soon
/// after, and one infinite logit would decide the mean alone.
const SMALLEST: f64 = 1e-7;

pub(crate) fn logit(probability: Probability) -> f64 {
    let p = f64::from(probability.get()).clamp(SMALLEST, 1.0 - SMALLEST);
    (p / (1.0 - p)).ln()
}

pub(crate) fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}
