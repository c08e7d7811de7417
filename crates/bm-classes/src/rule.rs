//! From evidence to a probability for each class, and for none.

use crate::evidence::{Evidence, chance};
use crate::index::ClassIndex;

/// Weights of the logistic layer, of the [`features`]. Trained by research/classes/train.py, on real and
/// mutated reads of other classes than those of its figures.
const WEIGHTS: [f64; FEATURES] = [
    -4.9499, -0.13, 0.7331, -0.371, 0.6023, 4.2791, -1.5964, 0.1718, -0.0437, 0.3425, 0.2485,
    0.1665, 0.3541,
];

/// Numbers that the logistic layer weighs.
const FEATURES: usize = 13;

/// Nats beyond chance at which their weight changes.
const KNOTS: [f64; 2] = [0.0, 8.0];

/// Bases of all references from which their logarithm counts, up to [`MOST_SIZE`] in either direction.
const SIZE: f64 = 1e6;
/// See [`SIZE`].
const MOST_SIZE: f64 = 3.5;

/// Length of a read from which the logarithm of the ratio counts, up to one in either direction.
const LENGTH: f64 = 100.0;

/// Nats beyond chance from which more of them count as their logarithm: reads of relatives in no
/// class have such, in genes that changed little.
const KNEE: f64 = 15.0;

/// Fewest nats beyond chance that differ from none.
const FEWEST: f64 = -12.0;

/// The probability of each class, and of none of them. They add up to one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Probabilities {
    /// By the number of the class.
    pub classes: Vec<f32>,
    /// That the read comes from none of them.
    pub none: f32,
}

impl Probabilities {
    /// Returns the class with the highest probability, the first of equals, with this probability;
    /// `None` for a read that is more likely of none of them than of any.
    pub fn best(&self) -> Option<(usize, f32)> {
        let mut best = None;
        for (class, probability) in self.classes.iter().enumerate() {
            if best.is_none_or(|(_, highest)| *probability > highest) {
                best = Some((class, *probability));
            }
        }
        best.filter(|_| self.none < 0.5)
    }
}

/// The numbers that the logistic layer weighs: one; the nats of the best class beyond chance, up to a
/// limit; those above 0, and above 8; the logarithm of those above the limit; the fraction of the nats
/// that the read has at most; the logarithms of its length and of the size of the references;
/// the latter times the nats above 0. Where seeds are sampled, their absence says less: of a read without
/// any hit, the level (how often the seeds were halved), its root, and the level times the logarithm of
/// the length; of another read, the level.
///
/// The best chain of a random read in `n` bases, both strands, has about ln(2 n length) nats: this is what
/// counts as chance.
pub fn features(evidence: &Evidence, index: &ClassIndex) -> [f64; FEATURES] {
    let nats = f64::from(evidence.nats().iter().copied().fold(0.0, f32::max));
    let length = evidence.bases().max(1) as f64;
    let beyond = (nats - chance(index.bases(), evidence.bases())).max(FEWEST);
    let limited = beyond.min(KNEE);
    let fraction = nats / f64::from(evidence.most()).max(1.0);
    let above = (limited - KNOTS[0]).max(0.0);
    let log_length = (length / LENGTH).ln().clamp(-1.0, 1.0);
    let (absent, level) = (if nats > 0.0 { 0.0 } else { 1.0 }, f64::from(index.level));
    let size = (index.bases().max(1) as f64 / SIZE).ln().clamp(-MOST_SIZE, MOST_SIZE);
    [
        1.0,
        limited,
        above,
        (limited - KNOTS[1]).max(0.0),
        (beyond - KNEE).max(0.0).ln_1p(),
        fraction.min(1.0),
        log_length,
        size,
        size * above,
        absent * level,
        absent * level.sqrt(),
        absent * level * log_length,
        (1.0 - absent) * level,
    ]
}

impl Evidence {
    /// Returns the probability of each class, and of none, before anything is known of how frequent
    /// they are: as many reads are of none of them as of any.
    ///
    /// A logistic layer says whether the read is of any class. Among them, a class is as likely as its
    /// nats say.
    pub fn probabilities(&self, index: &ClassIndex) -> Probabilities {
        let mut classes = Vec::with_capacity(self.nats().len() + 1);
        self.probabilities_into(index, &mut classes);
        let none = classes.pop().unwrap_or(1.0);
        Probabilities { classes, none }
    }

    /// Appends the same probabilities: those of the classes, by their numbers, and then that of none.
    pub fn probabilities_into(&self, index: &ClassIndex, to: &mut Vec<f32>) {
        let sum: f64 =
            features(self, index).iter().zip(WEIGHTS).map(|(x, weight)| x * weight).sum();
        let any = 1.0 / (1.0 + (-sum).exp());
        let highest = self.nats().iter().copied().fold(0.0, f32::max);
        let weight = |nats: &f32| f64::from(nats - highest).exp();
        let all: f64 = self.nats().iter().map(weight).sum();
        to.extend(self.nats().iter().map(|nats| (any * weight(nats) / all) as f32));
        to.push((1.0 - any) as f32);
    }
}
