//! Counts of quality bytes by cycle.
//!
//! Most instruments write few values. If the first reads have at most eight, all scores of a read are
//! compared with each of them, many at once; any other value is counted in a table.

use crate::vectors::{BYTES, padded};

/// Counts of a cycle: one for each value of a byte, and room that makes the size an odd number of cache
/// lines, so that those of all cycles fit side by side.
const ROW: usize = 288;

/// Most values that are compared with.
const FEW: usize = 8;

/// Counts of quality bytes, for as many reads as two bytes can count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scores {
    rows: Vec<[u16; ROW]>,
    /// The values that are compared with, and zeros, which are no quality bytes; `None` if they are not
    /// chosen, or too many.
    few: Option<[u8; FEW]>,
    is_chosen: bool,
    /// Counts of these that are not in `rows`, for as many cycles as are compared at once.
    recent: Vec<[[u8; BYTES]; FEW]>,
}

impl Scores {
    /// Makes room for reads of this length.
    pub(crate) fn make_room(&mut self, length: usize) {
        if self.rows.len() < length {
            self.rows.resize(length, [0; ROW]);
            self.recent.resize(length.div_ceil(BYTES), Default::default());
        }
    }

    /// Counts the scores of a read.
    #[inline(always)]
    pub(crate) fn add(&mut self, quality_scores: &[u8]) {
        let Some(few) = self.few else { return add_any(&mut self.rows, quality_scores) };
        let (blocks, rest) = quality_scores.as_chunks::<BYTES>();
        let mut rows = self.rows.chunks_mut(BYTES);
        let mut recent = self.recent.iter_mut();
        // In this order, so that what is left has lost nothing.
        for ((scores, recent), rows) in blocks.iter().zip(&mut recent).zip(&mut rows) {
            add_few(rows, recent, *scores, [0; BYTES], few);
        }
        if let Some((rows, recent)) = rows.next().zip(recent.next())
            && let Some(rows) = rows.get_mut(..rest.len())
        {
            let mut behind = [1; BYTES];
            behind[..rest.len()].fill(0);
            add_few(rows, recent, padded(rest), behind, few);
        }
    }

    /// Adds up what bytes count: at the latest after 255 reads.
    pub(crate) fn settle(&mut self) {
        if let Some(few) = self.few {
            for (rows, recent) in self.rows.chunks_mut(BYTES).zip(&mut self.recent) {
                let recent = std::mem::replace(recent, [[0; BYTES]; FEW]);
                for (counts, score) in recent.iter().zip(few).filter(|(_, score)| *score > 0) {
                    for (row, count) in rows.iter_mut().zip(counts) {
                        row[usize::from(score)] += u16::from(*count);
                    }
                }
            }
        } else if !self.is_chosen {
            self.is_chosen = true;
            self.few = few(&self.rows);
        }
    }

    /// Returns all counts by cycle and byte, after [`Scores::settle`].
    pub(crate) fn rows(&mut self) -> impl Iterator<Item = &mut [u16; ROW]> {
        self.rows.iter_mut()
    }
}

/// Counts scores of any values.
#[inline(always)]
fn add_any(rows: &mut [[u16; ROW]], scores: &[u8]) {
    let count = |row: &mut [u16; ROW], byte: u8| row[usize::from(byte)] += 1;
    // Four at once: the loop itself would take as long as the counting.
    let (fours, rest) = scores.as_chunks::<4>();
    let (rows, last_rows) = rows[..scores.len()].as_chunks_mut::<4>();
    for ([a, b, c, d], [p, q, r, s]) in rows.iter_mut().zip(fours) {
        count(a, *p);
        count(b, *q);
        count(c, *r);
        count(d, *s);
    }
    last_rows.iter_mut().zip(rest).for_each(|(row, byte)| count(row, *byte));
}

/// Counts the scores of as many cycles as there are rows: those of few values, and the others in their rows.
/// What is `known`, 1, need not be found.
#[inline(always)]
fn add_few(
    rows: &mut [[u16; ROW]],
    recent: &mut [[u8; BYTES]; FEW],
    scores: [u8; BYTES],
    mut known: [u8; BYTES],
    few: [u8; FEW],
) {
    // A value, not a reference: what cannot overlap stays in registers.
    let mut counts = *recent;
    for (counts, value) in counts.iter_mut().zip(few) {
        for place in 0..BYTES {
            let is_value = u8::from(scores[place] == value);
            counts[place] += is_value;
            known[place] |= is_value;
        }
    }
    *recent = counts;
    if known == [1; BYTES] {
        return;
    }
    for ((row, score), known) in rows.iter_mut().zip(scores).zip(known) {
        row[usize::from(score)] += u16::from(1 - known);
    }
}

/// Returns the values that occur, and zeros; `None` if there are none or too many.
fn few(rows: &[[u16; ROW]]) -> Option<[u8; FEW]> {
    let occurs = |byte: &u8| rows.iter().any(|row| row[usize::from(*byte)] > 0);
    let mut values = (1..=u8::MAX).filter(occurs);
    let few: [u8; FEW] = std::array::from_fn(|_| values.next().unwrap_or_default());
    (few[0] > 0 && values.next().is_none()).then_some(few)
}
