//! The measured error rate of each reported quality, by the labels.

use bm_reads::Phred;

use crate::examples::fold_of;
use crate::labels::{Label, Labels};
use crate::sample::RunSample;

/// Weight of the reported error rate, in labelled bases.
const PRIOR: f64 = 200.0;

const SCORES: usize = 94;

/// The error rate of each reported quality, as log-odds.
#[derive(Clone, Debug)]
pub(crate) struct Calibration {
    logits: [f32; SCORES],
}

impl Calibration {
    /// Returns the error rates measured in the reads of all folds but one.
    pub(crate) fn of(sample: &RunSample, labels: &Labels, without: u64) -> Self {
        let (mut bases, mut wrong) = ([0.0; SCORES], [0.0; SCORES]);
        for read in sample.reads.iter().filter(|read| fold_of(read.template) != without) {
            for at in read.start..read.start + read.length {
                let label = labels.of_bases()[at];
                let score = usize::from(sample.scores[at]);
                bases[score] += f64::from(u8::from(label != Label::Unknown));
                wrong[score] += f64::from(u8::from(label == Label::Wrong));
            }
        }
        let logits = std::array::from_fn(|score| {
            let reported =
                Phred::new(score as u8).map_or(0.75, Phred::error_probability).clamp(1e-5, 0.75);
            let measured = (wrong[score] + PRIOR * reported) / (bases[score] + PRIOR);
            (measured / (1.0 - measured)).ln() as f32
        });
        Self { logits }
    }

    /// Returns the log-odds of an error at a reported quality, as a Phred score.
    pub(crate) fn logit(&self, score: u8) -> f32 {
        self.logits[usize::from(score).min(SCORES - 1)]
    }
}
