//! The engine's name, and the error for a model that the engine does not run.

use crate::{InferError, ModelFile, backend};

/// The engine's name.
pub(super) const NAME: &str = "embedded";

/// Returns the error for a model that the engine does not run, for this reason.
pub(super) fn unsupported(model: &ModelFile, reason: String) -> InferError {
    backend::unsupported(NAME, model, reason)
}
