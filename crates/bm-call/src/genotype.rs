//! The genotype of an allele, for a genome of one copy or two.

use crate::multipliers::Multipliers;
use crate::test::Fragments;
use crate::variant::Genotype;

/// Fraction of an allele that all copies have: some fragments are not of the sample.
const ALL: f64 = 0.998;

/// Highest quality of a genotype.
const HIGHEST: f64 = 99.0;

/// Returns the most likely number of copies with the allele, all being equally likely before.
pub(crate) fn genotype(fragments: &Fragments, factors: &Multipliers, ploidy: u8) -> Genotype {
    let of_copies = |copies: u8| match copies {
        0 => fragments.cells().iter().map(|cell| factors.log_ratio(*cell)).sum(),
        copies => fragments.log_ratio_at(ALL * f64::from(copies) / f64::from(ploidy)),
    };
    let logs: Vec<(u8, f64)> = (0..=ploidy).map(|copies| (copies, of_copies(copies))).collect();
    let best =
        logs.iter().fold((0, f64::NEG_INFINITY), |best, it| if it.1 > best.1 { *it } else { best });
    let others: f64 = logs.iter().filter(|it| it.0 != best.0).map(|it| (it.1 - best.1).exp()).sum();
    let other = others / (1.0 + others);
    let quality = (-10.0 * other.max(1e-10).log10()).clamp(0.0, HIGHEST);
    Genotype { copies: best.0, ploidy, quality: quality.round() as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::Kind;

    fn of(alt: f64, reference: f64, ploidy: u8) -> Genotype {
        let kind =
            |strand, is_alt, count| Kind { count, is_alt, strand, error: 1e-3, missed: 3e-3 };
        let kinds = [0, 1].into_iter().flat_map(|strand| {
            [kind(strand, true, alt / 2.0), kind(strand, false, reference / 2.0)]
        });
        let fragments = Fragments { kinds: kinds.filter(|kind| kind.count > 0.0).collect() };
        genotype(&fragments, &Multipliers::default(), ploidy)
    }

    #[test]
    fn copies_follow_the_fraction() {
        assert_eq!((of(40.0, 0.0, 2).copies, of(20.0, 20.0, 2).copies), (2, 1));
        assert_eq!((of(0.0, 40.0, 2).copies, of(38.0, 2.0, 1).copies), (0, 1));
        assert!(of(20.0, 20.0, 2).quality > of(4.0, 2.0, 2).quality);
    }
}
