//! A device in place of CoreML, for tests on systems without it.
//!
//! It has CoreML's contract: the same model files, blocks of one shape, half precision, and one call
//! at a time for each session. All that lies before the device is the code that CoreML uses:
//! layout, packing, comparison with the CPU, refusals.
//!
//! It emulates that weights, the input, and the result of every node are numbers of half precision.
//! It does not emulate sums in half precision within a node, approximate activations, small numbers
//! that a device takes for zero, or anything else of CoreML and the Neural Engine: how they compile a
//! model, which unit they choose, and how fast they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::fixed_shape::{self, Device, Devices};
use super::ort_session::{OrtDevice, builder, failed};
use super::{Backend, Session, Variant, unsupported};
use crate::onnx::rounding::rounded;
use crate::runtime_library::LibrarySource;
use crate::{Alphabet, InferError, ModelFile, SequenceSession, self_check};

const NAME: &str = "stand-in";

/// A device with CoreML's contract on ONNX Runtime's CPU code, which counts what it gets.
#[derive(Clone, Debug, Default)]
pub struct StandIn {
    library: LibrarySource,
    fault: Option<Fault>,
    counters: Arc<Counters>,
}

/// What is wrong with the device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// It is not there.
    Missing,
    /// It returns numbers that are finite and wrong.
    Wrong,
    /// It returns probabilities of errors that are a tenth too low.
    Low,
    /// Its calls fail after the comparison with the CPU.
    Fails,
}

/// What the device got, without the blocks that it was compared with the CPU on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Blocks.
    pub calls: u64,
    /// Columns of all blocks.
    pub columns: u64,
    /// Columns that were zero in all features: padding, and what separates sequences.
    pub empty: u64,
}

#[derive(Debug, Default)]
struct Counters {
    calls: AtomicU64,
    columns: AtomicU64,
    empty: AtomicU64,
}

impl StandIn {
    /// Returns the device; the library is loaded when it is first needed.
    pub fn new(library: LibrarySource) -> Self {
        Self { library, ..Self::default() }
    }

    /// Returns a device with a fault.
    pub fn with_fault(self, fault: Fault) -> Self {
        Self { fault: Some(fault), ..self }
    }

    /// Returns what all sessions of the device got.
    pub fn counts(&self) -> Counts {
        let Counters { calls, columns, empty } = &*self.counters;
        let [calls, columns, empty] = [calls, columns, empty].map(|it| it.load(Ordering::Relaxed));
        Counts { calls, columns, empty }
    }

    fn devices(&self, model: &ModelFile, ready: &Arc<AtomicBool>) -> Result<Devices, InferError> {
        let runtime = self.library.runtime(NAME)?;
        let builder = || builder(runtime).map_err(|error| failed(NAME, &error));
        let bytes = rounded(model.bytes()).map_err(|reason| unsupported(NAME, model, reason))?;
        let exact = OrtDevice::commit(NAME, builder()?, model)?;
        let device = Rounding {
            device: OrtDevice::commit(
                NAME,
                builder()?,
                &ModelFile::from_bytes(model.name(), bytes)?,
            )?,
            features: model.signature().features,
            fault: self.fault,
            counters: Arc::clone(&self.counters),
            ready: Arc::clone(ready),
        };
        Ok([Box::new(device), Box::new(exact)])
    }
}

impl Backend for StandIn {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> String {
        match self.library.runtime(NAME) {
            Ok(runtime) => format!("{}, CPU in place of CoreML", runtime.describe()),
            Err(error) => error.to_string(),
        }
    }

    fn variant(&self) -> Variant {
        Variant::NeuralEngine
    }

    fn tolerance(&self) -> f32 {
        self_check::HALF_PRECISION.max_difference
    }

    fn check(&self) -> Result<(), InferError> {
        if self.fault == Some(Fault::Missing) {
            return Err(InferError::BackendUnavailable {
                backend: NAME,
                reason: "this machine has no such device".to_owned(),
                source: None,
            });
        }
        self.library.runtime(NAME).map(drop)
    }

    fn load(&self, model: &ModelFile) -> Result<Box<dyn Session>, InferError> {
        self.check()?;
        let ready = Arc::default();
        let session = fixed_shape::rows(NAME, model, || self.devices(model, &ready))?;
        ready.store(true, Ordering::Relaxed);
        Ok(session)
    }

    fn load_sequences(
        &self,
        model: &ModelFile,
        alphabet: &Alphabet,
    ) -> Result<Box<dyn SequenceSession>, InferError> {
        self.check()?;
        let ready = Arc::default();
        let session =
            fixed_shape::sequences(NAME, model, alphabet, || self.devices(model, &ready))?;
        ready.store(true, Ordering::Relaxed);
        Ok(session)
    }
}

/// The network with a rounding after every node.
struct Rounding {
    device: OrtDevice,
    features: usize,
    fault: Option<Fault>,
    counters: Arc<Counters>,
    /// Whether the comparison with the CPU is over.
    ready: Arc<AtomicBool>,
}

impl Rounding {
    fn count(&self, block: &[f32]) {
        let columns = block.len() / self.features;
        let mut used = vec![false; columns];
        for feature in block.chunks_exact(columns) {
            used.iter_mut().zip(feature).for_each(|(used, value)| *used |= *value != 0.0);
        }
        let empty = used.iter().filter(|used| !**used).count();
        let Counters { calls, columns: all, empty: unused } = &*self.counters;
        calls.fetch_add(1, Ordering::Relaxed);
        all.fetch_add(columns as u64, Ordering::Relaxed);
        unused.fetch_add(empty as u64, Ordering::Relaxed);
    }
}

impl Device for Rounding {
    fn call(&mut self, block: &[f32]) -> Result<Vec<f32>, InferError> {
        let is_ready = self.ready.load(Ordering::Relaxed);
        if is_ready {
            self.count(block);
        }
        let values = self.device.call(block)?;
        Ok(match self.fault {
            Some(Fault::Fails) if is_ready => {
                return Err(failed(NAME, &"the device does not answer"));
            }
            Some(Fault::Wrong) => values.iter().map(|value| 1.0 - value).collect(),
            Some(Fault::Low) => values.iter().map(|value| 0.9 * value).collect(),
            _ => values,
        })
    }
}
