//! Engines for a device that takes blocks of one shape, in half precision.
//!
//! Rows of any number and sequences of any length are laid out in such blocks. Before its first block,
//! the device is compared with another engine on the same file.

use super::fixed_batch::FixedBatch;
use super::packing::Packing;
use super::{Session, unsupported};
use crate::onnx::reach::Reach;
use crate::self_check::{self, Agreement};
use crate::{
    Alphabet, Filling, InferError, Layout, ModelFile, SequenceSession, SequencesRef, Signature,
    TensorRef,
};

/// A device with a loaded model.
pub(super) trait Device: Send {
    /// Returns the outputs of one block; both in the layout of the model file.
    fn call(&mut self, block: &[f32]) -> Result<Vec<f32>, InferError>;
}

/// Checks that a model of rows is one for such a device.
pub(super) fn check_rows(backend: &'static str, model: &ModelFile) -> Result<(), InferError> {
    let refused = |reason| Err(unsupported(backend, model, reason));
    if !matches!(model.signature().layout, Layout::Columns { .. }) {
        return refused(
            "expected an input [1, features, rows, columns], as model.ane.onnx has".to_owned(),
        );
    }
    match Reach::of(model) {
        Ok(reach) if reach == Reach::default() => Ok(()),
        Ok(_) => refused("it is a model of sequences, expected one of rows".to_owned()),
        Err(reason) => refused(reason),
    }
}

/// The device with a model, and the reference that it is compared with.
pub(super) type Devices = [Box<dyn Device>; 2];

/// Returns a session for a model of rows, after a comparison with a reference.
pub(super) fn rows(
    backend: &'static str,
    model: &ModelFile,
    devices: impl FnOnce() -> Result<Devices, InferError>,
) -> Result<Box<dyn Session>, InferError> {
    check_rows(backend, model)?;
    let [device, reference] = devices()?;
    let mut session = FixedRows::new(backend, model, device)?;
    let mut reference = FixedRows::new(backend, model, reference)?;
    let block = model.signature().batch.unwrap_or(1);
    let agreement = Agreement::of(&mut session, &mut reference, block)?;
    require(backend, &agreement)?;
    session.fixed.restart_filling();
    Ok(Box::new(session))
}

/// Returns a session for a model of sequences, after a comparison with a reference.
pub(super) fn sequences(
    backend: &'static str,
    model: &ModelFile,
    alphabet: &Alphabet,
    devices: impl FnOnce() -> Result<Devices, InferError>,
) -> Result<Box<dyn SequenceSession>, InferError> {
    let packing =
        || Packing::new(model, alphabet).map_err(|reason| unsupported(backend, model, reason));
    // A model that cannot be packed is refused before a device gets it.
    let (ours, theirs) = (packing()?, packing()?);
    let [device, reference] = devices()?;
    let mut session = PackedSequences::with(backend, model, alphabet, ours, device);
    let mut reference = PackedSequences::with(backend, model, alphabet, theirs, reference);
    let block = model.signature().batch.unwrap_or(1);
    let agreement = Agreement::of_sequences(&mut session, &mut reference, block)?;
    require(backend, &agreement)?;
    session.packing.restart_filling();
    Ok(Box::new(session))
}

fn require(backend: &'static str, agreement: &Agreement) -> Result<(), InferError> {
    agreement
        .require(&self_check::HALF_PRECISION)
        .map_err(|reason| InferError::SelfCheck { backend, reason })
}

/// A model of rows on such a device.
pub(super) struct FixedRows {
    backend: &'static str,
    signature: Signature,
    fixed: FixedBatch,
    device: Box<dyn Device>,
}

impl FixedRows {
    pub(super) fn new(
        backend: &'static str,
        model: &ModelFile,
        device: Box<dyn Device>,
    ) -> Result<Self, InferError> {
        let signature = model.signature().clone();
        let fixed = FixedBatch::new(&signature).ok_or_else(|| {
            unsupported(backend, model, "it takes any batch size, expected one".to_owned())
        })?;
        Ok(Self { backend, signature, fixed, device })
    }
}

impl Session for FixedRows {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn backend(&self) -> &'static str {
        self.backend
    }

    fn filling(&self) -> Option<Filling> {
        Some(self.fixed.filling())
    }

    fn execute(&mut self, input: TensorRef<'_>, output: &mut Vec<f32>) -> Result<(), InferError> {
        let Self { fixed, device, .. } = self;
        fixed.for_each(input, output, |block| device.call(block))
    }
}

/// A model of sequences on such a device.
pub(super) struct PackedSequences {
    backend: &'static str,
    signature: Signature,
    alphabet: Alphabet,
    packing: Packing,
    device: Box<dyn Device>,
}

impl PackedSequences {
    pub(super) fn new(
        backend: &'static str,
        model: &ModelFile,
        alphabet: &Alphabet,
        device: Box<dyn Device>,
    ) -> Result<Self, InferError> {
        let packing =
            Packing::new(model, alphabet).map_err(|reason| unsupported(backend, model, reason))?;
        Ok(Self::with(backend, model, alphabet, packing, device))
    }

    fn with(
        backend: &'static str,
        model: &ModelFile,
        alphabet: &Alphabet,
        packing: Packing,
        device: Box<dyn Device>,
    ) -> Self {
        let (signature, alphabet) = (model.signature().clone(), alphabet.clone());
        Self { backend, signature, alphabet, packing, device }
    }
}

impl SequenceSession for PackedSequences {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn alphabet(&self) -> &Alphabet {
        &self.alphabet
    }

    fn backend(&self) -> &'static str {
        self.backend
    }

    fn filling(&self) -> Option<Filling> {
        Some(self.packing.filling())
    }

    fn execute(
        &mut self,
        input: SequencesRef<'_>,
        output: &mut Vec<f32>,
    ) -> Result<(), InferError> {
        let Self { backend, packing, device, .. } = self;
        packing.for_each(backend, input, output, |block| device.call(block))
    }
}
