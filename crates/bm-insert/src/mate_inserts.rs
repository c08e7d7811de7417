//! The length of the insert of a pair, by the bases that its mates have in common.

use bm_reads::ReadRef;

use crate::overlap::{self, Memory, Overlaps};

/// Longest mates that are compared: the work grows with their product.
const LONGEST: usize = 1024;

/// ln of the likelihood ratio from which on mates count as overlapping: more than their lengths
/// together could bring about by chance.
const OVERLAP: f32 = 12.0;

/// Finds lengths of inserts; nothing is learned for this.
#[derive(Clone, Debug)]
pub struct MateInserts {
    overlaps: Overlaps,
    memory: Memory,
    found: Vec<usize>,
}

impl Default for MateInserts {
    fn default() -> Self {
        Self { overlaps: Overlaps::new(), memory: Memory::default(), found: Vec::new() }
    }
}

impl MateInserts {
    /// Returns the length of the insert, in bases, at which the mates agree best; `None` if they do not
    /// overlap, or too little to tell.
    pub fn length(&mut self, mates: [ReadRef<'_>; 2]) -> Option<usize> {
        if mates.iter().any(|mate| mate.len() > LONGEST) {
            return None;
        }
        let Self { overlaps, memory, found } = self;
        found.clear();
        overlap::inserts(mates, memory, found);
        let longest = mates[0].len().max(mates[1].len());
        overlap::longer_inserts(mates, longest + 1, memory, found);
        let ratios = found.iter().map(|insert| (*insert, overlaps.ratio(*insert, mates)));
        let best = ratios.max_by(|one, other| one.1.total_cmp(&other.1));
        best.filter(|(_, ratio)| *ratio > OVERLAP).map(|(insert, _)| insert)
    }
}

#[cfg(test)]
mod tests {
    use bm_reads::base::complement;

    use super::*;

    #[test]
    fn the_insert_is_found_whether_shorter_or_longer_than_the_mates() {
        let mixed = |i: usize| (i as u64 * i as u64 + 7).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 62;
        let genome: Vec<u8> = (0..2000).map(|i| b"ACGT"[mixed(i) as usize]).collect();
        let scores = [b'I'; 2000];
        let mut inserts = MateInserts::default();
        for (insert, expected) in
            [(40, Some(40)), (100, Some(100)), (101, Some(101)), (170, Some(170)), (300, None)]
        {
            let molecule = &genome[insert..2 * insert];
            let mut other: Vec<u8> = molecule.iter().rev().map(|base| complement(*base)).collect();
            other.extend(&genome[1500..1600]);
            let one = [molecule, &genome[1700..1800]].concat();
            let mates = [&one[..100], &other[..100]].map(|sequence| ReadRef {
                name: b"",
                sequence,
                quality_scores: &scores[..100],
            });
            assert_eq!(inserts.length(mates), expected, "{insert}");
        }
        let empty = ReadRef { name: b"", sequence: b"", quality_scores: b"" };
        assert_eq!(inserts.length([empty, empty]), None);
    }
}
