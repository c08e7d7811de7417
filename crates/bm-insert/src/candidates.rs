//! The places where the insert of a template may end, and what its reads say of each.

use bm_reads::ReadRef;

use crate::adapter::Adapter;
use crate::molecules::MoleculeEnds;
use crate::overlap::{self, Overlaps};
use crate::sample::Sample;
use crate::tails::{self, Sum, Tail, adapter_places, adapter_ratio, adapter_tails, anything_ratio};

/// ln P(a mate goes on with one of the run's adapters, or with anything else), where its partner
/// tells that the insert ends.
const ADAPTER: f32 = -0.010_050_3;
const ANYTHING: f32 = -4.605_17;

/// ln P(mates of an insert longer than the reads overlap, or do not).
const HALF: f32 = -std::f32::consts::LN_2;

/// What decides where inserts end.
pub(crate) struct Signs<'a> {
    /// The adapters of each mate.
    pub(crate) adapters: &'a [Vec<Adapter>; 2],
    pub(crate) sample: &'a Sample,
    pub(crate) ends: &'a MoleculeEnds,
    /// For pairs.
    pub(crate) overlaps: Option<&'a Overlaps>,
}

/// The candidates of one template, and the memory to find them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Candidates {
    /// Lengths of the insert, ascending, with ln P(reads | insert of this length) − ln P(reads |
    /// insert as long as the reads, or longer).
    pub(crate) lengths: Vec<Tail>,
    memory: tails::Memory,
    overlap_memory: overlap::Memory,
    overlapping: Vec<usize>,
}

impl Candidates {
    /// Finds the candidates of a template: one read, or two mates. `counted`: number of bases of
    /// each read whose words the sample has.
    pub(crate) fn find(&mut self, signs: &Signs<'_>, mates: &[ReadRef<'_>], counted: [usize; 2]) {
        self.lengths.clear();
        match *mates {
            [read] => {
                let Self { lengths, memory, .. } = self;
                let adapters = &signs.adapters[0];
                adapter_tails(
                    adapters,
                    read,
                    signs.sample,
                    signs.ends,
                    counted[0],
                    memory,
                    lengths,
                );
            }
            [one, other] => {
                if let Some(overlaps) = signs.overlaps {
                    self.find_pair(signs, overlaps, [one, other], counted);
                }
            }
            _ => {}
        }
    }

    fn find_pair(
        &mut self,
        signs: &Signs<'_>,
        overlaps: &Overlaps,
        mates: [ReadRef<'_>; 2],
        counted: [usize; 2],
    ) {
        let Self { lengths, memory, overlap_memory, overlapping } = self;
        for (mate, read) in mates.into_iter().enumerate() {
            let place = |at| lengths.push(Tail { at, log_ratio: 0.0 });
            adapter_places(&signs.adapters[mate], read, memory, place);
        }
        overlapping.clear();
        overlap::inserts(mates, overlap_memory, overlapping);
        lengths.extend(overlapping.iter().map(|at| Tail { at: *at, log_ratio: 0.0 }));
        lengths.sort_unstable_by_key(|tail| tail.at);
        lengths.dedup_by_key(|tail| tail.at);
        let longest = mates[0].len().max(mates[1].len());
        lengths.retain(|tail| tail.at < longest);
        for tail in &mut *lengths {
            tail.log_ratio = overlaps.ratio(tail.at, mates);
            for (mate, read) in mates.into_iter().enumerate() {
                if tail.at < read.len() {
                    tail.log_ratio += mate_ratio(signs, mate, read, tail.at, counted[mate], memory);
                }
            }
        }
        // If an insert is possible, so may be others: in a repeat, mates overlap in several ways.
        if lengths.iter().any(|tail| tail.log_ratio > 0.0) {
            let longer = longer_ratio(overlaps, mates, overlap_memory);
            lengths.iter_mut().for_each(|tail| tail.log_ratio -= longer);
        }
    }
}

/// Returns ln of the likelihood ratio of what follows the insert in one of two mates.
fn mate_ratio(
    signs: &Signs<'_>,
    mate: usize,
    read: ReadRef<'_>,
    at: usize,
    counted: usize,
    memory: &mut tails::Memory,
) -> f32 {
    let mut sum = Sum::default();
    let adapters = &signs.adapters[mate];
    if !adapters.is_empty() {
        sum.add(ADAPTER + adapter_ratio(adapters, read, at, signs.sample, counted, memory));
    }
    sum.add(ANYTHING + anything_ratio(read, at, signs.sample, counted, memory));
    sum.ln()
}

/// Returns ln P(mates | insert of the longer mate's bases or more) − ln P(mates | they do not overlap).
fn longer_ratio(overlaps: &Overlaps, mates: [ReadRef<'_>; 2], memory: &overlap::Memory) -> f32 {
    let overlapping = overlap::longer(overlaps, mates, memory);
    let mut either = Sum::default();
    either.add(HALF);
    either.add(HALF + overlapping);
    either.ln()
}
