//! A device that computes nothing, to measure what lies before and after one: layout, packing, and
//! taking the outputs apart.

use super::fixed_shape::{self, Device, Devices};
use super::{Backend, Session, Variant};
use crate::{Alphabet, InferError, ModelFile, SequenceSession};

const NAME: &str = "blank";

/// A device with CoreML's contract whose outputs are all 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Blank;

impl Blank {
    fn devices(model: &ModelFile) -> Result<Devices, InferError> {
        let signature = model.signature();
        let outputs = signature.outputs * signature.batch.unwrap_or(1);
        Ok([Box::new(Zeros(outputs)), Box::new(Zeros(outputs))])
    }
}

struct Zeros(usize);

impl Device for Zeros {
    fn call(&mut self, _: &[f32]) -> Result<Vec<f32>, InferError> {
        Ok(vec![0.0; self.0])
    }
}

impl Backend for Blank {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> String {
        "a device that computes nothing".to_owned()
    }

    fn variant(&self) -> Variant {
        Variant::NeuralEngine
    }

    fn check(&self) -> Result<(), InferError> {
        Ok(())
    }

    fn load(&self, model: &ModelFile) -> Result<Box<dyn Session>, InferError> {
        fixed_shape::rows(NAME, model, || Self::devices(model))
    }

    fn load_sequences(
        &self,
        model: &ModelFile,
        alphabet: &Alphabet,
    ) -> Result<Box<dyn SequenceSession>, InferError> {
        fixed_shape::sequences(NAME, model, alphabet, || Self::devices(model))
    }
}
