//! Lengths of inserts.

use serde::{Deserialize, Serialize};

use crate::cycles::{at, bin, least};
use crate::read_set::sum;

/// Lengths of the inserts of pairs whose mates overlap.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Inserts {
    /// Pairs that were looked at.
    pub pairs: u64,
    /// Pairs whose mates overlap, by the length of the insert, in bins. All others have a longer insert,
    /// or one that cannot be told.
    pub lengths: Vec<u64>,
}

impl Inserts {
    /// Adds a pair that was looked at, with its insert if the mates overlap.
    pub(crate) fn add(&mut self, insert: Option<usize>) {
        self.pairs += 1;
        if let Some(length) = insert {
            *at(&mut self.lengths, bin(length)) += 1;
        }
    }

    /// Adds the pairs of other reads.
    pub fn merge(&mut self, other: &Self) {
        self.pairs = self.pairs.saturating_add(other.pairs);
        for (bin, count) in other.lengths.iter().enumerate() {
            let sum = at(&mut self.lengths, bin);
            *sum = sum.saturating_add(*count);
        }
    }

    /// Returns the number of pairs whose mates overlap.
    pub fn overlapping(&self) -> u64 {
        sum(self.lengths.iter().copied())
    }

    /// Returns the length that occurs most often; `None` if no mates overlap.
    pub fn peak(&self) -> Option<u64> {
        let most = self.lengths.iter().copied().max().filter(|most| *most > 0)?;
        let bin = self.lengths.iter().position(|count| *count == most)?;
        Some(least(bin).ceil() as u64)
    }
}
