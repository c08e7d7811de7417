//! Judging reads by windows of one length.

use bm_encode::{Encoder, FeatureBatch};

use bm_infer::{InferError, Session, TensorRef};
use bm_reads::{ReadError, ReadRef};

use crate::{Prediction, Probability, QualityError, Score, WindowRule};

/// Windows that go through the engine together: enough for its full speed, few enough to stay in
/// the cache.
const BATCH: usize = 256;

/// A network that judges windows, and the memory that one worker needs.
pub(super) struct Windows {
    rule: WindowRule,
    encoder: &'static dyn Encoder,
    session: Box<dyn Session>,
    /// Windows that wait for the engine.
    features: FeatureBatch,
    /// What the engine returned for them.
    output: Vec<f32>,
    /// Probabilities of all windows of the reads in hand, in order.
    windows: Vec<Probability>,
    /// For every read in hand: how many windows it has there, or why it cannot be judged.
    reads: Vec<Result<usize, ReadError>>,
}

impl Windows {
    pub(super) fn new(
        rule: WindowRule,
        encoder: &'static dyn Encoder,
        session: Box<dyn Session>,
    ) -> Self {
        Self {
            rule,
            encoder,
            session,
            features: FeatureBatch::with_capacity(encoder.encoding(), BATCH),
            output: Vec::new(),
            windows: Vec::new(),
            reads: Vec::new(),
        }
    }

    /// Appends a prediction for every read.
    pub(super) fn predict_into<'a>(
        &mut self,
        reads: impl Iterator<Item = ReadRef<'a>> + Clone,
        predictions: &mut Vec<Prediction>,
    ) -> Result<(), QualityError> {
        self.features.clear();
        self.windows.clear();
        self.reads.clear();
        for read in reads.clone() {
            let windows = self.encode(read)?;
            self.reads.push(windows);
        }
        self.run()?;

        let mut rest = self.windows.as_slice();
        for (read, outcome) in reads.zip(self.reads.drain(..)) {
            predictions.push(match outcome {
                Err(reason) => Prediction::Unscored(reason),
                Ok(count) => {
                    let (windows, others) = rest.split_at(count);
                    rest = others;
                    match self.rule.combine(read.len(), windows) {
                        Some(probability) => Prediction::Scored(Score {
                            probability,
                            expected_errors: None,
                            support: None,
                        }),
                        None => Prediction::Unscored(ReadError::EmptyRead),
                    }
                }
            });
        }
        Ok(())
    }

    /// Queues the windows of one read for the engine and returns how many they are.
    fn encode(&mut self, read: ReadRef<'_>) -> Result<Result<usize, ReadError>, QualityError> {
        // Everything that can be wrong with a read is found before its first window is queued, so
        // that none is left behind.
        if let Err(reason) = read.check_scorable() {
            return Ok(Err(reason));
        }
        for window in self.rule.windows(read.len()) {
            if self.features.rows() == BATCH {
                self.run()?;
            }
            self.features.push(self.encoder, read.window(window.start, window.len()))?;
        }
        Ok(Ok(self.rule.count(read.len())))
    }

    /// Runs the engine on the windows that wait.
    fn run(&mut self) -> Result<(), QualityError> {
        let input = TensorRef::new(self.features.shape(), self.features.as_slice())?;
        self.session.run(input, &mut self.output)?;
        for (row, value) in self.output.iter().enumerate() {
            self.windows.push(Probability::new(*value).ok_or_else(|| {
                InferError::OutputMismatch {
                    backend: self.session.backend(),
                    expected: "a probability from 0 to 1".to_owned(),
                    actual: format!("{value} in row {row}"),
                }
            })?);
        }
        self.features.clear();
        Ok(())
    }
}
