//! A model on an engine: reads in, predictions out.

mod bases;
mod reported;
mod windows;

use std::path::Path;
use std::sync::Arc;

use bm_infer::Backend;
use bm_reads::ReadRef;

use self::bases::Bases;
use self::reported::ReportedErrors;
use self::windows::Windows;
use crate::facts::InputEncoder;
use crate::{Facts, ModelPackage, PairRule, Prediction, QualityError, ReadRule, Threshold};

/// A model package opened on an engine, with the memory that one worker needs.
pub struct QualityModel {
    package: Arc<ModelPackage>,
    judge: Judge,
}

/// What judges reads, by the kind of network.
enum Judge {
    Windows(Windows),
    Bases(Box<Bases>),
    Reported(ReportedErrors),
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
        let judge = match (package.facts().rule, package.encoder()) {
            (ReadRule::Windows(rule), InputEncoder::Rows(encoder)) => {
                Judge::Windows(Windows::new(rule, encoder, backend.load(&file)?))
            }
            (ReadRule::Errors(rule), InputEncoder::Codes(encoder)) => Judge::Bases(Box::new(
                Bases::new(rule, encoder, backend, &file, package.evidence()?)?,
            )),
            // A package is opened with an encoder that suits its rule.
            (ReadRule::Windows(_), InputEncoder::Codes(_))
            | (ReadRule::Errors(_), InputEncoder::Rows(_)) => {
                let reason = format!(
                    "{} does not go with {}",
                    package.facts().rule,
                    package.facts().encoding
                );
                return Err(QualityError::Manifest { package: package.name().to_owned(), reason });
            }
        };
        Ok(Self { package, judge })
    }

    /// Returns what judges reads by the errors that their qualities report, Σ 10^(−Q/10), where the
    /// package's model does not apply ([`Facts::domain`]): by the same highest error rate, and
    /// without a network. `None` if the model does not count errors.
    pub fn by_reported_errors(package: Arc<ModelPackage>) -> Option<Self> {
        let ReadRule::Errors(rule) = package.facts().rule else { return None };
        Some(Self { judge: Judge::Reported(ReportedErrors::new(rule.unscaled())), package })
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

    /// Returns how the predictions for two mates become one for the pair.
    pub fn pair_rule(&self) -> PairRule {
        match (&self.judge, self.facts().rule) {
            (Judge::Reported(_), ReadRule::Errors(rule)) => {
                PairRule::of(ReadRule::Errors(rule.unscaled()))
            }
            (_, rule) => PairRule::of(rule),
        }
    }

    /// Returns a prediction for every read, in order.
    ///
    /// A read's probability does not depend on the other reads. Reads may have any length; one that
    /// is longer than the network's window is judged by the model's window rule.
    ///
    /// # Errors
    ///
    /// If the engine fails. A read that cannot be judged is no error but [`Prediction::Unscored`].
    pub fn predict(&mut self, reads: &[ReadRef<'_>]) -> Result<Vec<Prediction>, QualityError> {
        let mut predictions = Vec::with_capacity(reads.len());
        self.predict_into(reads.iter().copied(), &mut predictions)?;
        Ok(predictions)
    }

    /// Returns what the network alone says of every read, whatever the k-mers of the run have to
    /// say.
    ///
    /// # Errors
    ///
    /// As [`QualityModel::predict`].
    pub(crate) fn predict_alone(
        &mut self,
        reads: &[ReadRef<'_>],
    ) -> Result<Vec<Prediction>, QualityError> {
        let evidence = match &mut self.judge {
            Judge::Bases(judge) => judge.evidence.take(),
            _ => None,
        };
        let predictions = self.predict(reads);
        if let Judge::Bases(judge) = &mut self.judge {
            judge.evidence = evidence;
        }
        predictions
    }

    /// Appends a prediction for every read to `predictions`: [`QualityModel::predict`] without a
    /// list of the reads.
    ///
    /// # Errors
    ///
    /// As [`QualityModel::predict`].
    pub fn predict_into<'a>(
        &mut self,
        reads: impl Iterator<Item = ReadRef<'a>> + Clone,
        predictions: &mut Vec<Prediction>,
    ) -> Result<(), QualityError> {
        self.judge(reads, predictions, None)
    }

    /// The same, and appends to `probabilities` the error probability of every base, 0 to 1, of the
    /// reads that can be judged, one read after the other. A model that does not count errors
    /// ([`Facts::counts_errors`]) appends nothing.
    ///
    /// # Errors
    ///
    /// As [`QualityModel::predict`].
    pub fn predict_bases_into<'a>(
        &mut self,
        reads: impl Iterator<Item = ReadRef<'a>> + Clone,
        predictions: &mut Vec<Prediction>,
        probabilities: &mut Vec<f32>,
    ) -> Result<(), QualityError> {
        self.judge(reads, predictions, Some(probabilities))
    }

    fn judge<'a>(
        &mut self,
        reads: impl Iterator<Item = ReadRef<'a>> + Clone,
        predictions: &mut Vec<Prediction>,
        probabilities: Option<&mut Vec<f32>>,
    ) -> Result<(), QualityError> {
        match &mut self.judge {
            Judge::Windows(judge) => judge.predict_into(reads, predictions),
            Judge::Bases(judge) => judge.predict_into(reads, predictions, probabilities),
            Judge::Reported(judge) => {
                judge.predict_into(reads, predictions, probabilities);
                Ok(())
            }
        }
    }
}
