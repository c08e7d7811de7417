//! Which bases explain the k-mers of a read that no other read has, where a sample of the k-mers was
//! counted.
//!
//! Each such k-mer has a wrong base, or no other read covers it by chance. Both are events: an error at
//! a base has its prior odds; chance has the odds 1 / `factor`, and explains all k-mers that share a
//! base with the one it befell, as they lie in the same place. Events are independent, and every k-mer
//! has one. So the probability of an error given all k-mers is a sum over all sets of events that have
//! one in each k-mer, which a pass from both sides computes: the forward-backward algorithm (Rabiner
//! 1989), whose state is the last event. K-mers that overlap are thus explained by one error if one can
//! explain them.

use std::ops::Range;

/// Most bases that are explained together. More bases without a supported k-mer between them, as in
/// long reads, are divided.
const MOST_BASES: usize = 256;

/// Least prior probability of an error, and of none. The odds of the events in so many bases then have
/// a product that f64 can hold.
const LEAST: f64 = 1e-6;

/// An event that may explain k-mers.
#[derive(Clone, Copy, Debug)]
struct Event {
    /// The index of the base.
    at: usize,
    /// The odds of the event before the k-mers are looked at.
    odds: f64,
    /// Whether it is an error; otherwise, chance.
    is_error: bool,
}

/// Buffers to reuse for the next read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Explainer {
    /// The k-mers to explain, by their starts.
    starts: Vec<usize>,
    events: Vec<Event>,
    before: Sums,
    after: Sums,
}

/// The sums over sets of events, event by event.
#[derive(Clone, Debug, Default)]
struct Sums {
    places: Vec<usize>,
    sums: Vec<f64>,
}

impl Explainer {
    /// Replaces the error probabilities of candidate bases by those given that each k-mer at `starts`,
    /// which rise, is explained. Candidates are bases with `counts` below 2.
    ///
    /// `factor` is 1 / P(no other read has a k-mer | it has no error).
    pub(crate) fn explain(
        &mut self,
        starts: impl Iterator<Item = usize>,
        k: usize,
        factor: f32,
        counts: &[u32],
        probabilities: &mut [f32],
    ) {
        let has_candidate = |start: &usize| counts[*start..*start + k].iter().any(|it| *it < 2);
        self.starts.clear();
        self.starts.extend(starts.filter(has_candidate));
        let mut from = 0;
        while let Some(first) = self.starts.get(from) {
            // The k-mers that overlap, one with the next.
            let is_beside = |at: usize| {
                self.starts[at] < self.starts[at - 1] + k
                    && self.starts[at] + k - first <= MOST_BASES.max(k)
            };
            let to = (from + 1..self.starts.len()).find(|at| !is_beside(*at));
            let to = to.unwrap_or(self.starts.len());
            self.explain_overlapping(from..to, k, factor, counts, probabilities);
            from = to;
        }
    }

    /// Keeps memory for a read of at most this many bases.
    pub(crate) fn shrink_to(&mut self, bases: usize) {
        self.starts.clear();
        self.starts.shrink_to(bases);
    }

    /// Explains k-mers of which each overlaps the next one, given by their places in the list.
    fn explain_overlapping(
        &mut self,
        kmers: Range<usize>,
        k: usize,
        factor: f32,
        counts: &[u32],
        probabilities: &mut [f32],
    ) {
        let Self { starts, events, before, after } = self;
        let starts = &starts[kmers];
        let (Some(first), Some(last)) = (starts.first(), starts.last()) else { return };
        list(starts, *first..last + k, k, 1.0 / f64::from(factor), events, |at| {
            (counts[at] < 2).then(|| f64::from(probabilities[at]))
        });
        let forward = events.iter().map(|event| (event.at, event.odds));
        let all = before.fill(forward, starts.iter().copied(), k);
        // From the end, places count backward.
        let end = last + k;
        let backward = events.iter().rev().map(|event| (end - 1 - event.at, event.odds));
        after.fill(backward, starts.iter().rev().map(|start| end - k - start), k);
        let both = before.sums.iter().zip(after.sums.iter().rev());
        for (event, (before, after)) in events.iter().zip(both).filter(|(it, _)| it.is_error) {
            // Both sums have the odds of the event.
            let p = before * after / event.odds / all;
            if p.is_finite() {
                probabilities[event.at] = p.min(1.0) as f32;
            }
        }
    }
}

/// Lists the events in these bases, by place: errors where `candidate` returns a prior probability, and
/// chance.
fn list(
    starts: &[usize],
    bases: Range<usize>,
    k: usize,
    chance: f64,
    events: &mut Vec<Event>,
    candidate: impl Fn(usize) -> Option<f64>,
) {
    // Chance befalls k-mers that do not overlap: the one that ends first, then the next beyond it. Its
    // place is the last base.
    let mut befallen = starts.iter().copied();
    let mut beyond = bases.start;
    let mut next = move || {
        let start = befallen.find(|start| *start >= beyond)?;
        beyond = start + k;
        Some(beyond - 1)
    };
    let mut place = next();
    events.clear();
    for at in bases {
        if let Some(p) = candidate(at) {
            let p = p.clamp(LEAST, 1.0 - LEAST);
            events.push(Event { at, odds: p / (1.0 - p), is_error: true });
        }
        if place == Some(at) {
            events.push(Event { at, odds: chance.max(LEAST), is_error: false });
            place = next();
        }
    }
}

impl Sums {
    /// Replaces the sums: for each event, over the sets of events up to it, itself included, that have one
    /// in each k-mer which ends before it. Returns the sum over all sets that have one in each k-mer.
    ///
    /// The weight of a set is the product of the odds of its events. Both lists are in the order of places.
    fn fill(
        &mut self,
        events: impl Iterator<Item = (usize, f64)>,
        kmers: impl Iterator<Item = usize>,
        k: usize,
    ) -> f64 {
        let Self { places, sums } = self;
        let mut kmers = kmers.peekable();
        // The first event that may be the last one before the next, and the weight of no event so far.
        let (mut earliest, mut none) = (0, 1.0);
        places.clear();
        sums.clear();
        for (at, odds) in events.chain([(usize::MAX, 1.0)]) {
            while let Some(start) = kmers.next_if(|start| start + k <= at) {
                none = 0.0;
                while places.get(earliest).is_some_and(|place| *place < start) {
                    earliest += 1;
                }
            }
            let sum = none + sums[earliest..].iter().sum::<f64>();
            places.push(at);
            sums.push(sum * odds);
        }
        places.pop();
        sums.pop().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: usize = 5;
    const FACTOR: f32 = 1e5;

    /// Error probabilities by the definition: a sum over all sets of events.
    fn by_all_sets(starts: &[usize], counts: &[u32], prior: &[f32]) -> Vec<f32> {
        let mut events = Vec::new();
        let bases = starts[0]..starts[starts.len() - 1] + K;
        list(starts, bases, K, 1.0 / f64::from(FACTOR), &mut events, |at| {
            (counts[at] < 2).then(|| f64::from(prior[at]))
        });
        let (mut all, mut of_event) = (0.0, vec![0.0; events.len()]);
        for set in 0..1u32 << events.len() {
            let is_in = |event: usize| set >> event & 1 == 1;
            let explains = |start: &usize| {
                let within = |event: usize| (*start..start + K).contains(&events[event].at);
                (0..events.len()).any(|event| is_in(event) && within(event))
            };
            if starts.iter().all(explains) {
                let chosen = (0..events.len()).filter(|event| is_in(*event));
                let weight: f64 = chosen.clone().map(|event| events[event].odds).product();
                all += weight;
                chosen.for_each(|event| of_event[event] += weight);
            }
        }
        let mut posterior = prior.to_vec();
        for (event, weight) in events.iter().zip(of_event).filter(|(event, _)| event.is_error) {
            posterior[event.at] = (weight / all) as f32;
        }
        posterior
    }

    fn explained(starts: &[usize], counts: &[u32], prior: &[f32]) -> Vec<f32> {
        let mut posterior = prior.to_vec();
        let mut explainer = Explainer::default();
        explainer.explain(starts.iter().copied(), K, FACTOR, counts, &mut posterior);
        posterior
    }

    #[test]
    fn sums_are_those_over_all_sets_of_events() {
        let priors: Vec<f32> = (0..16).map(|at| [0.01, 0.2, 0.0003, 0.05][at * 7 % 4]).collect();
        let counts = |supported: &[usize]| -> Vec<u32> {
            (0..16).map(|at| 9 * u32::from(supported.contains(&at))).collect()
        };
        for (starts, supported) in [
            (&[3][..], &[][..]),
            (&[0, 1, 3, 4, 8, 11], &[5, 6, 12]),
            (&[2, 4, 5, 6], &[2, 3, 4, 5]),
            (&[0, 4, 8, 11], &[0, 15]),
        ] {
            let counts = counts(supported);
            let (expected, found) =
                (by_all_sets(starts, &counts, &priors), explained(starts, &counts, &priors));
            for (one, other) in expected.iter().zip(&found) {
                assert!((one - other).abs() < 1e-6, "{starts:?}: {expected:?}, {found:?}");
            }
        }
    }

    #[test]
    fn one_error_explains_all_kmers_that_have_it() {
        // All k-mers with base 9, each once.
        let starts: Vec<usize> = (5..=9).collect();
        let posterior = explained(&starts, &[0; 20], &[0.001; 20]);
        let sum: f32 = posterior.iter().sum();
        assert!(posterior[9] > 0.9 && sum < 1.1, "{posterior:?}");
        // The same number of k-mers, which no base has in common.
        let starts = [3, 5, 7, 9, 11];
        let sum: f32 = explained(&starts, &[0; 20], &[0.001; 20]).iter().sum();
        assert!((1.9..2.2).contains(&sum), "{sum}");
    }

    #[test]
    fn kmers_without_candidates_need_no_explanation() {
        let prior = [0.001; 20];
        assert_eq!(explained(&[4, 5], &[9; 20], &prior), prior);
    }

    #[test]
    fn long_stretches_are_divided() {
        let starts: Vec<usize> = (0..5_000).collect();
        let posterior = explained(&starts, &[0; 5_004], &[0.001; 5_004]);
        let sum: f32 = posterior.iter().sum();
        // At least one error, or chance, in five bases.
        assert!(
            posterior.iter().all(|p| p.is_finite()) && (300.0..1_300.0).contains(&sum),
            "{sum}"
        );
    }
}
