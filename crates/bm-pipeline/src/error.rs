//! Errors of a run.

use std::error::Error as StdError;

use bm_adapt::AdaptError;
use bm_infer::InferError;
use bm_io::ordered_stages::StageStopped;
use bm_io::{Cancelled, IoError};
use bm_quality::QualityError;
use thiserror::Error;

/// Why a run ended without its outputs.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// A model cannot be opened or run.
    #[error(transparent)]
    Quality(#[from] QualityError),
    /// An engine is not available, or failed.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// Learning the run failed.
    #[error(transparent)]
    Adapt(#[from] AdaptError),
    /// A part of the program panicked.
    #[error(transparent)]
    Stopped(#[from] StageStopped),
    /// The caller ended the run.
    #[error("the run was cancelled")]
    Cancelled(#[from] Cancelled),
    /// Something failed at a place: a file, a record, a line of a table.
    #[error("{place}")]
    At {
        /// The place.
        place: String,
        /// The error there.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A request that cannot be met, or inputs that do not fit together.
    #[error("{0}")]
    Refused(String),
}

impl PipelineError {
    /// Returns a function that adds a place to an error, for `map_err`.
    pub(crate) fn at<E: Into<Box<dyn StdError + Send + Sync>>>(
        place: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        let place = place.into();
        move |source| Self::At { place, source: source.into() }
    }

    /// Returns the message with those of its causes, separated by colons: the text that `bm` prints.
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(cause) = source {
            text += &format!(": {cause}");
            source = cause.source();
        }
        text
    }

    /// Returns an error with this text, as a result.
    pub(crate) fn refuse<T>(text: impl Into<String>) -> Result<T, Self> {
        Err(Self::Refused(text.into()))
    }
}
