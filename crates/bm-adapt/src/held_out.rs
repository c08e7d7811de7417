//! Candidate models compared on held-out reads, by the run's own labels.

use std::ops::Range;

use serde::{Deserialize, Deserializer, Serialize};

use crate::calibration::Calibration;
use crate::examples::{Codes, fold_of};
use crate::labels::{Label, Labels};
use crate::network::{Network, Scores, Surroundings, Tables, log_loss, sigmoid};
use crate::read_weight::read_weight;
use crate::sample::RunSample;

/// A read with a higher error rate is bad.
const BAD: f64 = 0.01;

/// Fraction of labelled bases from which on a read counts for the AUC.
const LABELLED: f64 = 0.5;

/// The candidates, in the order of every array here.
pub(crate) const CANDIDATES: [&str; 4] = ["reported", "start", "table", "adapted"];
pub(crate) const REPORTED: usize = 0;
pub(crate) const START: usize = 1;
pub(crate) const TABLE: usize = 2;
pub(crate) const ADAPTED: usize = 3;

/// Measures of a candidate on held-out reads.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Figures {
    /// Mean log loss per labelled base, in thousandths of a bit.
    pub log_loss_millibits: f64,
    /// log2(expected errors / wrong bases); 0 is calibrated, and no finite number without errors.
    #[serde(deserialize_with = "number_or_nan")]
    pub log2_ratio: f64,
    /// P(a bad read has more expected errors per base than a good one); NaN without reads of both
    /// kinds.
    #[serde(deserialize_with = "number_or_nan")]
    pub auc: f64,
}

/// Reads a number; JSON has `null` for one that is not finite.
fn number_or_nan<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or(f64::NAN))
}

/// How much lower the log loss of one candidate is than that of another.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Gain {
    /// The difference, in thousandths of a bit per base.
    pub millibits: f64,
    /// Its standard error; reads are the independent observations.
    pub standard_error: f64,
}

/// Held-out reads with the sums of all candidates.
#[derive(Default)]
pub(crate) struct HeldOutReads {
    reads: Vec<HeldOutRead>,
}

/// The sums of a held-out read. Disputes of two mates are counted with the first one.
#[derive(Default)]
struct HeldOutRead {
    bases: f64,
    labelled: f64,
    wrong: f64,
    expected: [f64; CANDIDATES.len()],
    /// In nats.
    loss: [f64; CANDIDATES.len()],
}

/// The candidate models.
pub(crate) struct Candidates<'a> {
    pub(crate) scores: &'a Scores,
    pub(crate) calibration: &'a Calibration,
    pub(crate) start: Tables,
    pub(crate) adapted: Tables,
}

impl<'a> Candidates<'a> {
    pub(crate) fn new(
        scores: &'a Scores,
        calibration: &'a Calibration,
        start: &Network,
        adapted: &Network,
    ) -> Self {
        Self {
            scores,
            calibration,
            start: Tables::of(start, scores),
            adapted: Tables::of(adapted, scores),
        }
    }

    /// Returns the log-odds of an error by each candidate, in the order of [`CANDIDATES`].
    pub(crate) fn logits(&self, around: &Surroundings) -> [f32; CANDIDATES.len()] {
        [
            self.scores.log_odds(around),
            self.start.logit(around, self.scores),
            self.calibration.logit(around.score()),
            self.adapted.logit(around, self.scores),
        ]
    }
}

impl HeldOutReads {
    /// Evaluates all candidates on the labelled bases of a fold's reads, among the reads `range` of
    /// the sample.
    ///
    /// Calls `take` for each such base: codes of the read, position, whether the base is wrong,
    /// error probabilities by the candidates, weight of the read.
    pub(crate) fn add(
        &mut self,
        sample: &RunSample,
        labels: &Labels,
        fold: u64,
        range: Range<usize>,
        candidates: &Candidates<'_>,
        mut take: impl FnMut(&[u16], usize, bool, [f32; CANDIDATES.len()], f64),
    ) {
        let (mut codes, mut mates) = (Codes::default(), Codes::default());
        let start = sample.reads.get(range.start).map_or(0, |kept| kept.start);
        let (_, mut disputes) = labels
            .disputes()
            .split_at(labels.disputes().partition_point(|dispute| dispute.first < start));
        for (index, kept) in sample.reads.iter().enumerate().take(range.end).skip(range.start) {
            let mine = disputes
                .iter()
                .take_while(|dispute| dispute.first < kept.start + kept.length)
                .count();
            let (here, rest) =
                if kept.has_mate { disputes.split_at(mine) } else { (&[][..], disputes) };
            disputes = rest;
            if fold_of(kept.key) != fold {
                continue;
            }
            let codes = codes.of(sample, index);
            let mut read = HeldOutRead { bases: codes.len() as f64, ..HeldOutRead::default() };
            let labels = &labels.of_bases()[kept.start..kept.start + codes.len()];
            let weight = read_weight(labels, sample.kmers_per_anchor());
            for (at, label) in labels.iter().enumerate() {
                let wrong = match label {
                    Label::Unknown => continue,
                    label => *label == Label::Wrong,
                };
                let logits = candidates.logits(&Surroundings::of(codes, at));
                take(codes, at, wrong, read.add(logits, wrong), weight);
            }
            if !here.is_empty() {
                let (mates, mate) = (mates.of(sample, index + 1), sample.reads[index + 1]);
                for dispute in here {
                    let ours =
                        candidates.logits(&Surroundings::of(codes, dispute.first - kept.start));
                    let theirs =
                        candidates.logits(&Surroundings::of(mates, dispute.second - mate.start));
                    read.add_dispute(ours, theirs);
                }
            }
            if read.labelled > 0.0 {
                read.scale(weight);
                self.reads.push(read);
            }
        }
    }

    /// Adds the reads of another one.
    pub(crate) fn merge(&mut self, others: Self) {
        self.reads.extend(others.reads);
    }

    pub(crate) fn reads(&self) -> usize {
        self.reads.len()
    }

    pub(crate) fn labelled(&self) -> f64 {
        self.reads.iter().map(|read| read.labelled).sum()
    }

    pub(crate) fn wrong(&self) -> f64 {
        self.reads.iter().map(|read| read.wrong).sum()
    }

    /// Returns the measures of a candidate.
    pub(crate) fn figures(&self, candidate: usize) -> Figures {
        let loss: f64 = self.reads.iter().map(|read| read.loss[candidate]).sum();
        let expected: f64 = self.reads.iter().map(|read| read.expected[candidate]).sum();
        Figures {
            log_loss_millibits: millibits(loss / self.labelled().max(1.0)),
            log2_ratio: (expected / self.wrong().max(0.5)).log2(),
            auc: self.auc(candidate),
        }
    }

    /// Returns the numbers of good and of bad reads, of those that count for the AUC.
    pub(crate) fn good_and_bad(&self) -> (usize, usize) {
        let bad = self.ranked().filter(|read| read.is_bad()).count();
        (self.ranked().count() - bad, bad)
    }

    fn ranked(&self) -> impl Iterator<Item = &HeldOutRead> {
        self.reads.iter().filter(|read| read.labelled >= LABELLED * read.bases)
    }

    fn auc(&self, candidate: usize) -> f64 {
        let mut ranked: Vec<_> = self
            .ranked()
            .map(|read| (read.expected[candidate] / read.labelled, read.is_bad()))
            .collect();
        ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let (good, bad) = self.good_and_bad();
        let (mut before, mut pairs) = (0.0, 0.0);
        for tie in ranked.chunk_by(|a, b| a.0 == b.0) {
            let bad = tie.iter().filter(|(_, is_bad)| *is_bad).count() as f64;
            let good = tie.len() as f64 - bad;
            pairs += bad * (before + good / 2.0);
            before += good;
        }
        pairs / (good as f64 * bad as f64)
    }

    /// Returns how much lower the log loss of `candidate` is than that of `other`.
    pub(crate) fn gain(&self, candidate: usize, other: usize) -> Gain {
        let labelled = self.labelled().max(1.0);
        let mean =
            self.reads.iter().map(|read| read.loss[other] - read.loss[candidate]).sum::<f64>()
                / labelled;
        // The variance of a ratio of sums, with reads as the independent observations.
        let squares: f64 = self
            .reads
            .iter()
            .map(|read| (read.loss[other] - read.loss[candidate] - mean * read.labelled).powi(2))
            .sum();
        let reads = self.reads.len() as f64;
        let variance = squares * reads / (reads - 1.0).max(1.0) / (labelled * labelled);
        Gain { millibits: millibits(mean), standard_error: millibits(variance.sqrt()) }
    }
}

impl HeldOutRead {
    /// Adds a labelled base; returns its error probability by each candidate.
    fn add(&mut self, logits: [f32; CANDIDATES.len()], wrong: bool) -> [f32; CANDIDATES.len()] {
        self.labelled += 1.0;
        self.wrong += f64::from(u8::from(wrong));
        for (candidate, logit) in logits.into_iter().enumerate() {
            self.expected[candidate] += f64::from(sigmoid(logit));
            self.loss[candidate] += log_loss(logit, wrong);
        }
        logits.map(sigmoid)
    }

    /// Multiplies all sums by the weight of the read.
    fn scale(&mut self, weight: f64) {
        for sum in [&mut self.bases, &mut self.labelled, &mut self.wrong]
            .into_iter()
            .chain(&mut self.expected)
            .chain(&mut self.loss)
        {
            *sum *= weight;
        }
    }

    /// Adds two bases of which exactly one is wrong: P = p (1 − q) + q (1 − p).
    fn add_dispute(&mut self, ours: [f32; CANDIDATES.len()], theirs: [f32; CANDIDATES.len()]) {
        self.labelled += 2.0;
        self.wrong += 1.0;
        for (candidate, (ours, theirs)) in ours.into_iter().zip(theirs).enumerate() {
            let (p, q) = (f64::from(sigmoid(ours)), f64::from(sigmoid(theirs)));
            self.expected[candidate] += p + q;
            self.loss[candidate] -= (p * (1.0 - q) + q * (1.0 - p)).ln();
        }
    }

    fn is_bad(&self) -> bool {
        self.wrong > BAD * self.labelled
    }
}

impl Gain {
    /// Returns whether the gain exceeds this many standard errors.
    pub(crate) fn is_beyond(&self, errors: f64) -> bool {
        self.millibits > errors * self.standard_error
    }
}

fn millibits(nats: f64) -> f64 {
    1000.0 * nats / std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs without errors, or without bad reads, have figures that are no numbers.
    #[test]
    fn figures_that_are_no_numbers_can_be_read_back() -> Result<(), serde_json::Error> {
        let written = Figures { log_loss_millibits: 0.5, log2_ratio: f64::NAN, auc: f64::NAN };
        let read: Figures = serde_json::from_str(&serde_json::to_string(&written)?)?;
        assert!(read.log2_ratio.is_nan() && read.auc.is_nan());
        assert!((read.log_loss_millibits - 0.5).abs() < 1e-12);
        Ok(())
    }
}
