//! Why an engine does not run a model.

use std::error::Error;

use bm_infer::InferError;

/// Why an engine does not run a model, in words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NotRun {
    /// The engine is not on this machine.
    Skipped(String),
    /// The engine is there, and does not run this model, or not with the right results.
    Refused(String),
    /// The engine failed.
    Failed(String),
}

impl From<InferError> for NotRun {
    fn from(error: InferError) -> Self {
        match error {
            InferError::BackendUnavailable { reason, source, .. } => Self::Skipped(match source {
                Some(source) => format!("{reason}: {source}"),
                None => reason,
            }),
            InferError::ModelUnsupported { reason, .. } => Self::Refused(reason),
            error => Self::Failed(with_causes(&error)),
        }
    }
}

/// Returns an error and its causes on one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
