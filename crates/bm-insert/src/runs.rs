//! Runs of one base at the ends of reads: no signal, or the tails of RNA.
//!
//! Instruments with two colours call G where there is no signal, and RNA ends in A, so its other
//! strand begins with T. Samples have runs of their own, but about as many of the complement, or,
//! where one strand is converted, about as many inside reads: reads begin and end anywhere.

use bm_reads::ReadRef;
use bm_reads::base::{UNKNOWN, code};

use crate::library::known_length;
use crate::sample::Sample;

/// Bases of runs at the end of reads.
const LAST: [u8; 2] = [2, 0];

/// The base of runs at their start.
const FIRST: u8 = 3;

/// Shortest run of one base that may not be of the sample.
const SHORTEST: i32 = 8;

/// What ends a run of one base: another base costs as much as this many of the run.
const OTHER: i32 = 4;
const DROP: i32 = 10;

/// ln P(base | run): of the run, another one.
const OF_RUN: f32 = -0.051_293_3;
const NOT_OF_RUN: f32 = -4.092_347;

/// Distance, in bases, of a place inside reads from their ends.
const INSIDE: usize = 20;

/// Runs are of the sample if their complement, or the same ones inside reads, are as frequent as this
/// part of them.
const AS_FREQUENT: f32 = 0.5;

/// A few reads are no sign.
const FEWEST: u32 = 10;
const LEAST_RATE: f32 = 1e-4;

/// Lengths from which runs are counted together.
const LENGTHS: [usize; 7] = [12, 16, 24, 32, 48, 64, 96];
const BINS: usize = LENGTHS.len() + 1;

/// Weight, in reads, of a run of the sample that was not seen, and of the runs of all lengths beside
/// those of one.
const UNSEEN: f32 = 0.5;
const OF_ALL: f32 = 1.0;

/// How often reads of each mate begin and end with a run that is not of the sample.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Runs {
    last: [[Rate; 2]; 2],
    first: [Rate; 2],
}

/// How often one kind of run is not of the sample.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rate {
    /// Odds that a read has one; 0 where such runs are of the sample.
    odds: f32,
    /// ln of the odds that a run of a length is not of the sample.
    by_length: [f32; BINS],
}

/// A run of one base at the end of a read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Index of its first base.
    pub(crate) at: usize,
    /// ln of the odds that it is not of the sample.
    pub(crate) log_odds: f32,
}

impl Runs {
    /// Counts the runs of a run's reads.
    pub(crate) fn learn<'a>(templates: impl Iterator<Item = &'a [ReadRef<'a>]>) -> Self {
        let mut reads = [0u32; 2];
        let mut counts = [[Counts::default(); 2]; 2];
        for mates in templates {
            for (mate, read) in mates.iter().enumerate().take(2) {
                reads[mate] += 1;
                let known = &read.sequence[..known_length(read.sequence)];
                let [first, last] = &mut counts[mate];
                first.add(known.iter());
                last.add(known.iter().rev());
            }
        }
        let rate = |mate: usize, end: usize, base| counts[mate][end].rate(base, reads[mate]);
        Self {
            last: [0, 1].map(|mate| LAST.map(|base| rate(mate, 1, base))),
            first: [0, 1].map(|mate| rate(mate, 0, FIRST)),
        }
    }

    /// Returns whether all runs are of the sample.
    pub(crate) fn is_idle(&self) -> bool {
        self.last.iter().flatten().chain(&self.first).all(|rate| rate.odds == 0.0)
    }

    /// Returns the run at the end of a read that is least likely of the sample, if there is one.
    pub(crate) fn last(&self, mate: usize, read: ReadRef<'_>, sample: &Sample) -> Option<Run> {
        let mut found: Option<Run> = None;
        for (base, rate) in LAST.into_iter().zip(&self.last[mate]) {
            if rate.odds > 0.0
                && let Some(length) = length_of(base, read.sequence.iter().rev())
            {
                let at = read.len() - length;
                // Any of the read's bases may have been the first one.
                let prior = rate.odds / read.len() as f32;
                let log_odds = rate.log_odds(prior, base, &read.sequence[at..], sample);
                if found.is_none_or(|found| log_odds > found.log_odds) {
                    found = Some(Run { at, log_odds });
                }
            }
        }
        found
    }

    /// Returns the number of bases of the run at the start of a read, and the probability that it is
    /// not of the sample.
    pub(crate) fn first(
        &self,
        mate: usize,
        read: ReadRef<'_>,
        sample: &Sample,
    ) -> Option<(usize, f32)> {
        let rate = &self.first[mate];
        if rate.odds == 0.0 {
            return None;
        }
        let length = length_of(FIRST, read.sequence.iter())?;
        let log_odds = rate.log_odds(rate.odds, FIRST, &read.sequence[..length], sample);
        Some((length, 1.0 / (1.0 + (-log_odds).exp())))
    }
}

/// The number of runs of each base at one end of reads, by their length, and inside.
#[derive(Clone, Copy, Default)]
struct Counts {
    at_end: [[u32; BINS]; 4],
    inside: [[u32; BINS]; 4],
}

impl Counts {
    /// Adds a read, from the end on.
    fn add<'a>(&mut self, letters: impl Iterator<Item = &'a u8> + Clone) {
        for base in 0..4 {
            let index = usize::from(base);
            if let Some(length) = length_of(base, letters.clone()) {
                self.at_end[index][bin(length)] += 1;
            } else if let Some(length) = length_of(base, letters.clone().skip(INSIDE)) {
                self.inside[index][bin(length)] += 1;
            }
        }
    }

    fn rate(&self, base: u8, reads: u32) -> Rate {
        let [own, complement] = [base, 3 - base].map(|base| self.at_end[usize::from(base)]);
        let inside = self.inside[usize::from(base)];
        let sum = |counts: &[u32; BINS]| counts.iter().sum::<u32>();
        let sample = if sum(&inside) > sum(&complement) { inside } else { complement };
        let [all, other] = [sum(&own), sum(&sample)];
        let rate = (all as f32 - other as f32) / reads.max(1) as f32;
        let is_sample =
            other as f32 > AS_FREQUENT * all as f32 || all < FEWEST || rate < LEAST_RATE;
        // The share of the runs of the sample; one may not have been seen.
        let share = ((other as f32 + UNSEEN) / (all as f32 + UNSEEN)).min(1.0);
        Rate {
            odds: if is_sample { 0.0 } else { rate },
            by_length: std::array::from_fn(|bin| {
                let [own, of_sample] = [own, sample].map(|counts| counts[bin] as f32);
                let excess = (own - of_sample).max(0.0) + OF_ALL * (1.0 - share);
                (excess / (of_sample + OF_ALL * share)).ln()
            }),
        }
    }
}

impl Rate {
    /// Returns ln of the odds that a run is not of the sample, by its bases and by its length: what
    /// speaks more for the sample counts.
    fn log_odds(&self, prior: f32, base: u8, letters: &[u8], sample: &Sample) -> f32 {
        let log = |letter: &u8| {
            let code = code(*letter);
            let of_sample = sample.frequency_log(code);
            if code == base { OF_RUN - of_sample } else { NOT_OF_RUN - of_sample }
        };
        let known = letters.iter().filter(|letter| code(**letter) < UNKNOWN);
        let by_bases = prior.ln() + known.map(log).sum::<f32>();
        by_bases.min(self.by_length[bin(letters.len())])
    }
}

impl Run {
    /// Returns its probability, where the sample does not end before it.
    pub(crate) fn probability(&self) -> f32 {
        1.0 / (1.0 + (-self.log_odds).exp())
    }

    /// Returns ln of the factor by which it makes an insert that ends at a place more likely: behind
    /// its end, an adapter may run out of signal, too.
    pub(crate) fn log_factor(&self, at: usize) -> f32 {
        if at > self.at {
            return 0.0;
        }
        // ln(1 + odds), which may be larger than a float.
        if self.log_odds > 20.0 { self.log_odds } else { self.log_odds.exp().ln_1p() }
    }
}

/// Returns the number of bases of the run of one base that some letters begin with, if it is long.
fn length_of<'a>(base: u8, letters: impl Iterator<Item = &'a u8>) -> Option<usize> {
    let (mut score, mut best, mut length) = (0, 0, 0);
    for (place, letter) in letters.enumerate() {
        score += if code(*letter) == base { 1 } else { -OTHER };
        if score > best {
            (best, length) = (score, place + 1);
        } else if score < best - DROP {
            break;
        }
    }
    (best >= SHORTEST).then_some(length)
}

fn bin(length: usize) -> usize {
    LENGTHS.iter().filter(|least| length >= **least).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Random, template};

    const LENGTH: usize = 100;

    /// Learns from reads of a random sample, each changed by its number.
    fn learned(change: impl Fn(&mut Random, usize, &mut [u8])) -> Runs {
        let (mut random, scores) = (Random(1), [b'I'; LENGTH]);
        let reads: Vec<Vec<u8>> = (0..3000)
            .map(|number| {
                let mut read = random.bases(LENGTH);
                change(&mut random, number, &mut read);
                read
            })
            .collect();
        let templates: Vec<_> = reads.iter().map(|read| template(read, &scores)).collect();
        Runs::learn(templates.iter().map(|read| &read[..]))
    }

    #[test]
    fn runs_are_found_where_a_run_has_them_at_the_ends_of_reads() {
        let runs = learned(|_, number, read| match number % 50 {
            0 => read[60..].fill(b'G'),
            1 => read[..25].fill(b'T'),
            _ => {}
        });
        assert!(!runs.is_idle());
        let sample = Sample::new([1; 4]);
        let (mut read, scores) = (Random(9).bases(LENGTH), [b'I'; LENGTH]);
        assert!(runs.last(0, template(&read, &scores)[0], &sample).is_none());
        read[69] = b'C';
        read[70..].fill(b'G');
        read[80] = b'A';
        let run = runs.last(0, template(&read, &scores)[0], &sample);
        assert!(run.is_some_and(|run| run.at == 70 && run.probability() > 0.95), "{run:?}");
        read[..25].fill(b'T');
        read[25] = b'C';
        let (length, p) = runs.first(0, template(&read, &scores)[0], &sample).expect("a run");
        assert!(length == 25 && p > 0.95, "{length} {p}");
        // The second mates have none.
        assert!(runs.last(1, template(&read, &scores)[0], &sample).is_none());
    }

    #[test]
    fn runs_of_the_sample_are_none() {
        // As many of the complement.
        assert!(
            learned(|_, number, read| match number % 40 {
                0 => read[80..].fill(b'G'),
                1 => read[80..].fill(b'C'),
                2 => read[..20].fill(b'T'),
                3 => read[..20].fill(b'A'),
                _ => {}
            })
            .is_idle()
        );
        // As many inside reads: one strand, or one that is converted.
        assert!(
            learned(|random, number, read| if number % 4 == 0 {
                let base = [b'A', b'G', b'T'][number % 3];
                let start = random.below(LENGTH + 15);
                read[start.saturating_sub(15).min(LENGTH)..start.min(LENGTH)].fill(base);
            })
            .is_idle()
        );
        assert!(learned(|_, _, _| {}).is_idle());
    }

    #[test]
    fn a_run_as_long_as_those_of_the_sample_is_doubted() {
        let runs = learned(|_, number, read| match number % 50 {
            0 | 1 => read[50..].fill(b'G'),
            2 => read[88..].fill(b'G'),
            3 => read[88..].fill(b'C'),
            _ => {}
        });
        let sample = Sample::new([1; 4]);
        let probability = |bases: usize| {
            let (mut read, scores) = (Random(9).bases(LENGTH), [b'I'; LENGTH]);
            read[LENGTH - bases - 1] = b'T';
            read[LENGTH - bases..].fill(b'G');
            runs.last(0, template(&read, &scores)[0], &sample).map_or(0.0, |run| run.probability())
        };
        assert!(probability(12) < 0.5 && probability(50) > 0.95);
    }
}
