//! How long the inserts of a run are.

use crate::tails::Tail;

/// Share of the templates with an insert shorter than the reads, before anything is known.
const FIRST_SHARE: f64 = 0.2;

/// Rounds of expectation and maximisation.
const ROUNDS: usize = 12;

/// Weights by which the number of inserts of each length is smoothed, and the part of all that is
/// spread over all lengths.
const SMOOTH: [f64; 5] = [0.05, 0.1, 0.7, 0.1, 0.05];
const SPREAD: f64 = 0.02;

/// Smallest share of inserts as long as the reads, or longer.
const LEAST_LONGER: f32 = 0.01;

/// How long inserts are, up to the longest read.
///
/// Reads as long as the longest one end where the instrument stopped: the length of the insert tells
/// where their tail begins. Shorter ones were cut before, so the length of the tail may tell more: a
/// program that cuts adapters leaves few bases of them. Their distribution is a mixture of both.
#[derive(Clone, Debug)]
pub(crate) struct Lengths {
    inserts: Distribution,
    tails: Distribution,
    /// Share of the first one, for shorter reads.
    by_insert: f32,
    longest: usize,
    /// Share of the templates with an insert shorter than their reads.
    shorter: f32,
}

/// A distribution of a length.
#[derive(Clone, Debug)]
struct Distribution {
    /// P(this length).
    of: Vec<f32>,
    /// P(a shorter one).
    below: Vec<f32>,
}

impl Distribution {
    fn new(probabilities: &[f64]) -> Self {
        let mut sum = 0.0;
        let mut below = vec![0.0];
        for probability in probabilities {
            sum += probability;
            below.push(sum as f32);
        }
        Self { of: probabilities.iter().map(|p| p.max(1e-12) as f32).collect(), below }
    }

    fn of(&self, length: usize) -> f32 {
        self.of.get(length).copied().unwrap_or(0.0)
    }

    fn below(&self, length: usize) -> f32 {
        self.below[length.min(self.below.len() - 1)]
    }

    /// Returns the distribution by the number of templates with each length, and the number of those
    /// that may have it.
    fn smoothed(counts: &[f64], reach: impl Fn(usize) -> f64) -> Self {
        let all = counts.iter().sum::<f64>();
        let smooth = |at: usize| -> f64 {
            let near = SMOOTH.iter().enumerate().filter_map(|(i, weight)| {
                Some(weight * counts.get((at + i).checked_sub(SMOOTH.len() / 2)?)?)
            });
            (1.0 - SPREAD) * near.sum::<f64>() + SPREAD * all / (counts.len() + 1) as f64
        };
        let probability = |at: usize| smooth(at) / reach(at).max(1.0);
        Self::new(&(0..counts.len()).map(probability).collect::<Vec<_>>())
    }
}

/// What templates say of the length of their inserts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed {
    /// Candidates of all templates, one template after the other.
    candidates: Vec<Tail>,
    /// The longer read of each template, and where its candidates stop.
    templates: Vec<(usize, usize)>,
}

impl Observed {
    /// Adds a template whose longer read has this many bases.
    pub(crate) fn add(&mut self, longest: usize, candidates: &[Tail]) {
        self.candidates.extend_from_slice(candidates);
        self.templates.push((longest, self.candidates.len()));
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &[Tail])> {
        let mut start = 0;
        self.templates.iter().map(move |(longest, stop)| {
            let candidates = &self.candidates[start..*stop];
            start = *stop;
            (*longest, candidates)
        })
    }
}

impl Lengths {
    /// Returns a distribution in which all lengths up to that of the longest read are alike.
    pub(crate) fn new(longest: usize) -> Self {
        let alike = Distribution::new(&vec![FIRST_SHARE / longest.max(1) as f64; longest]);
        Self {
            inserts: alike.clone(),
            tails: alike,
            by_insert: 0.5,
            longest,
            shorter: FIRST_SHARE as f32,
        }
    }

    /// Returns the share of the templates with an insert shorter than their reads.
    pub(crate) fn shorter(&self) -> f32 {
        self.shorter
    }

    /// Returns P(insert of `at` bases), by the length of inserts and by the length of tails, for a
    /// template whose longer read has `length` bases.
    fn prior(&self, length: usize, at: usize) -> [f32; 2] {
        if length >= self.longest {
            return [self.inserts.of(at), 0.0];
        }
        let by_tail = self.tails.of(length - at);
        [self.by_insert * self.inserts.of(at), (1.0 - self.by_insert) * by_tail]
    }

    /// Returns P(insert of `known` bases or more), in the same two parts.
    fn longer(&self, length: usize, known: usize) -> [f32; 2] {
        let by_insert = (1.0 - self.inserts.below(known)).max(LEAST_LONGER);
        if length >= self.longest {
            return [by_insert, 0.0];
        }
        let shorter = self.tails.below(length + 1) - self.tails.below(length - known + 1);
        let by_tail = (1.0 - shorter - self.tails.below(1)).max(LEAST_LONGER);
        [self.by_insert * by_insert, (1.0 - self.by_insert) * by_tail]
    }

    /// Replaces the log-ratio of each candidate of a template by its probability; returns that of an
    /// insert that ends behind all `known` bases of the longer read, which has `length` bases.
    /// `log_factor` is added where an insert ends at a place.
    pub(crate) fn posterior(
        &self,
        length: usize,
        known: usize,
        candidates: &mut [Tail],
        log_factor: impl Fn(usize) -> f32,
    ) -> f32 {
        let none = self.longer(length, known).iter().sum::<f32>().ln() + log_factor(known);
        let mut most = none;
        for candidate in &mut *candidates {
            let [by_insert, by_tail] = self.prior(length, candidate.at);
            candidate.log_ratio += (by_insert + by_tail).max(1e-12).ln() + log_factor(candidate.at);
            most = most.max(candidate.log_ratio);
        }
        let mut all = (none - most).exp();
        for candidate in &mut *candidates {
            candidate.log_ratio = (candidate.log_ratio - most).exp();
            all += candidate.log_ratio;
        }
        candidates.iter_mut().for_each(|candidate| candidate.log_ratio /= all);
        (none - most).exp() / all
    }

    /// Learns the distributions from templates.
    pub(crate) fn learn(&mut self, observed: &Observed) {
        let longest = self.longest;
        let is_short = |length: usize| length < longest;
        // Numbers of reads of each length or longer: the short ones, and all others.
        let mut short = vec![0.0f64; longest + 2];
        for (length, _) in observed.iter().filter(|(length, _)| is_short(*length)) {
            short[length] += 1.0;
        }
        for at in (0..=longest).rev() {
            short[at] += short[at + 1];
        }
        let full = observed.templates.len() as f64 - short[0];
        let mut candidates = Vec::new();
        for _ in 0..ROUNDS {
            let mut inserts = vec![0.0f64; longest];
            let mut tails = vec![0.0f64; longest + 1];
            let (mut all, mut by_insert) = (0.0, 0.0);
            for (length, of_template) in observed.iter() {
                candidates.clear();
                candidates.extend_from_slice(of_template);
                let none = f64::from(self.posterior(length, length, &mut candidates, |_| 0.0));
                let mut by_insert_here = none * first_part(self.longer(length, length));
                for candidate in &candidates {
                    let p = f64::from(candidate.log_ratio);
                    let of_insert = p * first_part(self.prior(length, candidate.at));
                    inserts[candidate.at] += of_insert;
                    tails[length - candidate.at] += p - of_insert;
                    by_insert_here += of_insert;
                    all += p;
                }
                by_insert += if is_short(length) { by_insert_here } else { 0.0 };
            }
            let share = f64::from(self.by_insert);
            let reach = |at: usize| full + share * short[at + 1];
            self.inserts = Distribution::smoothed(&inserts, reach);
            self.tails = Distribution::smoothed(&tails, |at| (1.0 - share) * short[at]);
            self.by_insert = (by_insert / short[0].max(1.0)) as f32;
            self.shorter = (all / observed.templates.len().max(1) as f64) as f32;
        }
    }
}

/// Returns the first of two parts as a fraction of both.
fn first_part([first, second]: [f32; 2]) -> f64 {
    f64::from(first / (first + second).max(f32::MIN_POSITIVE))
}
