//! Whether what was learned is to be trusted.

use std::fmt;

use serde::Serialize;

use crate::evidence::EvidenceFindings;
use crate::findings::{Findings, HeldOut};
use crate::labels::{Label, Labels};
use crate::sample::RunSample;

/// Labelled bases, and wrong ones among them, below which nothing is learned.
const FEWEST_LABELLED: u64 = 40_000;
const FEWEST_WRONG: u64 = 150;
/// Wrong bases of held-out reads below which nobody can tell who judges better.
const FEWEST_HELD_WRONG: u64 = 30;

/// Positions of a genome below which what looks like a rule may be the place.
const FEWEST_POSITIONS: u64 = 300;

/// Share of mixed columns from which on labels are not to be trusted.
const MOST_MIXED: f64 = 0.35;

/// A cycle is faulty if it has this share of wrong bases and so many times that of the cycles
/// beside it; and it must be seen in so many reads.
const FAULTY: f64 = 0.2;
const FAULTY_TIMES: f64 = 3.0;
const FAULTY_READS: u64 = 200;

/// Cycles of a read that are looked at, from each end.
const CYCLES: usize = 1000;

/// Standard errors that a gain must be beyond.
const BEYOND: f64 = 1.5;

/// How much worse than reported quality the ranking of reads may be, as far as held-out reads tell;
/// and the fewest reads of each kind that tell.
const WORSE_RANKING: f64 = 0.005;
const FEWEST_RANKED: u64 = 50;

/// Share of the bases of which k-mers must know something to testify.
const FEWEST_KNOWN: f64 = 0.05;

/// Share of the reads that may be copies of others: an error that is copied stands.
const MOST_COPIES: f64 = 0.2;

/// Why what was learned of a run is not used.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Doubt {
    /// Too few bases can be checked against other reads.
    TooFewLabels {
        /// Labelled bases.
        labelled: u64,
        /// Wrong ones among them.
        wrong: u64,
        /// In how many reads a typical place is.
        depth: u64,
    },
    /// The reads are of very few places.
    FewPlaces {
        /// How many positions of a genome, about.
        positions: u64,
    },
    /// The reads do not agree on one or two sequences.
    MixedSequences {
        /// Share of the columns that are mixed.
        share: f64,
    },
    /// A cycle of the instrument failed.
    FaultyCycle {
        /// Which one, from 1.
        cycle: usize,
        /// Whether it is counted from the end of the read.
        from_end: bool,
        /// Share of its bases that are wrong.
        wrong: f64,
    },
    /// On held-out reads what was learned is no better than another judge.
    NoBetter {
        /// Than which.
        than: &'static str,
        /// By how much it is, in thousandths of a bit a base.
        millibits: f64,
        /// The standard error of that.
        standard_error: f64,
    },
    /// Other reads share hardly any k-mer with a read.
    FewShared {
        /// Share of the bases of which k-mers know something.
        share: f64,
    },
    /// Many reads are copies of others, byte for byte.
    Copies {
        /// Share of the reads that are.
        share: f64,
    },
    /// It ranks held-out reads worse than reported quality does.
    RanksWorse {
        /// Its AUC.
        adapted: f64,
        /// That of reported quality.
        reported: f64,
    },
}

/// Looks at what the labels are like, before anything is learned from them.
pub(crate) fn doubts_of_labels(
    findings: &Findings,
    sample: &RunSample,
    labels: &Labels,
) -> Vec<Doubt> {
    let Findings { labelled, labelled_by_mates, wrong, depth, positions, mixed_share, .. } =
        *findings;
    let mut doubts = Vec::new();
    if labelled < FEWEST_LABELLED || wrong < FEWEST_WRONG {
        return vec![Doubt::TooFewLabels { labelled, wrong, depth }];
    }
    // Mates overlap anywhere.
    if positions < FEWEST_POSITIONS && 2 * labelled_by_mates < labelled {
        doubts.push(Doubt::FewPlaces { positions });
    }
    if mixed_share > MOST_MIXED {
        doubts.push(Doubt::MixedSequences { share: mixed_share });
    }
    doubts.extend(faulty_cycle(sample, labels));
    doubts
}

/// Looks at how what was learned does on held-out reads.
pub(crate) fn doubts_of_learning(findings: &Findings) -> Vec<Doubt> {
    let (held, depth) = (&findings.held_out, findings.depth);
    if held.wrong < FEWEST_HELD_WRONG {
        return vec![Doubt::TooFewLabels { labelled: held.labelled, wrong: held.wrong, depth }];
    }
    let mut doubts = Vec::new();
    for (than, gain) in [
        ("reported quality", held.over_reported),
        ("the model that it started from", held.over_start),
    ] {
        if !gain.is_beyond(BEYOND) {
            doubts.push(Doubt::NoBetter {
                than,
                millibits: gain.millibits,
                standard_error: gain.standard_error,
            });
        }
    }
    let ranked = held.good_reads.min(held.bad_reads) >= FEWEST_RANKED;
    if ranked && held.adapted.auc < held.reported.auc - WORSE_RANKING {
        doubts.push(Doubt::RanksWorse { adapted: held.adapted.auc, reported: held.reported.auc });
    }
    doubts
}

/// Looks at whether the k-mers of a run may testify, given why it may not teach.
pub(crate) fn doubts_of_evidence(
    findings: &EvidenceFindings,
    of_run: &Findings,
    doubts: &[Doubt],
) -> Vec<Doubt> {
    let misleads = |doubt: &&Doubt| {
        matches!(
            doubt,
            Doubt::FewPlaces { .. } | Doubt::MixedSequences { .. } | Doubt::FaultyCycle { .. }
        )
    };
    let mut found: Vec<_> = doubts.iter().filter(misleads).cloned().collect();
    let share = of_run.copies_dropped as f64 / of_run.reads_seen.max(1) as f64;
    if share > MOST_COPIES {
        found.push(Doubt::Copies { share });
    }
    if findings.evaluable < FEWEST_KNOWN {
        found.push(Doubt::FewShared { share: findings.evaluable });
    }
    found
}

/// Returns whether reported quality does better on held-out reads than the model that training
/// started from.
pub(crate) fn reported_is_better(held: &HeldOut) -> bool {
    held.wrong >= FEWEST_HELD_WRONG && held.reported_over_start.is_beyond(BEYOND)
}

/// Labelled and wrong bases of a cycle.
#[derive(Clone, Copy, Default)]
struct Cycle {
    labelled: u64,
    wrong: u64,
}

impl Cycle {
    fn rate(self) -> f64 {
        self.wrong as f64 / self.labelled.max(1) as f64
    }
}

/// Returns the worst cycle, from either end, if it is faulty.
fn faulty_cycle(sample: &RunSample, labels: &Labels) -> Option<Doubt> {
    let mut cycles = [vec![Cycle::default(); CYCLES], vec![Cycle::default(); CYCLES]];
    for read in &sample.reads {
        for (at, label) in
            labels.of_bases()[read.start..read.start + read.length].iter().enumerate()
        {
            if *label == Label::Unknown {
                continue;
            }
            for (cycles, distance) in cycles.iter_mut().zip([at, read.length - 1 - at]) {
                if let Some(cycle) = cycles.get_mut(distance) {
                    cycle.labelled += 1;
                    cycle.wrong += u64::from(*label == Label::Wrong);
                }
            }
        }
    }
    let worst = |cycles: &[Cycle]| {
        let rates: Vec<_> = cycles
            .iter()
            .take_while(|cycle| cycle.labelled >= FAULTY_READS)
            .map(|cycle| cycle.rate())
            .collect();
        let (at, rate) = rates.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
        // Towards the end of a read errors may become many, but cycle by cycle.
        let beside = [at.checked_sub(1), Some(at + 1)]
            .into_iter()
            .flatten()
            .filter_map(|at| rates.get(at))
            .fold(0.0, |a: f64, b| a.max(*b));
        (rate > FAULTY.max(FAULTY_TIMES * beside)).then_some((at, rate))
    };
    let [from_start, from_end] = &cycles;
    [(worst(from_start), false), (worst(from_end), true)].into_iter().find_map(
        |(worst, from_end)| {
            worst.map(|(at, wrong)| Doubt::FaultyCycle { cycle: at + 1, from_end, wrong })
        },
    )
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewLabels { labelled, wrong, .. } if *labelled >= FEWEST_LABELLED => {
                write!(
                    f,
                    "other reads contradict only {wrong} of the {labelled} bases that can be checked, too few to learn from"
                )
            }
            Self::TooFewLabels { labelled, depth, .. } => {
                write!(
                    f,
                    "only {labelled} bases can be checked against other reads (a typical place is in {depth} of them)"
                )
            }
            Self::FewPlaces { positions } => {
                write!(
                    f,
                    "the reads are of about {positions} positions only, too few to tell rules from places"
                )
            }
            Self::MixedSequences { share } => {
                write!(
                    f,
                    "at {:.1} % of the positions the reads are of several minds, as in mixtures of strains",
                    100.0 * share
                )
            }
            Self::FaultyCycle { cycle, from_end, wrong } => {
                let end = if *from_end { " from the end" } else { "" };
                write!(
                    f,
                    "cycle {cycle}{end} is wrong in {:.0} % of the reads, which is a fault and no rule",
                    100.0 * wrong
                )
            }
            Self::NoBetter { than, millibits, standard_error } => {
                write!(
                    f,
                    "on reads held out it is no better than {than} (by {millibits:.2} ± {standard_error:.2} millibits a base)"
                )
            }
            Self::FewShared { share } => {
                write!(f, "other reads share k-mers with {:.1} % of the bases only", 100.0 * share)
            }
            Self::Copies { share } => {
                write!(
                    f,
                    "{:.0} % of the reads are copies of others, byte for byte, with their errors",
                    100.0 * share
                )
            }
            Self::RanksWorse { adapted, reported } => {
                write!(
                    f,
                    "on reads held out it ranks worse than reported quality (AUC {adapted:.3}, {reported:.3})"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kmers_do_not_testify_where_they_would_mislead_and_do_where_only_the_network_learned_nothing()
    {
        let known = EvidenceFindings { evaluable: 0.9, ..EvidenceFindings::default() };
        let run = Findings { reads_seen: 1000, copies_dropped: 100, ..Findings::default() };
        let misleading = [
            Doubt::FewPlaces { positions: 250 },
            Doubt::MixedSequences { share: 0.8 },
            Doubt::FaultyCycle { cycle: 7, from_end: false, wrong: 0.4 },
        ];
        for doubt in misleading {
            assert_eq!(doubts_of_evidence(&known, &run, std::slice::from_ref(&doubt)), [doubt]);
        }
        let harmless = [
            Doubt::TooFewLabels { labelled: 9, wrong: 1, depth: 3 },
            Doubt::NoBetter { than: "reported quality", millibits: 0.1, standard_error: 0.2 },
            Doubt::RanksWorse { adapted: 0.8, reported: 0.9 },
        ];
        assert_eq!(doubts_of_evidence(&known, &run, &harmless), []);
        let copied = Findings { copies_dropped: 300, ..run.clone() };
        assert_eq!(doubts_of_evidence(&known, &copied, &[]), [Doubt::Copies { share: 0.3 }]);
        let unknown = EvidenceFindings { evaluable: 0.01, ..known };
        assert_eq!(doubts_of_evidence(&unknown, &run, &[]), [Doubt::FewShared { share: 0.01 }]);
    }
}
