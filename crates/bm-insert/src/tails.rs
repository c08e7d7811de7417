//! How likely the end of a read is an adapter, beside the sample.

use bm_reads::base::code;
use bm_reads::{Phred, ReadRef};

use crate::adapter::Adapter;
use crate::molecules::MoleculeEnds;
use crate::planes::{BITS, LANES, Planes};
use crate::sample::Sample;

/// After this many bases, an adapter may be left for anything: molecules break, and what follows
/// an adapter is not known.
const LEFT_AFTER: usize = 10;
const LEFT: f32 = -4.6;

/// Bases behind an adapter that are compared with the sample, where the adapter alone does not
/// decide.
const BEHIND: usize = 12;

/// Bases whose probabilities in the sample are looked up at once.
const BLOCK: usize = 12;

/// ln of likelihood ratios that decide: an adapter is not followed further.
const SURELY: f32 = 20.0;
const SURELY_NOT: f32 = -15.0;

/// ln P(an adapter lost, or gained, a base before a given one), in synthesis.
const LOST: f32 = -8.0;
const GAINED: f32 = -9.0;

/// ln P(base | anything).
const ANYTHING: f32 = -1.386_294_4;

/// A place where the sample may end in a read, and what the bases from there on say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tail {
    /// Index of the first base that is not of the sample.
    pub(crate) at: usize,
    /// ln P(bases from there on | not of the sample) − ln P(the same | sample).
    pub(crate) log_ratio: f32,
}

/// Memory for finding tails.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    planes: Planes,
    places: Vec<[u64; LANES]>,
    logs: Logs,
}

/// ln P(base | sample) of the bases from a place on, looked up as far as needed.
#[derive(Clone, Debug, Default)]
struct Logs {
    known: Vec<f32>,
    block: Vec<f32>,
}

impl Logs {
    /// Returns the value of base `at + offset`.
    #[inline(always)]
    fn get(
        &mut self,
        offset: usize,
        at: usize,
        read: ReadRef<'_>,
        sample: &Sample,
        counted: usize,
    ) -> f32 {
        if offset >= self.known.len() {
            let from = at + self.known.len();
            let to = (at + offset + 1).max(from + BLOCK).min(read.len());
            sample.logs(read.sequence, read.quality_scores, from, to, counted, &mut self.block);
            self.known.extend_from_slice(&self.block);
        }
        self.known[offset]
    }
}

/// Appends the places of a read where one of the adapters may begin.
///
/// `counted`: number of bases of the read whose words the sample has.
pub(crate) fn adapter_tails(
    adapters: &[Adapter],
    read: ReadRef<'_>,
    sample: &Sample,
    ends: &MoleculeEnds,
    counted: usize,
    memory: &mut Memory,
    tails: &mut Vec<Tail>,
) {
    let first = tails.len();
    adapter_places(adapters, read, memory, |at| tails.push(Tail { at, log_ratio: 0.0 }));
    for Tail { at, log_ratio } in &mut tails[first..] {
        *log_ratio = ratio(adapters, read, *at, sample, counted, &mut memory.logs)
            + ends.log(sample, read.sequence, *at, *at <= counted);
    }
}

/// Calls back with the places of a read where one of the adapters may begin.
pub(crate) fn adapter_places(
    adapters: &[Adapter],
    read: ReadRef<'_>,
    memory: &mut Memory,
    mut each: impl FnMut(usize),
) {
    if adapters.is_empty() || read.is_empty() {
        return;
    }
    memory.planes.fill(read.sequence);
    memory.places.clear();
    memory.places.resize(memory.planes.blocks(), [0; LANES]);
    for (number, adapter) in adapters.iter().enumerate() {
        if !adapters[..number].iter().any(|other| other.begins_like(adapter)) {
            adapter.add_places(&memory.planes, &mut memory.places);
        }
    }
    for (word, places) in memory.places.as_flattened().iter().enumerate() {
        let mut left = *places;
        while left != 0 {
            each(word * BITS + left.trailing_zeros() as usize);
            left &= left - 1;
        }
    }
}

/// Returns ln P(bases from `at` on | adapter) − ln P(the same | sample), at a place that may not be
/// one of those that [`adapter_tails`] finds.
pub(crate) fn adapter_ratio(
    adapters: &[Adapter],
    read: ReadRef<'_>,
    at: usize,
    sample: &Sample,
    counted: usize,
    memory: &mut Memory,
) -> f32 {
    ratio(adapters, read, at, sample, counted, &mut memory.logs)
}

/// Returns ln P(the next bases from `at` on | any bases) − ln P(the same | sample).
pub(crate) fn anything_ratio(
    read: ReadRef<'_>,
    at: usize,
    sample: &Sample,
    counted: usize,
    memory: &mut Memory,
) -> f32 {
    let logs = &mut memory.logs;
    logs.known.clear();
    let log = |offset| ANYTHING - logs.get(offset, at, read, sample, counted);
    (0..BEHIND.min(read.len() - at)).map(log).sum()
}

fn ratio(
    adapters: &[Adapter],
    read: ReadRef<'_>,
    at: usize,
    sample: &Sample,
    counted: usize,
    logs: &mut Logs,
) -> f32 {
    logs.known.clear();
    let mut sum = Sum::default();
    for adapter in adapters {
        sum.add(one_ratio(adapter, read, at, |offset| logs.get(offset, at, read, sample, counted)));
    }
    sum.ln() - (adapters.len().max(1) as f32).ln()
}

/// The same for one adapter; `sample_log` returns ln P(base | sample) by the distance from `at`.
fn one_ratio(
    adapter: &Adapter,
    read: ReadRef<'_>,
    at: usize,
    mut sample_log: impl FnMut(usize) -> f32,
) -> f32 {
    let left = read.len() - at;
    let compared = adapter.len().min(left);
    // What follows the first `offset` bases, if it is not of the sample.
    let behind = |offset: usize, sample_log: &mut dyn FnMut(usize) -> f32| -> f32 {
        (offset..left.min(offset + BEHIND)).map(|offset| ANYTHING - sample_log(offset)).sum()
    };
    let mut sum = Sum::default();
    // Base for base; after a base was lost; after one was gained.
    let (mut straight, mut lost, mut gained) = (0.0f32, f32::NEG_INFINITY, f32::NEG_INFINITY);
    let mut log_ratio = 0.0;
    for offset in 0..compared {
        let (letter, byte) = (read.sequence[at + offset], read.quality_scores[at + offset]);
        let (code, score) = (code(letter), byte.saturating_sub(Phred::OFFSET));
        let of_sample = sample_log(offset);
        let log = |column: usize| {
            if column < adapter.len() { adapter.log(column, code, score) } else { ANYTHING }
        };
        lost = lost.max(straight + LOST) + log(offset + 1) - of_sample;
        gained = if offset == 0 {
            f32::NEG_INFINITY
        } else {
            (gained.max(straight + GAINED)) + log(offset - 1) - of_sample
        };
        straight += log(offset) - of_sample;
        log_ratio = straight.max(lost).max(gained);
        if log_ratio < SURELY_NOT {
            return sum.ln();
        }
        let read_on = offset + 1;
        if read_on >= 2 * BLOCK && log_ratio > SURELY {
            break;
        }
        if read_on >= LEFT_AFTER && read_on < compared {
            sum.add(log_ratio + LEFT + behind(read_on, &mut sample_log));
        }
    }
    // A long adapter decides alone.
    if compared < left && compared < 2 * BLOCK {
        log_ratio += behind(compared, &mut sample_log);
    }
    sum.add(log_ratio);
    sum.ln()
}

/// ln of a sum of exponentials.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum {
    most: f32,
    of_most: f32,
}

impl Default for Sum {
    fn default() -> Self {
        Self { most: f32::NEG_INFINITY, of_most: 0.0 }
    }
}

impl Sum {
    /// Adds e to the power of `log`.
    pub(crate) fn add(&mut self, log: f32) {
        if log <= self.most {
            // Less than a rounding error is left out.
            if log > self.most - 17.0 {
                self.of_most += (log - self.most).exp();
            }
        } else {
            self.of_most = 1.0 + self.of_most * (self.most - log).exp();
            self.most = log;
        }
    }

    /// Returns ln of the sum.
    pub(crate) fn ln(&self) -> f32 {
        self.most + self.of_most.ln()
    }
}
