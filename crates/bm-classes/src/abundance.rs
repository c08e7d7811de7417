//! The fractions of a run's reads that come from each class, with intervals.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::rule::Probabilities;

/// Probabilities are counted in steps of one in so many: reads of the same steps are one entry.
const STEPS: f32 = 200.0;

/// The same where there are more than [`FEW`] classes: otherwise, almost every read would be an entry.
const COARSE_STEPS: f32 = 40.0;

/// See [`COARSE_STEPS`].
const FEW: usize = 8;

/// Most classes of an entry, the most probable ones, where there are more than [`FEW`].
const MOST: usize = 4;

/// Groups of reads times classes times rounds, of all intervals, up to which all other fractions are
/// maximised for each value of one. Beyond, they keep their proportions.
const MOST_WORK: f64 = 1e9;

/// Rounds of expectation and maximisation, and the change at which they end.
const ROUNDS: usize = 1000;
/// See [`ROUNDS`].
const ENOUGH: f64 = 1e-9;

/// Rounds of maximisation with one fraction held, which starts near the result.
const HELD_ROUNDS: usize = 200;

/// The log-likelihood falls by so much at the ends of a 95 % interval: half the quantile of the
/// chi-squared distribution with one degree of freedom.
const FALL: f64 = 1.920_729;

/// Halvings of an interval in search of its ends.
const HALVINGS: usize = 30;

/// Probability that a read comes from a class that its probabilities say nothing of.
const LEAST: f64 = 1e-9;

/// A fraction of the reads, with the interval that it is in with a probability of 0.95 by the numbers
/// of reads alone.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Abundance {
    /// Of all reads; all classes and none of them add up to one.
    pub fraction: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// Counts the probabilities of reads. The result does not depend on their order, and parts that
/// were counted apart can be merged.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Abundances {
    /// Reads by the steps of their probabilities: pairs of a class and its steps, without zeros. The
    /// number of the class is one more than its own; 0 is none.
    counts: BTreeMap<Vec<(u32, u8)>, u64>,
}

/// A group of reads: how many, and the ratios of their likelihoods by class, none being the last.
struct Group {
    reads: f64,
    ratios: Vec<(usize, f64)>,
}

impl Abundances {
    /// Counts a read, or a pair.
    pub fn add(&mut self, probabilities: &Probabilities) {
        self.add_numbers(&probabilities.classes, probabilities.none);
    }

    /// The same by the probability of each class and that of none.
    pub fn add_numbers(&mut self, classes: &[f32], none: f32) {
        let scale = scale(classes.len());
        let of_none = (0, steps(none, scale));
        let of_classes = classes.iter().enumerate();
        let of_classes = of_classes.map(|(class, p)| (class as u32 + 1, steps(*p, scale)));
        let entry = [of_none].into_iter().chain(of_classes).filter(|(_, steps)| *steps > 0);
        let mut entry: Vec<(u32, u8)> = entry.collect();
        if classes.len() > FEW && entry.len() > MOST {
            entry.sort_by_key(|(class, steps)| (Reverse(*steps), *class));
            entry.truncate(MOST);
            entry.sort_unstable();
        }
        *self.counts.entry(entry).or_default() += 1;
    }

    /// Adds what was counted elsewhere, with the same index.
    pub fn merge(&mut self, other: &Self) {
        for (entry, reads) in &other.counts {
            *self.counts.entry(entry.clone()).or_default() += reads;
        }
    }

    /// Returns the number of reads.
    pub fn reads(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Returns the abundance of each class, and at last of none of them: the most likely fractions, by
    /// expectation and maximisation (Dempster, Laird & Rubin 1977), with intervals by the profile of the
    /// likelihood. All zero without reads.
    pub fn estimate(&self, classes: usize) -> Vec<Abundance> {
        let groups = self.groups(classes);
        if groups.is_empty() {
            return vec![Abundance::default(); classes + 1];
        }
        let start = vec![1.0 / (classes + 1) as f64; classes + 1];
        let best = maximised(&groups, start, None, ROUNDS);
        let highest = log_likelihood(&groups, &best);
        let work = (groups.len() * (classes + 1) * 2 * HALVINGS * HELD_ROUNDS) as f64;
        let rounds = if work <= MOST_WORK { HELD_ROUNDS } else { 0 };
        let end = |class: usize, outer: f64| {
            let (mut inside, mut outside) = (best[class], outer);
            for _ in 0..HALVINGS {
                let middle = (inside + outside) / 2.0;
                let held = maximised(&groups, best.clone(), Some((class, middle)), rounds);
                if log_likelihood(&groups, &held) >= highest - FALL {
                    inside = middle;
                } else {
                    outside = middle;
                }
            }
            inside
        };
        let mut is_seen = vec![false; classes + 1];
        groups.iter().flat_map(|group| &group.ratios).for_each(|(class, _)| is_seen[*class] = true);
        // Of a class that no read may be of, the likelihood falls as (1 - fraction)^reads.
        let unseen =
            Abundance { high: 1.0 - (-FALL / self.reads() as f64).exp(), ..Abundance::default() };
        let of = |class| match is_seen[class] {
            false => unseen,
            true => {
                Abundance { fraction: best[class], low: end(class, 0.0), high: end(class, 1.0) }
            }
        };
        (0..=classes).map(of).collect()
    }

    /// The probabilities of a read hold that half of the reads are of none: divided by that prior, they
    /// are likelihoods.
    fn groups(&self, classes: usize) -> Vec<Group> {
        let scale = f64::from(scale(classes));
        let ratio = |(class, steps): &(u32, u8)| {
            let class = *class as usize;
            let likelihood = f64::from(*steps) / scale;
            match class.checked_sub(1) {
                Some(class) => (class, likelihood * classes as f64),
                None => (classes, likelihood),
            }
        };
        let group = |(entry, reads): (&Vec<(u32, u8)>, &u64)| {
            let ratios = entry.iter().map(ratio).filter(|(class, _)| *class <= classes).collect();
            Group { reads: *reads as f64, ratios }
        };
        self.counts.iter().map(group).collect()
    }
}

/// Returns the steps of a probability of 1, with so many classes.
fn scale(classes: usize) -> f32 {
    if classes > FEW { COARSE_STEPS } else { STEPS }
}

fn steps(probability: f32, scale: f32) -> u8 {
    (probability.clamp(0.0, 1.0) * scale).round() as u8
}

impl Group {
    fn likelihood(&self, fractions: &[f64]) -> f64 {
        let of = |(class, ratio): &(usize, f64)| fractions.get(*class).map_or(0.0, |f| f * ratio);
        self.ratios.iter().map(of).sum::<f64>() + LEAST
    }
}

fn log_likelihood(groups: &[Group], fractions: &[f64]) -> f64 {
    groups.iter().map(|group| group.reads * group.likelihood(fractions).ln()).sum()
}

/// Returns the most likely fractions, from a first guess; one of them may be held.
fn maximised(
    groups: &[Group],
    mut fractions: Vec<f64>,
    held: Option<(usize, f64)>,
    rounds: usize,
) -> Vec<f64> {
    hold(&mut fractions, held);
    for _ in 0..rounds {
        let mut next = vec![0.0; fractions.len()];
        for group in groups {
            let scale = group.reads / group.likelihood(&fractions);
            for (class, ratio) in &group.ratios {
                next[*class] += fractions[*class] * ratio * scale;
            }
        }
        hold(&mut next, held);
        let change = next.iter().zip(&fractions).map(|(one, other)| (one - other).abs());
        let is_done = change.fold(0.0, f64::max) < ENOUGH;
        fractions = next;
        if is_done {
            break;
        }
    }
    fractions
}

/// Makes the sum of the fractions one, where one of them is given.
fn hold(fractions: &mut [f64], held: Option<(usize, f64)>) {
    let (class, held) = held.unwrap_or((usize::MAX, 0.0));
    let others = fractions.iter().enumerate().filter(|(other, _)| *other != class);
    let sum: f64 = others.map(|(_, fraction)| fraction).sum();
    let count = fractions.len() - usize::from(class < fractions.len());
    for (other, fraction) in fractions.iter_mut().enumerate() {
        *fraction = if other == class {
            held
        } else if sum > 0.0 {
            *fraction / sum * (1.0 - held)
        } else {
            (1.0 - held) / count.max(1) as f64
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(classes: [f32; 2], none: f32) -> Probabilities {
        Probabilities { classes: classes.to_vec(), none }
    }

    #[test]
    fn sure_reads_give_their_fractions_with_binomial_intervals() {
        let mut abundances = Abundances::default();
        for number in 0..1000 {
            abundances.add(&read(if number < 300 { [1.0, 0.0] } else { [0.0, 1.0] }, 0.0));
        }
        let found = abundances.estimate(2);
        assert!((found[0].fraction - 0.3).abs() < 1e-6, "{found:?}");
        // Standard deviation sqrt(0.3 0.7 / 1000) = 0.0145.
        assert!((found[0].low - 0.272).abs() < 0.002 && (found[0].high - 0.329).abs() < 0.002);
        assert!(found[2].fraction < 1e-6 && found[2].low < 1e-6, "{found:?}");
        // ln(1 - x) 1000 = -1.92
        assert!((found[2].high - 0.00192).abs() < 1e-4, "{found:?}");
    }

    #[test]
    fn reads_of_either_class_follow_the_sure_ones() {
        let mut abundances = Abundances::default();
        for number in 0..400 {
            abundances.add(&match number {
                0..90 => read([1.0, 0.0], 0.0),
                90..100 => read([0.0, 1.0], 0.0),
                _ => read([0.5, 0.5], 0.0),
            });
        }
        let found = abundances.estimate(2);
        assert!((found[0].fraction - 0.9).abs() < 1e-3, "{found:?}");
        assert!(found[0].low < 0.85 && found[0].high > 0.93, "{found:?}");
    }

    #[test]
    fn many_classes_have_fractions_with_intervals() {
        let (mut abundances, classes) = (Abundances::default(), 500);
        for number in 0..20_000_usize {
            let mut p = vec![0.0; classes];
            // Pairs of classes that are hard to tell apart, and more reads of the first.
            let class = number % 100 / 10 * 2;
            let sure = 0.5 + 0.4 * (number % 7) as f32 / 7.0;
            (p[class], p[class + 1]) = (sure, 0.99 - sure);
            abundances.add_numbers(&p, 0.01);
        }
        let found = abundances.estimate(classes);
        let sum: f64 = found.iter().map(|it| it.fraction).sum();
        assert!((sum - 1.0).abs() < 1e-6);
        for it in &found[..20] {
            assert!(it.low <= it.fraction && it.fraction <= it.high && it.high < 0.12, "{it:?}");
        }
        assert!((found[0].fraction + found[1].fraction - 0.1).abs() < 0.005);
        assert!(found[400].fraction == 0.0 && found[400].high > 0.0 && found[400].high < 1e-3);
    }

    #[test]
    fn parts_are_the_whole_in_any_order() {
        let reads = [read([0.7, 0.2], 0.1), read([0.0, 0.0], 1.0), read([0.2, 0.7], 0.1)];
        let (mut whole, mut one, mut other) =
            (Abundances::default(), Abundances::default(), Abundances::default());
        reads.iter().for_each(|read| whole.add(read));
        other.add(&reads[1]);
        other.add(&reads[2]);
        one.add(&reads[0]);
        other.merge(&one);
        assert_eq!((other.reads(), &other), (3, &whole));
        assert_eq!(Abundances::default().estimate(2), [Abundance::default(); 3]);
    }
}
