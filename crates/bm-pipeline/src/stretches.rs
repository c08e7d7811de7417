//! Stretches of long reads whose wrong bases cost more than their right ones bring.

use std::ops::Range;

use crate::highest_sum::UNIT;

/// A stretch costs at least as much as this many right bases bring. On five runs of Nanopore, one base in
/// five is wrong in what is cut out then, as the qualities say (`research/long-reads`).
const COST: f32 = 100.0;

/// Bases that a stretch is away from the ends of the read, or from an adapter: what is nearer is cut off
/// the end.
const MARGIN: usize = 200;

/// Number of Phred scores.
const SCORES: usize = 94;

/// What tells stretches from other bases.
#[derive(Clone, Debug)]
pub(crate) struct Stretches {
    /// What a base of each Phred score costs beyond what it brings.
    costs: [i32; SCORES],
}

impl Stretches {
    /// A wrong base costs as much as this many right ones bring.
    pub(crate) fn new(price: f32) -> Self {
        let cost = |score: usize| {
            // Ewing and Green 1998.
            let error = 10f32.powf(-0.1 * score as f32);
            (UNIT * ((1.0 + price) * error - 1.0)) as i32
        };
        Self { costs: std::array::from_fn(cost) }
    }

    /// Returns what is between the stretches of a part of a read, given as Phred+33: the part itself if
    /// there is none.
    ///
    /// A stretch begins where the sum of costs rises from 0, ends where it is highest, and is complete
    /// where the sum has fallen from there by the cost of a stretch.
    pub(crate) fn between(&self, quality_scores: &[u8], part: Range<usize>) -> Vec<Range<usize>> {
        let least = i64::from((UNIT * COST) as i32);
        let inside = part.start + MARGIN..part.end.saturating_sub(MARGIN);
        let mut pieces = Vec::new();
        let mut from = part.start;
        let mut take = |stretch: Range<usize>, highest: i64| {
            if highest >= least && stretch.start >= inside.start && stretch.end <= inside.end {
                pieces.push(from..stretch.start);
                from = stretch.end;
            }
        };
        let (mut sum, mut highest) = (0, 0);
        let mut stretch = part.start..part.start;
        let bytes = quality_scores.get(part.clone()).unwrap_or_default();
        for (at, byte) in part.clone().zip(bytes) {
            let score = usize::from(byte.saturating_sub(b'!')).min(SCORES - 1);
            sum += i64::from(self.costs[score]);
            if sum > highest {
                (highest, stretch.end) = (sum, at + 1);
            } else if sum <= 0 || sum < highest - least {
                take(stretch, highest);
                (sum, highest) = (0, 0);
                stretch = at + 1..at + 1;
            }
        }
        take(stretch, highest);
        pieces.push(from..part.end);
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the qualities of a read that has these Phred scores for so many bases.
    fn read(parts: &[(u8, usize)]) -> Vec<u8> {
        parts.iter().flat_map(|(score, bases)| std::iter::repeat_n(b'!' + score, *bases)).collect()
    }

    /// Returns the starts and ends of the pieces of a read.
    fn between(parts: &[(u8, usize)]) -> Vec<(usize, usize)> {
        let quality_scores = read(parts);
        of_part(&quality_scores, 0..quality_scores.len())
    }

    fn of_part(quality_scores: &[u8], part: Range<usize>) -> Vec<(usize, usize)> {
        let pieces = Stretches::new(9.0).between(quality_scores, part);
        pieces.into_iter().map(|piece| (piece.start, piece.end)).collect()
    }

    #[test]
    fn a_read_is_divided_at_bases_that_cost_more_than_they_bring() {
        // A base of Q3 has five errors in ten, and costs 4.
        assert_eq!(between(&[(20, 1_000), (3, 30), (20, 500)]), [(0, 1_000), (1_030, 1_530)]);
        assert_eq!(between(&[(20, 1_000), (3, 20), (20, 500)]), [(0, 1_520)]);
        // Some right bases between wrong ones do not divide a stretch, many do.
        let parts = [(20, 300), (3, 30), (20, 50), (3, 30), (20, 300)];
        assert_eq!(between(&parts), [(0, 300), (410, 710)]);
        let parts = [(20, 300), (3, 30), (20, 150), (3, 30), (20, 300)];
        assert_eq!(between(&parts), [(0, 300), (330, 480), (510, 810)]);
        // At one error in ten, bases neither cost nor bring anything.
        assert_eq!(between(&[(10, 5_000)]), [(0, 5_000)]);
    }

    #[test]
    fn ends_are_left_alone() {
        assert_eq!(between(&[(20, 199), (3, 100), (20, 1_000)]), [(0, 1_299)]);
        assert_eq!(between(&[(20, 1_000), (3, 100), (20, 199)]), [(0, 1_299)]);
        assert_eq!(between(&[(20, 1_000), (3, 100)]), [(0, 1_100)]);
        assert_eq!(between(&[(3, 10_000)]), [(0, 10_000)]);
        assert_eq!(between(&[]), [(0, 0)]);
    }

    #[test]
    fn a_part_is_searched_by_itself() {
        let quality_scores = read(&[(20, 1_000), (3, 100), (20, 1_000)]);
        assert_eq!(of_part(&quality_scores, 900..2_100), [(900, 2_100)]);
        assert_eq!(of_part(&quality_scores, 500..1_600), [(500, 1_000), (1_100, 1_600)]);
    }

    #[test]
    fn no_byte_and_no_price_is_too_much() {
        for price in [0.0, 9.0, f32::MAX] {
            let quality_scores: Vec<u8> = (0..=255).cycle().take(3_000).collect();
            let pieces = Stretches::new(price).between(&quality_scores, 0..3_000);
            assert!(pieces.iter().all(|piece| piece.start <= piece.end && piece.end <= 3_000));
        }
    }
}
