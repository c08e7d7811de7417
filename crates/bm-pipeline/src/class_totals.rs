//! Counts of reads by the classes that they come from.

use bm_classes::{Abundance, Abundances};
use serde::{Deserialize, Serialize};

use crate::decide::ScoredTemplate;
use crate::fate::Decision;
use crate::reasons::Reason;
use crate::screen::{NONE, Screen};

/// Counts of the reads of one class: reads for which it is the most probable one.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ClassCounts {
    /// Reads; mates count as two.
    pub reads: u64,
    /// Their bases.
    pub bases: u64,
    /// Reads that are not kept for their class.
    pub removed: u64,
    /// Their bases.
    pub removed_bases: u64,
}

impl ClassCounts {
    /// Adds the counts of other reads.
    pub fn add(&mut self, other: &Self) {
        let Self { reads, bases, removed, removed_bases } = self;
        for (ours, theirs) in [
            (reads, other.reads),
            (bases, other.bases),
            (removed, other.removed),
            (removed_bases, other.removed_bases),
        ] {
            *ours = ours.saturating_add(theirs);
        }
    }
}

/// Counts of reads by class, while a run goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClassTally {
    /// By the number of the class; that of none is one more than the last.
    counts: Vec<ClassCounts>,
    abundances: Abundances,
}

impl ClassTally {
    /// Adds a template, if its classes were looked for.
    pub(crate) fn add(&mut self, scored: &ScoredTemplate<'_>, decision: &Decision) {
        let Some(classes) = scored.classes else { return };
        let (best, all) = (classes.best(), classes.probabilities.len());
        self.counts.resize(all.max(self.counts.len()), ClassCounts::default());
        if let Some(counts) = self.counts.get_mut(best) {
            for (mate, fate) in scored.template.mates().iter().zip(decision.fates()) {
                let bases = mate.record.sequence.len() as u64;
                let is_removed = fate.reasons.iter().any(|reason| reason == Reason::Class);
                counts.add(&ClassCounts {
                    reads: 1,
                    bases,
                    removed: u64::from(is_removed),
                    removed_bases: if is_removed { bases } else { 0 },
                });
            }
        }
        if let Some((none, classes)) = classes.probabilities.split_last() {
            self.abundances.add_numbers(classes, *none);
        }
    }

    /// Adds the counts of later reads.
    pub(crate) fn merge(&mut self, later: &Self) {
        self.counts.resize(later.counts.len().max(self.counts.len()), ClassCounts::default());
        for (ours, theirs) in self.counts.iter_mut().zip(&later.counts) {
            ours.add(theirs);
        }
        self.abundances.merge(&later.abundances);
    }

    /// Returns what was counted of the classes.
    pub(crate) fn finish(&self, screen: Screen) -> ClassTotals {
        let names = screen.classes().names();
        let abundances = self.abundances.estimate(names.len());
        let names = names.iter().map(String::as_str).chain([NONE]);
        let classes = names.zip(abundances).enumerate().map(|(number, (name, abundance))| {
            let counts = self.counts.get(number).copied().unwrap_or_default();
            ClassTotal { name: name.to_owned(), counts, abundance }
        });
        ClassTotals { classes: classes.collect(), units: self.abundances.reads(), screen }
    }
}

/// What was counted of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassTotal {
    /// The name of the class, or `none`.
    pub name: String,
    /// Its reads.
    pub counts: ClassCounts,
    /// The fraction of the reads, or pairs, that come from it, with a 95 % interval. It is not that of the
    /// counts: reads that may be of several classes, and those of none that look like one, are divided.
    pub abundance: Abundance,
}

/// What was counted of all classes.
#[derive(Clone, Debug)]
pub struct ClassTotals {
    /// The classes in their order, and none at last.
    pub classes: Vec<ClassTotal>,
    /// Reads, or pairs, that the abundances are of.
    pub units: u64,
    /// The classes that reads were looked up in.
    pub screen: Screen,
}
