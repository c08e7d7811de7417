//! Which k-mers are rare enough to be errors, where the table of a run with many errors is full.

use std::ops::Range;

use crate::table::MAX_COUNT;

/// Count from which on a k-mer is of the sample, as long as the run is not deep: an error that so many
/// reads share is not one of chance.
pub(crate) const FREQUENT: u32 = 5;

/// Fewest occurrences in frequent k-mers, as a fraction of all, for a run to be deep: where fewer are,
/// most k-mers of the sample are rare too.
const DEEP: f64 = 0.2;

/// A k-mer is rare if the run has it less often than a typical frequent one by this factor. Five times as
/// many are needed for support (bm-long).
const RARE: usize = 50;

/// How many k-mers a table has of each count.
pub(crate) struct Histogram(Vec<u64>);

impl Histogram {
    pub(crate) fn of(counts: impl Iterator<Item = u32>) -> Self {
        let mut kmers = vec![0; MAX_COUNT as usize + 1];
        counts.for_each(|count| kmers[count.min(MAX_COUNT) as usize] += 1);
        Self(kmers)
    }

    /// Returns the highest count that is rare; `None` if the run is not deep.
    ///
    /// A typical k-mer of the sample is by the first quartile of the occurrences in frequent k-mers: in
    /// runs of several depths, a low one.
    pub(crate) fn rare(&self) -> Option<u32> {
        let occurrences = |count: usize| count as u64 * self.0[count];
        let sum = |counts: Range<usize>| counts.map(occurrences).sum::<u64>();
        let (all, frequent) = (sum(1..self.0.len()), sum(FREQUENT as usize..self.0.len()));
        if (frequent as f64) < DEEP * all as f64 || all == 0 {
            return None;
        }
        let mut left = frequent / 4;
        let mut typical = FREQUENT as usize;
        while occurrences(typical) <= left && typical + 1 < self.0.len() {
            left -= occurrences(typical);
            typical += 1;
        }
        Some((typical / RARE).max(1) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run with this many k-mers of each count.
    fn run(kmers: &[(u32, usize)]) -> Option<u32> {
        let counts = kmers.iter().flat_map(|(count, kmers)| std::iter::repeat_n(*count, *kmers));
        Histogram::of(counts).rare()
    }

    #[test]
    fn kmers_are_rare_beside_those_of_the_sample() {
        assert_eq!(run(&[]), None);
        // All once: a run without depth, or errors alone.
        assert_eq!(run(&[(1, 10_000)]), None);
        // Depth 3.
        assert_eq!(run(&[(1, 3_000), (2, 1_000), (3, 1_500), (4, 1_000), (5, 100)]), None);
        // Depth 16, and six errors to each base of the sample.
        assert_eq!(run(&[(1, 6_000), (16, 1_000)]), Some(1));
        // Errors that come again.
        assert_eq!(run(&[(1, 60_000), (2, 10_000), (600, 1_000)]), Some(12));
        // A tenth of the bases in a part of little depth: it decides nothing by itself.
        assert_eq!(run(&[(1, 60_000), (20, 1_000), (4_000, 50)]), Some(80));
        // A third of them: only errors seen once are rare there.
        assert_eq!(run(&[(1, 60_000), (20, 5_000), (4_000, 50)]), Some(1));
        // The highest count stands for all that are higher.
        assert_eq!(run(&[(1, 60_000), (u32::MAX, 50)]), Some(MAX_COUNT / 50));
    }
}
