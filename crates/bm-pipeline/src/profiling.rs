//! Counts what the reads of a run are like before and after, where a report is wanted.

use std::sync::{Mutex, PoisonError};

use bm_insert::MateInserts;
use bm_profile::{ObservedRead, Outcome, Profile, Profiler};
use bm_quality::Verdict;

use crate::base_probabilities::quality_byte;
use crate::decide::ScoredTemplate;
use crate::fate::Decision;
use crate::templates::Mate;

/// Profiles in the making: no more than there are threads at work.
#[derive(Default)]
pub(crate) struct Profiling {
    idle: Mutex<Vec<ThreadProfile>>,
}

/// The profile of the reads that a thread processed, and memory for the next one.
#[derive(Default)]
pub(crate) struct ThreadProfile {
    profiler: Profiler,
    inserts: MateInserts,
    quality_scores: Vec<u8>,
}

impl Profiling {
    /// Returns a profile to add reads to, for [`Profiling::give_back`].
    pub(crate) fn take(&self) -> ThreadProfile {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop().unwrap_or_default()
    }

    /// Takes a profile back.
    pub(crate) fn give_back(&self, profile: ThreadProfile) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(profile);
    }

    /// Returns the profile of all reads.
    pub(crate) fn finish(self) -> Profile {
        let mut all = Profile::default();
        let idle = self.idle.into_inner().unwrap_or_else(PoisonError::into_inner);
        idle.into_iter().for_each(|thread| all.merge(&thread.profiler.finish()));
        all
    }
}

impl ThreadProfile {
    /// Adds the reads of a template. `rewrites` writes the quality scores that a kept read gets instead of
    /// its own, and returns whether it gets any.
    pub(crate) fn add(
        &mut self,
        scored: &ScoredTemplate<'_>,
        decision: &Decision,
        rewrites: impl Fn(&Mate<'_>, &mut Vec<u8>) -> bool,
    ) {
        let Self { profiler, inserts, quality_scores } = self;
        let mates = scored.template.mates();
        match mates {
            [first, second] => {
                if profiler.add_template(&[first.record.sequence, second.record.sequence]) {
                    profiler.add_insert(inserts.length([first.as_read(), second.as_read()]));
                }
            }
            _ => {
                profiler.add_template(&[mates[0].record.sequence]);
            }
        }
        let is_kept = decision.fates().iter().any(|fate| fate.verdict == Verdict::Pass);
        let merged = scored.merged.filter(|_| is_kept);
        if let Some(merged) = &merged {
            quality_scores.clear();
            quality_scores.extend(merged.errors.iter().map(|error| quality_byte(*error)));
            profiler.add_merged(&ObservedRead {
                sequence: merged.sequence,
                quality_scores,
                errors: merged.errors,
                scored_from: 0,
            });
        }
        for (number, (mate, fate)) in mates.iter().zip(decision.fates()).enumerate() {
            let record = mate.record;
            let read = ObservedRead {
                sequence: record.sequence,
                quality_scores: record.quality_scores,
                errors: scored.bases(mate),
                scored_from: scored.scored_part(mate).start,
            };
            let length = record.sequence.len();
            let outcome = if fate.verdict != Verdict::Pass || merged.is_some() {
                Outcome::Lost
            } else {
                let keep = fate.keep.of(length);
                if rewrites(mate, quality_scores) {
                    Outcome::Changed { keep, quality_scores }
                } else if fate.keep.is_whole(length) {
                    Outcome::Kept
                } else {
                    Outcome::Changed { keep, quality_scores: record.quality_scores }
                }
            };
            profiler.add_read(number, &read, &outcome);
        }
    }
}
