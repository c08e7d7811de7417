//! The hits of one chain, extended base by base.

use crate::odds::Odds;
use crate::text::{Sequence, Text};

/// Nats that a change of the diagonal by one base costs: an insertion or a deletion.
const GAP: f32 = 5.0;

/// A change by n bases costs so many times ln(n) more: hits by chance lie anywhere in the band.
const LONGER_GAP: f32 = 3.0;

/// Nats below its best at which an extension ends.
const DROP: f32 = 12.0;

/// A seed of a read that a reference has.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Hit {
    /// Place minus position in the read; on the other strand, the negative sum of the two, so that the
    /// strands never lie in one chain.
    pub(crate) diagonal: i64,
    /// Position of the window in the read.
    pub(crate) at: u32,
    /// Bases of the window.
    pub(crate) span: u32,
    /// Place of the window in the text.
    pub(crate) place: u32,
    /// Number of the set of classes.
    pub(crate) set: u16,
    /// The class of the place.
    pub(crate) class: u16,
}

/// A read beside a sequence of the text.
struct Beside<'a> {
    codes: &'a [u8],
    odds: &'a Odds,
    text: &'a Text,
    sequence: &'a Sequence,
    diagonal: i64,
}

impl Beside<'_> {
    /// Returns the nats of the base at a position of the read; `None` beyond the sequence.
    #[inline(always)]
    fn nats(&self, at: usize) -> Option<f32> {
        let is_forward = self.diagonal >= 0;
        let place = if is_forward { self.diagonal + at as i64 } else { -self.diagonal - at as i64 };
        let place = usize::try_from(place).ok()?;
        if place < self.sequence.start as usize || place >= self.sequence.end() {
            return None;
        }
        let base = self.text.base(place);
        let base = if is_forward { base } else { 3 - base };
        let is_match = self.codes.get(at) == Some(&base);
        if is_match { &self.odds.matching } else { &self.odds.differing }.get(at).copied()
    }

    /// Returns the highest sum of the first positions, and how many these are.
    #[inline(always)]
    fn best(&self, positions: impl Iterator<Item = usize>) -> (f32, usize) {
        let (mut sum, mut best, mut length) = (0.0, 0.0, 0);
        for (number, at) in positions.enumerate() {
            let Some(nats) = self.nats(at) else { break };
            sum += nats;
            if sum > best {
                (best, length) = (sum, number + 1);
            } else if sum < best - DROP {
                break;
            }
        }
        (best, length)
    }
}

/// Returns the nats of the hits of one chain, in the order of their positions in the read: the sum
/// over segments without gaps that do not overlap in the read.
pub(crate) fn nats(chain: &[Hit], codes: &[u8], odds: &Odds, text: &Text) -> f32 {
    let (mut total, mut end, mut diagonal) = (0.0, 0, None);
    for hit in chain {
        let at = hit.at as usize;
        if at + hit.span as usize <= end {
            continue;
        }
        let Some(sequence) = text.sequence_at(hit.place) else { continue };
        let beside = Beside { codes, odds, text, sequence, diagonal: hit.diagonal };
        let start = at.max(end);
        let (right, length) = beside.best(start..codes.len());
        let (left, _) = beside.best((end..start).rev());
        let gap = diagonal.map_or(0, |diagonal: i64| diagonal.abs_diff(hit.diagonal));
        let cost = if gap > 0 { GAP + LONGER_GAP * (gap as f32).ln() } else { 0.0 };
        let segment = right + left - cost;
        if segment > 0.0 {
            total += segment;
            (end, diagonal) = (start + length, Some(hit.diagonal));
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use bm_kmers::kmer::mix;

    use super::*;

    fn base(i: u64) -> u8 {
        (mix(i + 7) % 4) as u8
    }

    fn hit(diagonal: i64, at: u32, place: u32) -> Hit {
        Hit { diagonal, at, span: 18, place, set: 0, class: 0 }
    }

    #[test]
    fn a_read_with_a_deletion_has_two_segments_less_a_gap() {
        let genome: Vec<u8> = (0..400).map(base).collect();
        let mut text = Text::default();
        assert!(text.push(&genome, 0, 18));
        let read = [&genome[100..150], &genome[153..203]].concat();
        let mut odds = Odds::default();
        odds.fill(&read, &[]);
        let whole = nats(&[hit(100, 0, 100), hit(103, 70, 173)], &read, &odds, &text);
        let gap = GAP + LONGER_GAP * 3f32.ln();
        assert!((whole - (odds.most - gap)).abs() < 3.0, "{whole} of {}", odds.most);
        let half = nats(&[hit(100, 0, 100)], &read, &odds, &text);
        assert!((half - odds.most / 2.0).abs() < 6.0, "{half} of {}", odds.most);
    }

    #[test]
    fn the_other_strand_is_compared_backwards_and_no_further_than_the_sequence() {
        let genome: Vec<u8> = (0..60).map(base).collect();
        let mut text = Text::default();
        assert!(text.push(&genome, 0, 18));
        assert!(text.push(&genome, 0, 18));
        let read: Vec<u8> = genome.iter().rev().map(|code| 3 - code).collect();
        let mut odds = Odds::default();
        odds.fill(&read, &[]);
        // The last base of the first sequence is the first one of the read.
        let whole = nats(&[hit(-59, 10, 32)], &read, &odds, &text);
        assert!((whole - odds.most).abs() < 1e-3, "{whole} of {}", odds.most);
        let beyond = [&read[..], &read].concat();
        odds.fill(&beyond, &[]);
        let found = nats(&[hit(-59, 10, 32)], &beyond, &odds, &text);
        assert!((found - odds.most / 2.0).abs() < 1e-3, "{found} of {}", odds.most);
    }
}
