//! Differences between reads that are not errors of sequencing.
//!
//! Errors of sequencing are rarer the higher the quality. Mutations of a library (deep mutational
//! scanning, error-prone PCR), hypermutated antibody genes, junctions of V(D)J segments and damaged
//! DNA are as frequent at bases of the highest quality as at others.

/// Bases with about one error probability, and those of them that differ from other reads.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Differences {
    /// Mean error probability, by the qualities.
    pub(crate) probability: f64,
    /// Number of bases.
    pub(crate) bases: f64,
    /// Number of bases that differ.
    pub(crate) differ: f64,
}

/// The bases of the highest qualities that are compared with the others, as a fraction of all.
const BEST: f64 = 0.25;

/// Fraction of the best bases that differ above which they are not errors. In nineteen runs of
/// Illumina, Ion Torrent, 454 and AVITI instruments with counted errors, at most 0.2 % of the best
/// quarter of the bases are wrong.
const MOST_WRONG: f64 = 0.003;

/// Differences depend on the quality if their logarithm rises by more than this fraction of the
/// logarithm of the error probability.
const DEPENDS: f64 = 0.5;

/// Fewest differing bases on either side of the comparison.
const FEWEST: f64 = 50.0;

impl Differences {
    /// Returns the rows of counts by Phred score: bases, and bases that differ.
    pub(crate) fn by_quality(counts: &[[u64; 2]]) -> Vec<Self> {
        let row = |(score, [bases, differ]): (usize, &[u64; 2])| Self {
            probability: 10f64.powf(-0.1 * score as f64),
            bases: *bases as f64,
            differ: *differ as f64,
        };
        counts.iter().enumerate().filter(|(_, [bases, _])| *bases > 0).map(row).collect()
    }

    fn rate(self) -> f64 {
        self.differ / self.bases.max(1.0)
    }

    fn add(&mut self, other: Self) {
        let bases = self.bases + other.bases;
        if bases > 0.0 {
            self.probability =
                (self.probability * self.bases + other.probability * other.bases) / bases;
        }
        self.bases = bases;
        self.differ += other.differ;
    }
}

/// Returns the fraction of the bases of the best quality that differ from other reads, if these
/// differences are not errors of sequencing: more than any instrument makes, and hardly more
/// frequent at bases of lower quality that are still better than that.
pub(crate) fn rate_of_others(differences: &[Differences]) -> Option<f64> {
    let mut rows = differences.to_vec();
    rows.sort_by(|a, b| a.probability.total_cmp(&b.probability));
    let all: f64 = rows.iter().map(|row| row.bases).sum();
    let (mut best, mut others) = (Differences::default(), Differences::default());
    for row in rows {
        if best.bases < BEST * all {
            best.add(row);
        } else if row.probability < best.rate() {
            others.add(row);
        }
    }
    if best.rate() <= MOST_WRONG || best.differ.min(others.differ) < FEWEST {
        return None;
    }
    let rise = (others.rate() / best.rate()).ln();
    let reported = (others.probability / best.probability).ln();
    (rise < DEPENDS * reported).then(|| best.rate())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the differences of bases of these qualities, with these rates.
    fn rows(rates: &[(i32, f64)]) -> Vec<Differences> {
        let row = |(score, rate): &(i32, f64)| Differences {
            probability: 10f64.powf(-0.1 * f64::from(*score)),
            bases: 1e5,
            differ: 1e5 * rate,
        };
        rates.iter().map(row).collect()
    }

    #[test]
    fn differences_that_do_not_depend_on_the_quality_are_not_errors() {
        // One base in 150 is mutated, beside errors.
        let library = rows(&[(2, 0.5), (11, 0.086), (25, 0.01), (37, 0.0069)]);
        assert_eq!(rate_of_others(&library), Some(0.0069));
        // Nanopore, or an instrument that reports much too high qualities: the rates fall.
        let falling = rows(&[(10, 0.1), (20, 0.03), (30, 0.02), (40, 0.006)]);
        assert_eq!(rate_of_others(&falling), None);
    }

    #[test]
    fn rare_differences_may_be_errors() {
        assert_eq!(rate_of_others(&rows(&[(11, 0.08), (25, 0.004), (37, 0.0025)])), None);
        assert_eq!(rate_of_others(&[]), None);
    }

    #[test]
    fn one_quality_says_nothing() {
        assert_eq!(rate_of_others(&rows(&[(30, 0.02)])), None);
        assert_eq!(rate_of_others(&rows(&[(2, 0.3), (30, 0.02)])), None);
    }
}
