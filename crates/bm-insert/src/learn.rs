//! Learns where the inserts of a run end.

use bm_reads::ReadRef;
use bm_reads::base::{UNKNOWN, code};

use crate::adapter::Adapter;
use crate::candidates::Candidates;
use crate::finder::Finder;
use crate::inserts::Insert;
use crate::lengths::{Lengths, Observed};
use crate::model::{InsertModel, RUNS, counted};
use crate::overlap::Overlaps;
use crate::sample::Sample;
use crate::support::Support;
use crate::tails::run_of;

/// Most templates from which the lengths of inserts are learned.
const LEARNED: usize = 25_000;

/// Bases whose words are counted to support bases.
const COUNTED: usize = 6 << 20;

/// Templates that tell what the support by words is worth.
const ASKED: usize = 2000;

/// Below this part of the templates, mates show no inserts shorter than the reads.
const RARE: f32 = 2e-4;

/// Tails of one base are of the sample if their complement is as frequent as this part of them.
const AS_FREQUENT: f32 = 0.5;

impl InsertModel {
    /// Learns where the inserts of a run end, from its first templates (one read, or two mates) and
    /// its adapters, those of first mates and single reads, then those of second mates.
    ///
    /// The result depends on the templates and adapters only.
    pub fn learn(templates: &[&[ReadRef<'_>]], adapters: [Vec<Adapter>; 2]) -> Self {
        let step = templates.len().div_ceil(LEARNED).max(1);
        let some = || templates.iter().step_by(step).copied();
        let is_paired = templates.iter().any(|mates| mates.len() == 2);
        let longest = templates.iter().flat_map(|mates| mates.iter().map(ReadRef::len)).max();
        let mut model = Self {
            adapters,
            sample: Sample::new(composition(some())),
            overlaps: is_paired.then(Overlaps::new),
            lengths: Lengths::new(longest.unwrap_or(0)),
            runs: runs(some()),
            support: None,
        };
        if model.has_tails() {
            model.learn_lengths(some(), &|_| 0);
            if model.overlaps.is_some() {
                // Mates tell where inserts end: words are not needed.
                if model.lengths.shorter() < RARE {
                    model.overlaps = None;
                }
            } else {
                model.count_words(templates);
                model.learn_lengths(some(), &counted);
            }
        }
        model
    }

    /// Learns, from the same templates, what the run's words say of the bases of reads
    /// ([`Finder::weigh`]).
    pub fn with_support(mut self, templates: &[&[ReadRef<'_>]]) -> Self {
        if !self.sample.has_words() {
            let bases = |mates: &[ReadRef<'_>]| mates.iter().map(ReadRef::len).sum::<usize>();
            let all: usize = templates.iter().map(|mates| bases(mates)).sum();
            let step = all.div_ceil(COUNTED).max(1);
            let some: Vec<&[ReadRef<'_>]> = templates.iter().step_by(step).copied().collect();
            self.count_words(&some);
        }
        let reads = templates.iter().step_by(templates.len().div_ceil(ASKED).max(1));
        let reads = reads.flat_map(|mates| mates.iter()).map(|read| read.sequence);
        self.support = Support::of(&self.sample, reads);
        self
    }

    fn learn_lengths<'a>(
        &mut self,
        templates: impl Iterator<Item = &'a [ReadRef<'a>]>,
        counted: &dyn Fn(usize) -> usize,
    ) {
        let mut candidates = Candidates::default();
        let mut observed = Observed::default();
        for mates in templates {
            let bases = [0, 1].map(|mate| counted(mates.get(mate).map_or(0, ReadRef::len)));
            candidates.find(&self.signs(), mates, bases);
            let longest = mates.iter().map(ReadRef::len).max().unwrap_or(0);
            observed.add(longest, &candidates.lengths);
        }
        self.lengths.learn(&observed);
    }

    /// Counts the words of the sample, without tails.
    fn count_words(&mut self, templates: &[&[ReadRef<'_>]]) {
        let mut finder = Finder::default();
        let mut sample = self.sample.clone();
        sample.clear();
        for mates in templates {
            finder.find(self, mates, false);
            for (mate, read) in mates.iter().enumerate() {
                let part = Insert { ends: finder.ends(mate), front: &[] }.part(read.len());
                sample.count(&read.sequence[..part.end.min(counted(read.len()))]);
            }
        }
        self.adapters.iter().flatten().for_each(|adapter| sample.forget(adapter.consensus()));
        sample.forget_simple_words();
        self.sample = sample;
    }
}

fn composition<'a>(templates: impl Iterator<Item = &'a [ReadRef<'a>]>) -> [u64; 4] {
    let mut counts = [0u64; UNKNOWN as usize + 1];
    for read in templates.flatten() {
        read.sequence.iter().for_each(|letter| counts[usize::from(code(*letter))] += 1);
    }
    std::array::from_fn(|base| counts[base])
}

/// Returns the odds that a read of each mate ends in a run of each of [`RUNS`]; 0 where runs of the
/// complement are about as frequent: such runs are of the sample.
fn runs<'a>(templates: impl Iterator<Item = &'a [ReadRef<'a>]>) -> [[f32; 2]; 2] {
    let none = Sample::new([1; 4]);
    let (mut reads, mut found) = ([0u32; 2], [[0u32; 4]; 2]);
    for mates in templates {
        for (mate, read) in mates.iter().enumerate() {
            reads[mate] += 1;
            for (base, found) in found[mate].iter_mut().enumerate() {
                *found += u32::from(run_of(base as u8, *read, &none).is_some());
            }
        }
    }
    [0, 1].map(|mate| {
        RUNS.map(|base| {
            let [own, other] = [base, 3 - base].map(|base| found[mate][usize::from(base)] as f32);
            let all = reads[mate].max(1) as f32;
            let rate = (own - other) / all;
            // A few reads are no sign.
            if other > AS_FREQUENT * own || own < 10.0 || rate < 1e-4 { 0.0 } else { rate }
        })
    })
}
