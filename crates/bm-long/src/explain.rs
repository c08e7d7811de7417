//! How many errors explain the k-mers of a read that hardly any other read has.
//!
//! Each such k-mer has an error, or is without support by chance. The weight of a set of events is
//! the product of their odds, as in `explain.rs` of bm-evidence, which returns the probability of
//! each base. Here the expected number of errors is enough. It follows from one pass, whose state
//! is the last event: for each event, the sum over all sets up to it of their weights, and of their
//! weights times their numbers of errors.

use crate::tested::Kmer;

/// Factor on the odds of an error at a base that a supported k-mer has. Not zero: where a
/// homopolymer has a wrong length, each of its bases is also in a k-mer that is right.
const COVERED: f64 = 0.1;

/// Bases after which sums are made anew: differences of numbers of very different size are not
/// exact.
const RENEW: usize = 32;

/// Room for the bases of the longest k-mer.
const ROOM: usize = 32;
const _: () = assert!(bm_kmers::kmer::LONGEST <= ROOM);

/// Expected numbers of errors of a read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Expected {
    /// Of the bases in tested k-mers.
    pub(crate) tested: f64,
    /// Of the other bases.
    pub(crate) others: f64,
}

/// Returns the expected number of errors given which k-mers have support.
///
/// `chance` are the odds, per base, that k-mers with it are without support by chance.
///
/// **Shapes** `kmers`: `[bases - k + 1]`; `odds`, of an error at each base: `[bases]`.
pub(crate) fn explain(kmers: &[Kmer], odds: &[f32], k: usize, chance: f64) -> Expected {
    let k = k.clamp(1, ROOM);
    let mut expected = Expected::default();
    let mut chain = Chain::new(k, chance);
    // The first base behind the last supported, unsupported and tested k-mer so far.
    let (mut covered, mut needed, mut tested) = (0, 0, 0);
    for (at, odds) in odds.iter().enumerate() {
        match kmers.get(at) {
            Some(Kmer::Supported) => (covered, tested) = (at + k, at + k),
            Some(Kmer::Unsupported) => (needed, tested) = (at + k, at + k),
            Some(Kmer::NotTested) | None => {}
        }
        if chain.is_open {
            if at >= k && kmers.get(at - k) == Some(&Kmer::Unsupported) {
                chain.require();
            }
            if at >= needed {
                expected.tested += chain.close();
            }
        }
        let odds = f64::from(*odds);
        let lowered = if at < covered { COVERED * odds } else { odds };
        if at < needed {
            chain.push(lowered);
        } else if at < tested {
            // No unsupported k-mer has this base: its event is independent of all others.
            expected.tested += lowered / (1.0 + lowered + chance);
        } else {
            expected.others += odds / (1.0 + odds);
        }
    }
    if chain.is_open {
        // The last k-mer ends with the read.
        if needed == odds.len() {
            chain.require();
        }
        expected.tested += chain.close();
    }
    expected
}

/// The sums over sets of events of consecutive bases.
#[derive(Clone, Debug)]
struct Chain {
    k: usize,
    chance: f64,
    is_open: bool,
    /// The sums with the last event at one of the last k bases, in a ring.
    weights: [f64; ROOM],
    errors: [f64; ROOM],
    slot: usize,
    /// Sums of these.
    near: Sum,
    /// With the last event before them, or none.
    far: Sum,
    /// Bases until the sums are made anew.
    left: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    weights: f64,
    /// Weights times numbers of errors.
    errors: f64,
}

impl Chain {
    fn new(k: usize, chance: f64) -> Self {
        Self {
            k,
            chance,
            is_open: false,
            weights: [0.0; ROOM],
            errors: [0.0; ROOM],
            slot: 0,
            near: Sum::default(),
            far: Sum { weights: 1.0, errors: 0.0 },
            left: RENEW,
        }
    }

    /// Adds a base with these odds of an error.
    #[inline(always)]
    fn push(&mut self, odds: f64) {
        self.is_open = true;
        let weights = self.far.weights + self.near.weights;
        let errors = self.far.errors + self.near.errors;
        let event = odds + self.chance;
        let new = Sum { weights: weights * event, errors: errors * event + weights * odds };
        let slot = self.slot % ROOM;
        let (weight, error) = (&mut self.weights[slot], &mut self.errors[slot]);
        self.far.weights += *weight;
        self.far.errors += *error;
        self.near.weights += new.weights - *weight;
        self.near.errors += new.errors - *error;
        (*weight, *error) = (new.weights, new.errors);
        self.slot = if self.slot + 1 == self.k { 0 } else { self.slot + 1 };
        self.left -= 1;
        if self.left == 0 {
            self.renew();
        }
    }

    /// Demands an event among the last k bases.
    #[inline(always)]
    fn require(&mut self) {
        self.far = Sum::default();
    }

    /// Returns the expected number of errors, and forgets all bases.
    fn close(&mut self) -> f64 {
        let weights = self.far.weights + sum(&self.weights);
        let errors = self.far.errors + sum(&self.errors);
        *self = Self::new(self.k, self.chance);
        // The weights have the odds of chance at each base at least, so their sum is not 0.
        if weights > 0.0 { errors / weights } else { 0.0 }
    }

    /// Divides all sums by that of the weights, and makes them anew from their parts.
    fn renew(&mut self) {
        self.left = RENEW;
        let all = self.far.weights + sum(&self.weights);
        if !(all > 0.0 && all.is_finite()) {
            return;
        }
        let factor = 1.0 / all;
        self.far.weights *= factor;
        self.far.errors *= factor;
        self.weights.iter_mut().chain(&mut self.errors).for_each(|it| *it *= factor);
        self.near = Sum { weights: sum(&self.weights), errors: sum(&self.errors) };
    }
}

/// Returns the sum of a ring: eight independent sums, so that additions need not wait for each
/// other.
fn sum(ring: &[f64; ROOM]) -> f64 {
    let mut sums = [0.0; 8];
    for some in ring.as_chunks::<8>().0 {
        for (sum, one) in sums.iter_mut().zip(some) {
            *sum += one;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    use Kmer::{NotTested, Supported, Unsupported};

    const CHANCE: f64 = 1e-4;

    /// Expected errors by the definition: a sum over all sets of events, of which a base has none,
    /// an error, or chance.
    fn by_all_sets(kmers: &[Kmer], odds: &[f32], k: usize) -> Expected {
        let has = |base: usize, of: &[Kmer]| {
            (0..kmers.len()).any(|at| (at..at + k).contains(&base) && of.contains(&kmers[at]))
        };
        let tested: Vec<usize> =
            (0..odds.len()).filter(|at| has(*at, &[Supported, Unsupported])).collect();
        let lowered =
            |at: usize| f64::from(odds[at]) * if has(at, &[Supported]) { COVERED } else { 1.0 };
        let (mut all, mut errors) = (0.0, 0.0);
        for set in 0..3u32.pow(tested.len() as u32) {
            let event = |at: usize| {
                tested
                    .iter()
                    .position(|base| *base == at)
                    .map_or(0, |it| set / 3u32.pow(it as u32) % 3)
            };
            let explained =
                |at: usize| kmers[at] != Unsupported || (at..at + k).any(|base| event(base) > 0);
            if !(0..kmers.len()).all(explained) {
                continue;
            }
            let weight = |at: &usize| [1.0, lowered(*at), CHANCE][event(*at) as usize];
            let weight: f64 = tested.iter().map(weight).product();
            all += weight;
            errors += weight * tested.iter().filter(|at| event(**at) == 1).count() as f64;
        }
        let others = (0..odds.len()).filter(|at| !tested.contains(at));
        let others = others.map(|at| f64::from(odds[at])).map(|odds| odds / (1.0 + odds)).sum();
        Expected { tested: errors / all, others }
    }

    #[test]
    fn expected_errors_are_those_over_all_sets_of_events() {
        const K: usize = 3;
        let odds: Vec<f32> = (0..9).map(|at| [0.01, 0.2, 0.0003, 0.5][at * 7 % 4]).collect();
        for number in 0..3u32.pow(7) {
            let kind =
                |at: u32| [NotTested, Supported, Unsupported][(number / 3u32.pow(at) % 3) as usize];
            let kmers: Vec<Kmer> = (0..7).map(kind).collect();
            // Every case is compared with itself in reverse; some with the definition, which takes
            // long.
            let found = explain(&kmers, &odds, K, CHANCE);
            let backward: (Vec<Kmer>, Vec<f32>) =
                (kmers.iter().rev().copied().collect(), odds.iter().rev().copied().collect());
            let reversed = explain(&backward.0, &backward.1, K, CHANCE);
            assert!((found.tested - reversed.tested).abs() < 1e-9, "{kmers:?}");
            if number % 17 == 0 {
                let expected = by_all_sets(&kmers, &odds, K);
                assert!(
                    (found.tested - expected.tested).abs() < 1e-9,
                    "{kmers:?} {found:?} {expected:?}"
                );
                assert!((found.others - expected.others).abs() < 1e-9, "{kmers:?}");
            }
        }
    }

    #[test]
    fn one_error_explains_the_kmers_that_it_breaks() {
        const K: usize = 17;
        let odds = [0.001; 200];
        let with = |unsupported: std::ops::Range<usize>| {
            let kind = |at| if unsupported.contains(&at) { Unsupported } else { Supported };
            let kmers: Vec<Kmer> = (0..184).map(kind).collect();
            explain(&kmers, &odds, K, CHANCE).tested
        };
        assert!(with(0..0) < 0.03);
        assert!((0.9..1.1).contains(&with(50..67)), "{}", with(50..67));
        // A homopolymer of a wrong length: fewer k-mers, and each base is in one that is right.
        assert!((0.4..1.1).contains(&with(50..61)), "{}", with(50..61));
        // A k-mer more needs two, or one and chance: most bases there are covered.
        assert!((1.2..2.2).contains(&with(50..68)), "{}", with(50..68));
        assert!((1.7..3.0).contains(&with(50..84)), "{}", with(50..84));
    }

    #[test]
    fn long_rows_of_unlikely_errors_stay_exact() {
        const K: usize = 17;
        // At least one error, or chance, in seventeen bases, however unlikely.
        for odds in [1e-6, 1e-3, 0.3, 2.3] {
            let found = explain(&vec![Unsupported; 9_984], &vec![odds; 10_000], K, CHANCE).tested;
            let errors = f64::from(odds) / (f64::from(odds) + CHANCE) * 10_000.0 / 17.0;
            assert!(found > 0.99 * errors && found < 10_000.0, "{odds}: {found}");
        }
    }

    #[test]
    fn reads_without_bases_have_no_errors() {
        assert_eq!(explain(&[], &[], 17, CHANCE), Expected::default());
    }
}
