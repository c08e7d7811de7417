//! Unknown bases of a read.

use bm_reads::base::{UNKNOWN, code};

/// Returns the number of letters in a sequence other than A, C, G, T and U.
pub(super) fn unknown_bases(sequence: &[u8]) -> usize {
    sequence.iter().filter(|base| code(**base) == UNKNOWN).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_that_is_not_a_base_counts() {
        assert_eq!(unknown_bases(b"ACGTUacgtu"), 0);
        assert_eq!(unknown_bases(b"ANR.n-A"), 5);
        assert_eq!(unknown_bases(b""), 0);
    }
}
