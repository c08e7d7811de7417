//! Sequences as codes: what a model of sequences takes.
//!
//! At each position of a sequence stands one of few things, a base with its quality for instance,
//! so a position is a code and an [`Alphabet`] says which vector of features the code stands for.
//! An engine may look up what a first layer makes of a code instead of multiplying; one that cannot
//! writes the vectors out.
//!
//! ```
//! use bm_infer::{Alphabet, Backend, ModelFile, SequencesRef, backend::Embedded};
//! # use bm_infer::onnx::testing::{Convolution, correction_model};
//! # use prost::Message;
//! # let one = |weight, bias| Convolution { outputs: 1, inputs: 1, window: 1, weights: vec![weight], biases: vec![bias] };
//! # let bytes = correction_model(&one(0.0, 0.0), &one(0.0, 0.0), &one(1.0, 0.0)).encode_to_vec();
//! // A model that gives back the sigmoid of its one feature; two codes, which stand for 0 and for 100.
//! let model = ModelFile::from_bytes("sigmoid.onnx", bytes)?;
//! let alphabet = Alphabet::new(1, vec![0.0, 100.0])?;
//! let mut session = Embedded::new().load_sequences(&model, &alphabet)?;
//! let mut output = Vec::new();
//! session.run(SequencesRef::new(&[0, 1, 0], &[2, 1])?, &mut output)?;
//! assert_eq!(output, [0.5, 1.0, 0.5]);
//! # Ok::<(), bm_infer::InferError>(())
//! ```

use crate::{InferError, Signature};

/// The vectors of features that codes stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct Alphabet {
    channels: usize,
    vectors: Vec<f32>,
}

impl Alphabet {
    /// Returns the alphabet of `vectors`.
    ///
    /// **Shape:** `[codes, channels]`, C order; at least one code and at most 65,536.
    ///
    /// # Errors
    ///
    /// [`InferError::AlphabetInvalid`] if the shape does not hold, or if a number is not finite.
    pub fn new(channels: usize, vectors: Vec<f32>) -> Result<Self, InferError> {
        let invalid = |reason: String| Err(InferError::AlphabetInvalid { reason });
        let codes = vectors.len().checked_div(channels).unwrap_or(0);
        if codes == 0 || codes * channels != vectors.len() || codes > usize::from(u16::MAX) + 1 {
            return invalid(format!(
                "{} numbers for vectors of {channels}, expected 1 to 65536 of them",
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

    /// Returns the length of a vector.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Returns the number of codes: they are `0..codes()`.
    pub fn codes(&self) -> usize {
        self.vectors.len() / self.channels
    }

    /// Returns the vectors, in the order of their codes.
    pub fn vectors(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.vectors.chunks_exact(self.channels)
    }

    /// Returns the vector of a code.
    pub fn vector(&self, code: u16) -> Option<&[f32]> {
        self.vectors.chunks_exact(self.channels).nth(usize::from(code))
    }
}

/// Sequences of any lengths, one after the other, as codes.
#[derive(Clone, Copy, Debug)]
pub struct SequencesRef<'a> {
    codes: &'a [u16],
    lengths: &'a [usize],
}

impl<'a> SequencesRef<'a> {
    /// Returns the sequences of `lengths`, whose codes follow each other in `codes`.
    ///
    /// # Errors
    ///
    /// [`InferError::SequenceLengths`] if the lengths do not add up to the codes.
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

    /// Returns the sequences in order, empty ones too.
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
    /// Returns what goes in and what comes out; the layout is [`crate::Layout::Sequences`].
    fn signature(&self) -> &Signature;

    /// Returns the alphabet that the session was loaded with.
    fn alphabet(&self) -> &Alphabet;

    /// Returns the engine's name.
    fn backend(&self) -> &'static str;

    /// Runs the engine on input that [`SequenceSession::run`] has checked, at least one position;
    /// appends to `output`.
    ///
    /// # Errors
    ///
    /// [`InferError::Run`] or [`InferError::OutputMismatch`].
    fn execute(&mut self, input: SequencesRef<'_>, output: &mut Vec<f32>)
    -> Result<(), InferError>;

    /// Maps every position of every sequence to one row of `output`, which is emptied first.
    ///
    /// **Shape:** `[positions, outputs]`, C order, the sequences after each other. What comes out
    /// for a sequence does not depend on the others.
    ///
    /// # Errors
    ///
    /// A code that is not of the alphabet is refused before the engine sees it; else what the
    /// engine says.
    fn run(&mut self, input: SequencesRef<'_>, output: &mut Vec<f32>) -> Result<(), InferError> {
        output.clear();
        let codes = self.alphabet().codes();
        // Without a way out of the loop it is one vector instruction for many codes; a wrong one is
        // looked for only if there is one.
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
        self.execute(input, output)?;
        InferError::check_output(
            self.backend(),
            input.positions() * self.signature().outputs,
            output,
        )
    }
}

/// Checks that a model of sequences and an alphabet belong together.
#[cfg(any(feature = "embedded", feature = "onnxruntime"))]
pub(crate) fn check_alphabet(signature: &Signature, alphabet: &Alphabet) -> Result<(), String> {
    if signature.layout != crate::Layout::Sequences {
        return Err("it is not a model of sequences, expected an input [?, n, 1, ?]".to_owned());
    }
    if signature.features != alphabet.channels() {
        return Err(format!(
            "it takes {} features a position, the alphabet has {}",
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
        let sequences = SequencesRef::new(&[1, 2, 3], &[2, 0, 1]).expect("they add up");
        assert_eq!(sequences.iter().collect::<Vec<_>>(), [&[1, 2][..], &[], &[3]]);
        assert!(SequencesRef::new(&[1, 2, 3], &[2]).is_err());
        assert!(SequencesRef::new(&[1], &[usize::MAX, 2]).is_err());
    }
}
