//! The letters around a base as the instrument read them: errors depend on the strand.

use bm_reads::base;

/// Number of values of the base before: four letters, or none.
pub(crate) const BEFORE: usize = 5;

/// Bases of the reference at and around a position, as codes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Context {
    before: usize,
    pub(crate) base: usize,
    behind: usize,
}

impl Context {
    /// Returns the context of a position; `None` where the reference has no known base.
    pub(crate) fn at(sequence: &[u8], place: usize) -> Option<Self> {
        let code = |at: Option<usize>| {
            let letter = at.and_then(|at| sequence.get(at));
            letter.map(|it| base::dna_code(*it)).filter(|it| *it != base::UNKNOWN).map(usize::from)
        };
        let neighbour = |at| code(at).unwrap_or(BEFORE - 1);
        Some(Self {
            base: code(Some(place))?,
            before: neighbour(place.checked_sub(1)),
            behind: neighbour(place.checked_add(1)),
        })
    }

    /// Returns the context of another base at the same position.
    pub(crate) fn of_base(self, base: usize) -> Self {
        Self { base, ..self }
    }

    /// Returns the base before, the base, and the alternative `alt`, in the direction of the reads of a
    /// strand.
    pub(crate) fn of_strand(self, strand: usize, alt: usize) -> [usize; 3] {
        if strand == 0 {
            return [self.before, self.base, alt];
        }
        let before = if self.behind < 4 { 3 - self.behind } else { self.behind };
        [before, 3 - self.base, 3 - alt]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reverse_strand_reads_complements() {
        let context = Context::at(b"ACG", 1).expect("a known base");
        assert_eq!(context.of_strand(0, 3), [0, 1, 3]);
        // CGT: before G comes C, and the alternative is A.
        assert_eq!(context.of_strand(1, 3), [1, 2, 0]);
        let first = Context::at(b"AC", 0).expect("a known base");
        assert_eq!(first.of_strand(0, 2), [4, 0, 2]);
        assert!(Context::at(b"N", 0).is_none() && Context::at(b"A", 1).is_none());
    }
}
