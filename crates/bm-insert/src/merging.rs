//! The insert of two mates that overlap, whether it is shorter than they are or longer.

use bm_reads::ReadRef;

use crate::finder::{Finder, LongerMemory, known_part};
use crate::model::InsertModel;
use crate::overlap::{self, Overlaps};
use crate::tails::{Sum, Tail};

/// ln P(mates of an insert as long as they are, or longer, overlap, or do not).
const HALF: f32 = -std::f32::consts::LN_2;

/// The insert of two mates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairInsert {
    /// Its bases.
    pub bases: usize,
    /// Probability that it has as many.
    pub probability: f32,
}

impl InsertModel {
    /// Also finds inserts that are as long as the mates or longer ([`Finder::pair_insert`]).
    pub fn with_merging(mut self) -> Self {
        self.merging = Some(Overlaps::new());
        self
    }

    /// Returns whether inserts are found that are as long as the mates or longer.
    pub fn merges(&self) -> bool {
        self.merging.is_some()
    }
}

impl Finder {
    /// Returns the most probable insert of the two mates for which [`Finder::find`] was called last, if the
    /// model finds inserts of any length ([`InsertModel::with_merging`]) and mates overlap at all.
    ///
    /// Shorter inserts have the probabilities that `find` gave them. What is left to those as long as the
    /// longer mate, or longer, is divided among these by how well the mates overlap: before the mates
    /// are seen, they overlap in half of the cases, and all lengths are alike.
    pub fn pair_insert(
        &mut self,
        model: &InsertModel,
        mates: [ReadRef<'_>; 2],
    ) -> Option<PairInsert> {
        let overlaps = model.merging.as_ref()?;
        let shorter = self.candidates.lengths.iter();
        let shorter = shorter.map(|it| PairInsert { bases: it.at, probability: it.log_ratio });
        let likelier =
            |one: &PairInsert, other: &PairInsert| one.probability.total_cmp(&other.probability);
        let best = shorter.max_by(likelier);
        let known = mates.map(known_part);
        let LongerMemory { overlap: memory, lengths, longer } = &mut self.merging;
        let longest = known[0].len().max(known[1].len());
        lengths.clear();
        overlap::pack_mates(known, memory);
        overlap::longer_inserts(known, longest, memory, lengths);
        let tail = |at: usize| Tail { at, log_ratio: overlaps.ratio(at, known) };
        longer.clear();
        longer.extend(lengths.iter().map(|at| tail(*at)));
        let lengths = (known[0].len() + known[1].len()).saturating_sub(longest).max(1);
        let each = HALF - (lengths as f32).ln();
        let mut all = Sum::default();
        all.add(HALF);
        longer.iter().for_each(|insert| all.add(each + insert.log_ratio));
        let all = all.ln();
        let longer = longer.iter().map(|it| PairInsert {
            bases: it.at,
            probability: self.longer * (each + it.log_ratio - all).exp(),
        });
        longer.chain(best).max_by(likelier)
    }
}

#[cfg(test)]
mod tests {
    use bm_reads::base::complement;

    use super::*;

    fn random(length: usize, mut seed: u64) -> Vec<u8> {
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            b"ACGT"[(seed >> 60) as usize & 3]
        };
        (0..length).map(|_| next()).collect()
    }

    /// Mates of 100 bases of a molecule; a short one is followed by other bases.
    fn mates(molecule: &[u8], seed: u64) -> [Vec<u8>; 2] {
        let other = molecule.iter().rev().map(|base| complement(*base)).collect();
        let read = |strand: Vec<u8>, seed| [strand, random(100, seed)].concat()[..100].to_vec();
        [read(molecule.to_vec(), seed + 1), read(other, seed + 2)]
    }

    fn found(model: &InsertModel, mates: &[Vec<u8>; 2]) -> Option<PairInsert> {
        let scores = [b'I'; 100];
        let read = |at: usize| ReadRef {
            name: b"",
            sequence: &mates[at],
            quality_scores: &scores[..mates[at].len()],
        };
        let mates = [read(0), read(1)];
        let mut finder = Finder::default();
        finder.find(model, &mates, false);
        finder.pair_insert(model, mates)
    }

    #[test]
    fn inserts_of_any_length_are_found_and_repeats_are_in_doubt() {
        let run: Vec<_> =
            (0..200).map(|i| mates(&random(40 + i, 1000 + i as u64), i as u64)).collect();
        let scores = [b'I'; 100];
        let read = |sequence| ReadRef { name: b"", sequence, quality_scores: &scores };
        let pairs: Vec<_> = run.iter().map(|[one, two]| [read(one), read(two)]).collect();
        let templates: Vec<&[ReadRef<'_>]> = pairs.iter().map(|pair| &pair[..]).collect();
        let plain = InsertModel::learn(&templates, Default::default());
        assert_eq!(found(&plain, &run[0]), None);
        let model = plain.with_merging();
        for bases in [30, 60, 99, 100, 101, 150, 180] {
            let insert = found(&model, &mates(&random(bases, 7 + bases as u64), 99));
            let insert = insert.expect("an insert");
            assert!(insert.bases == bases && insert.probability > 0.999, "{insert:?}, not {bases}");
        }
        // Unrelated mates, and empty ones.
        let unrelated = [random(100, 5), random(100, 6)];
        assert!(found(&model, &unrelated).is_none_or(|insert| insert.probability < 0.5));
        assert!(found(&model, &[Vec::new(), Vec::new()]).is_none());
        // Mates that end in one repeat overlap in many ways.
        let repeat: Vec<u8> = b"ACC".iter().copied().cycle().take(60).collect();
        let molecule = [random(60, 3), repeat, random(60, 4)].concat();
        let insert = found(&model, &mates(&molecule, 9));
        assert!(insert.is_none_or(|insert| insert.probability < 0.999), "{insert:?}");
    }
}
