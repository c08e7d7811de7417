//! Simple rules beside the network: what a read is, whatever its qualities say.

use bm_reads::base;

use crate::reasons::{Reason, Reasons};

/// What a read must be; nothing is asked where there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rules {
    /// Fewest bases.
    pub(crate) min_length: Option<usize>,
    /// Most bases.
    pub(crate) max_length: Option<usize>,
    /// Largest share of bases that are none of A, C, G, T and U.
    pub(crate) max_n: Option<f64>,
    /// Least [`complexity`].
    pub(crate) min_complexity: Option<f64>,
    /// Longest [`poly_g`].
    pub(crate) max_poly_g: Option<usize>,
}

impl Rules {
    /// Returns what a read is not that it must be; a value equal to a limit is allowed.
    pub(crate) fn reasons(&self, sequence: &[u8]) -> Reasons {
        let mut reasons = Reasons::default();
        if *self == Self::default() {
            return reasons;
        }
        let mut add = |is_wrong: bool, reason| {
            if is_wrong {
                reasons.add(reason);
            }
        };
        add(self.min_length.is_some_and(|fewest| sequence.len() < fewest), Reason::MinLength);
        add(self.max_length.is_some_and(|most| sequence.len() > most), Reason::MaxLength);
        add(
            self.max_n.is_some_and(|most| unknown(sequence) as f64 > most * sequence.len() as f64),
            Reason::MaxN,
        );
        add(
            self.min_complexity.is_some_and(|least| complexity(sequence) < least),
            Reason::MinComplexity,
        );
        add(self.max_poly_g.is_some_and(|longest| poly_g(sequence) > longest), Reason::MaxPolyG);
        reasons
    }
}

/// Returns a base as a number, if it is one of four.
fn code(letter: u8) -> Option<usize> {
    match base::code(letter) {
        base::UNKNOWN => None,
        code => Some(usize::from(code)),
    }
}

fn unknown(sequence: &[u8]) -> usize {
    sequence.iter().filter(|base| code(**base).is_none()).count()
}

/// Returns how varied a sequence is, from 0 (one base repeated) to 1: the entropy of its triplets,
/// over that of as many triplets that are all different, of which there are 64 at most (Schmieder &
/// Edwards 2011, Bioinformatics 27:863; here of the whole read and not of windows). What has fewer
/// than two triplets of known bases has none to vary, and is 1.
fn complexity(sequence: &[u8]) -> f64 {
    let mut counts = [0_u32; 64];
    let (mut triplet, mut known) = (0, 0);
    for base in sequence {
        match code(*base) {
            Some(code) => {
                triplet = (triplet << 2 | code) & 63;
                known += 1;
                if known >= 3 {
                    counts[triplet] += 1;
                }
            }
            None => known = 0,
        }
    }
    let total: u32 = counts.iter().sum();
    if total < 2 {
        return 1.0;
    }
    let entropy: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count))
        .map(|count| count * count.ln())
        .sum();
    let total = f64::from(total);
    ((total.ln() - entropy / total) / total.min(64.0).ln()).max(0.0)
}

/// Returns how many bases at the end of a sequence are a run of G, as an instrument of two colours
/// writes them when it sees no light: it begins and ends with G, and at most one base in eight, and
/// five in all, is another (as fastp's).
fn poly_g(sequence: &[u8]) -> usize {
    let (mut longest, mut others) = (0, 0);
    for (i, base) in sequence.iter().rev().enumerate() {
        if matches!(base, b'G' | b'g') {
            longest = i + 1;
        } else {
            others += 1;
            if others > 5 || others * 8 > i + 1 {
                break;
            }
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_at_a_limit_are_allowed() {
        let rules = Rules {
            min_length: Some(4),
            max_length: Some(6),
            max_n: Some(0.25),
            ..Rules::default()
        };
        for (sequence, expected) in [
            ("ACGT", "-"),
            ("ACGTAC", "-"),
            ("ACN", "min_length,max_n"),
            ("ACGTACG", "max_length"),
            ("acgn", "-"),
            ("ACR.", "max_n"),
            ("", "min_length"),
        ] {
            let mut found = Vec::new();
            rules.reasons(sequence.as_bytes()).write(&mut found);
            assert_eq!(String::from_utf8_lossy(&found), expected, "{sequence}");
        }
        assert!(Rules::default().reasons(b"").is_empty());
    }

    #[test]
    fn complexity_is_that_of_triplets() {
        let of = |sequence: &str| complexity(sequence.as_bytes());
        assert_eq!(of(&"A".repeat(100)), 0.0);
        // Two triplets that take turns: one bit of the six that 64 would have.
        assert!((of(&"AT".repeat(500)) - 1.0 / 6.0).abs() < 1e-5);
        assert!((of("ACGTTGCA") - 1.0).abs() < 1e-12, "six triplets, all different");
        assert!((of("acguugca") - 1.0).abs() < 1e-12);
        for short in ["", "A", "ACG", "NNNNN", "ACNGT"] {
            assert_eq!(of(short), 1.0, "{short}");
        }
        // N is no base, so no triplet has one.
        assert_eq!(of("AAAANAAAA"), 0.0);
    }

    #[test]
    fn a_run_of_g_may_have_a_few_others_in_it() {
        for (sequence, expected) in [
            ("", 0),
            ("ACGT", 0),
            ("ACGG", 2),
            ("ACTGGGGGGGG", 8),
            ("ACTGGGGTGGGGGGGG", 13),
            // The first other base comes too soon.
            ("GGGGGGGGTGGGG", 4),
            ("gggg", 4),
        ] {
            assert_eq!(poly_g(sequence.as_bytes()), expected, "{sequence}");
        }
        assert_eq!(poly_g(&b"TGGGGGGG".repeat(10)), 47);
    }
}
