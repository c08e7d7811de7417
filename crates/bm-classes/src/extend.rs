//! The hits of one chain, extended base by base.

use crate::odds::Odds;
use crate::text::{Sequence, Text};

/// Nats that a change of the diagonal costs: an insertion or a deletion.
const GAP: f32 = 5.0;

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
        let is_turn = diagonal.is_some_and(|diagonal| diagonal != hit.diagonal);
        let segment = right + left - if is_turn { GAP } else { 0.0 };
        if segment > 0.0 {
            total += segment;
            (end, diagonal) = (start + length, Some(hit.diagonal));
        }
    }
    total
}
