//! Sequences of codes, the input of a model of sequences.
//!
//! A position of a sequence has one of few values, such as a base with its quality. It is given as a
//! code, and an [`Alphabet`] holds the feature vector of each code. An engine can compute the first
//! layer by looking up a code instead of multiplying features; other engines expand the codes into
//! features.
//!
//! ```
//! use bm_infer::{Alphabet, Backend, ModelFile, SequencesRef, backend::Embedded};
//! # use bm_infer::onnx::testing::{Convolution, correction_model};
//! # use prost::Message;
//! # let one = |weight, bias| {
//! #     let (weights, biases) = (vec![weight], vec![bias]);
//! #     Convolution { outputs: 1, inputs: 1, window: 1, weights, biases }
//! # };
//! # let bytes = correction_model(&one(0.0, 0.0), &one(0.0, 0.0), &one(1.0, 0.0)).encode_to_vec();
//! // A model that returns the sigmoid of its one feature; code 0 has the feature 0, code 1 has 100.
//! let model = ModelFile::from_bytes("sigmoid.onnx", bytes)?;
//! let alphabet = Alphabet::new(1, vec![0.0, 100.0])?;
//! let mut session = Embedded::new().load_sequences(&model, &alphabet)?;
//! let mut output = Vec::new();
//! session.run(SequencesRef::new(&[0, 1, 0], &[2, 1])?, &mut output)?;
//! assert_eq!(output, [0.5, 1.0, 0.5]);
//! # Ok::<(), bm_infer::InferError>(())
//! ```

use crate::{Filling, InferError, Signature};

/// The feature vectors of the codes.
#[derive(Clone, Debug, PartialEq)]
pub struct Alphabet {
    channels: usize,
    vectors: Vec<f32>,
}

impl Alphabet {
    /// Returns the alphabet of `vectors`.
    ///
    /// **Shape:** `[codes, channels]`, C order, 1 to 65,536 codes.
    ///
    /// # Errors
    ///
    /// [`InferError::AlphabetInvalid`] if the shape does not fit, or if a number is not finite.
    pub fn new(channels: usize, vectors: Vec<f32>) -> Result<Self, InferError> {
        let invalid = |reason: String| Err(InferError::AlphabetInvalid { reason });
        let codes = vectors.len().checked_div(channels).unwrap_or(0);
        if codes == 0 || codes * channels != vectors.len() || codes > usize::from(u16::MAX) + 1 {
            return invalid(format!(
                "{} numbers for vectors of {channels}, expected 1 to 65536 vectors",
                vectors.len()
            ));
        }
        if let Some(i) = vectors.iter().position(|value| !value.is_finite()) {
            return invalid(format!(
                "{} for code {}, expected finite numbers",
                vectors[i],
                i / channels
            ));
        }
        Ok(Self { channels, vectors })
    }

    /// Returns the length of a feature vector.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Returns the number of codes, which are `0..codes()`.
    pub fn codes(&self) -> usize {
        self.vectors.len() / self.channels
    }

    /// Returns the feature vectors, in the order of their codes.
    pub fn vectors(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.vectors.chunks_exact(self.channels)
    }

    /// Returns the feature vector of a code, `None` if there is no such code.
    pub fn vector(&self, code: u16) -> Option<&[f32]> {
        self.vectors.chunks_exact(self.channels).nth(usize::from(code))
    }
}

/// Sequences of codes, of any lengths, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct SequencesRef<'a> {
    codes: &'a [u16],
    lengths: &'a [usize],
}

impl<'a> SequencesRef<'a> {
    /// Returns the sequences of the given lengths; `codes` holds their codes one after the other.
    ///
    /// # Errors
    ///
    /// [`InferError::SequenceLengths`] if the lengths do not add up to the number of codes.
    pub fn new(codes: &'a [u16], lengths: &'a [usize]) -> Result<Self, InferError> {
        let expected = lengths.iter().try_fold(0usize, |sum, length| sum.checked_add(*length));
        if expected != Some(codes.len()) {
            return Err(InferError::SequenceLengths { expected, actual: codes.len() });
        }
        Ok(Self { codes, lengths })
    }

    /// Returns the number of positions in all sequences.
    pub fn positions(&self) -> usize {
        self.codes.len()
    }

    /// Returns all codes.
    pub fn codes(&self) -> &'a [u16] {
        self.codes
    }

    /// Returns the sequences in order, empty ones included.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u16]> + use<'a> {
        let mut rest = self.codes;
        self.lengths.iter().map(move |length| {
            let (sequence, others) = rest.split_at(*length);
            rest = others;
            sequence
        })
    }
}

/// A model of sequences that is ready to run.
pub trait SequenceSession: Send {
    /// Returns the model's input and output.
    fn signature(&self) -> &Signature;

    /// Returns the alphabet that the session was loaded with.
    fn alphabet(&self) -> &Alphabet;

    /// Returns the name of the engine.
    fn backend(&self) -> &'static str;

    /// Returns how the blocks so far were filled; `None` for an engine that takes any shape.
    fn filling(&self) -> Option<Filling> {
        None
    }

    /// Runs the engine on input that [`SequenceSession::run`] has checked, at least one position, and
    /// appends the results to `output`.
    ///
    /// # Errors
    ///
    /// [`InferError::Run`] or [`InferError::OutputMismatch`].
    fn execute(&mut self, input: SequencesRef<'_>, output: &mut Vec<f32>)
    -> Result<(), InferError>;

    /// Writes one row of `output` for every position of every sequence, replacing its content.
    ///
    /// **Shape:** `[positions, outputs]`, C order, one sequence after the other. The result for a
    /// sequence does not depend on the other sequences.
    ///
    /// # Errors
    ///
    /// [`InferError::UnknownCode`] for a code that is not in the alphabet, before the engine runs;
    /// otherwise the error of the engine.
    fn run(&mut self, input: SequencesRef<'_>, output: &mut Vec<f32>) -> Result<(), InferError> {
        output.clear();
        self.append(input, output)
    }

    /// Does the same as [`SequenceSession::run`], but keeps the content of `output` before the new rows.
    ///
    /// # Errors
    ///
    /// As [`SequenceSession::run`]; what was appended then is of no use.
    fn append(&mut self, input: SequencesRef<'_>, output: &mut Vec<f32>) -> Result<(), InferError> {
        let codes = self.alphabet().codes();
        // A loop without early exit compiles to vector instructions; the position of a wrong code is
        // searched only if there is one.
        let largest = input.codes().iter().fold(0, |largest, code| largest.max(*code));
        if usize::from(largest) >= codes
            && let Some(position) =
                input.codes().iter().position(|code| usize::from(*code) >= codes)
        {
            return Err(InferError::UnknownCode { position, code: input.codes()[position], codes });
        }
        if input.positions() == 0 {
            return Ok(());
        }
        let (start, values) = (output.len(), input.positions() * self.signature().outputs);
        if start == 0 {
            // A sequence may have a hundred million positions: no memory for more than these.
            output.reserve_exact(values);
        }
        self.execute(input, output)?;
        InferError::check_output(self.backend(), values, output.get(start..).unwrap_or_default())
    }
}

/// Checks that a model of sequences has as many features as an alphabet.
#[cfg(any(feature = "embedded", feature = "onnxruntime"))]
pub(crate) fn check_alphabet(signature: &Signature, alphabet: &Alphabet) -> Result<(), String> {
    if signature.layout != crate::Layout::Sequences {
        return Err("it is not a model of sequences, expected an input [?, n, 1, ?]".to_owned());
    }
    if signature.features != alphabet.channels() {
        return Err(format!(
            "it takes {} features per position, the alphabet has {}",
            signature.features,
            alphabet.channels()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alphabets_are_matrices_of_finite_numbers() {
        let alphabet = Alphabet::new(2, vec![1.0, 2.0, 3.0, 4.0]).expect("two vectors of two");
        assert_eq!(
            (alphabet.codes(), alphabet.vector(1), alphabet.vector(2)),
            (2, Some(&[3.0, 4.0][..]), None)
        );
        for (channels, vectors) in [
            (0, vec![]),
            (2, vec![]),
            (2, vec![1.0; 3]),
            (0, vec![1.0]),
            (1, vec![f32::NAN]),
            (1, vec![0.0; 65_537]),
        ] {
            assert!(Alphabet::new(channels, vectors).is_err());
        }
    }

    #[test]
    fn lengths_must_add_up() {
        let sequences = SequencesRef::new(&[1, 2, 3], &[2, 0, 1]).expect("the lengths add up");
        assert_eq!(sequences.iter().collect::<Vec<_>>(), [&[1, 2][..], &[], &[3]]);
        assert!(SequencesRef::new(&[1, 2, 3], &[2]).is_err());
        assert!(SequencesRef::new(&[1], &[usize::MAX, 2]).is_err());
    }
}
