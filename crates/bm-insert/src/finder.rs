//! Finds where the sample ends in the reads of a template.

use bm_reads::ReadRef;

use crate::candidates::Candidates;
use crate::inserts::{End, Tail};
use crate::model::{InsertModel, RUNS, counted};
use crate::support;
use crate::tails::{self, run_of};

/// Less probable ends are left out.
const LEAST: f32 = 1e-4;

/// Finds where the sample ends in reads, with the memory of one thread.
#[derive(Clone, Debug, Default)]
pub struct Finder {
    candidates: Candidates,
    ends: [Vec<End>; 2],
    support: support::Memory,
}

impl Finder {
    /// Finds where the sample ends in a template, one read or two mates, by the model of its run.
    ///
    /// `is_learned`: whether the template is one of those that the model was learned from.
    pub fn find(&mut self, model: &InsertModel, mates: &[ReadRef<'_>], is_learned: bool) {
        self.ends.iter_mut().for_each(Vec::clear);
        let bases = |mate: usize| match mates.get(mate) {
            Some(read) if is_learned => counted(read.len()),
            _ => 0,
        };
        self.candidates.find(&model.signs(), mates, [bases(0), bases(1)]);
        let runs: [Option<Run>; 2] = std::array::from_fn(|mate| {
            mates.get(mate).and_then(|read| Run::of(model, mate, *read))
        });
        let candidates = &mut self.candidates.lengths;
        if candidates.is_empty() && runs.iter().all(Option::is_none) {
            return;
        }
        let longest = mates.iter().map(ReadRef::len).max().unwrap_or(0);
        let with_runs =
            |at: usize| runs.iter().flatten().map(|run| run.log_factor(at)).sum::<f32>();
        let none = model.lengths.posterior(longest, candidates, with_runs);
        for (mate, read) in mates.iter().enumerate() {
            let ends = &mut self.ends[mate];
            for candidate in candidates.iter().filter(|candidate| candidate.at < read.len()) {
                ends.push(End {
                    at: candidate.at as u32,
                    probability: candidate.log_ratio,
                    tail: Tail::Adapter,
                });
            }
            if let Some(Run { tail, log_odds }) = runs.get(mate).copied().flatten() {
                // Inserts that end behind it, or not at all.
                let behind = candidates.iter().filter(|candidate| candidate.at > tail.at);
                let left = none + behind.map(|candidate| candidate.log_ratio).sum::<f32>();
                let probability = left / (1.0 + (-log_odds).exp());
                ends.push(End { at: tail.at as u32, probability, tail: Tail::Run });
                ends.sort_by_key(|end| end.at);
            }
            ends.retain(|end| end.probability >= LEAST);
        }
    }

    /// Returns whether other reads of the run have all words of a part of a read
    /// ([`InsertModel::with_support`]). If not, or if its bases are `doubted` for their qualities,
    /// turns the error probability of each base into a posterior one: lower for bases that other
    /// reads have at the same place, higher for those that they contradict.
    pub fn weigh(
        &mut self,
        model: &InsertModel,
        sequence: &[u8],
        errors: &mut [f32],
        doubted: bool,
    ) -> bool {
        match &model.support {
            Some(support) => support.weigh(sequence, errors, doubted, &mut self.support),
            None => false,
        }
    }

    /// Returns the ends that were found in a read of the template, 0 or 1, from the first to the
    /// last.
    pub fn ends(&self, mate: usize) -> &[End] {
        self.ends.get(mate).map_or(&[], Vec::as_slice)
    }
}

/// A run of one base at the end of a read.
#[derive(Clone, Copy)]
struct Run {
    tail: tails::Tail,
    /// ln of the odds that it is not of the sample.
    log_odds: f32,
}

impl Run {
    fn of(model: &InsertModel, mate: usize, read: ReadRef<'_>) -> Option<Self> {
        let mut found: Option<Self> = None;
        for (base, prior) in RUNS.into_iter().zip(model.runs[mate]) {
            if prior > 0.0
                && let Some(tail) = run_of(base, read, &model.sample)
            {
                // Any of the read's bases may have been the first one.
                let log_odds = (prior / read.len() as f32).ln() + tail.log_ratio;
                if found.is_none_or(|found| log_odds > found.log_odds) {
                    found = Some(Self { tail, log_odds });
                }
            }
        }
        found
    }

    /// Returns ln of the factor by which the run makes an insert that ends at a place more likely:
    /// behind its end, an adapter may run out of signal, too.
    fn log_factor(&self, at: usize) -> f32 {
        if at > self.tail.at {
            return 0.0;
        }
        // ln(1 + odds), which may be larger than a float.
        if self.log_odds > 20.0 { self.log_odds } else { self.log_odds.exp().ln_1p() }
    }
}
