//! Beginnings that many reads have in common, found in fixed memory.

use bm_reads::base::LETTERS;
use serde::{Deserialize, Serialize};

use crate::copies::mix;
use crate::read_set::sum;

/// Bases of a beginning.
const BASES: usize = 24;
/// Bits of the hash that is counted beside the bases.
const CHECK: usize = 16;
/// Bits that are counted of each beginning.
const KEY: usize = 2 * BASES + CHECK;
/// Groups that beginnings are divided into by their hash.
const GROUPS: usize = 128;

/// Smallest fraction of the reads that counts as frequent.
const FREQUENT: f64 = 0.01;

/// What finds the beginnings, 24 bases each, that at least 1 % of the reads have.
///
/// Beginnings are divided into 128 groups by a hash. Of each group, every bit of the bases and of a
/// second hash is counted. If most reads of a group have the same beginning, the majority of each bit is
/// that of this beginning (Cormode & Muthukrishnan 2005, *What's hot and what's not*), and the hash
/// proves it. All counts are sums, so those of parts add up to those of the whole. Two frequent beginnings
/// in one group may hide each other: what is found is frequent, but not everything frequent is found.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Stored")]
pub struct Frequent {
    /// Reads with a beginning of known bases, by group; empty without reads.
    reads: Vec<u64>,
    /// Reads whose beginning has each bit, group by group. **Shape:** [groups × bits].
    bits: Vec<u64>,
    /// Reads that are not in `bits` yet.
    #[serde(skip)]
    recent: Recent,
}

/// Counts of the last beginnings of each group: how many have each bit of the key, in binary digits, and
/// how many there are. A number holds one digit of the counts of all bits, so they are added up together
/// (*vertical counters*).
#[derive(Clone, Debug, Default, PartialEq)]
struct Recent {
    groups: Vec<([u64; u8::BITS as usize], u8)>,
}

impl Recent {
    fn add(&mut self, group: usize, key: u64, bits: &mut [u64]) {
        self.groups.resize(GROUPS, Default::default());
        let (digits, reads) = &mut self.groups[group];
        let mut carry = key;
        for digit in digits.iter_mut() {
            (*digit, carry) = (*digit ^ carry, *digit & carry);
        }
        *reads += 1;
        if *reads == u8::MAX {
            Self::settle_group(digits, reads, &mut bits[group * KEY..(group + 1) * KEY]);
        }
    }

    fn settle(&mut self, bits: &mut [u64]) {
        for (group, (digits, reads)) in self.groups.iter_mut().enumerate() {
            Self::settle_group(digits, reads, &mut bits[group * KEY..(group + 1) * KEY]);
        }
        self.groups.clear();
    }

    fn settle_group(digits: &mut [u64], reads: &mut u8, bits: &mut [u64]) {
        *reads = 0;
        for (weight, digit) in digits.iter_mut().map(std::mem::take).enumerate() {
            for (bit, count) in bits.iter_mut().enumerate() {
                *count += ((digit >> bit) & 1) << weight;
            }
        }
    }
}

/// The counts as they are stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    reads: Vec<u64>,
    bits: Vec<u64>,
}

impl TryFrom<Stored> for Frequent {
    type Error = &'static str;

    fn try_from(Stored { reads, bits }: Stored) -> Result<Self, Self::Error> {
        let counts = Self { reads, bits, recent: Recent::default() };
        if counts.is_possible() { Ok(counts) } else { Err("frequent: not counts as bm makes them") }
    }
}

/// A frequent beginning.
#[derive(Clone, Debug, PartialEq)]
pub struct FrequentStart {
    /// Its bases.
    pub sequence: String,
    /// Estimate of the number of reads that begin with it.
    pub reads: u64,
}

impl Frequent {
    /// Adds a read, unless one of its first bases is unknown.
    pub(crate) fn add(&mut self, sequence: &[u8]) {
        let Some(bases) = sequence.first_chunk().and_then(packed) else { return };
        if self.reads.is_empty() {
            self.reads.resize(GROUPS, 0);
            self.bits.resize(GROUPS * KEY, 0);
        }
        let (key, group) = key_and_group(bases);
        self.reads[group] += 1;
        self.recent.add(group, key, &mut self.bits);
    }

    /// Adds up what was counted: without this, the last reads are missing.
    pub(crate) fn settle(&mut self) {
        self.recent.settle(&mut self.bits);
    }

    /// Adds the counts of other reads.
    pub fn merge(&mut self, other: &Self) {
        for (ours, theirs) in [(&mut self.reads, &other.reads), (&mut self.bits, &other.bits)] {
            if ours.len() < theirs.len() {
                ours.resize(theirs.len(), 0);
            }
            for (sum, count) in ours.iter_mut().zip(theirs) {
                *sum = sum.saturating_add(*count);
            }
        }
    }

    /// Returns whether the counts can be those of reads.
    fn is_possible(&self) -> bool {
        let is_empty = self.reads.is_empty() && self.bits.is_empty();
        let fits = self.reads.len() == GROUPS && self.bits.len() == GROUPS * KEY;
        let of_group = |(group, all): (usize, &u64)| {
            self.bits[group * KEY..(group + 1) * KEY].iter().all(|count| count <= all)
        };
        is_empty || (fits && self.reads.iter().enumerate().all(of_group))
    }

    /// Returns the frequent beginnings, most frequent first.
    pub fn starts(&self) -> Vec<FrequentStart> {
        let least = FREQUENT * sum(self.reads.iter().copied()) as f64;
        let mut found: Vec<_> = (self.reads.iter().enumerate())
            .filter_map(|(number, all)| {
                let bits = &self.bits[number * KEY..(number + 1) * KEY];
                let majority = |count: &u64| 2 * u128::from(*count) > u128::from(*all);
                let found = (bits.iter().enumerate())
                    .fold(0, |found, (bit, count)| found | (u64::from(majority(count)) << bit));
                let is_proved = key_and_group(found & BASE_BITS) == (found, number);
                // Of the other reads of the group, half have each bit of the hash.
                let agree = bits.iter().map(|count| (*count).max(all - count));
                let of_check: u64 = agree.clone().skip(2 * BASES).fold(0, u64::saturating_add);
                let estimate = 2.0 * of_check as f64 / CHECK as f64 - *all as f64;
                let most = agree.min().unwrap_or_default() as f64;
                let reads = estimate.clamp(0.0, most);
                (is_proved && reads > 0.0 && reads >= least)
                    .then(|| FrequentStart { sequence: text(found), reads: reads.round() as u64 })
            })
            .collect();
        found.sort_by(|one, other| {
            other.reads.cmp(&one.reads).then_with(|| one.sequence.cmp(&other.sequence))
        });
        found
    }
}

/// The bits of the bases in a key.
const BASE_BITS: u64 = (1 << (2 * BASES)) - 1;

/// Returns the bases, two bits each; `None` if one is unknown.
fn packed(beginning: &[u8; BASES]) -> Option<u64> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    let mut bases = 0_u64;
    let mut wrong = 0;
    for (number, letters) in beginning.as_chunks::<8>().0.iter().enumerate() {
        // Eight letters at once. Bits 1 and 2 of A, C, T and G are 0, 1, 2 and 3.
        let letters = u64::from_le_bytes(*letters) & 0xdfdf_dfdf_dfdf_dfdf;
        let (low, high) = ((letters >> 1) & LOW, (letters >> 2) & LOW);
        let is_t = high & !low;
        let expected = (0x40 * LOW) | (high << 2) | (low << 1) | (is_t << 4) | (is_t ^ LOW);
        // U is T: it differs in the lowest bit.
        wrong |= (letters ^ expected) & !is_t;
        // The codes: A 0, C 1, G 2, T 3.
        let mut codes = (high << 1) | (low ^ high);
        codes = (codes | (codes >> 6)) & 0x000f_000f_000f_000f;
        codes = (codes | (codes >> 12)) & 0x0000_00ff_0000_00ff;
        codes = (codes | (codes >> 24)) & 0xffff;
        bases |= codes << (16 * number);
    }
    (wrong == 0).then_some(bases)
}

/// Returns bases with a part of their hash behind them, and their group: another part of it.
fn key_and_group(bases: u64) -> (u64, usize) {
    let hash = mix(bases);
    let check = hash >> (u64::BITS as usize - CHECK);
    (bases | (check << (2 * BASES)), hash as usize % GROUPS)
}

/// Returns the bases of a key.
fn text(key: u64) -> String {
    (0..BASES).map(|place| char::from(LETTERS[(key >> (2 * place)) as usize & 3])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads of a random genome, of which every 20th begins with the same bases.
    fn some(from: u64, to: u64) -> Frequent {
        let mut found = Frequent::default();
        for number in from..to {
            let random = |i: u64| b"ACGT"[(mix(number) >> (2 * i)) as usize & 3];
            let read: Vec<u8> = (0..BASES as u64 + 3).map(random).collect();
            let frequent = b"AGATCGGAAGAGCACACGTCTGAACTCC";
            found.add(if number % 20 == 0 { frequent } else { &read });
        }
        found.settle();
        found
    }

    #[test]
    fn a_beginning_is_packed_eight_letters_at_once() {
        let letters = b"ACGTacgtUuACGTTGCAACGTAC";
        let expected = (letters.iter().enumerate()).fold(0, |bits, (at, letter)| {
            bits | (u64::from(bm_reads::base::code(*letter)) << (2 * at))
        });
        assert_eq!(packed(letters), Some(expected));
        for letter in 0..=u8::MAX {
            let mut other = *letters;
            other[13] = letter;
            let is_base = bm_reads::base::code(letter) < 4;
            assert_eq!(packed(&other).is_some(), is_base, "{letter}");
        }
    }

    #[test]
    fn a_frequent_beginning_is_found_and_counted() {
        let found = some(0, 20_000);
        let starts = found.starts();
        assert_eq!(starts.len(), 1, "{starts:?}");
        assert_eq!(starts[0].sequence, "AGATCGGAAGAGCACACGTCTGAA");
        assert!(starts[0].reads.abs_diff(1000) < 60, "{starts:?}");
        let mut merged = some(7_000, 20_000);
        merged.merge(&Frequent::default());
        merged.merge(&some(0, 7_000));
        assert_eq!(merged, found);
        assert!(found.is_possible() && Frequent::default().is_possible());
    }

    #[test]
    fn reads_without_a_known_beginning_are_left_out() {
        let mut found = Frequent::default();
        found.add(b"ACGT");
        found.add(b"NAGATCGGAAGAGCACACGTCTGAACTCC");
        assert!(found.starts().is_empty() && found == Frequent::default());
        (0..50).for_each(|_| found.add(&[b'g'; 30]));
        found.settle();
        let only = FrequentStart { sequence: "G".repeat(24), reads: 50 };
        assert_eq!(found.starts(), [only]);
    }
}
