//! How well several judges of bases do on reads that none of them learned from, by the run's own
//! labels.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::examples::{Codes, fold_of};
use crate::labels::{Label, Labels};
use crate::network::{Network, Scores, Surroundings, Tables, log_loss, sigmoid};
use crate::sample::RunSample;
use crate::standing::standing;

/// A read is bad with more than this share of wrong bases.
const BAD: f64 = 0.01;

/// A read has a say about ranking if at least this share of its bases is labelled.
const LABELLED: f64 = 0.5;

/// Who judges, in the order of every array here.
pub(crate) const JUDGES: [&str; 4] = ["reported", "start", "table", "adapted"];
pub(crate) const REPORTED: usize = 0;
pub(crate) const START: usize = 1;
pub(crate) const TABLE: usize = 2;
pub(crate) const ADAPTED: usize = 3;

/// How a judge does on held-out reads.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Figures {
    /// Mean log loss of a labelled base, in thousandths of a bit.
    pub log_loss_millibits: f64,
    /// Expected over labelled errors, log2.
    pub log2_ratio: f64,
    /// P(a bad read has more expected errors a base than a good one); NaN without reads of both
    /// kinds.
    pub auc: f64,
}

/// How much lower a judge's log loss is than another's.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Gain {
    /// In thousandths of a bit a base.
    pub millibits: f64,
    /// Its standard error, over reads.
    pub standard_error: f64,
}

/// Held-out reads and what the judges say of them.
#[derive(Default)]
pub(crate) struct Held {
    reads: Vec<Read>,
}

/// A read that is held out; what it and its mate contradict each other about is with the first of
/// them.
#[derive(Default)]
struct Read {
    bases: f64,
    labelled: f64,
    wrong: f64,
    expected: [f64; JUDGES.len()],
    /// In nats.
    loss: [f64; JUDGES.len()],
}

/// What judges a base.
pub(crate) struct Judges<'a> {
    pub(crate) scores: &'a Scores,
    pub(crate) calibration: &'a Calibration,
    pub(crate) start: Tables,
    pub(crate) adapted: Tables,
}

impl<'a> Judges<'a> {
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

    /// Returns the log-odds of an error by each judge.
    pub(crate) fn logits(&self, around: &Surroundings) -> [f32; JUDGES.len()] {
        [
            self.scores.log_odds(around),
            self.start.logit(around, self.scores),
            self.calibration.logit(around.score()),
            self.adapted.logit(around, self.scores),
        ]
    }
}

impl Held {
    /// Asks every judge about every labelled base of those reads that are among `some` of the
    /// sample and of a part, and calls `take` with each of them and how many it stands for.
    pub(crate) fn add(
        &mut self,
        sample: &RunSample,
        labels: &Labels,
        fold: u64,
        some: Range<usize>,
        judges: &Judges<'_>,
        mut take: impl FnMut(&[u16], usize, bool, [f32; JUDGES.len()], f64),
    ) {
        let (mut codes, mut mates) = (Codes::default(), Codes::default());
        let start = sample.reads.get(some.start).map_or(0, |kept| kept.start);
        let (_, mut disputes) = labels
            .disputes()
            .split_at(labels.disputes().partition_point(|dispute| dispute.first < start));
        for (index, kept) in sample.reads.iter().enumerate().take(some.end).skip(some.start) {
            let mine = disputes
                .iter()
                .take_while(|dispute| dispute.first < kept.start + kept.length)
                .count();
            let (here, rest) =
                if kept.has_mate { disputes.split_at(mine) } else { (&[][..], disputes) };
            disputes = rest;
            if fold_of(kept.template) != fold {
                continue;
            }
            let codes = codes.of(sample, index);
            let mut read = Read { bases: codes.len() as f64, ..Read::default() };
            let labels = &labels.of_bases()[kept.start..kept.start + codes.len()];
            let stands_for = standing(labels, sample.kmers_an_anchor());
            for (at, label) in labels.iter().enumerate() {
                let wrong = match label {
                    Label::Unknown => continue,
                    label => *label == Label::Wrong,
                };
                let logits = judges.logits(&Surroundings::of(codes, at));
                take(codes, at, wrong, read.add(logits, wrong), stands_for);
            }
            if !here.is_empty() {
                let (mates, mate) = (mates.of(sample, index + 1), sample.reads[index + 1]);
                for dispute in here {
                    let ours = judges.logits(&Surroundings::of(codes, dispute.first - kept.start));
                    let theirs =
                        judges.logits(&Surroundings::of(mates, dispute.second - mate.start));
                    read.add_dispute(ours, theirs);
                }
            }
            if read.labelled > 0.0 {
                read.stand_for(stands_for);
                self.reads.push(read);
            }
        }
    }

    /// Adds other reads.
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

    /// Returns how a judge does.
    pub(crate) fn figures(&self, judge: usize) -> Figures {
        let loss: f64 = self.reads.iter().map(|read| read.loss[judge]).sum();
        let expected: f64 = self.reads.iter().map(|read| read.expected[judge]).sum();
        Figures {
            log_loss_millibits: millibits(loss / self.labelled().max(1.0)),
            log2_ratio: (expected / self.wrong().max(0.5)).log2(),
            auc: self.auc(judge),
        }
    }

    /// Returns how many reads are good and how many are bad, of those that have a say about
    /// ranking.
    pub(crate) fn good_and_bad(&self) -> (usize, usize) {
        let bad = self.ranked().filter(|read| read.is_bad()).count();
        (self.ranked().count() - bad, bad)
    }

    fn ranked(&self) -> impl Iterator<Item = &Read> {
        self.reads.iter().filter(|read| read.labelled >= LABELLED * read.bases)
    }

    fn auc(&self, judge: usize) -> f64 {
        let mut ranked: Vec<_> = self
            .ranked()
            .map(|read| (read.expected[judge] / read.labelled, read.is_bad()))
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

    /// Returns how much lower the log loss of `judge` is than that of `other`.
    pub(crate) fn gain(&self, judge: usize, other: usize) -> Gain {
        let labelled = self.labelled().max(1.0);
        let mean = self.reads.iter().map(|read| read.loss[other] - read.loss[judge]).sum::<f64>()
            / labelled;
        // Of a ratio of sums; reads are drawn, not bases.
        let squares: f64 = self
            .reads
            .iter()
            .map(|read| (read.loss[other] - read.loss[judge] - mean * read.labelled).powi(2))
            .sum();
        let reads = self.reads.len() as f64;
        let variance = squares * reads / (reads - 1.0).max(1.0) / (labelled * labelled);
        Gain { millibits: millibits(mean), standard_error: millibits(variance.sqrt()) }
    }
}

impl Read {
    /// Adds a labelled base; returns the probability of an error by each judge.
    fn add(&mut self, logits: [f32; JUDGES.len()], wrong: bool) -> [f32; JUDGES.len()] {
        self.labelled += 1.0;
        self.wrong += f64::from(u8::from(wrong));
        for (judge, logit) in logits.into_iter().enumerate() {
            self.expected[judge] += f64::from(sigmoid(logit));
            self.loss[judge] += log_loss(logit, wrong);
        }
        logits.map(sigmoid)
    }

    /// Makes the read as many as it stands for.
    fn stand_for(&mut self, reads: f64) {
        for sum in [&mut self.bases, &mut self.labelled, &mut self.wrong]
            .into_iter()
            .chain(&mut self.expected)
            .chain(&mut self.loss)
        {
            *sum *= reads;
        }
    }

    /// Adds two bases of which one is wrong: P(that) = p (1 − q) + q (1 − p).
    fn add_dispute(&mut self, ours: [f32; JUDGES.len()], theirs: [f32; JUDGES.len()]) {
        self.labelled += 2.0;
        self.wrong += 1.0;
        for (judge, (ours, theirs)) in ours.into_iter().zip(theirs).enumerate() {
            let (p, q) = (f64::from(sigmoid(ours)), f64::from(sigmoid(theirs)));
            self.expected[judge] += p + q;
            self.loss[judge] -= (p * (1.0 - q) + q * (1.0 - p)).ln();
        }
    }

    fn is_bad(&self) -> bool {
        self.wrong > BAD * self.labelled
    }
}

impl Gain {
    /// Returns whether the gain is more than so many standard errors.
    pub(crate) fn is_beyond(&self, errors: f64) -> bool {
        self.millibits > errors * self.standard_error
    }
}

fn millibits(nats: f64) -> f64 {
    1000.0 * nats / std::f64::consts::LN_2
}
