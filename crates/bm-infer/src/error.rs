//! What can be wrong with a model, an input or an engine.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use thiserror::Error;

/// Why there is no inference.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InferError {
    /// The model file cannot be read.
    #[error("{}: the model cannot be read", path.display())]
    ModelNotFound {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The model file is larger than any model of this project's kind.
    #[error("{model}: the model is larger than the {limit} bytes that are read, it has {actual}")]
    ModelTooLarge {
        /// The model's name.
        model: String,
        /// Most bytes accepted.
        limit: u64,
        /// Bytes found.
        actual: u64,
    },
    /// The model file is not what its digest says.
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
    /// The model is valid but not one that this engine runs.
    #[error("{model}: the {backend} backend cannot run this model: {}", Shown(reason))]
    ModelUnsupported {
        /// The model's name.
        model: String,
        /// The engine.
        backend: &'static str,
        /// What was expected and found.
        reason: String,
    },
    /// The engine is not here.
    #[error("the {backend} backend is not available: {reason}")]
    BackendUnavailable {
        /// The engine.
        backend: &'static str,
        /// What is missing, and what to do.
        reason: String,
        /// What the engine said, if it was asked.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The engine's answers differ from the reference.
    #[error("the {backend} backend failed its self-check: {reason}")]
    SelfCheck {
        /// The engine.
        backend: &'static str,
        /// What was expected and found.
        reason: String,
    },
    /// A matrix has not the number of values that its shape says.
    #[error("a matrix of {} x {} was given {actual} values", shape[0], shape[1])]
    ValueCount {
        /// Rows, columns.
        shape: [usize; 2],
        /// Values given.
        actual: usize,
    },
    /// The input has not the model's number of features.
    #[error("input {} takes {expected} features, {actual} were given", Shown(input))]
    ShapeMismatch {
        /// The model's input.
        input: String,
        /// Features of the model.
        expected: usize,
        /// Columns of the matrix.
        actual: usize,
    },
    /// The input holds NaN or infinity.
    #[error(
        "row {row} of the input holds {value} at feature {feature}; only finite numbers have a prediction"
    )]
    NonFinite {
        /// Which row, from 0.
        row: usize,
        /// Which feature, from 0.
        feature: usize,
        /// What was found.
        value: f32,
    },
    /// The vectors of an alphabet are not ones.
    #[error("an alphabet has {reason}")]
    AlphabetInvalid {
        /// What was expected and found.
        reason: String,
    },
    /// The lengths of sequences do not add up to their codes.
    #[error("sequences of {} positions in all were given {actual} codes", expected.map_or("too many".to_owned(), |n| n.to_string()))]
    SequenceLengths {
        /// Sum of the lengths; `None` if it is beyond counting.
        expected: Option<usize>,
        /// Codes given.
        actual: usize,
    },
    /// A code is not of the alphabet.
    #[error("position {position} has the code {code}, the alphabet has {codes}")]
    UnknownCode {
        /// Which position of all, from 0.
        position: usize,
        /// The code found.
        code: u16,
        /// Number of codes, from 0.
        codes: usize,
    },
    /// The engine failed.
    #[error("the {backend} backend failed")]
    Run {
        /// The engine.
        backend: &'static str,
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine returned something else than the model promises.
    #[error("the {backend} backend returned {actual}, expected {expected}")]
    OutputMismatch {
        /// The engine.
        backend: &'static str,
        /// What the signature says.
        expected: String,
        /// What came.
        actual: String,
    },
}

impl InferError {
    /// Checks that an engine has returned as many numbers as its model promises, all finite.
    pub(crate) fn check_output(
        backend: &'static str,
        expected: usize,
        output: &[f32],
    ) -> Result<(), Self> {
        // Without a way out of the loop it is one vector instruction for many values.
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

/// Shows text that a file brought along: on one line, without what a terminal would obey, and of a
/// long one the ends.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a str);

impl Shown<'_> {
    /// Most characters that are shown of each end.
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
    fn what_a_file_brings_along_stays_on_one_line_and_is_not_obeyed() {
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
