//! Models of sequences on ONNX Runtime, which gets the features of each code.

use ort::session::builder::SessionBuilder;

use super::ort_session::{commit, failed, run};
use super::unsupported;
use crate::sequence::check_alphabet;
use crate::{Alphabet, InferError, ModelFile, SequenceSession, SequencesRef, Signature};

/// Maximum number of features in a batch; a longer sequence is a batch of its own.
const BATCH: usize = 1 << 20;

/// A session of ONNX Runtime for sequences.
pub(super) struct OrtSequences {
    backend: &'static str,
    signature: Signature,
    alphabet: Alphabet,
    session: ort::session::Session,
    features: Vec<f32>,
}

impl OrtSequences {
    /// Loads `model` into a session of `builder`.
    pub(super) fn commit(
        backend: &'static str,
        builder: SessionBuilder,
        model: &ModelFile,
        alphabet: &Alphabet,
    ) -> Result<Self, InferError> {
        let signature = model.signature().clone();
        check_alphabet(&signature, alphabet)
            .map_err(|reason| unsupported(backend, model, reason))?;
        let session = commit(backend, builder, model)?;
        Ok(Self { backend, signature, alphabet: alphabet.clone(), session, features: Vec::new() })
    }

    /// Runs sequences of one length and appends one row per position to `output`.
    fn batch(&mut self, sequences: &[&[u16]], output: &mut Vec<f32>) -> Result<(), InferError> {
        let Self { signature, alphabet, session, features, .. } = self;
        let length = sequences.first().map_or(0, |sequence| sequence.len());
        let (channels, outputs) = (alphabet.channels(), signature.outputs);
        features.clear();
        features.resize(sequences.len() * channels * length, 0.0);
        for (sequence, block) in sequences.iter().zip(features.chunks_exact_mut(channels * length))
        {
            for (position, code) in sequence.iter().enumerate() {
                for (channel, value) in alphabet.vector(*code).into_iter().flatten().enumerate() {
                    block[channel * length + position] = *value;
                }
            }
        }
        let shape = [sequences.len(), channels, 1, length].map(|size| size as i64).to_vec();
        let values = run(session, signature, shape, features)
            .map_err(|error| failed(self.backend, &error))?;
        // Checked before the values are transposed, so that every index below is in range.
        InferError::check_output(self.backend, sequences.len() * outputs * length, &values)?;
        for block in values.chunks_exact(outputs * length) {
            output.extend((0..length * outputs).map(|i| block[i % outputs * length + i / outputs]));
        }
        Ok(())
    }
}

impl SequenceSession for OrtSequences {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn alphabet(&self) -> &Alphabet {
        &self.alphabet
    }

    fn backend(&self) -> &'static str {
        self.backend
    }

    fn execute(
        &mut self,
        input: SequencesRef<'_>,
        output: &mut Vec<f32>,
    ) -> Result<(), InferError> {
        // A batch has one length. Padding would do for some networks and be wrong for others: what
        // a deeper layer makes of the padding reaches the sequence's end.
        let mut alike: Vec<&[u16]> = Vec::new();
        for sequence in input.iter().filter(|sequence| !sequence.is_empty()) {
            let full = (alike.len() + 1) * sequence.len() * self.alphabet.channels() > BATCH;
            if alike.first().is_some_and(|first| first.len() != sequence.len() || full) {
                self.batch(&alike, output)?;
                alike.clear();
            }
            alike.push(sequence);
        }
        if alike.is_empty() { Ok(()) } else { self.batch(&alike, output) }
    }
}
