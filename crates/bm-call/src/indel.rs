//! Insertions and deletions, at the leftmost place that means the same.

/// An insertion or deletion behind a base of the reference, the anchor.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Indel {
    /// This many bases are deleted.
    Deletion(usize),
    /// These bases are inserted.
    Insertion(Vec<u8>),
}

/// Number of classes of lengths: one base, two, more.
pub(crate) const LENGTHS: usize = 3;

/// Longest homopolymer that is told from longer ones.
pub(crate) const LONGEST_RUN: usize = 10;

impl Indel {
    /// Returns 0 for a deletion and 1 for an insertion.
    pub(crate) fn kind(&self) -> usize {
        usize::from(matches!(self, Self::Insertion(_)))
    }

    /// Returns the class of its length, 0 to [`LENGTHS`] - 1.
    pub(crate) fn length_class(&self) -> usize {
        let length = match self {
            Self::Deletion(length) => *length,
            Self::Insertion(bases) => bases.len(),
        };
        length.saturating_sub(1).min(LENGTHS - 1)
    }

    /// Returns the probability that `other` is taken for this insertion, because bases of it are wrong, each
    /// with a probability of `wrong`; 0 if that cannot be.
    pub(crate) fn misread_from(&self, other: &Self, wrong: f64) -> f64 {
        match (self, other) {
            (Self::Insertion(bases), Self::Insertion(others)) if bases.len() == others.len() => {
                let different = bases.iter().zip(others).filter(|(a, b)| a != b).count();
                wrong.powi(different.min(9) as i32)
            }
            _ => 0.0,
        }
    }

    /// Moves the indel behind `anchor` to the left as far as it means the same, and returns the new anchor;
    /// `None` if that lies before `first`.
    pub(crate) fn move_left(
        &mut self,
        sequence: &[u8],
        mut anchor: usize,
        first: usize,
    ) -> Option<usize> {
        loop {
            let before = *sequence.get(anchor)?;
            let last = match self {
                Self::Deletion(length) => *sequence.get(anchor + *length)?,
                Self::Insertion(bases) => *bases.last()?,
            };
            if before != last {
                return Some(anchor);
            }
            if anchor == 0 || anchor <= first {
                return None;
            }
            if let Self::Insertion(bases) = self {
                bases.rotate_right(1);
            }
            anchor -= 1;
        }
    }
}

/// Returns the length of the run of equal bases that starts behind `anchor`, at most [`LONGEST_RUN`].
pub(crate) fn run_behind(sequence: &[u8], anchor: usize) -> usize {
    let behind = sequence.get(anchor + 1..).unwrap_or_default();
    let same = |base: &&u8| Some(*base) == behind.first();
    behind.iter().take(LONGEST_RUN).take_while(same).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indels_go_to_the_leftmost_place() {
        let sequence = b"GACACACTTTTG";
        let mut deletion = Indel::Deletion(2);
        assert_eq!(deletion.move_left(sequence, 4, 0), Some(0));
        let mut one = Indel::Deletion(1);
        assert_eq!(one.move_left(sequence, 9, 0), Some(6));
        let mut inserted = Indel::Insertion(b"CA".to_vec());
        assert_eq!(inserted.move_left(sequence, 5, 0), Some(0));
        assert_eq!(inserted, Indel::Insertion(b"AC".to_vec()));
        // Moved bases that the read does not have.
        assert_eq!(Indel::Deletion(1).move_left(sequence, 9, 8), None);
        // At the start of the reference there is no anchor.
        assert_eq!(Indel::Deletion(1).move_left(b"AAAAG", 2, 0), None);
    }

    #[test]
    fn an_insertion_with_wrong_bases_is_another_one() {
        let inserted = |bases: &[u8]| Indel::Insertion(bases.to_vec());
        let misread = |other: &Indel| inserted(b"ACG").misread_from(other, 0.01);
        assert_eq!(misread(&inserted(b"ACT")), 0.01);
        assert!((misread(&inserted(b"TCT")) - 1e-4).abs() < 1e-12);
        assert_eq!((misread(&inserted(b"AC")), misread(&Indel::Deletion(3))), (0.0, 0.0));
    }

    #[test]
    fn runs_are_counted_behind_the_anchor() {
        assert_eq!(run_behind(b"GACACACTTTTG", 6), 4);
        assert_eq!(run_behind(b"GACACACTTTTG", 0), 1);
        assert_eq!((run_behind(b"GA", 1), run_behind(b"GA", 9)), (0, 0));
        assert_eq!(run_behind(&[b'A'; 99], 0), LONGEST_RUN);
    }
}
