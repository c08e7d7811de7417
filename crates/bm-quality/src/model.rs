//! A model on an engine: reads in, predictions out.

use std::path::Path;
use std::sync::Arc;

use bm_infer::{Backend, Filling};
use bm_reads::{PlacedRead, ReadRef};

use crate::kind::{ChoosePart, ScoreReads, Scorer, ScorerParts};
use crate::{
    Applicability, ErrorRule, Facts, ModelPackage, PairRule, Prediction, QualityError, ReadRule,
    Threshold,
};

/// A model package opened on an engine, with the memory of one worker.
pub struct QualityModel {
    package: Arc<ModelPackage>,
    scorer: Scorer,
    /// The package's rule, or the rule that scores by reported qualities in its place.
    rule: ReadRule,
}

impl QualityModel {
    /// Opens a package folder or a bare `.onnx` file on an engine.
    ///
    /// # Errors
    ///
    /// Those of [`ModelPackage::open`], [`ModelPackage::model_file`] and [`Backend::load`].
    pub fn open(path: &Path, backend: &dyn Backend) -> Result<Self, QualityError> {
        Self::new(Arc::new(ModelPackage::open(path)?), backend)
    }

    /// Opens an embedded model by its id on an engine.
    ///
    /// # Errors
    ///
    /// Those of [`ModelPackage::embedded`] and [`Backend::load`].
    #[cfg(feature = "models")]
    pub fn embedded(id: &str, backend: &dyn Backend) -> Result<Self, QualityError> {
        Self::new(Arc::new(ModelPackage::embedded(id)?), backend)
    }

    /// Prepares an open package for one more worker.
    ///
    /// # Errors
    ///
    /// Those of [`ModelPackage::model_file`] and [`Backend::load`].
    pub fn new(package: Arc<ModelPackage>, backend: &dyn Backend) -> Result<Self, QualityError> {
        let file = package.model_file(backend.variant())?;
        let rule = package.facts().rule;
        let parts = ScorerParts {
            package: package.name(),
            encoder: package.encoder(),
            file: &file,
            backend,
            evidence: &|| package.evidence(),
            failed_cycles: package.failed_cycles(),
            telling_qualities: package.has_telling_qualities(),
        };
        Ok(Self { scorer: rule.scorer(&parts)?, rule, package })
    }

    /// Prepares an open package on the embedded engine, which needs no installation.
    ///
    /// # Errors
    ///
    /// Those of [`QualityModel::new`].
    #[cfg(feature = "embedded")]
    pub fn with_default_engine(
        package: impl Into<Arc<ModelPackage>>,
    ) -> Result<Self, QualityError> {
        Self::new(package.into(), &bm_infer::backend::Embedded::new())
    }

    /// Returns the model that suits a run, by the run's first reads, and whether the package's
    /// network applies to the run.
    ///
    /// If it does not, and the model counts errors, the returned model scores reads by their
    /// reported qualities, as `bm` does. [`Applicability`] has the reasons, and more control: open
    /// the model for several workers, add reasons of your own, or use the network all the same.
    ///
    /// # Errors
    ///
    /// Those of [`QualityModel::new`].
    pub fn for_reads<'a>(
        package: impl Into<Arc<ModelPackage>>,
        backend: &dyn Backend,
        first_reads: impl IntoIterator<Item = ReadRef<'a>>,
    ) -> Result<(Self, Applicability), QualityError> {
        let package = package.into();
        let applicability = Applicability::of(package.facts(), first_reads);
        Ok((applicability.open(package, backend)?, applicability))
    }

    /// Returns a model that scores reads by their reported errors, Σ 10^(−Q/10), with the package's
    /// highest error rate and without a network; `None` if the package's model does not count
    /// errors.
    ///
    /// It is for runs to which the package's model does not apply ([`Facts::domain`]).
    pub fn by_reported_errors(package: Arc<ModelPackage>) -> Option<Self> {
        let rule = package.facts().rule.for_reported_errors()?;
        Some(Self::reported(package, rule))
    }

    fn reported(package: Arc<ModelPackage>, rule: ErrorRule) -> Self {
        Self { scorer: Scorer::reported(rule), rule: rule.into(), package }
    }

    /// Returns the facts of the model.
    pub fn facts(&self) -> &Facts {
        self.package.facts()
    }

    /// Returns the package.
    pub fn package(&self) -> &ModelPackage {
        &self.package
    }

    /// Returns the model's default threshold.
    pub fn threshold(&self) -> Threshold {
        self.facts().threshold
    }

    /// Returns the rule that makes one prediction of those for two mates.
    pub fn pair_rule(&self) -> PairRule {
        PairRule::of(self.rule)
    }

    /// Returns how many blocks of an engine that takes one shape reads of these lengths fill; `None`
    /// if the engine takes any number of reads.
    ///
    /// The last block of a call of [`QualityModel::predict`] is not full. So give such an engine
    /// many reads in one call: with those for some thirty blocks, 2 % of its work is for nothing.
    pub fn blocks(&self, lengths: impl Iterator<Item = usize>) -> Option<f64> {
        self.scorer.block().map(|block| block.filled(lengths))
    }

    /// Returns how the blocks of an engine that takes one shape were filled so far; `None` if the
    /// engine takes any number of reads.
    pub fn filling(&self) -> Option<Filling> {
        self.scorer.filling()
    }

    /// Returns a prediction for every read, in order.
    ///
    /// A read's probability does not depend on the other reads. Reads may have any length; the
    /// model's window rule scores a read that is longer than the network's window.
    ///
    /// # Errors
    ///
    /// If the engine fails. A read that cannot be scored is not an error but
    /// [`Prediction::Unscored`].
    pub fn predict(&mut self, reads: &[ReadRef<'_>]) -> Result<Vec<Prediction>, QualityError> {
        let mut predictions = Vec::with_capacity(reads.len());
        self.predict_into(reads.iter().copied(), &mut predictions)?;
        Ok(predictions)
    }

    /// Returns the predictions of the network alone, without what a package knows of its run: failed
    /// cycles, and the evidence of k-mers.
    ///
    /// # Errors
    ///
    /// Those of [`QualityModel::predict`].
    pub(crate) fn predict_alone(
        &mut self,
        reads: &[ReadRef<'_>],
    ) -> Result<Vec<Prediction>, QualityError> {
        self.scorer.ignore_run(true);
        let predictions = self.predict(reads);
        self.scorer.ignore_run(false);
        predictions
    }

    /// Appends a prediction for every read to `predictions`: [`QualityModel::predict`] without a
    /// list of the reads.
    ///
    /// Give second mates and parts of reads as [`PlacedRead`]s: a package learned from a run with
    /// failed cycles ([`FailedCycle`](crate::FailedCycle)) needs to know which cycles made a base.
    ///
    /// # Errors
    ///
    /// Those of [`QualityModel::predict`].
    pub fn predict_into<'a, R: Into<PlacedRead<'a>>>(
        &mut self,
        reads: impl Iterator<Item = R> + Clone,
        predictions: &mut Vec<Prediction>,
    ) -> Result<(), QualityError> {
        self.scorer.score(reads.map(Into::into), predictions, None, None)
    }

    /// Appends a prediction for every read to `predictions`, and the error probability of every
    /// base of the scored reads to `probabilities`, one read after the other. A model that does not
    /// count errors ([`Facts::counts_errors`]) appends no probabilities.
    ///
    /// # Errors
    ///
    /// Those of [`QualityModel::predict`].
    pub fn predict_bases_into<'a, R: Into<PlacedRead<'a>>>(
        &mut self,
        reads: impl Iterator<Item = R> + Clone,
        predictions: &mut Vec<Prediction>,
        probabilities: &mut Vec<f32>,
    ) -> Result<(), QualityError> {
        self.scorer.score(reads.map(Into::into), predictions, Some(probabilities), None)
    }

    /// The same for a part of each read: `choose` gets the number of a scorable read in the call and
    /// the error probability of each of its bases, and returns the bases that the prediction is for.
    /// A model that does not count errors gives it the reported probabilities, and appends none to
    /// `probabilities`.
    ///
    /// The prediction for a read of which nothing is chosen is
    /// [`ReadError::EmptyRead`](bm_reads::ReadError::EmptyRead).
    ///
    /// # Errors
    ///
    /// Those of [`QualityModel::predict`].
    pub fn predict_parts_into<'a, R: Into<PlacedRead<'a>>>(
        &mut self,
        reads: impl Iterator<Item = R> + Clone,
        choose: &mut ChoosePart<'_>,
        predictions: &mut Vec<Prediction>,
        probabilities: Option<&mut Vec<f32>>,
    ) -> Result<(), QualityError> {
        self.scorer.score(reads.map(Into::into), predictions, probabilities, Some(choose))
    }
}

impl Applicability {
    /// Returns the model that scores the reads, for one worker.
    ///
    /// # Errors
    ///
    /// Those of [`QualityModel::new`].
    pub fn open(
        &self,
        package: Arc<ModelPackage>,
        backend: &dyn Backend,
    ) -> Result<QualityModel, QualityError> {
        match self.reported_rule() {
            Some(rule) => Ok(QualityModel::reported(package, rule)),
            None => QualityModel::new(package, backend),
        }
    }
}
