//! How many reads are copies of others, estimated from a sample of their beginnings.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bases at the beginning of a read that are compared.
const BEGINNING: usize = 32;

/// Most different beginnings in the sample.
const MOST: usize = 4096;

/// Bits of a hash: whole numbers of as many bits are exact in double precision, too.
const BITS: u32 = 53;

/// Highest level: no bit of a hash is left.
const HIGHEST: u32 = BITS;

/// A sample of the beginnings of single reads and pairs, with the number of times that each occurs.
///
/// A beginning is the first 32 bases of the read, of a pair those of both mates. The sample has all
/// beginnings whose hash is below a limit. The limit is halved until the sample fits into a fixed memory, so
/// what is in it depends on the set of reads only: not on their order, nor on the parts that it was
/// merged from (compare *k minimum values*, Bar-Yossef et al. 2002).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Copies {
    /// Beginnings in the sample have hashes with as many leading zeros.
    level: u32,
    /// How often each beginning occurs, by its hash.
    sample: HashMap<u64, u64, BuildHasherDefault<Spread>>,
}

/// Makes the place of a hash in the sample from the hash: its first bits are zeros.
#[derive(Clone, Debug, Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(self.0 ^ u64::from(*byte)));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Copies {
    /// Adds the bases of a single read, or of both mates of a pair; returns the hash of the beginning.
    pub(crate) fn add(&mut self, reads: &[&[u8]]) -> u64 {
        let hash = hash(reads);
        if self.has(hash) {
            *self.sample.entry(hash).or_default() += 1;
            self.shrink();
        }
        hash
    }

    /// Adds the sample of other reads.
    pub fn merge(&mut self, other: &Self) {
        self.level = self.level.max(other.level);
        self.sample.retain(|hash, _| is_below(*hash, self.level));
        for (hash, times) in &other.sample {
            if self.has(*hash) {
                let sum = self.sample.entry(*hash).or_default();
                *sum = sum.saturating_add(*times);
            }
        }
        self.shrink();
    }

    fn has(&self, hash: u64) -> bool {
        is_below(hash, self.level)
    }

    fn shrink(&mut self) {
        while self.sample.len() > MOST && self.level < HIGHEST {
            self.level += 1;
            let level = self.level;
            self.sample.retain(|hash, _| is_below(*hash, level));
        }
    }

    /// Returns the number of reads or pairs in the sample, and how many different beginnings they have.
    pub fn sampled(&self) -> (u64, u64) {
        let reads = self.sample.values().fold(0_u64, |sum, times| sum.saturating_add(*times));
        (reads, self.sample.len() as u64)
    }

    /// Returns the fraction of the reads or pairs that begin like an earlier one; `None` without reads.
    pub fn rate(&self) -> Option<f64> {
        let (reads, different) = self.sampled();
        (reads > 0).then(|| 1.0 - different as f64 / reads as f64)
    }

    /// Returns how many beginnings of the sample occur once, twice, …, and `most` times or more.
    pub fn histogram(&self, most: usize) -> Vec<u64> {
        let mut counts = vec![0; most];
        for times in self.sample.values() {
            let place = usize::try_from(*times).unwrap_or(most).clamp(1, most.max(1)) - 1;
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        }
        counts
    }
}

fn is_below(hash: u64, level: u32) -> bool {
    if level >= BITS { hash == 0 } else { hash >> (BITS - level) == 0 }
}

/// Returns the hash of the beginnings of reads: letters in either case are the same.
fn hash(reads: &[&[u8]]) -> u64 {
    let mut hash = 0x9e37_79b9_7f4a_7c15_u64;
    for read in reads {
        let beginning = &read[..read.len().min(BEGINNING)];
        let mut add = |letters| {
            hash = mix(hash ^ (u64::from_le_bytes(letters) & 0xdfdf_dfdf_dfdf_dfdf));
        };
        let (whole, rest) = beginning.as_chunks::<8>();
        whole.iter().for_each(|letters| add(*letters));
        if !rest.is_empty() {
            let mut letters = [0_u8; 8];
            letters[..rest.len()].copy_from_slice(rest);
            add(letters);
        }
        hash = mix(hash ^ beginning.len() as u64);
    }
    hash >> (u64::BITS - BITS)
}

/// Mixes the bits of a number (the finaliser of SplitMix64, Steele et al. 2014).
pub(crate) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The sample in a report: a column of hashes in their order, and one of numbers.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Columns {
    level: u32,
    hashes: Vec<u64>,
    times: Vec<u64>,
}

impl Serialize for Copies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sample: Vec<_> = self.sample.iter().collect();
        sample.sort_unstable();
        let (hashes, times) = sample.into_iter().unzip();
        Columns { level: self.level, hashes, times }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Copies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Columns { level, hashes, times } = Columns::deserialize(deserializer)?;
        if hashes.len() != times.len() || hashes.len() > MOST || level > HIGHEST {
            return Err(D::Error::custom("copies: not a sample as bm takes it"));
        }
        if !hashes.is_sorted_by(|one, other| one < other)
            || hashes.iter().any(|hash| !is_below(*hash, level))
            || times.contains(&0)
        {
            return Err(D::Error::custom("copies: hashes that are not of the sample"));
        }
        Ok(Self { level, sample: hashes.into_iter().zip(times).collect() })
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn reads(from: u64, to: u64) -> Copies {
        let mut copies = Copies::default();
        for number in from..to {
            // Every fourth read occurs twice.
            let number = if number % 4 == 0 { number + 1 } else { number };
            let text: Vec<u8> = (0..40_u64)
                .map(|i| b"ACGT"[(mix(number * 64 + i / 16) >> (2 * (i % 16))) as usize & 3])
                .collect();
            copies.add(&[&text]);
        }
        copies
    }

    #[test]
    fn the_sample_of_parts_is_that_of_the_whole() {
        let whole = reads(0, 40_000);
        assert!(whole.level > 0 && whole.sample.len() <= MOST && whole.sample.len() > MOST / 4);
        for borders in
            [&[0, 40_000][..], &[0, 1, 20_000, 40_000], &[0, 100, 30_000, 39_999, 40_000]]
        {
            let mut merged = Copies::default();
            for part in borders.windows(2).rev() {
                merged.merge(&reads(part[0], part[1]));
            }
            assert_eq!(merged, whole);
        }
        assert!((whole.rate().unwrap() - 0.25).abs() < 0.03, "{:?}", whole.rate());
        let histogram = whole.histogram(3);
        assert_eq!(histogram[2], 0);
        assert!((histogram[0] as f64 / histogram[1] as f64 - 2.0).abs() < 0.3, "{histogram:?}");
    }

    #[test]
    fn a_sample_is_read_back_and_checked() {
        let sample = reads(0, 9_000);
        let text = serde_json::to_string(&sample).unwrap();
        assert_eq!(serde_json::from_str::<Copies>(&text).unwrap(), sample);
        for wrong in [
            r#"{"level":0,"hashes":[1],"times":[]}"#,
            r#"{"level":0,"hashes":[2,1],"times":[1,1]}"#,
            r#"{"level":53,"hashes":[1],"times":[1]}"#,
            r#"{"level":60,"hashes":[],"times":[]}"#,
            r#"{"level":0,"hashes":[1],"times":[0]}"#,
        ] {
            assert!(serde_json::from_str::<Copies>(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Copies::default().rate(), None);
    }
}
