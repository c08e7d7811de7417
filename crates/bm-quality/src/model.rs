//! A model on an engine: reads in, predictions out.

use std::path::Path;
use std::sync::Arc;

use bm_encode::{EncodeError, FeatureBatch, ReadRef};
use bm_infer::{Backend, Session, TensorRef};

use crate::{Facts, ModelPackage, Prediction, Probability, QualityError, Threshold};

/// Windows that go through the engine together: enough for its full speed, few enough to stay in the cache.
const BATCH: usize = 256;

/// A model package opened on an engine, with the memory that one worker needs.
pub struct QualityModel {
    package: Arc<ModelPackage>,
    session: Box<dyn Session>,
    /// Windows that wait for the engine.
    features: FeatureBatch,
    /// What the engine returned for them.
    output: Vec<f32>,
    /// Probabilities of all windows of the reads in hand, in order.
    windows: Vec<Probability>,
    /// For every read in hand: how many windows it has there, or why it cannot be judged.
    reads: Vec<Result<usize, EncodeError>>,
}

impl QualityModel {
    /// Opens a package folder or a bare `.onnx` file on an engine.
    ///
    /// # Errors
    ///
    /// What [`ModelPackage::open`], [`ModelPackage::model_file`] and [`Backend::load`] say.
    pub fn open(path: &Path, backend: &dyn Backend) -> Result<Self, QualityError> {
        Self::new(Arc::new(ModelPackage::open(path)?), backend)
    }

    /// Opens an embedded model by its id on an engine.
    ///
    /// # Errors
    ///
    /// What [`ModelPackage::embedded`] and [`Backend::load`] say.
    #[cfg(feature = "models")]
    pub fn embedded(id: &str, backend: &dyn Backend) -> Result<Self, QualityError> {
        Self::new(Arc::new(ModelPackage::embedded(id)?), backend)
    }

    /// Prepares a package that is open, for one more worker.
    ///
    /// # Errors
    ///
    /// What [`ModelPackage::model_file`] and [`Backend::load`] say.
    pub fn new(package: Arc<ModelPackage>, backend: &dyn Backend) -> Result<Self, QualityError> {
        let file = package.model_file(backend.variant())?;
        let session = backend.load(&file)?;
        Ok(Self {
            features: FeatureBatch::with_capacity(package.encoder().encoding(), BATCH),
            package,
            session,
            output: Vec::new(),
            windows: Vec::new(),
            reads: Vec::new(),
        })
    }

    /// Returns what one must know of the model.
    pub fn facts(&self) -> &Facts {
        self.package.facts()
    }

    /// Returns the package.
    pub fn package(&self) -> &ModelPackage {
        &self.package
    }

    /// Returns the model's own threshold.
    pub fn threshold(&self) -> Threshold {
        self.facts().threshold
    }

    /// Returns a prediction for every read, in order.
    ///
    /// A read's probability does not depend on the other reads. Reads may have any length; one that is longer than the
    /// network's window is judged by the model's window rule.
    ///
    /// # Errors
    ///
    /// If the engine fails. A read that cannot be judged is no error but [`Prediction::Unscored`].
    pub fn predict(&mut self, reads: &[ReadRef<'_>]) -> Result<Vec<Prediction>, QualityError> {
        let mut predictions = Vec::with_capacity(reads.len());
        self.predict_into(reads.iter().copied(), &mut predictions)?;
        Ok(predictions)
    }

    /// Appends a prediction for every read to `predictions`: [`QualityModel::predict`] without a list of the reads.
    ///
    /// # Errors
    ///
    /// As [`QualityModel::predict`].
    pub fn predict_into<'a>(
        &mut self,
        reads: impl Iterator<Item = ReadRef<'a>> + Clone,
        predictions: &mut Vec<Prediction>,
    ) -> Result<(), QualityError> {
        let rule = self.facts().window;
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
                    match rule.combine(read.len(), windows) {
                        Some(probability) => Prediction::Scored(probability),
                        None => Prediction::Unscored(EncodeError::EmptyRead),
                    }
                }
            });
        }
        Ok(())
    }

    /// Queues the windows of one read for the engine and returns how many they are.
    fn encode(&mut self, read: ReadRef<'_>) -> Result<Result<usize, EncodeError>, QualityError> {
        // Everything that can be wrong with a read is found before its first window is queued, so that none is left behind.
        if let Err(reason) = read.check_scorable() {
            return Ok(Err(reason));
        }
        let rule = self.facts().window;
        for window in rule.windows(read.len()) {
            if self.features.rows() == BATCH {
                self.run()?;
            }
            let part = read.window(window.start, window.len());
            self.features.push(self.package.encoder(), part)?;
        }
        Ok(Ok(rule.count(read.len())))
    }

    /// Runs the engine on the windows that wait.
    fn run(&mut self) -> Result<(), QualityError> {
        let input = TensorRef::new(self.features.shape(), self.features.as_slice())?;
        self.session.run(input, &mut self.output)?;
        for (row, value) in self.output.iter().enumerate() {
            self.windows.push(Probability::new(*value).ok_or_else(|| bm_infer::InferError::OutputMismatch {
                backend: self.session.backend(),
                expected: "a probability from 0 to 1".to_owned(),
                actual: format!("{value} in row {row}"),
            })?);
        }
        self.features.clear();
        Ok(())
    }
}
