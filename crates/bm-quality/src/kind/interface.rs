//! What a kind of model implements.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bm_encode::AnyEncoder;
use bm_infer::{Backend, Filling, ModelFile};
use bm_reads::PlacedRead;

use crate::failed_cycles::FailedCycles;
use crate::{ErrorRule, KmerEvidence, Prediction, Probability, QualityError};

/// A kind of model, implemented by its rule: how the network's outputs become the probability of a
/// read.
pub(crate) trait Kind: Copy + fmt::Display {
    /// The rule as manifests write it.
    type Entry;
    /// What scores reads.
    type Scorer: ScoreReads;

    /// Whether predictions have expected errors.
    const COUNTS_ERRORS: bool;

    /// Returns whether a network of this kind takes the output of the encoder.
    fn takes(encoder: &AnyEncoder) -> bool;

    /// Returns the rule of an entry.
    ///
    /// # Errors
    ///
    /// In words, if the entry is not valid with this encoder.
    fn from_entry(entry: &Self::Entry, encoder: &AnyEncoder) -> Result<Self, String>;

    /// Returns the rule as manifests write it.
    fn to_entry(self) -> Self::Entry;

    /// Reads an entry from the metadata of a model file.
    ///
    /// # Errors
    ///
    /// [`QualityError::Manifest`] if a key is missing or is not a number where it should be.
    fn entry_from_metadata(file: &ModelFile) -> Result<Self::Entry, QualityError>;

    /// Returns keys and values as [`Kind::entry_from_metadata`] reads them.
    fn metadata(self) -> Vec<(&'static str, String)>;

    /// Prepares the model of a package to score reads, for one worker.
    ///
    /// # Errors
    ///
    /// If the engine cannot load the model file.
    fn scorer(self, parts: &ScorerParts<'_>) -> Result<Self::Scorer, QualityError>;

    /// Returns the probability of a pair; `None` where the mates' probabilities are to be averaged.
    fn pair_probability(
        self,
        _expected_errors: Option<f64>,
        _total_bases: usize,
    ) -> Option<Probability> {
        None
    }

    /// Returns the rule that scores reads by reported qualities where the model does not apply, if
    /// the kind has one.
    fn for_reported_errors(self) -> Option<ErrorRule> {
        None
    }
}

/// Chooses the part of a read that is scored: gets the number of the read in the call, and the error
/// probability of each of its bases.
pub type ChoosePart<'a> = dyn FnMut(usize, &[f32]) -> Range<usize> + 'a;

/// Scores reads, in the memory of one worker.
pub(crate) trait ScoreReads {
    /// Appends a prediction for every read to `predictions`. A kind that counts errors also appends
    /// the error probability of every base of the scored reads to `bases`.
    ///
    /// With `choose`, predictions are for the chosen part of each read that can be scored;
    /// [`ReadError::EmptyRead`](bm_reads::ReadError::EmptyRead) for an empty one. A kind that does not
    /// count errors gives it the reported ones.
    fn score<'a>(
        &mut self,
        reads: impl Iterator<Item = PlacedRead<'a>> + Clone,
        predictions: &mut Vec<Prediction>,
        bases: Option<&mut Vec<f32>>,
        choose: Option<&mut ChoosePart<'_>>,
    ) -> Result<(), QualityError>;

    /// Sets whether what the package knows of its run beside the network is left out: failed cycles,
    /// and the evidence of k-mers.
    fn ignore_run(&mut self, _: bool) {}

    /// Returns what the engine takes in one call, if that is fixed.
    fn block(&self) -> Option<Block> {
        None
    }

    /// Returns how the blocks of such an engine were filled so far.
    fn filling(&self) -> Option<Filling> {
        None
    }
}

/// What an engine of one shape takes in one call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Block {
    /// Bases, of any number of reads.
    Bases(usize),
    /// Windows of up to `length` bases.
    Windows { windows: usize, length: usize },
}

impl Block {
    /// Returns the number of blocks that reads of these lengths fill, without what lies between them.
    pub(crate) fn filled(self, lengths: impl Iterator<Item = usize>) -> f64 {
        match self {
            Self::Bases(bases) => lengths.sum::<usize>() as f64 / bases as f64,
            Self::Windows { windows, length } => {
                let filled: usize = lengths.map(|bases| bases.div_ceil(length)).sum();
                filled as f64 / windows as f64
            }
        }
    }
}

/// What a scorer is made of: an engine, and the parts of an open package.
pub(crate) struct ScorerParts<'a> {
    /// The package's name in messages.
    pub(crate) package: &'a str,
    /// Makes the network's input.
    pub(crate) encoder: &'a AnyEncoder,
    /// The model file for the engine.
    pub(crate) file: &'a ModelFile,
    /// The engine.
    pub(crate) backend: &'a dyn Backend,
    /// Reads the evidence of the run's k-mers, if the package has it: the file may be large, and not
    /// every kind uses it.
    pub(crate) evidence: &'a dyn Fn() -> Result<Option<Arc<KmerEvidence>>, QualityError>,
    /// The cycles of the run that failed.
    pub(crate) failed_cycles: &'a FailedCycles,
    /// Whether the qualities of a read say how good it is.
    pub(crate) telling_qualities: bool,
}

impl ScorerParts<'_> {
    /// Returns the error of a rule whose networks do not take the package's encoder.
    pub(crate) fn encoder_refused(&self, rule: impl fmt::Display) -> QualityError {
        let reason = format!("{rule} does not go with {}", self.encoder);
        QualityError::Manifest { package: self.package.to_owned(), reason }
    }
}
