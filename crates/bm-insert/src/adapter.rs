//! The sequence of an adapter, as probabilities of bases.

use bm_reads::Phred;
use bm_reads::base::UNKNOWN;

use crate::planes::{BITS, LANES, Planes};

/// Bases at the start of an adapter by which places are found where it may begin.
const MARK: usize = 12;

/// Fewest known bases of a mark.
const FEWEST_KNOWN: usize = 6;

/// Where the second mark begins.
const LATER: usize = 8;

/// Bases of an adapter that are compared with a read. What follows them says nothing new.
const COMPARED: usize = 48;

/// A base of a column is the only one if it has at least this probability.
const CERTAIN: f32 = 0.6;

/// Adapters have errors that qualities do not tell: those of their synthesis, more with each base.
const FLOOR: f64 = 0.005;
const FLOOR_PER_BASE: f64 = 0.001;

/// Highest error probability of a base that is compared.
const HIGHEST_ERROR: f64 = 0.7;

/// Number of quality scores in a table.
pub(crate) const SCORES: usize = 64;

/// An adapter that reads of one mate may run into.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// The bases; [`UNKNOWN`] where any is allowed.
    consensus: Vec<u8>,
    /// ln P(base | adapter, score) for each column, base (the last one: unknown) and Phred score.
    columns: Vec<[[f32; SCORES]; 5]>,
}

impl Adapter {
    /// Returns the adapter with these probabilities of A, C, G and T in each column.
    pub fn new(probabilities: &[[f32; 4]]) -> Self {
        let only = |column: &[f32; 4]| {
            let most =
                (0..4u8).max_by(|a, b| column[usize::from(*a)].total_cmp(&column[usize::from(*b)]));
            most.filter(|base| column[usize::from(*base)] >= CERTAIN).unwrap_or(UNKNOWN)
        };
        let column = |(place, column): (usize, &[f32; 4])| {
            let mut logs = [[0.25f64.ln() as f32; SCORES]; 5];
            for (logs, probability) in logs.iter_mut().zip(column) {
                for (score, log) in logs.iter_mut().enumerate() {
                    let error =
                        error_probability(score as u8) + FLOOR + FLOOR_PER_BASE * place as f64;
                    let error = error.min(HIGHEST_ERROR);
                    // A probability that is no number counts as 0.
                    let probability = f64::from(probability.max(0.0)).min(1.0);
                    let p = (1.0 - error) * probability + error * 0.25;
                    *log = p.ln() as f32;
                }
            }
            logs
        };
        Self {
            consensus: probabilities.iter().map(only).collect(),
            columns: probabilities.iter().take(COMPARED).enumerate().map(column).collect(),
        }
    }

    /// Returns whether enough of its first bases are known to find it.
    pub(crate) fn is_known(&self) -> bool {
        self.mark().iter().filter(|code| **code < UNKNOWN).count() >= FEWEST_KNOWN
    }

    /// Returns the code of each base; [`UNKNOWN`] where any is allowed.
    pub(crate) fn consensus(&self) -> &[u8] {
        &self.consensus
    }

    /// Returns the bases by which places are found.
    fn mark(&self) -> &[u8] {
        &self.consensus[..self.consensus.len().min(MARK)]
    }

    /// Returns the bases by which places are found where a base before them is lost or gained.
    fn later_mark(&self) -> &[u8] {
        self.consensus.get(LATER..LATER + MARK).unwrap_or_default()
    }

    /// Returns the number of bases that are compared with reads.
    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Returns ln P(base | adapter) in a column, for a base code and a Phred score.
    #[inline(always)]
    pub(crate) fn log(&self, column: usize, code: u8, score: u8) -> f32 {
        self.columns[column][usize::from(code.min(UNKNOWN))][usize::from(score).min(SCORES - 1)]
    }

    /// Returns whether places where the two may begin are the same.
    pub(crate) fn begins_like(&self, other: &Self) -> bool {
        self.mark() == other.mark() && self.later_mark() == other.later_mark()
    }

    /// Adds the places of a read, word by word, at which the adapter may begin.
    ///
    /// Of its first twelve bases, as far as they are in the read, no more than a quarter differ. Or
    /// twelve later ones are there but for two, one place nearer or farther than they should be, as
    /// in adapters with a base lost or gained.
    pub(crate) fn add_places(&self, read: &Planes, places: &mut [[u64; LANES]]) {
        let length = read.length();
        let (mark, later) = (self.mark(), self.later_mark());
        let is_later = later.len() == MARK && length >= LATER + MARK;
        // As many bases before the end of the read, one more base may differ.
        let most = mark.len() / 4;
        for block in 0..places.len() {
            let planes = read.block(block);
            let differing = Differing::of(&planes, mark);
            let mut end = length;
            for more in 0..=most.min(3) {
                // Places with 4 * more to 4 * more + 3 bases up to the end of the read; the last
                // step takes all that are left.
                let below = length.saturating_sub(4 * more + 3);
                let start = if more == most { 0 } else { below.min(end) };
                for (lane, places) in places[block].iter_mut().enumerate() {
                    let inside = Planes::range(start, end, block * LANES + lane);
                    *places |= differing.at_most(more, lane) & inside;
                }
                end = start;
            }
            if !is_later {
                continue;
            }
            let differing = Differing::of(&planes, later);
            for lane in 0..LANES {
                let word = block * LANES + lane;
                let inside = Planes::range(0, length + 1 - MARK, word);
                let mut found = differing.at_most(2, lane) & inside;
                while found != 0 {
                    let at = word * BITS + found.trailing_zeros() as usize;
                    found &= found - 1;
                    for shift in [LATER - 1, LATER, LATER + 1] {
                        if let Some(start) = at.checked_sub(shift) {
                            let word = start / BITS;
                            places[word / LANES][word % LANES] |= 1 << (start % BITS);
                        }
                    }
                }
            }
        }
    }
}

/// The number of bases that differ from a mark, for each place of a block: counters of one bit per
/// place, the last of which says "four or more".
struct Differing {
    ones: [u64; LANES],
    twos: [u64; LANES],
    fours: [u64; LANES],
}

impl Differing {
    #[inline(always)]
    fn of(planes: &[[[u64; LANES]; 2]; 4], mark: &[u8]) -> Self {
        let mut counted = Self { ones: [0; LANES], twos: [0; LANES], fours: [0; LANES] };
        for (offset, base) in mark.iter().enumerate() {
            let Some(words) = planes.get(usize::from(*base)) else { continue };
            let differs = Planes::differs(words, offset as u32);
            for (lane, differs) in differs.into_iter().enumerate() {
                let carry = counted.ones[lane] & differs;
                counted.ones[lane] ^= differs;
                counted.fours[lane] |= counted.twos[lane] & carry;
                counted.twos[lane] ^= carry;
            }
        }
        counted
    }

    /// Returns the places of a word at which no more than this number (0 to 3) differ.
    fn at_most(&self, number: usize, lane: usize) -> u64 {
        let [ones, twos, fours] = [self.ones, self.twos, self.fours].map(|lanes| lanes[lane]);
        !fours
            & match number {
                0 => !(ones | twos),
                1 => !twos,
                2 => !(ones & twos),
                _ => u64::MAX,
            }
    }
}

/// Returns the error probability that a Phred score reports, within bounds: no score says that a
/// base is surely right, or surely wrong.
pub(crate) fn error_probability(score: u8) -> f64 {
    Phred::new(score).map_or(1.0, Phred::error_probability).clamp(1e-3, 0.6)
}
