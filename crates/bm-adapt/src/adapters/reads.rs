//! The reads in which adapters are searched for: base codes in bounded memory.

use bm_reads::{ReadRef, base::push_codes};

/// Base codes of the first reads of a file, one read after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    codes: Vec<u8>,
    /// Start and number of bases of each read. The number shrinks when an adapter is cut off.
    parts: Vec<(u32, u32)>,
}

impl Reads {
    /// Returns the codes of the first reads: at most `reads` reads, and at most `bases` bases.
    pub(super) fn first<'a>(
        from: impl IntoIterator<Item = ReadRef<'a>>,
        reads: usize,
        bases: usize,
    ) -> Self {
        let [all] = Self::first_together(from.into_iter().map(|read| [read]), reads, bases);
        all
    }

    /// Returns the same for reads that belong together, such as mates: for each of them at most
    /// `bases` bases.
    pub(super) fn first_together<'a, const N: usize>(
        from: impl IntoIterator<Item = [ReadRef<'a>; N]>,
        reads: usize,
        bases: usize,
    ) -> [Self; N] {
        let bases = bases.min(u32::MAX as usize);
        let mut all: [Self; N] = std::array::from_fn(|_| Self::default());
        let mut from = from.into_iter().take(reads).peekable();
        let expected = from.size_hint().0;
        if let Some(first) = from.peek() {
            for (all, read) in all.iter_mut().zip(first) {
                all.parts.reserve(expected);
                all.codes.reserve(expected.saturating_mul(read.len()).min(bases));
            }
        }
        for together in from {
            let has_room =
                |(all, read): (&Self, &ReadRef<'_>)| read.len() <= bases - all.codes.len();
            if !all.iter().zip(&together).all(has_room) {
                break;
            }
            for (all, read) in all.iter_mut().zip(together) {
                all.parts.push((all.codes.len() as u32, read.len() as u32));
                push_codes(&mut all.codes, read.sequence);
            }
        }
        all
    }

    /// Gives all reads the bases back that were cut off.
    pub(super) fn restore(&mut self) {
        let mut end = self.codes.len() as u32;
        for (start, bases) in self.parts.iter_mut().rev() {
            *bases = end - *start;
            end = *start;
        }
    }

    /// Returns the number of reads.
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Returns the codes of one read.
    pub(super) fn read(&self, index: usize) -> &[u8] {
        let (start, bases) = self.parts[index];
        &self.codes[start as usize..][..bases as usize]
    }

    /// Returns the codes of each read.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().map(|(start, bases)| &self.codes[*start as usize..][..*bases as usize])
    }

    /// Keeps only the first `bases` bases of a read.
    pub(super) fn cut(&mut self, index: usize, bases: usize) {
        let part = &mut self.parts[index];
        part.1 = part.1.min(bases as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sequence: &'static str) -> ReadRef<'static> {
        ReadRef {
            name: b"read",
            sequence: sequence.as_bytes(),
            quality_scores: sequence.as_bytes(),
        }
    }

    #[test]
    fn what_was_cut_off_comes_back() {
        let mut reads = Reads::first(["ACGT", "", "GGN"].map(read), 9, 99);
        let whole: Vec<_> = reads.iter().map(<[u8]>::to_vec).collect();
        assert_eq!(whole, [vec![0, 1, 2, 3], vec![], vec![2, 2, 4]]);
        reads.cut(0, 1);
        reads.cut(2, 0);
        assert_eq!(reads.iter().collect::<Vec<_>>(), [&[0][..], &[], &[]]);
        reads.restore();
        assert_eq!(reads.iter().collect::<Vec<_>>(), whole);
    }

    #[test]
    fn mates_end_at_the_same_pair() {
        let pairs = ["ACGT", "AC", "A"].map(|second| [read("AC"), read(second)]);
        let numbers = |bases| Reads::first_together(pairs, 9, bases).map(|reads| reads.len());
        assert_eq!(
            [numbers(7), numbers(6), numbers(5), numbers(3)],
            [[3; 2], [2; 2], [1; 2], [0; 2]]
        );
    }
}
