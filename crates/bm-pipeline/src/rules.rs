//! Simple rules in addition to the model: limits on the sequence, independent of the qualities.
//!
//! A rule consists of a limit here, a measure in a file of its own, and a [`Reason`].

mod complexity;
mod poly_g;
mod unknown_bases;

use complexity::complexity;
use poly_g::poly_g;
use unknown_bases::unknown_bases;

use crate::reasons::{Reason, Reasons};

/// Limits on a read; `None` is no limit. A value equal to a limit is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rules {
    /// Fewest bases.
    pub min_length: Option<usize>,
    /// Most bases.
    pub max_length: Option<usize>,
    /// Largest fraction of bases that are none of A, C, G, T and U, 0 to 1.
    pub max_n: Option<f64>,
    /// Lowest complexity, 0 to 1: the entropy of the sequence's triplets.
    pub min_complexity: Option<f64>,
    /// Longest run of G at the end, in bases.
    pub max_poly_g: Option<usize>,
}

impl Rules {
    /// Returns the rules that a read breaks.
    pub fn reasons(&self, sequence: &[u8]) -> Reasons {
        let mut reasons = Reasons::default();
        if *self == Self::default() {
            return reasons;
        }
        let length = sequence.len();
        let mut check = |is_broken: bool, reason| {
            if is_broken {
                reasons.add(reason);
            }
        };
        // NaN is neither below nor above a limit: it must not meet one.
        let has_few_n = |most| unknown_bases(sequence) as f64 <= most * length as f64;
        let is_complex = |least| complexity(sequence) >= least;
        check(self.min_length.is_some_and(|fewest| length < fewest), Reason::MinLength);
        check(self.max_length.is_some_and(|most| length > most), Reason::MaxLength);
        check(self.max_n.is_some_and(|most| !has_few_n(most)), Reason::MaxN);
        check(self.min_complexity.is_some_and(|least| !is_complex(least)), Reason::MinComplexity);
        check(self.max_poly_g.is_some_and(|longest| poly_g(sequence) > longest), Reason::MaxPolyG);
        reasons
    }
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
}
