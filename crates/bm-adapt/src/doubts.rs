//! Reasons not to use what was learned of a run.

use std::fmt;

use bm_long::Scale;
use bm_quality::FailedCycle;
use serde::Serialize;

use crate::findings::{EvidenceFindings, Findings, HeldOut};
use crate::held_out::Gain;
use crate::labels::{Label, Labels};
use crate::not_errors::{Differences, rate_of_others};
use crate::sample::RunSample;

/// Fewest labelled bases, and fewest wrong ones among them, to learn from.
const FEWEST_LABELLED: u64 = 40_000;
const FEWEST_WRONG: u64 = 150;
/// Fewest of the sample's bases that are labelled, as a fraction: the others may be of other sequences,
/// such as rare transcripts beside frequent ones, or unique ones beside repeats.
const FEWEST_OF_SAMPLE: f64 = 0.2;

/// Fewest wrong bases in held-out reads to compare models.
const FEWEST_HELD_WRONG: u64 = 30;

/// Fewest positions of a genome: below, effects of the sequence look like error patterns.
const FEWEST_POSITIONS: u64 = 300;

/// Highest fraction of mixed columns for which labels are reliable.
const MOST_MIXED: f64 = 0.35;

/// Standard errors that a gain must exceed.
const BEYOND: f64 = 1.5;

/// How much lower the AUC may be than that of the reported qualities, and the fewest good and bad
/// reads for the comparison.
const WORSE_RANKING: f64 = 0.005;
const FEWEST_RANKED: u64 = 50;

/// How much higher the log loss of an adapted model may be than that of the run's own error rate of
/// each quality, as a fraction of it.
const WORSE_THAN_TABLE: f64 = 0.01;

/// Lowest fraction of covered bases for which k-mer evidence is used.
const FEWEST_COVERED: f64 = 0.05;

/// Fewest k-mers of long reads in memory, as a fraction: with a quarter of them, a run of which few
/// reads lie over each other was ranked worse than by its qualities (`research/long-reads`).
const FEWEST_IN_MEMORY: f64 = 0.5;

/// Why the adapted model, or the k-mer evidence, is not used.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Doubt {
    /// Too few bases can be checked against other reads, or too few of them are wrong.
    TooFewLabels {
        /// Labelled bases.
        labelled: u64,
        /// Wrong bases among them.
        wrong: u64,
        /// Median depth, in reads per position.
        depth: u64,
    },
    /// The reads are long and have many gaps: they do not align base by base.
    Gaps {
        /// Errors per base that their qualities report.
        error_rate: f64,
    },
    /// Too few of the run's k-mers fit in memory.
    FewInMemory {
        /// Fraction of the k-mers that were counted.
        #[serde(rename = "share")]
        fraction: f64,
    },
    /// The bases that can be checked are too small a part of the run to stand for it.
    FewOfRun {
        /// Fraction of the bases that can be checked.
        #[serde(rename = "share")]
        fraction: f64,
        /// Median depth, in reads per position.
        depth: u64,
    },
    /// The reads cover very few positions.
    FewPlaces {
        /// Number of positions, about.
        positions: u64,
    },
    /// The reads do not agree on one or two sequences.
    MixedSequences {
        /// Fraction of positions where they disagree.
        #[serde(rename = "share")]
        fraction: f64,
        /// Whether the reads are long or like Nanopore's: their gaps are the reason then.
        long_reads: bool,
    },
    /// A cycle of the instrument failed, and the k-mers could not be counted again without it.
    FailedCycle {
        /// 1, or 2 for the cycles of second mates.
        mate: u8,
        /// Number of the cycle, from 1.
        cycle: usize,
        /// Fraction of its bases that are wrong.
        wrong: f32,
    },
    /// On held-out reads the adapted model is no better than an alternative.
    NoBetter {
        /// The alternative.
        than: &'static str,
        /// Gain in log loss, in thousandths of a bit per base.
        millibits: f64,
        /// Standard error of the gain.
        standard_error: f64,
    },
    /// K-mers of other reads cover hardly any bases.
    FewShared {
        /// Fraction of covered bases.
        #[serde(rename = "share")]
        fraction: f64,
    },
    /// Bases of the highest quality differ from other reads more often than any instrument errs, and
    /// hardly less often than bases of lower quality: the differences are in the library.
    NotErrors {
        /// Fraction of the bases of the highest quality that differ.
        #[serde(rename = "share")]
        fraction: f64,
    },
    /// The adapted model ranks held-out reads worse than the reported qualities do.
    RanksWorse {
        /// AUC of the adapted model.
        adapted: f64,
        /// AUC of the reported qualities.
        reported: f64,
    },
}

impl Doubt {
    /// Returns the doubt about k-mers that were counted with a failed cycle.
    pub fn of_cycle(failed: &FailedCycle) -> Self {
        let FailedCycle { mate, cycle, wrong, .. } = *failed;
        Self::FailedCycle { mate, cycle, wrong }
    }
}

/// Returns doubts about the labels, before learning from them.
pub(crate) fn doubts_of_labels(
    findings: &Findings,
    sample: &RunSample,
    labels: &Labels,
) -> Vec<Doubt> {
    let Findings { labelled, labelled_by_mates, wrong, depth, positions, mixed_share, .. } =
        *findings;
    if let Some(error_rate) = labels.gaps() {
        return vec![Doubt::Gaps { error_rate }];
    }
    let mut doubts = Vec::new();
    if labelled < FEWEST_LABELLED || wrong < FEWEST_WRONG {
        return vec![Doubt::TooFewLabels { labelled, wrong, depth }];
    }
    let fraction = labelled as f64 / findings.bases_kept.max(1) as f64;
    if fraction < FEWEST_OF_SAMPLE {
        return vec![Doubt::FewOfRun { fraction, depth }];
    }
    // Labels by mates do not depend on the number of positions.
    if positions < FEWEST_POSITIONS && 2 * labelled_by_mates < labelled {
        doubts.push(Doubt::FewPlaces { positions });
    }
    if mixed_share > MOST_MIXED {
        let long_reads = sample.are_long();
        doubts.push(Doubt::MixedSequences { fraction: mixed_share, long_reads });
    }
    let not_errors = rate_of_others(&differences(sample, labels));
    add_not_errors(&mut doubts, not_errors);
    doubts
}

/// Adds the doubt about this fraction of differences that are not errors, unless another doubt explains
/// them.
pub(crate) fn add_not_errors(doubts: &mut Vec<Doubt>, fraction: Option<f64>) {
    let explains =
        |doubt: &Doubt| matches!(doubt, Doubt::MixedSequences { .. } | Doubt::NotErrors { .. });
    if let Some(fraction) = fraction.filter(|_| !doubts.iter().any(explains)) {
        doubts.push(Doubt::NotErrors { fraction });
    }
}

/// Returns the labelled bases by reported quality, and those that are wrong or differ as no errors do,
/// without failed cycles.
fn differences(sample: &RunSample, labels: &Labels) -> Vec<Differences> {
    let mut counts = [[0_u64; 2]; 256];
    for (at, (score, label)) in sample.scores.iter().zip(labels.of_bases()).enumerate() {
        let differs = match label {
            // Bases of all qualities are wrong in a failed cycle.
            _ if sample.is_hidden(at) => continue,
            Label::Right => false,
            Label::Wrong => true,
            Label::Unknown if labels.is_unlike_errors(at) => true,
            Label::Unknown => continue,
        };
        let [bases, differ] = &mut counts[usize::from(*score)];
        *bases += 1;
        *differ += u64::from(differs);
    }
    Differences::by_quality(&counts)
}

/// Returns doubts about the adapted model, from the comparison on held-out reads.
pub(crate) fn doubts_of_learning(findings: &Findings) -> Vec<Doubt> {
    let (held, depth) = (&findings.held_out, findings.depth);
    if held.wrong < FEWEST_HELD_WRONG {
        return vec![Doubt::TooFewLabels { labelled: held.labelled, wrong: held.wrong, depth }];
    }
    let mut doubts = Vec::new();
    for (than, gain) in
        [("reported quality", held.over_reported), ("the base model", held.over_start)]
    {
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

/// Returns whether labels show the error rate of a run in which all bases have one quality, even if
/// there are too few errors to learn from.
pub(crate) fn rate_is_known(findings: &Findings, doubts: &[Doubt]) -> bool {
    findings.labelled >= FEWEST_LABELLED && matches!(doubts, [Doubt::TooFewLabels { .. }])
}

/// Returns whether the run's own error rate of each quality is better on held-out reads than the
/// reported qualities and, if the base model applies to the run, than the base model.
pub(crate) fn table_is_better(held: &HeldOut, start_applies: bool) -> bool {
    held.wrong >= FEWEST_HELD_WRONG
        && held.table_over_reported.is_beyond(BEYOND)
        && (!start_applies || held.table_over_start.is_beyond(BEYOND))
}

/// Returns the doubt about an adapted model that is worse than the run's own error rate of each
/// quality. Where the qualities say all there is to say, the two are about equally good.
pub(crate) fn doubt_over_table(held: &HeldOut) -> Option<Doubt> {
    let Gain { millibits, standard_error } = held.over_table;
    let loss = Gain { millibits: -millibits, standard_error };
    let is_worse =
        loss.is_beyond(BEYOND) && loss.millibits > WORSE_THAN_TABLE * held.table.log_loss_millibits;
    let than = "the run's own error rate of each quality";
    is_worse.then_some(Doubt::NoBetter { than, millibits, standard_error })
}

/// Returns doubts about the k-mer evidence, given the doubts about the adapted model.
pub(crate) fn doubts_of_evidence(findings: &EvidenceFindings, doubts: &[Doubt]) -> Vec<Doubt> {
    // Few places, as those of an amplicon, do not mislead: a base is contradicted by other reads of the
    // same place.
    let misleads =
        |doubt: &&Doubt| matches!(doubt, Doubt::MixedSequences { .. } | Doubt::NotErrors { .. });
    let mut found: Vec<_> = doubts.iter().filter(misleads).cloned().collect();
    if findings.evaluable < FEWEST_COVERED {
        found.push(Doubt::FewShared { fraction: findings.evaluable });
    }
    found
}

/// Returns doubts about the k-mer evidence of long reads: too few of them lie over each other, or too few
/// of their k-mers fit in memory.
pub(crate) fn doubts_of_read_support(findings: &EvidenceFindings, scale: &Scale) -> Vec<Doubt> {
    if findings.share < FEWEST_IN_MEMORY {
        return vec![Doubt::FewInMemory { fraction: findings.share }];
    }
    let doubt = Doubt::FewShared { fraction: findings.evaluable };
    if scale.share > 0.0 { Vec::new() } else { vec![doubt] }
}

/// Returns whether the reported qualities are better on held-out reads than the base model.
pub(crate) fn reported_is_better(held: &HeldOut) -> bool {
    held.wrong >= FEWEST_HELD_WRONG && held.reported_over_start.is_beyond(BEYOND)
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewLabels { labelled, wrong, .. } if *labelled >= FEWEST_LABELLED => {
                write!(
                    f,
                    "other reads contradict only {wrong} of the {labelled} bases that can be \
                     checked, too few errors to learn from"
                )
            }
            Self::TooFewLabels { labelled, depth, .. } => {
                write!(
                    f,
                    "only {labelled} bases can be checked against other reads \
                     (median depth {depth})"
                )
            }
            Self::Gaps { error_rate } => {
                write!(
                    f,
                    "the reads are long and report {:.1} % errors, most of them gaps, so they do not \
                     align base by base",
                    100.0 * error_rate
                )
            }
            Self::FewInMemory { fraction } => {
                write!(
                    f,
                    "only 1 in {:.0} k-mers of the run fit in memory; give it more with --max-memory",
                    1.0 / fraction
                )
            }
            Self::FewOfRun { fraction, depth } => {
                write!(
                    f,
                    "only {:.1} % of the bases can be checked against other reads (median depth \
                     {depth}), too few to stand for the run",
                    100.0 * fraction
                )
            }
            Self::FewPlaces { positions } => {
                write!(
                    f,
                    "the reads cover only about {positions} positions, \
                     too few to separate error patterns from effects of the sequence"
                )
            }
            Self::MixedSequences { fraction, long_reads } => {
                let reason = if *long_reads {
                    "long reads have gaps, most of them in homopolymers, and do not align in columns"
                } else {
                    "mixed strains or samples, or repeats"
                };
                write!(f, "reads disagree at {:.1} % of positions: {reason}", 100.0 * fraction)
            }
            Self::FailedCycle { mate, cycle, wrong } => {
                write!(
                    f,
                    "cycle {cycle} of mate {mate} failed ({:.0} % wrong), and a stream cannot be read \
                     again to count k-mers without it; give the run as a file",
                    100.0 * wrong
                )
            }
            Self::NotErrors { fraction } => {
                write!(
                    f,
                    "{:.2} % of the bases of the highest quality differ from other reads, and \
                     hardly more of those of lower quality: mutations of the library, joined \
                     segments or damaged DNA, not errors of sequencing",
                    100.0 * fraction
                )
            }
            Self::NoBetter { than, millibits, standard_error } => {
                write!(
                    f,
                    "on held-out reads the adapted model is no better than {than} \
                     (gain {millibits:.2} ± {standard_error:.2} millibits per base)"
                )
            }
            Self::FewShared { fraction } => {
                write!(f, "k-mers of other reads cover only {:.1} % of bases", 100.0 * fraction)
            }
            Self::RanksWorse { adapted, reported } => {
                write!(
                    f,
                    "on held-out reads the adapted model ranks reads worse than reported quality \
                     (AUC {adapted:.3}, reported {reported:.3})"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::Sampler;

    #[test]
    fn evidence_is_not_used_where_it_misleads_and_is_used_where_only_the_network_learned_nothing() {
        let covered = EvidenceFindings { evaluable: 0.9, ..EvidenceFindings::default() };
        let misleading = [
            Doubt::MixedSequences { fraction: 0.8, long_reads: false },
            Doubt::NotErrors { fraction: 0.01 },
        ];
        for doubt in misleading {
            assert_eq!(doubts_of_evidence(&covered, std::slice::from_ref(&doubt)), [doubt]);
        }
        let harmless = [
            Doubt::FewPlaces { positions: 250 },
            Doubt::TooFewLabels { labelled: 9, wrong: 1, depth: 3 },
            Doubt::NoBetter { than: "reported quality", millibits: 0.1, standard_error: 0.2 },
            Doubt::RanksWorse { adapted: 0.8, reported: 0.9 },
        ];
        assert_eq!(doubts_of_evidence(&covered, &harmless), []);
        let uncovered = EvidenceFindings { evaluable: 0.01, ..covered };
        assert_eq!(doubts_of_evidence(&uncovered, &[]), [Doubt::FewShared { fraction: 0.01 }]);
    }

    #[test]
    fn differences_are_not_named_where_another_doubt_explains_them() {
        let mut found = Vec::new();
        add_not_errors(&mut found, None);
        add_not_errors(&mut found, Some(0.01));
        add_not_errors(&mut found, Some(0.02));
        assert_eq!(found, [Doubt::NotErrors { fraction: 0.01 }]);
        let mixed = Doubt::MixedSequences { fraction: 0.8, long_reads: true };
        let mut found = vec![mixed.clone()];
        add_not_errors(&mut found, Some(0.01));
        assert_eq!(found, [mixed]);
    }

    #[test]
    fn long_reads_and_qualities_like_nanopores_are_recognised() {
        let sample = |reads: usize, length: usize, score: &dyn Fn(usize) -> u8| {
            let mut sampler = Sampler::new(RunSample::ROOM);
            for number in 0..reads {
                let at = |i: usize| number * 131 + i;
                let sequence: Vec<u8> =
                    (0..length).map(|i| b"ACGT"[(at(i) * at(i) / 7 + i) % 4]).collect();
                let quality: Vec<u8> = (0..length).map(|i| b'!' + score(at(i))).collect();
                let read =
                    bm_reads::ReadRef { name: b"r", sequence: &sequence, quality_scores: &quality };
                sampler.observe(read).expect("a valid read");
            }
            let sample = sampler.finish();
            assert!(!sample.reads.is_empty());
            sample
        };
        // HiFi; Nanopore; mates that were merged; Illumina; Ion Torrent.
        assert!(sample(20, 2_000, &|i| 30 + (i % 60) as u8).are_long());
        assert!(sample(60, 400, &|i| 2 + (i % 48) as u8).are_long());
        assert!(!sample(60, 450, &|i| 20 + (i % 55) as u8).are_long());
        assert!(!sample(60, 150, &|i| b"\x02\x0b\x19\x25"[i % 4]).are_long());
        assert!(!sample(60, 200, &|i| 2 + (i % 44) as u8).are_long());
        assert!(!Sampler::new(RunSample::ROOM).finish().are_long());
        // Only those with many errors have too many gaps to align.
        let mut hifi = sample(20, 2_000, &|i| 30 + (i % 60) as u8);
        assert_eq!(Labels::of_run(&mut hifi, 1).gaps(), None);
        let mut nanopore = sample(60, 400, &|i| 2 + (i % 48) as u8);
        let labels = Labels::of_run(&mut nanopore, 1);
        let gaps = labels.gaps().expect("many errors");
        assert!((0.05..0.07).contains(&gaps), "{gaps}");
        assert_eq!(labels.of_bases().len(), nanopore.bases.len());
        let doubts = doubts_of_labels(&Findings::default(), &nanopore, &labels);
        assert_eq!(doubts, [Doubt::Gaps { error_rate: gaps }]);
        let mut short = sample(60, 150, &|i| b"\x02\x0b\x19\x25"[i % 4]);
        assert_eq!(Labels::of_run(&mut short, 1).gaps(), None);
    }

    #[test]
    fn kmers_of_long_reads_are_not_used_where_few_of_them_fit_in_memory() {
        let scale = Scale { share: 0.9, ..Scale::default() };
        let of = |share| EvidenceFindings { share, evaluable: 0.9, ..EvidenceFindings::default() };
        assert_eq!(doubts_of_read_support(&of(1.0), &scale), []);
        assert_eq!(doubts_of_read_support(&of(0.5), &scale), []);
        let doubts = doubts_of_read_support(&of(0.25), &scale);
        assert_eq!(doubts, [Doubt::FewInMemory { fraction: 0.25 }]);
        assert!(doubts[0].to_string().starts_with("only 1 in 4 k-mers of the run fit in memory"));
    }

    #[test]
    fn the_reason_of_mixed_sequences_suits_the_reads() {
        let said = |long_reads| Doubt::MixedSequences { fraction: 0.5, long_reads }.to_string();
        assert!(said(true).contains("gaps") && !said(true).contains("strains"));
        assert!(said(false).contains("strains") && !said(false).contains("long"));
    }

    #[test]
    fn the_json_of_a_doubt_keeps_its_keys() {
        let json = serde_json::to_string(&Doubt::FewShared { fraction: 0.3 }).expect("JSON");
        assert_eq!(json, r#"{"reason":"few-shared","share":0.3}"#);
    }
}
