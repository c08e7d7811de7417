//! Bases of a read that are not known.

use bm_reads::base::{UNKNOWN, code};

/// Returns how many letters of a sequence are none of A, C, G, T and U.
pub(super) fn unknown_bases(sequence: &[u8]) -> usize {
    sequence.iter().filter(|base| code(**base) == UNKNOWN).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_that_is_no_base_counts() {
        assert_eq!(unknown_bases(b"ACGTUacgtu"), 0);
        assert_eq!(unknown_bases(b"ANR.n-A"), 5);
        assert_eq!(unknown_bases(b""), 0);
    }
}
