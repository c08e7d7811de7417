//! Judging reads by the probability of an error at each of their bases.

use std::sync::Arc;

use bm_encode::CodeEncoder;

use bm_evidence::{Evidence, PreparedRead, ReadSupport};
use bm_infer::{Alphabet, Backend, InferError, ModelFile, SequenceSession, SequencesRef};
use bm_reads::{ReadError, ReadRef};

use crate::{ErrorRule, KmerSupport, Prediction, QualityError, Score};

/// Bases that go through the engine together; a longer read goes alone.
const BATCH: usize = 1 << 15;

/// Partial sums of a read's probabilities: enough that the processor need not wait for one to be
/// done.
const SUMS: usize = 8;

/// A network that judges bases, and the memory that one worker needs.
pub(super) struct Bases {
    rule: ErrorRule,
    encoder: &'static dyn CodeEncoder,
    session: Box<dyn SequenceSession>,
    /// What the k-mers of the run say, if they are asked.
    pub(super) evidence: Option<Arc<Evidence>>,
    support: ReadSupport,
    /// The read that is testified of, and the next one.
    prepared: [PreparedRead; 2],
    /// Codes of the reads that wait for the engine.
    codes: Vec<u16>,
    /// How many codes each of them has.
    lengths: Vec<usize>,
    /// What the engine returned for them.
    output: Vec<f32>,
    /// Scores of the reads in hand that can be judged, in order.
    scores: Vec<Score>,
    /// For every read in hand: why it cannot be judged, if it cannot.
    refused: Vec<Option<ReadError>>,
}

impl Bases {
    pub(super) fn new(
        rule: ErrorRule,
        encoder: &'static dyn CodeEncoder,
        backend: &dyn Backend,
        file: &ModelFile,
        evidence: Option<Arc<Evidence>>,
    ) -> Result<Self, QualityError> {
        let alphabet = Alphabet::new(encoder.encoding().channels, encoder.vectors())?;
        Ok(Self {
            rule,
            encoder,
            session: backend.load_sequences(file, &alphabet)?,
            evidence,
            support: ReadSupport::default(),
            prepared: Default::default(),
            codes: Vec::new(),
            lengths: Vec::new(),
            output: Vec::new(),
            scores: Vec::new(),
            refused: Vec::new(),
        })
    }

    /// Appends a prediction for every read, and to `probabilities` the error probability of every
    /// base of those that can be judged.
    pub(super) fn predict_into<'a>(
        &mut self,
        reads: impl Iterator<Item = ReadRef<'a>> + Clone,
        predictions: &mut Vec<Prediction>,
        mut probabilities: Option<&mut Vec<f32>>,
    ) -> Result<(), QualityError> {
        self.codes.clear();
        self.lengths.clear();
        self.scores.clear();
        self.refused.clear();
        // The reads that wait for the engine, beside their codes.
        let mut waiting = Vec::new();
        for read in reads.clone() {
            let scorable = read.check_scorable();
            if scorable.is_ok() {
                if self.codes.len() + read.len() > BATCH {
                    self.run(&mut waiting, probabilities.as_deref_mut())?;
                }
                self.encoder.encode_into(read, &mut self.codes)?;
                self.lengths.push(read.len());
                waiting.push(read);
            }
            self.refused.push(scorable.err());
        }
        self.run(&mut waiting, probabilities)?;

        let mut scores = self.scores.iter();
        predictions.extend(self.refused.drain(..).map(|refused| match refused {
            Some(reason) => Prediction::Unscored(reason),
            None => scores.next().map_or(Prediction::Unscored(ReadError::EmptyRead), |score| {
                Prediction::Scored(*score)
            }),
        }));
        Ok(())
    }

    /// Runs the engine on the reads that wait and sums up what it says of their bases.
    fn run(
        &mut self,
        waiting: &mut Vec<ReadRef<'_>>,
        probabilities: Option<&mut Vec<f32>>,
    ) -> Result<(), QualityError> {
        self.session.run(SequencesRef::new(&self.codes, &self.lengths)?, &mut self.output)?;
        let mut rest = self.output.as_mut_slice();
        if let (Some(evidence), Some(first)) = (&self.evidence, waiting.first()) {
            evidence.prepare(&mut self.prepared[0], first.sequence);
        }
        for (i, length) in self.lengths.drain(..).enumerate() {
            let (bases, others) = rest.split_at_mut(length);
            rest = others;
            let mut expected_errors = sum(bases);
            let mut support = None;
            if let (Some(prior), Some(evidence)) = (expected_errors, &self.evidence) {
                let [reading, next] = &mut self.prepared;
                if let Some(read) = waiting.get(i + 1) {
                    evidence.prepare(next, read.sequence);
                }
                let known = evidence.apply(&mut self.support, reading, bases);
                std::mem::swap(reading, next);
                support = Some(KmerSupport {
                    expected_errors_prior: prior as f32,
                    evaluable: known as f32 / length.max(1) as f32,
                });
                expected_errors = sum(bases);
            }
            let probability =
                expected_errors.and_then(|errors| self.rule.probability(errors, length));
            let (Some(errors), Some(probability)) = (expected_errors, probability) else {
                return Err(QualityError::Infer(InferError::OutputMismatch {
                    backend: self.session.backend(),
                    expected: "a probability from 0 to 1 for every base".to_owned(),
                    actual: bases
                        .iter()
                        .find(|p| !(0.0..=1.0).contains(*p))
                        .map_or_else(String::new, ToString::to_string),
                }));
            };
            self.scores.push(Score { probability, expected_errors: Some(errors as f32), support });
        }
        if let Some(probabilities) = probabilities {
            probabilities.extend_from_slice(&self.output);
        }
        waiting.clear();
        self.codes.clear();
        Ok(())
    }
}

/// Returns the sum of probabilities, always made in the same order; `None` if one of them is none.
fn sum(probabilities: &[f32]) -> Option<f64> {
    // Without a way out of the loop it is one vector instruction for many values.
    let all_right = probabilities.iter().fold(true, |right, p| right & (0.0..=1.0).contains(p));
    let (whole, rest) = probabilities.as_chunks::<SUMS>();
    let mut sums = [0.0; SUMS];
    for values in whole {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += f64::from(*value);
        }
    }
    let total = sums.iter().sum::<f64>() + rest.iter().map(|value| f64::from(*value)).sum::<f64>();
    all_right.then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_of_all_values_and_refuse_what_is_no_probability() {
        for length in [0, 1, 7, 8, 9, 150, 1001] {
            let values: Vec<f32> = (0..length).map(|i| (i as f32 * 0.37).fract()).collect();
            let expected: f64 = values.iter().map(|value| f64::from(*value)).sum();
            assert!(sum(&values).is_some_and(|found| (found - expected).abs() < 1e-9), "{length}");
        }
        for wrong in [f32::NAN, -0.1, 1.1, f32::INFINITY] {
            assert_eq!(sum(&[0.5, 0.5, wrong, 0.5]), None);
        }
    }
}
