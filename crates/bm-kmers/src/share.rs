//! All k-mers in shards, and a share of them: those of some shards.

use std::ops::Range;

/// K-mers are split into shards by their minimizers: each shard is small and can be counted by its
/// own thread. The number of shards is fixed, so that the counts do not depend on the threads.
pub(crate) const SHARD_BITS: u32 = 10;
pub(crate) const SHARDS: usize = 1 << SHARD_BITS;

/// One of several shares of all k-mers, divided by their minimizers: about equal ones. Each can be
/// counted by itself, in a fraction of the memory, and together they are all k-mers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Share {
    number: u16,
    of: u16,
}

impl Share {
    /// Most shares.
    pub const MOST: u16 = SHARDS as u16;

    /// All k-mers.
    pub const ALL: Self = Self { number: 1, of: 1 };

    /// Returns the share with a number, from 1 on, of so many; `None` if there is no such share.
    pub fn new(number: u16, of: u16) -> Option<Self> {
        let exists = (1..=of).contains(&number) && of <= Self::MOST;
        exists.then_some(Self { number, of })
    }

    /// Returns its number, from 1 on.
    pub fn number(self) -> u16 {
        self.number
    }

    /// Returns how many shares there are.
    pub fn of(self) -> u16 {
        self.of
    }

    /// Returns the numbers of its shards.
    pub(crate) fn shards(self) -> Range<usize> {
        let end = |number: u16| usize::from(number) * SHARDS / usize::from(self.of);
        end(self.number - 1)..end(self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shard_is_in_one_share() {
        for of in [1, 2, 3, 7, 100, 1_023, Share::MOST] {
            let mut next = 0;
            for number in 1..=of {
                let shards = Share::new(number, of).expect("a share").shards();
                assert!(shards.start == next && !shards.is_empty());
                next = shards.end;
            }
            assert_eq!(next, SHARDS);
        }
        for (number, of) in [(0, 1), (2, 1), (1, 0), (1, Share::MOST + 1)] {
            assert_eq!(Share::new(number, of), None);
        }
    }
}
