//! Small neural networks from ONNX files.
//!
//! A [`ModelFile`] is an ONNX file that was read and checked. A [`Backend`] loads it into one engine
//! and returns a [`Session`], which maps a matrix of features to a matrix of outputs. A session
//! belongs to one worker thread; load one for each.
//!
//! # Quick start
//!
//! ```
//! use bm_infer::{Backend, ModelFile, TensorRef, backend::Embedded};
//! # use bm_infer::onnx::testing::dense;
//!
//! # let hidden = (2, vec![1.0, -1.0, 0.5, 0.5], vec![0.0, 0.0]);
//! # let bytes = dense(&[hidden, (1, vec![1.0, 1.0], vec![0.0])]);
//! let model = ModelFile::from_bytes("two-layers.onnx", bytes)?; // or ModelFile::open(path)
//! let mut session = Embedded::new().load(&model)?;
//! let mut output = Vec::new();
//! let input = TensorRef::new([2, 2], &[0.0, 0.0, 1.0, 1.0])?; // 2 rows of 2 features
//! session.run(input, &mut output)?;
//! assert_eq!(output[0], 0.5); // the sigmoid of 0
//! assert!((output[1] - 0.7310586).abs() < 1e-6); // the sigmoid of 1
//! # Ok::<(), bm_infer::InferError>(())
//! ```
//!
//! # Engines
//!
//! | backend | needs | features |
//! |---|---|---|
//! | [`Embedded`](backend::Embedded) | nothing: pure Rust, small networks | `embedded` (default) |
//! | [`OnnxRuntime`](backend::OnnxRuntime) | the ONNX Runtime library, found at run time | `onnxruntime` |
//! | [`CoreMl`](backend::CoreMl) | that library on macOS, and a model file in half precision | `coreml` |
//!
//! For tests on systems without CoreML, the feature `stand-in` has a device with its contract.
//!
//! There are two kinds of models. A model of *rows* maps each row of features to a row of outputs. A
//! model of *sequences* maps each position of a sequence to a row of outputs and may use its
//! neighbours; its input are codes over an [`Alphabet`], see [`Backend::load_sequences`].
//!
//! An engine that is not available is an error; no other engine takes its place. Input that is not
//! finite is refused before an engine runs, because engines treat it differently.
//!
//! # A backend of your own
//!
//! Implement [`Backend`] and [`Session`]: a name, a check whether the engine can run on this
//! machine, and how a model is loaded. The traits refuse input of the wrong width and numbers that
//! are not finite, before and after the engine runs. [`self_check`] compares two engines.
//!
//! ```
//! use bm_infer::backend::Embedded;
//! use bm_infer::self_check::Agreement;
//! use bm_infer::{Backend, InferError, ModelFile, Session, Signature, TensorRef};
//! # use bm_infer::onnx::testing::dense;
//!
//! /// Runs the embedded engine on one row at a time. A remote engine would send the row elsewhere.
//! struct RowByRow;
//!
//! struct RowSession(Box<dyn Session>);
//!
//! impl Backend for RowByRow {
//!     fn name(&self) -> &'static str {
//!         "row-by-row"
//!     }
//!
//!     fn describe(&self) -> String {
//!         "one row at a time, CPU".to_owned()
//!     }
//!
//!     fn check(&self) -> Result<(), InferError> {
//!         Ok(()) // or InferError::BackendUnavailable with what is missing
//!     }
//!
//!     fn load(&self, model: &ModelFile) -> Result<Box<dyn Session>, InferError> {
//!         Ok(Box::new(RowSession(Embedded::new().load(model)?)))
//!     }
//! }
//!
//! impl Session for RowSession {
//!     fn signature(&self) -> &Signature {
//!         self.0.signature()
//!     }
//!
//!     fn backend(&self) -> &'static str {
//!         "row-by-row"
//!     }
//!
//!     fn execute(&mut self, input: TensorRef<'_>, output: &mut Vec<f32>) -> Result<(), InferError> {
//!         let features = self.signature().features;
//!         for row in input.values().chunks(features) {
//!             self.0.execute(TensorRef::new([1, features], row)?, output)?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # let hidden = (2, vec![1.0, -1.0, 0.5, 0.5], vec![0.0, 0.0]);
//! # let bytes = dense(&[hidden, (1, vec![1.0, 1.0], vec![0.0])]);
//! let model = ModelFile::from_bytes("two-layers.onnx", bytes)?;
//! let (mut ours, mut theirs) = (RowByRow.load(&model)?, Embedded::new().load(&model)?);
//! assert_eq!(Agreement::of(ours.as_mut(), theirs.as_mut(), 100)?.max_difference, 0.0);
//! # Ok::<(), InferError>(())
//! ```

pub mod backend;
mod digest;
mod error;
mod filling;
mod model_file;
pub mod onnx;
#[cfg(feature = "onnxruntime")]
mod pinned_library;
#[cfg(feature = "onnxruntime")]
mod runtime_library;
pub mod self_check;
pub mod sequence;
mod signature;
mod tensor;

pub use backend::{Backend, Session, Variant};
pub use digest::{Digesting, Sha256};
pub use error::{InferError, Shown};
pub use filling::Filling;
pub use model_file::ModelFile;
#[cfg(feature = "onnxruntime")]
pub use pinned_library::fetched_library;
#[cfg(feature = "onnxruntime")]
pub use runtime_library::LibrarySource;
pub use sequence::{Alphabet, SequenceSession, SequencesRef};
pub use signature::{Layout, Signature};
pub use tensor::TensorRef;

// The examples of the README run as tests.
#[cfg(all(doctest, feature = "embedded"))]
#[doc = include_str!("../README.md")]
struct Readme;
