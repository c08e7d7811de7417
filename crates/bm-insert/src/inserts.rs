//! Which bases of reads are not of the sample, read by read.

use std::ops::Range;

/// Bases at the start are left out if this is their probability not to be of the sample: one too many
/// costs a base, one too few would look like an error.
const DOUBT: f32 = 0.25;

/// What follows the sample in a read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tail {
    /// An adapter, and what is behind it.
    Adapter,
    /// A run of one base to the end of the read: no signal, or the tail of an RNA.
    Run,
    /// Unknown bases (N) to the end of the read.
    Unknown,
    /// Bases that the library has at the end of the read, and the sample has not.
    Library,
}

/// A place where the sample may end in a read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End {
    /// Index of the first base that is not of the sample.
    pub at: u32,
    /// Probability that the sample ends here.
    pub probability: f32,
    /// What follows.
    pub tail: Tail,
}

/// Which bases of a read are of the sample, as probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Insert<'a> {
    /// Places where the sample may end, from the first to the last; places that are hardly possible
    /// are left out.
    pub ends: &'a [End],
    /// The probability of each of the first bases that it is not of the sample.
    pub front: &'a [f32],
}

impl Insert<'_> {
    /// Returns the probability that a base is not of the sample.
    pub fn foreign(&self, base: usize) -> f32 {
        let front = self.front.get(base).copied().unwrap_or(0.0);
        let behind = |end: &&End| end.at as usize <= base;
        let tail = self.ends.iter().take_while(behind).map(|end| end.probability).sum::<f32>();
        (1.0 - (1.0 - front) * (1.0 - tail.min(1.0))).clamp(0.0, 1.0)
    }

    /// Returns whether all bases are of the sample.
    pub fn is_whole(&self) -> bool {
        self.ends.is_empty() && self.front.is_empty()
    }

    /// Returns the bases of a read of this length that are of the sample more probably than not; the first
    /// ones are left out if there is some doubt.
    pub fn part(&self, length: usize) -> Range<usize> {
        let front = self.front.iter().take_while(|p| **p > DOUBT).count();
        let end = self.end_of(length, |_| true).max(front);
        front.min(length)..end.min(length)
    }

    /// Returns how many bases at the end of a read of this length are adapter, more probably than
    /// not.
    pub fn adapter_bases(&self, length: usize) -> usize {
        length - self.end_of(length, |tail| tail == Tail::Adapter)
    }

    /// Returns what follows the sample in a read of this length, if anything does, more probably
    /// than not.
    pub fn tail(&self, length: usize) -> Option<Tail> {
        let end = self.end_of(length, |_| true);
        let there = |end_here: &&End| end_here.at as usize <= end;
        let most = |tail: Tail| {
            let ends = self.ends.iter().filter(there).filter(|end| end.tail == tail);
            ends.map(|end| end.probability).sum::<f32>()
        };
        let kinds = [Tail::Run, Tail::Unknown, Tail::Library, Tail::Adapter];
        let kind = kinds.into_iter().max_by(|one, other| most(*one).total_cmp(&most(*other)));
        kind.filter(|_| end < length)
    }

    fn end_of(&self, length: usize, counts: impl Fn(Tail) -> bool) -> usize {
        let mut sum = 0.0;
        for end in self.ends.iter().filter(|end| counts(end.tail)) {
            sum += end.probability;
            if sum > 0.5 {
                return (end.at as usize).min(length);
            }
        }
        length
    }
}

/// The inserts of many reads, in order.
#[derive(Clone, Debug, Default)]
pub struct Inserts {
    ends: Vec<End>,
    front: Vec<f32>,
    /// Where each read's ends and front stop.
    stops: Vec<[usize; 2]>,
}

impl Inserts {
    /// Forgets all reads.
    pub fn clear(&mut self) {
        self.ends.clear();
        self.front.clear();
        self.stops.clear();
    }

    /// Returns the number of reads.
    pub fn len(&self) -> usize {
        self.stops.len()
    }

    /// Returns whether there are no reads.
    pub fn is_empty(&self) -> bool {
        self.stops.is_empty()
    }

    /// Returns the insert of a read; all of its bases are of the sample if there is no such read.
    pub fn get(&self, read: usize) -> Insert<'_> {
        let Some([ends, front]) = self.stops.get(read).copied() else { return Insert::default() };
        let before = |read: usize| read.checked_sub(1).map_or([0, 0], |read| self.stops[read]);
        let [first_end, first_front] = before(read);
        Insert { ends: &self.ends[first_end..ends], front: &self.front[first_front..front] }
    }

    /// Adds a read.
    pub fn push(&mut self, ends: &[End], front: &[f32]) {
        self.ends.extend_from_slice(ends);
        self.front.extend_from_slice(front);
        self.stops.push([self.ends.len(), self.front.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(at: u32, probability: f32, tail: Tail) -> End {
        End { at, probability, tail }
    }

    #[test]
    fn probabilities_add_up_along_the_read() {
        let ends = [end(4, 0.3, Tail::Adapter), end(6, 0.4, Tail::Run), end(8, 0.2, Tail::Adapter)];
        let insert = Insert { ends: &ends, front: &[0.9, 0.2] };
        let expected = [0.9, 0.2, 0.0, 0.0, 0.3, 0.3, 0.7, 0.7, 0.9, 0.9];
        for (base, p) in expected.into_iter().enumerate() {
            assert!((insert.foreign(base) - p).abs() < 1e-6, "{base}: {}", insert.foreign(base));
        }
        assert_eq!(insert.part(10), 1..6);
        assert_eq!((insert.adapter_bases(10), Insert::default().adapter_bases(10)), (0, 0));
        assert_eq!(Insert { ends: &ends[2..], front: &[] }.part(10), 0..10);
        let all = [end(0, 1.0, Tail::Adapter)];
        assert_eq!(Insert { ends: &all, front: &[0.9, 0.9] }.part(10), 2..2);
        assert_eq!(Insert { ends: &all, front: &[] }.adapter_bases(10), 10);
    }

    #[test]
    fn reads_keep_their_own_ends() {
        let mut inserts = Inserts::default();
        inserts.push(&[end(3, 1.0, Tail::Run)], &[]);
        inserts.push(&[], &[0.7]);
        inserts.push(&[], &[]);
        assert_eq!([0, 1, 2, 3].map(|read| inserts.get(read).part(5)), [0..3, 1..5, 0..5, 0..5]);
        inserts.clear();
        assert!(inserts.is_empty() && inserts.get(0) == Insert::default());
    }
}
