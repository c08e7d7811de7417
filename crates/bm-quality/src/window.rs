//! Reads longer than the network: which windows it sees, and how their answers become one.

use std::ops::Range;

use crate::Probability;

/// How a network that sees a fixed number of bases judges a read of any length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WindowRule {
    /// Bases that the network sees at once.
    pub length: usize,
    /// How the windows' answers become one.
    pub combination: Combination,
}

/// How the answers of a read's windows become one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Combination {
    /// The mean of the windows' logits, in which every base has one vote, split evenly among the
    /// windows that cover it.
    ///
    /// A window's logit follows the mean of what its bases say, so a mean over bases is what the
    /// whole read says. Splitting the vote keeps the bases that two windows share from counting
    /// twice.
    BaseWeightedMeanLogit,
}

impl Combination {
    /// Every rule that exists.
    pub const ALL: [Combination; 1] = [Combination::BaseWeightedMeanLogit];

    /// Returns the rule's name, as manifests write it.
    pub const fn name(self) -> &'static str {
        match self {
            Combination::BaseWeightedMeanLogit => "base-weighted-mean-logit",
        }
    }

    /// Returns the rule of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

impl WindowRule {
    /// Returns how many windows a read of `bases` has: none if it is empty, one if it fits.
    pub fn count(&self, bases: usize) -> usize {
        bases.div_ceil(self.length)
    }

    /// Returns the windows of a read of `bases`: from the first base on, the last one aligned to
    /// the read's end.
    pub fn windows(&self, bases: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let WindowRule { length, .. } = *self;
        let last = bases.saturating_sub(length);
        (0..self.count(bases)).map(move |i| {
            let start = (i * length).min(last);
            start..bases.min(start + length)
        })
    }

    /// Returns a read's probability from those of its windows, given in the order of
    /// [`WindowRule::windows`].
    ///
    /// One window's probability is the read's, to the bit. Returns `None` if there is none, or not
    /// one a window.
    pub fn combine(&self, bases: usize, windows: &[Probability]) -> Option<Probability> {
        if windows.len() != self.count(bases) {
            return None;
        }
        match (windows, self.combination) {
            ([], _) => None,
            ([only], _) => Some(*only),
            (_, Combination::BaseWeightedMeanLogit) => {
                // Only the last two windows can overlap, so all others weigh their full length.
                let shared = windows.len() * self.length - bases;
                let edge = (self.length - shared) as f64 + shared as f64 / 2.0;
                let split = windows.len() - 2;
                let weight = |i| if i < split { self.length as f64 } else { edge };
                mean_logit(windows.iter().enumerate().map(|(i, p)| (*p, weight(i))), bases)
            }
        }
    }
}

/// Returns the probability whose logit is the mean of others', each with its weight in bases;
/// `bases` is the sum of the weights.
pub(crate) fn mean_logit(
    parts: impl Iterator<Item = (Probability, f64)>,
    bases: usize,
) -> Option<Probability> {
    let weighted = parts.map(|(p, weight)| logit(p) * weight);
    Probability::new(sigmoid(weighted.sum::<f64>() / bases as f64) as f32)
}

/// Probabilities closer to 0 or 1 than this count as this far: an `f32` sigmoid rounds to 1 soon
/// after, and a window that is infinitely sure could never be outvoted.
const SUREST: f64 = 1e-7;

fn logit(probability: Probability) -> f64 {
    let p = f64::from(probability.get()).clamp(SUREST, 1.0 - SUREST);
    (p / (1.0 - p)).ln()
}

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: WindowRule =
        WindowRule { length: 150, combination: Combination::BaseWeightedMeanLogit };

    fn probabilities(values: &[f32]) -> Vec<Probability> {
        values.iter().filter_map(|p| Probability::new(*p)).collect()
    }

    #[test]
    fn windows_start_at_the_first_base_and_end_at_the_last() {
        let windows = |bases| {
            RULE.windows(bases).map(|window| (window.start, window.end)).collect::<Vec<_>>()
        };
        assert_eq!(windows(0), []);
        assert_eq!(windows(1), [(0, 1)]);
        assert_eq!(windows(150), [(0, 150)]);
        assert_eq!(windows(151), [(0, 150), (1, 151)]);
        assert_eq!(windows(300), [(0, 150), (150, 300)]);
        assert_eq!(windows(310), [(0, 150), (150, 300), (160, 310)]);
    }

    #[test]
    fn one_window_is_the_read_to_the_bit() {
        for p in [0.0, 1e-30, 0.3, 1.0] {
            assert_eq!(RULE.combine(150, &probabilities(&[p])), Probability::new(p));
        }
        assert_eq!(RULE.combine(0, &[]), None);
        assert_eq!(RULE.combine(151, &probabilities(&[0.5])), None);
    }

    #[test]
    fn every_base_has_one_vote() {
        // The rule by its definition, base by base, against the closed form.
        for bases in [151, 200, 299, 300, 301, 310, 449, 450, 1000] {
            let windows: Vec<_> = RULE.windows(bases).collect();
            let given: Vec<f32> =
                (0..windows.len()).map(|i| 0.05 + 0.9 * (i as f32 * 0.61).fract()).collect();
            let given = probabilities(&given);
            let mut sum = 0.0;
            for base in 0..bases {
                let covering: Vec<_> =
                    (0..windows.len()).filter(|i| windows[*i].contains(&base)).collect();
                assert!(!covering.is_empty(), "base {base} of {bases} is seen by no window");
                sum +=
                    covering.iter().map(|i| logit(given[*i])).sum::<f64>() / covering.len() as f64;
            }
            let expected = sigmoid(sum / bases as f64);
            let found = RULE.combine(bases, &given).map(|p| f64::from(p.get()));
            assert!(
                found.is_some_and(|p| (p - expected).abs() < 1e-6),
                "{bases} bases: {found:?}, expected {expected}"
            );
        }
    }

    #[test]
    fn a_window_that_is_sure_can_be_outvoted() {
        let sure =
            RULE.combine(600, &probabilities(&[1.0, 1e-6, 1e-6, 1e-6])).map(Probability::get);
        assert!(sure.is_some_and(|p| p < 0.5), "{sure:?}");
    }

    #[test]
    fn names_are_unambiguous() {
        for rule in Combination::ALL {
            assert_eq!(Combination::from_name(rule.name()), Some(rule));
        }
        assert_eq!(Combination::from_name("median"), None);
    }
}
