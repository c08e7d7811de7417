//! Complexity of a sequence.

use bm_reads::base::{UNKNOWN, code};

/// Returns the complexity of a sequence, from 0 (one base repeated) to 1: the entropy of its
/// triplets divided by that of as many different triplets, at most 64 (Schmieder & Edwards 2011,
/// Bioinformatics 27:863; there in windows, here over the whole read). A sequence with fewer than
/// two triplets of known bases has complexity 1.
pub(super) fn complexity(sequence: &[u8]) -> f64 {
    let mut counts = [0_u32; 64];
    let (mut triplet, mut known) = (0, 0);
    for base in sequence {
        match code(*base) {
            UNKNOWN => known = 0,
            code => {
                triplet = (triplet << 2 | usize::from(code)) & 63;
                known += 1;
                if known >= 3 {
                    counts[triplet] += 1;
                }
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complexity_is_the_entropy_of_triplets() {
        let of = |sequence: &str| complexity(sequence.as_bytes());
        assert_eq!(of(&"A".repeat(100)), 0.0);
        // Two alternating triplets: one bit of the six that 64 triplets would have.
        assert!((of(&"AT".repeat(500)) - 1.0 / 6.0).abs() < 1e-5);
        assert!((of("ACGTTGCA") - 1.0).abs() < 1e-12, "six triplets, all different");
        assert!((of("acguugca") - 1.0).abs() < 1e-12);
        for short in ["", "A", "ACG", "NNNNN", "ACNGT"] {
            assert_eq!(of(short), 1.0, "{short}");
        }
        // N is not a base, so no triplet contains it.
        assert_eq!(of("AAAANAAAA"), 0.0);
    }
}
