//! Exact copies of templates: those with the bases of an earlier one.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use bm_reads::base::is_unknown;
use twox_hash::XxHash3_128;

use crate::PipelineError;

/// Most memory that a distinct template takes, in bytes: 16 of its hash and one of the table, in a
/// table that is at least 7/16 full.
const BYTES: u64 = 39;

/// Parts of the table. One grows at a time, so both of its sizes together are a small part of all.
const PARTS: usize = 256;

/// The templates that were seen, by a hash of 128 bits of their bases.
///
/// Two of n different templates have the same hash with a probability of n² / 2¹²⁹: for a thousand million
/// templates, some 10⁻²¹.
pub(crate) struct Seen {
    parts: Vec<HashSet<u128, BuildHasherDefault<AsItIs>>>,
    templates: u64,
    /// Memory in bytes.
    memory: u64,
    text: Vec<u8>,
}

impl Seen {
    /// Returns an empty table that takes at most this much memory, in bytes.
    pub(crate) fn new(memory: u64) -> Self {
        let parts = (0..PARTS).map(|_| HashSet::default()).collect();
        Self { parts, templates: 0, memory, text: Vec::new() }
    }

    /// Returns whether a template has the sequences and the identifiers of an earlier one. One without
    /// known bases is no copy.
    ///
    /// # Errors
    ///
    /// If the table has no room for another template.
    pub(crate) fn is_copy<'a>(
        &mut self,
        sequences: impl Iterator<Item = &'a [u8]>,
        identifiers: impl Iterator<Item = &'a [u8]>,
    ) -> Result<bool, PipelineError> {
        self.text.clear();
        let mut add = |sequence: &[u8]| {
            self.text.extend_from_slice(sequence);
            // Ends the sequence: no letter.
            self.text.push(b'\n');
        };
        let mut is_known = false;
        for sequence in sequences {
            is_known |= sequence.iter().any(|base| !is_unknown(*base));
            add(sequence);
        }
        identifiers.for_each(add);
        if !is_known {
            return Ok(false);
        }
        let hash = XxHash3_128::oneshot(&self.text);
        let part = &mut self.parts[(hash >> 120) as usize % PARTS];
        if part.contains(&hash) {
            return Ok(true);
        }
        if self.templates >= self.memory / BYTES {
            return PipelineError::refuse(format!(
                "--dedup: there are more than {} different reads or pairs, which is what {} MB have \
                 room for; give it more by --dedup-memory, {BYTES} bytes for each",
                self.templates,
                self.memory / 1_000_000
            ));
        }
        self.templates += 1;
        part.insert(hash);
        Ok(false)
    }
}

/// Takes a hash as the hash of itself.
#[derive(Clone, Copy, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        // Hashes are written as one number.
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash << 8 | u64::from(*byte));
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn copies(seen: &mut Seen, templates: &[&[&[u8]]]) -> Vec<bool> {
        let is_copy =
            |mates: &&[&[u8]]| seen.is_copy(mates.iter().copied(), [].into_iter()).unwrap();
        templates.iter().map(is_copy).collect()
    }

    #[test]
    fn templates_with_the_same_bases_are_copies_of_the_first() {
        let mut seen = Seen::new(1 << 20);
        let templates: [&[&[u8]]; 8] = [
            &[b"ACGT", b"TT"],
            &[b"ACGT", b"TT"],
            // The same bases, divided in another way.
            &[b"ACG", b"TTT"],
            &[b"ACGTTT"],
            &[b"ACGTTT"],
            // Without known bases.
            &[b"NN"],
            &[b"NN"],
            &[b"", b""],
        ];
        let found = copies(&mut seen, &templates);
        assert_eq!(found, [false, true, false, false, true, false, false, false]);
        // Identifiers tell molecules apart.
        let mut of = |umi: &'static [u8]| {
            seen.is_copy([&b"ACGT"[..], b"TT"].into_iter(), [umi].into_iter()).unwrap()
        };
        assert_eq!([of(b"AC"), of(b"GT"), of(b"AC")], [false, false, true]);
    }

    #[test]
    fn a_full_table_is_an_error_and_never_a_wrong_answer() {
        let mut seen = Seen::new(10 * BYTES);
        let is_copy = |seen: &mut Seen, text: &str| {
            seen.is_copy([text.as_bytes()].into_iter(), [].into_iter())
        };
        let texts: Vec<String> = (0..11).map(|number| format!("ACGT{number}")).collect();
        for text in &texts[..10] {
            assert!(!is_copy(&mut seen, text).unwrap());
        }
        // Copies need no room.
        assert!(is_copy(&mut seen, &texts[3]).unwrap());
        let error = is_copy(&mut seen, &texts[10]).unwrap_err().to_string();
        assert!(error.contains("--dedup-memory"), "{error}");
    }
}
