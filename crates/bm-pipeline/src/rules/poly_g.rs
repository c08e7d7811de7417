//! Runs of G at the end of a read: two-colour instruments call G if they detect no signal.

/// Returns the length of the run of G at the end of a sequence. The run begins and ends with G; at
/// most one base in eight, and five in all, may differ (as in fastp).
pub(super) fn poly_g(sequence: &[u8]) -> usize {
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
    fn a_run_of_g_may_contain_a_few_other_bases() {
        for (sequence, expected) in [
            ("", 0),
            ("ACGT", 0),
            ("ACGG", 2),
            ("ACTGGGGGGGG", 8),
            ("ACTGGGGTGGGGGGGG", 13),
            // The first other base comes too early.
            ("GGGGGGGGTGGGG", 4),
            ("gggg", 4),
        ] {
            assert_eq!(poly_g(sequence.as_bytes()), expected, "{sequence}");
        }
        assert_eq!(poly_g(&b"TGGGGGGG".repeat(10)), 47);
    }
}
