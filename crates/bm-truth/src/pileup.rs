//! Counts of all reads at each position of the reference, and which positions are variants.

use crate::aligned::{Aligned, Event};
use crate::reference::code;
use crate::{Reference, Rules};

/// Counts of bases and indels at every position of the reference.
///
/// They take 44 bytes per base of the reference, for any number of reads.
pub struct Pileup {
    rules: Rules,
    sequences: Vec<Vec<Position>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Position {
    /// Reads with a base at the position, known or not.
    covering: u32,
    /// Reads with A, C, G, T.
    bases: [u32; 4],
    /// The same, of good bases only: see [`Rules::GOOD_SCORE`].
    good: [u32; 4],
    /// Reads with a deletion of the position.
    deletions: u32,
    /// Reads with an insertion right after the position.
    insertions: u32,
}

/// The positions at which the sample has a variant: a difference there is not an error.
#[derive(Clone, Debug)]
pub struct Mask {
    sequences: Vec<Vec<bool>>,
}

impl Pileup {
    /// Returns counts of zero.
    pub fn new(reference: &Reference, rules: Rules) -> Self {
        let sequences = reference
            .sequences
            .iter()
            .map(|sequence| vec![Position::default(); sequence.bases.len()])
            .collect();
        Self { rules, sequences }
    }

    /// Counts a read, if its mapping quality is high enough.
    pub fn add(&mut self, reference: &Reference, aligned: &Aligned) {
        let Some(place) = &aligned.place else { return };
        if place.mapq < self.rules.lowest_mapq {
            return;
        }
        let (positions, sequence) =
            (&mut self.sequences[place.sequence], &reference.sequences[place.sequence].bases);
        let good = aligned.median_score().map(|median| median.max(Rules::GOOD_SCORE));
        aligned.walk(reference, &self.rules, |event| match event {
            Event::Base { read, place } => {
                let position = &mut positions[place];
                position.covering += 1;
                if let Some(code) = code(aligned.base(read, sequence[place])) {
                    position.bases[code] += 1;
                    let is_good = good.is_some_and(|good| aligned.scores[read] >= good);
                    position.good[code] += u32::from(is_good);
                }
            }
            Event::Insertion { place, .. } => {
                if let Some(before) = place.checked_sub(1) {
                    positions[before].insertions += 1;
                }
            }
            Event::Deletion { place, length, .. } => {
                positions[place..place + length]
                    .iter_mut()
                    .for_each(|position| position.deletions += 1);
            }
        });
    }

    /// Returns the positions that are variants by the rules.
    pub fn mask(&self, reference: &Reference) -> Mask {
        let mask = |(positions, sequence): (&Vec<Position>, &crate::reference::Sequence)| {
            positions
                .iter()
                .zip(&sequence.bases)
                .map(|(position, base)| position.is_variant(code(*base), &self.rules))
                .collect()
        };
        Mask { sequences: self.sequences.iter().zip(&reference.sequences).map(mask).collect() }
    }
}

impl Position {
    fn is_variant(&self, expected: Option<usize>, rules: &Rules) -> bool {
        // Without a known base in the reference, nothing can be compared.
        let Some(expected) = expected else { return true };
        let others = (0..4).filter(|code| *code != expected);
        let depth = self.covering + self.deletions;
        let differing: u32 = others.clone().map(|code| self.bases[code]).sum::<u32>()
            + self.deletions
            + self.insertions;
        if depth >= Rules::DEPTH && f64::from(differing) >= Rules::FRACTION * f64::from(depth) {
            return true;
        }
        // A deletion has no quality score; it counts as one good base.
        let good = f64::from(self.good.iter().sum::<u32>() + self.deletions);
        let is_enough = |support: u32, fraction: f64| {
            support >= Rules::MINOR_SUPPORT && f64::from(support) >= fraction * good
        };
        is_enough(others.map(|code| self.good[code]).max().unwrap_or(0), Rules::MINOR_FRACTION)
            || rules.minor_indels
                && is_enough(self.deletions.max(self.insertions), Rules::MINOR_INDEL_FRACTION)
    }
}

impl Mask {
    /// Returns whether a position is a variant.
    pub(crate) fn is_variant(&self, sequence: usize, place: usize) -> bool {
        self.sequences[sequence][place]
    }

    /// Returns the number of positions that are variants.
    pub fn positions(&self) -> usize {
        self.sequences.iter().flatten().filter(|is_variant| **is_variant).count()
    }
}
