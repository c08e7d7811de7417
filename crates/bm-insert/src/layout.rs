//! How many bases at an end of a run's reads are not of the sample, from the comparison with other
//! reads.
//!
//! A mixture of reads with each number of such bases, by expectation and maximisation: bases that are
//! not of the sample are mostly unlike what others have there, all together; errors are alone. What
//! is left are reads that are elsewhere altogether, such as chimeras: their junctions may be anywhere.

use std::collections::BTreeMap;

use crate::overlay::{Compared, MOST, Overlay};
use crate::structure::Place;

/// Fewest reads of which something is known.
const FEWEST: u64 = 100;

/// Part of the bases that are not of the sample and are unlike others', at first and at least.
const UNLIKE: f64 = 0.75;
const LEAST_UNLIKE: f64 = 0.55;

/// Part of the bases that are not of the sample and are the same in all reads that begin at one place,
/// at first.
const SAME: f64 = 0.75;

/// Part of the bases of the sample that are unlike others', at least and at most.
const LEAST_WRONG: f64 = 5e-4;
const MOST_WRONG: f64 = 0.15;

/// These count as so many observed bases.
const WEIGHT: f64 = 20.0;

/// A number of bases counts if at least this part of the reads has it: two may be two errors.
const LEAST_SHARES: [f64; 3] = [0.2, 0.05, 0.03];

/// One base and no more, at the start or before adapters, counts if at least this part of the reads
/// has it. In fewer reads, and at the end, it is of a cycle that failed.
const LEAST_ALONE: f64 = 0.9;

/// A number counts if this part has it and all smaller numbers are there.
const LEAST_TOGETHER: f64 = 0.008;

/// The same for one beside others, of which it is not less than one in [`FEWER`].
const LEAST_BESIDE: f64 = 0.002;
const FEWER: f64 = 20.0;

/// Where at least this part has one number, a longer one that counts is not less than one in so many of
/// these: others are chimeras.
const MOST_READS: f64 = 0.5;
const BESIDE_MOST: f64 = 10.0;

/// It is also so many times as frequent as the rarer half of all numbers: junctions of chimeras.
const OVER_JUNCTIONS: f64 = 4.0;

/// Part of the reads that have a junction behind any number of bases, at least.
const LEAST_JUNCTIONS: f64 = 2e-4;

/// Fewest reads with it.
const FEWEST_WITH: f64 = 20.0;

/// Something is there if at least this part of the reads has it.
const LEAST_ALL: f64 = 0.04;

/// Rounds of expectation and maximisation.
const ROUNDS: usize = 60;

/// Less is not known of a read.
const SURE: f64 = 0.7;

/// Shares of the reads by their number of bases that are not of the sample.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// From none to the most that any reads have.
    pub(crate) shares: Vec<f64>,
    /// Share of the reads with a junction behind any number of bases, for each.
    pub(crate) junctions: f64,
    mixture: Mixture,
}

impl Layout {
    /// Returns the layout of an end; `None` if all reads are of the sample there.
    pub(crate) fn of(overlay: &Overlay, place: Place) -> Option<Self> {
        let mut kinds: BTreeMap<Compared, u64> = BTreeMap::new();
        for compared in &overlay.reads {
            *kinds.entry(*compared).or_default() += 1;
        }
        kinds.remove(&Compared::default());
        let reads = kinds.values().sum::<u64>();
        if reads < FEWEST || kinds.keys().all(|compared| compared.unlike == 0) {
            return None;
        }
        let [inner, wrong] = overlay.inner.map(|bases| bases as f64);
        let wrong = ((wrong + 1.0) / (inner + 100.0)).clamp(LEAST_WRONG, MOST_WRONG);
        let mixture = Mixture::fit(&kinds, overlay.places, wrong);
        let shares = mixture.layout(overlay, reads as f64)?;
        let is_cycle = match shares[..] {
            [_, one] => place == Place::End || one < LEAST_ALONE,
            _ => false,
        };
        let junctions = mixture.junctions().max(LEAST_JUNCTIONS);
        (!is_cycle).then_some(Self { shares, junctions, mixture })
    }

    /// Returns the layout without numbers of up to so many bases, if any are left.
    pub(crate) fn without_short(mut self, bases: usize) -> Option<Self> {
        let longer = self.shares.get(bases + 1..)?.iter().sum::<f64>();
        self.shares[1..=bases].fill(0.0);
        self.shares[0] = 1.0 - longer;
        (longer >= LEAST_ALL).then_some(self)
    }

    /// Returns how many bases of each read are not of the sample, where other reads tell: as if half of
    /// the reads had some.
    pub(crate) fn numbers(&self, overlay: &Overlay) -> Vec<Option<usize>> {
        let mut shares = self.shares.clone();
        let with = shares[1..].iter().sum::<f64>();
        shares[1..].iter_mut().for_each(|share| *share /= with);
        shares[0] = 1.0;
        let mixture = Mixture { shares, ..self.mixture.clone() };
        let mut p = vec![0.0; self.shares.len()];
        let mut number = |compared: &Compared| {
            mixture.posterior(*compared, &mut p);
            p.iter().position(|p| *p >= SURE)
        };
        overlay.reads.iter().map(&mut number).collect()
    }
}

#[derive(Clone, Debug)]
struct Mixture {
    /// Of reads by their number of bases.
    shares: Vec<f64>,
    /// P(unlike) of each place, if it is not of the sample and if it is.
    unlike: [[f64; 2]; MOST],
    /// P(the same in all reads that begin at one place) of each place, if it is not of the sample.
    same: [f64; MOST],
}

impl Mixture {
    fn fit(kinds: &BTreeMap<Compared, u64>, places: usize, wrong: f64) -> Self {
        let mut shares = vec![0.5 / places as f64; places + 1];
        shares[0] = 0.5;
        let mut mixture = Self { shares, unlike: [[UNLIKE, wrong]; MOST], same: [SAME; MOST] };
        let mut p = vec![0.0; places + 1];
        for _ in 0..ROUNDS {
            let mut shares = vec![0.0; places + 1];
            // For each place, if it is not of the sample and if it is: bases, and unlike ones.
            let mut seen = [[[0.0; 2]; 2]; MOST];
            // For each place: bases that are not of the sample, and those that are the same.
            let mut same = [[0.0; 2]; MOST];
            for (compared, number) in kinds {
                mixture.posterior(*compared, &mut p);
                let number = *number as f64;
                // P(more bases than places before) from the last place on.
                let mut foreign = 0.0;
                for place in (0..places).rev() {
                    foreign += p[place + 1];
                    let is_unlike = f64::from(compared.unlike >> place & 1);
                    let is_seen = f64::from((compared.unlike | compared.like) >> place & 1);
                    same[place][0] += number * foreign * f64::from(compared.alone >> place & 1);
                    same[place][1] += number * foreign * f64::from(compared.same >> place & 1);
                    for (seen, p) in seen[place].iter_mut().zip([foreign, 1.0 - foreign]) {
                        seen[0] += number * p * is_seen;
                        seen[1] += number * p * is_unlike;
                    }
                }
                shares.iter_mut().zip(&p).for_each(|(share, p)| *share += number * p);
            }
            let all = shares.iter().sum::<f64>();
            mixture.shares = shares.iter().map(|share| share / all).collect();
            for (rate, [all, same]) in mixture.same.iter_mut().zip(same) {
                *rate = (same + WEIGHT * SAME) / (all + WEIGHT);
            }
            for (unlike, seen) in mixture.unlike.iter_mut().zip(&seen) {
                let rate = |[all, unlike]: [f64; 2], prior: f64| {
                    (unlike + WEIGHT * prior) / (all + WEIGHT)
                };
                let foreign = rate(seen[0], UNLIKE).clamp(LEAST_UNLIKE, 1.0 - LEAST_WRONG);
                *unlike = [foreign, rate(seen[1], wrong).clamp(LEAST_WRONG, MOST_WRONG)];
            }
        }
        mixture
    }

    /// Fills `p` with P(number of bases that are not of the sample).
    fn posterior(&self, compared: Compared, p: &mut [f64]) {
        let mut ratio = 1.0;
        p[0] = self.shares[0];
        for place in 0..p.len() - 1 {
            let [foreign, sample] = self.unlike[place];
            if compared.unlike >> place & 1 == 1 {
                ratio *= foreign / sample;
            } else if compared.like >> place & 1 == 1 {
                ratio *= (1.0 - foreign) / (1.0 - sample);
            } else if compared.same >> place & 1 == 1 {
                ratio *= self.same[place];
            }
            p[place + 1] = self.shares[place + 1] * ratio;
        }
        let all = p.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        p.iter_mut().for_each(|p| *p /= all);
    }

    /// Returns the mean share of the rarer half of all numbers: junctions may be anywhere.
    fn junctions(&self) -> f64 {
        let mut rare: Vec<f64> = self.shares[1..].to_vec();
        rare.sort_by(f64::total_cmp);
        let half = &rare[..rare.len().div_ceil(2)];
        half.iter().sum::<f64>() / half.len().max(1) as f64
    }

    /// Returns the shares that count; `None` if there are none.
    fn layout(&self, overlay: &Overlay, reads: f64) -> Option<Vec<f64>> {
        let junctions = self.junctions();
        let is_there = |bases: usize, least: f64| {
            let share = self.shares[bases];
            let known =
                |compared: &&Compared| (compared.like | compared.unlike) >> (bases - 1) & 1 == 1;
            let is_known = overlay.reads.iter().filter(known).count() as u64 >= FEWEST;
            is_known
                && share >= least.max(OVER_JUNCTIONS * junctions)
                && share * reads >= FEWEST_WITH
        };
        let least = |bases: usize| LEAST_SHARES[(bases - 1).min(LEAST_SHARES.len() - 1)];
        let lengths = 1..self.shares.len();
        // Some number stands out, or those up to some number do together.
        let is_one_of_many =
            |bases: &usize| self.shares[*bases] >= LEAST_TOGETHER.max(OVER_JUNCTIONS * junctions);
        let together = lengths.clone().rfind(is_one_of_many);
        let stand_out = |bases: &usize| {
            let (inside, beyond) = self.shares[1..].split_at(*bases);
            let mean = |shares: &[f64]| shares.iter().sum::<f64>() / shares.len().max(1) as f64;
            // One base each may be errors.
            let several = inside[1..].iter().sum::<f64>() >= LEAST_ALL;
            let longest = self.shares.len() / 2;
            several
                && inside.iter().sum::<f64>() * reads >= FEWEST_WITH
                && *bases <= longest
                && mean(inside) >= LEAST_TOGETHER.max(OVER_JUNCTIONS * mean(beyond))
        };
        let together = together.filter(stand_out);
        let highest = self.shares[1..].iter().copied().fold(0.0, f64::max);
        let beside_most = if highest >= MOST_READS { highest / BESIDE_MOST } else { 0.0 };
        let longest =
            lengths.clone().rfind(|bases| is_there(*bases, least(*bases).max(beside_most)));
        let longest = longest.or(together)?;
        // Beside some of them, fewer are no surprise.
        let fewer = LEAST_BESIDE.max(highest / FEWER).max(OVER_JUNCTIONS * junctions);
        let counts = |bases: &usize| *bases == longest || self.shares[*bases] >= fewer;
        // Reads that are unlike others as far as they are compared are of something else.
        let inside = self.shares.len() - 1;
        let more = (longest + 1..inside).take_while(counts).count();
        let longest = longest + more;
        let number = (1..=longest).filter(counts).count();
        // If most numbers are there, so are the others.
        let fill = if number > 2 && 2 * number > longest { fewer } else { 0.0 };
        let mut shares: Vec<f64> = vec![0.0; self.shares.len()];
        for (bases, share) in shares.iter_mut().enumerate().take(longest + 1).skip(1) {
            *share = if counts(&bases) { self.shares[bases] } else { fill };
        }
        let all = shares.iter().sum::<f64>();
        // Reads that are unlike others as far as they are compared are of something else.
        if all < LEAST_ALL || shares.last().is_some_and(|share| *share > 0.0) {
            return None;
        }
        shares[0] = (1.0 - all).max(0.0);
        shares.truncate(shares.iter().rposition(|share| *share > 0.0).map_or(0, |last| last + 1));
        Some(shares)
    }
}
