//! The engines that are available.

use bm_infer::{Backend, ModelFile, Session, TensorRef};

/// An engine and its guarantees.
pub(crate) struct Present {
    pub(crate) label: String,
    pub(crate) backend: Box<dyn Backend>,
    /// Whether the result of a row is the same to the bit in every batch.
    pub(crate) bitwise: bool,
}

/// Returns every engine of full precision that is available.
pub(crate) fn present() -> Vec<Present> {
    #[allow(unused_mut)]
    let mut found: Vec<Present> = Vec::new();
    #[cfg(feature = "embedded")]
    for backend in bm_infer::backend::Embedded::all() {
        found.push(Present {
            label: backend.describe(),
            backend: Box::new(backend),
            bitwise: true,
        });
    }
    #[cfg(feature = "onnxruntime")]
    if let Some(library) = library() {
        let backend = Box::new(bm_infer::backend::OnnxRuntime::new(library));
        // Not guaranteed: its kernel may depend on the number of rows.
        found.push(Present { label: "onnxruntime".to_owned(), backend, bitwise: false });
    }
    found
}

/// Returns the library for all tests of this process: ONNX Runtime starts once, with one library.
#[cfg(feature = "onnxruntime")]
pub(crate) fn library() -> Option<bm_infer::LibrarySource> {
    if std::env::var_os("ORT_DYLIB_PATH").is_some() {
        return Some(bm_infer::LibrarySource::default());
    }
    assert!(
        std::env::var_os("BM_REQUIRE_ORT").is_none(),
        "BM_REQUIRE_ORT is set, but ORT_DYLIB_PATH names no library"
    );
    #[allow(clippy::print_stderr)]
    {
        eprintln!("SKIPPED for onnxruntime: ORT_DYLIB_PATH names no library");
    }
    None
}

/// Returns the device in place of CoreML, if ONNX Runtime is there.
#[cfg(feature = "stand-in")]
pub(crate) fn stand_in() -> Option<bm_infer::backend::StandIn> {
    library().map(bm_infer::backend::StandIn::new)
}

impl Present {
    pub(crate) fn is_embedded(&self) -> bool {
        self.backend.name() == "embedded"
    }

    pub(crate) fn load(&self, model: &ModelFile) -> Box<dyn Session> {
        self.backend
            .load(model)
            .unwrap_or_else(|error| panic!("{}, {}: {}", self.label, model.name(), chain(&error)))
    }
}

/// Runs rows through a session.
pub(crate) fn run(session: &mut dyn Session, rows: &[f32]) -> Vec<f32> {
    let features = session.signature().features;
    // The previous content of the output must not matter.
    let mut output = vec![f32::NAN; 3];
    let input = TensorRef::new([rows.len() / features, features], rows).unwrap();
    session
        .run(input, &mut output)
        .unwrap_or_else(|error| panic!("{}: {}", session.backend(), chain(&error)));
    output
}

/// Returns an error and its causes as one message.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message += &format!(": {cause}");
        source = cause.source();
    }
    message
}
