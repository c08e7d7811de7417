//! The seeds of one pattern, sorted by hash: the first place of each, and the classes that have it.

use crate::pattern::Pattern;
use crate::seed;
use crate::sets::Sets;
use crate::text::Text;

/// Bits of the hash that a seed is compared by, after those that choose its bucket.
const KEY_BITS: u32 = 32;

/// Seeds of a bucket, on average, as a power of two.
const BUCKET_BITS: u32 = 1;

/// Most bits that choose a bucket.
pub(crate) const MOST_BITS: u32 = 30;

/// Returns the bits that choose the bucket, of so many seeds.
fn bits_for(seeds: usize) -> u32 {
    seeds.max(1).ilog2().saturating_sub(BUCKET_BITS).clamp(1, MOST_BITS)
}

/// The seeds of one pattern. Two arrays of the same length would do for a search by halves; the
/// first seed of each bucket makes it one or two reads of memory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Table {
    /// Bits of the hash that choose the bucket.
    pub(crate) bits: u32,
    /// Number of the first seed of each bucket, and the number of all.
    pub(crate) starts: Vec<u32>,
    /// The next 32 bits of the hash of each seed, ascending within a bucket.
    pub(crate) keys: Vec<u32>,
    /// The first place of each seed.
    pub(crate) places: Vec<Place>,
}

/// Where a seed lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    /// First base of the window.
    pub(crate) at: u32,
    /// Number of the set of classes, or 0.
    pub(crate) set: u16,
    /// Whether the hash is that of the text's own strand.
    pub(crate) is_forward: bool,
}

impl Table {
    /// Returns the table of a pattern's seeds in a text.
    pub(crate) fn of(text: &Text, pattern: &Pattern, level: u32, sets: &mut Sets) -> Self {
        let mut found: Vec<(u64, u32, bool)> = Vec::new();
        let mut codes = Vec::new();
        for sequence in &text.sequences {
            text.codes_into(sequence, &mut codes);
            seed::each(&codes, pattern, level, |seed| {
                if !seed.is_simple(pattern) {
                    found.push((seed.hash, sequence.start + seed.at, seed.is_forward));
                }
            });
        }
        found.sort_unstable();
        let distinct = found.chunk_by(|one, other| one.0 == other.0).count();
        let bits = bits_for(distinct);
        let mut table =
            Self { bits, starts: vec![0; (1 << bits) + 1], keys: Vec::new(), places: Vec::new() };
        let mut classes = Vec::new();
        for same in found.chunk_by(|one, other| one.0 == other.0) {
            let &(hash, at, is_forward) = &same[0];
            classes.clear();
            let of = |place| text.sequence_at(place).map(|sequence| sequence.class);
            classes.extend(same.iter().filter_map(|seed| of(seed.1)));
            // Places ascend, and so do classes: each class is added as a whole.
            classes.dedup();
            let Some(set) = sets.number(&classes) else { continue };
            table.keys.push(key(hash, bits));
            table.places.push(Place { at, set, is_forward });
            table.starts[bucket(hash, bits) + 1] = table.keys.len() as u32;
        }
        for bucket in 1..table.starts.len() {
            table.starts[bucket] = table.starts[bucket].max(table.starts[bucket - 1]);
        }
        table
    }

    /// Returns the seeds that may have a hash: those of its bucket.
    #[inline(always)]
    pub(crate) fn bucket(&self, hash: u64) -> (u32, u32) {
        let bucket = bucket(hash, self.bits);
        match self.starts.get(bucket..bucket + 2) {
            Some(&[start, end]) => (start, end),
            _ => (0, 0),
        }
    }

    /// Returns the place of the seed with a hash, among those of its bucket.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u64, (start, end): (u32, u32)) -> Option<Place> {
        let key = key(hash, self.bits);
        let keys = self.keys.get(start as usize..end as usize)?;
        let at = keys.iter().position(|other| *other == key)?;
        self.places.get(start as usize + at).copied()
    }
}

fn bucket(hash: u64, bits: u32) -> usize {
    (hash >> (u64::BITS - bits)) as usize
}

fn key(hash: u64, bits: u32) -> u32 {
    (hash >> (u64::BITS - KEY_BITS - bits)) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bm_kmers::kmer::mix;

    use super::*;

    #[test]
    fn every_seed_has_its_first_place_and_all_classes() {
        let base = |i: u64| (mix(i + 1) % 4) as u8;
        let common: Vec<u8> = (0..200).map(base).collect();
        let mut text = Text::default();
        for class in 0..3 {
            let own: Vec<u8> = (0..500).map(|i| base(i + 1000 * (u64::from(class) + 1))).collect();
            let shared = if class == 1 { &[][..] } else { &common[..] };
            assert!(text.push(&[&own, shared].concat(), class, 18));
        }
        let pattern = Pattern::parse("111010011110010111").expect("a pattern");
        let mut sets = Sets::default();
        let table = Table::of(&text, &pattern, 0, &mut sets);
        let (mut expected, mut codes) = (BTreeMap::<u64, (u32, Vec<u16>)>::new(), Vec::new());
        for sequence in &text.sequences {
            text.codes_into(sequence, &mut codes);
            seed::each(&codes, &pattern, 0, |seed| {
                let first = (sequence.start + seed.at, Vec::new());
                let classes = &mut expected.entry(seed.hash).or_insert(first).1;
                if classes.last() != Some(&sequence.class) {
                    classes.push(sequence.class);
                }
            });
        }
        assert_eq!(table.keys.len(), expected.len());
        for (hash, (at, classes)) in &expected {
            let place = table.find(*hash, table.bucket(*hash)).expect("a seed of the text");
            assert_eq!(place.at, *at);
            let found = sets.get(place.set);
            assert_eq!(found, if classes.len() > 1 { &classes[..] } else { &[] });
            assert_eq!(table.find(hash ^ 1 << 40, table.bucket(hash ^ 1 << 40)), None);
        }
        assert!(expected.values().any(|(_, classes)| *classes == [0, 2]));
    }
}
