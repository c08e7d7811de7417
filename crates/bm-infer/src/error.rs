//! Errors of models, inputs and engines.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use thiserror::Error;

/// Why a model cannot be loaded or run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InferError {
    /// The model file cannot be read.
    #[error("{}: the model cannot be read", path.display())]
    ModelNotFound {
        /// The path that was tried.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The model file is larger than the limit.
    #[error("{model}: the model has {actual} bytes, expected at most {limit}")]
    ModelTooLarge {
        /// The model's name.
        model: String,
        /// Maximum number of bytes.
        limit: u64,
        /// Bytes of the file.
        actual: u64,
    },
    /// The digest of the model file differs from the expected one.
    #[error("{model}: the file's SHA-256 should be {}, it is {actual}", Shown(expected))]
    DigestMismatch {
        /// The model's name.
        model: String,
        /// Digest in the manifest.
        expected: String,
        /// Digest of the file.
        actual: String,
    },
    /// The model file is not a valid ONNX model.
    #[error("{model}: not a valid ONNX model: {}", Shown(reason))]
    ModelInvalid {
        /// The model's name.
        model: String,
        /// What was expected and found.
        reason: String,
    },
    /// The model is valid, but this engine does not run it.
    #[error("{model}: the {backend} backend cannot run this model: {}", Shown(reason))]
    ModelUnsupported {
        /// The model's name.
        model: String,
        /// The engine.
        backend: &'static str,
        /// What was expected and found.
        reason: String,
    },
    /// The engine is not available on this machine.
    #[error("the {backend} backend is not available: {reason}")]
    BackendUnavailable {
        /// The engine.
        backend: &'static str,
        /// What is missing, and what to do.
        reason: String,
        /// The error of the engine, if it was started.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The outputs of the engine differ from the reference.
    #[error("the {backend} backend failed its self-check: {reason}")]
    SelfCheck {
        /// The engine.
        backend: &'static str,
        /// What was expected and found.
        reason: String,
    },
    /// The number of values of a matrix does not fit its shape.
    #[error("a matrix of {} x {} has {actual} values", shape[0], shape[1])]
    ValueCount {
        /// Rows, columns.
        shape: [usize; 2],
        /// Values given.
        actual: usize,
    },
    /// The input has another number of features than the model.
    #[error("input {} has {actual} features, expected {expected}", Shown(input))]
    ShapeMismatch {
        /// The model's input.
        input: String,
        /// Features of the model.
        expected: usize,
        /// Columns of the matrix.
        actual: usize,
    },
    /// The input holds NaN or infinity.
    #[error("row {row} of the input has {value} at feature {feature}, expected a finite number")]
    NonFinite {
        /// The row, from 0.
        row: usize,
        /// The feature, from 0.
        feature: usize,
        /// The number found.
        value: f32,
    },
    /// The feature vectors of an alphabet are invalid.
    #[error("an alphabet has {reason}")]
    AlphabetInvalid {
        /// What was expected and found.
        reason: String,
    },
    /// The lengths of sequences do not add up to the number of codes.
    #[error("sequences of {} positions in total have {actual} codes", expected.map_or("too many".to_owned(), |n| n.to_string()))]
    SequenceLengths {
        /// Sum of the lengths; `None` if it exceeds `usize`.
        expected: Option<usize>,
        /// Codes given.
        actual: usize,
    },
    /// A code is not in the alphabet.
    #[error("position {position} has the code {code}, the alphabet has {codes} codes")]
    UnknownCode {
        /// The position over all sequences, from 0.
        position: usize,
        /// The code found.
        code: u16,
        /// Number of codes of the alphabet.
        codes: usize,
    },
    /// The engine failed.
    #[error("the {backend} backend failed")]
    Run {
        /// The engine.
        backend: &'static str,
        /// The error of the engine.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine returned another number of outputs than the signature, or outputs that are not
    /// finite.
    #[error("the {backend} backend returned {actual}, expected {expected}")]
    OutputMismatch {
        /// The engine.
        backend: &'static str,
        /// What was expected.
        expected: String,
        /// What was returned.
        actual: String,
    },
}

impl InferError {
    /// Checks that an engine returned the expected number of outputs, all finite.
    pub(crate) fn check_output(
        backend: &'static str,
        expected: usize,
        output: &[f32],
    ) -> Result<(), Self> {
        // A loop without early exit compiles to vector instructions.
        if output.len() == expected
            && output.iter().fold(true, |all, value| all & value.is_finite())
        {
            return Ok(());
        }
        let finite = output.iter().filter(|value| value.is_finite()).count();
        Err(Self::OutputMismatch {
            backend,
            expected: format!("{expected} finite numbers"),
            actual: format!("{} numbers, {finite} of them finite", output.len()),
        })
    }
}

/// Text from a file as messages show it: on one line, control characters escaped, and only both ends
/// of a long text.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a str);

impl Shown<'_> {
    /// Maximum number of characters shown of each end.
    const MOST: usize = 500;
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.chars().count();
        for (i, character) in self.0.chars().enumerate() {
            match character {
                _ if i == Self::MOST && count > 2 * Self::MOST => f.write_char('…')?,
                _ if i > Self::MOST && i < count - Self::MOST => {}
                _ if character.is_control() => write!(f, "{}", character.escape_default())?,
                _ => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_file_is_shown_on_one_line_with_control_characters_escaped() {
        assert_eq!(Shown("é 12 µm, \"x\"").to_string(), "é 12 µm, \"x\"");
        assert_eq!(Shown("a\n\u{1b}[31mb\u{9b}c\0").to_string(), "a\\n\\u{1b}[31mb\\u{9b}c\\u{0}");
        let long = format!("{}{}", "ä".repeat(5_000), "z".repeat(500));
        assert_eq!(Shown(&long).to_string(), format!("{}…{}", "ä".repeat(500), "z".repeat(500)));
        assert_eq!(Shown(&long[..2 * 1_000]).to_string(), long[..2 * 1_000]);
        let error = InferError::ModelInvalid {
            model: "m".to_owned(),
            reason: "a name\r\nbm: all is well".to_owned(),
        };
        assert_eq!(error.to_string(), "m: not a valid ONNX model: a name\\r\\nbm: all is well");
    }
}
