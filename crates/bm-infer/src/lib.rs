//! Small neural networks from ONNX files.
//!
//! A [`ModelFile`] is an ONNX file, read, measured and checked. A [`Backend`] prepares it for one
//! engine, and the [`Session`] that it returns maps a matrix of features to a matrix of outputs. A
//! session belongs to one worker; make one for each.
//!
//! | backend | needs | features |
//! |---|---|---|
//! | [`Embedded`](backend::Embedded) | nothing: pure Rust, dense networks | `embedded` (default) |
//! | [`OnnxRuntime`](backend::OnnxRuntime) | the ONNX Runtime library, found at run time | `onnxruntime` |
//! | [`CoreMl`](backend::CoreMl) | that library on macOS, and a model file of its own | `coreml` |
//!
//! Models come in two kinds. One of *rows* maps a row of features to a row of outputs. One of
//! *sequences* maps every position of a sequence to a row of outputs and may look at its
//! neighbours; it takes codes over an [`Alphabet`], see [`Backend::load_sequences`].
//!
//! A backend that is named and not there is refused; nothing falls back in silence. Input that is
//! not finite is refused before any engine sees it, because engines differ in what they make of it.
//!
//! ```
//! use bm_infer::{Backend, ModelFile, TensorRef, backend::Embedded};
//! # let bytes = bm_infer::onnx::testing::dense(&[(2, vec![1.0, -1.0, 0.5, 0.5], vec![0.0, 0.0]), (1, vec![1.0, 1.0], vec![0.0])]);
//! let model = ModelFile::from_bytes("two-layers.onnx", bytes)?;
//! let mut session = Embedded::new().load(&model)?;
//! let mut output = Vec::new();
//! session.run(TensorRef::new([2, 2], &[0.0, 0.0, 1.0, 1.0])?, &mut output)?;
//! assert_eq!(output[0], 0.5); // the sigmoid of 0
//! assert!((output[1] - 0.7310586).abs() < 1e-6); // the sigmoid of 1
//! # Ok::<(), bm_infer::InferError>(())
//! ```
//!
//! # A backend of your own
//!
//! Implement [`Backend`] and [`Session`]: a name, a check whether it can run here, and how a model
//! is loaded. The traits refuse wrong widths and numbers that are not finite, before and after the
//! engine. [`self_check`] tells whether two engines agree.
//!
//! ```
//! use bm_infer::backend::Embedded;
//! use bm_infer::self_check::Agreement;
//! use bm_infer::{Backend, InferError, ModelFile, Session, Signature, TensorRef};
//!
//! /// Asks the embedded engine for one row at a time. One that runs elsewhere would send the row there.
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
//!         "a row at a time, CPU".to_owned()
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
//! # let bytes = bm_infer::onnx::testing::dense(&[(2, vec![1.0, -1.0, 0.5, 0.5], vec![0.0, 0.0]), (1, vec![1.0, 1.0], vec![0.0])]);
//! let model = ModelFile::from_bytes("two-layers.onnx", bytes)?;
//! let (mut ours, mut theirs) = (RowByRow.load(&model)?, Embedded::new().load(&model)?);
//! assert_eq!(Agreement::of(ours.as_mut(), theirs.as_mut(), 100)?.max_difference, 0.0);
//! # Ok::<(), InferError>(())
//! ```

pub mod backend;
mod digest;
mod error;
mod model_file;
pub mod onnx;
#[cfg(feature = "onnxruntime")]
mod runtime_library;
pub mod self_check;
pub mod sequence;
mod signature;
mod tensor;

pub use backend::{Backend, Session, Variant};
pub use digest::{Digesting, Sha256};
pub use error::{InferError, Shown};
pub use model_file::ModelFile;
#[cfg(feature = "onnxruntime")]
pub use runtime_library::LibrarySource;
pub use sequence::{Alphabet, SequenceSession, SequencesRef};
pub use signature::{Layout, Signature};
pub use tensor::TensorRef;
