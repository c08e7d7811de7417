//! An ONNX file, read and checked before an engine loads it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use prost::Message;

use crate::onnx::{self, ModelProto};
use crate::{InferError, Sha256, Signature};

/// An ONNX file: its bytes, digest, signature and metadata.
#[derive(Clone, Debug)]
pub struct ModelFile {
    name: String,
    bytes: Cow<'static, [u8]>,
    sha256: Sha256,
    operator_set: i64,
    signature: Signature,
    metadata: BTreeMap<String, String>,
}

impl ModelFile {
    /// Maximum size of a model file in bytes. The models here have some hundred thousand.
    pub const MAX_BYTES: u64 = 64 * 1024 * 1024;

    /// Reads a model file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is too large, is not a valid ONNX model or keeps its weights in
    /// another file.
    pub fn open(path: &Path) -> Result<Self, InferError> {
        let not_found = |source| InferError::ModelNotFound { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(not_found)?;
        let name = path.display().to_string();
        Self::check_size(&name, file.metadata().map_err(not_found)?.len())?;
        // The size of a pipe, or of a file that grows, is known only after reading.
        file.take(Self::MAX_BYTES + 1).read_to_end(&mut bytes).map_err(not_found)?;
        Self::from_bytes(name, bytes)
    }

    /// Returns the model in `bytes`; messages call it `name`.
    ///
    /// # Errors
    ///
    /// As [`ModelFile::open`].
    pub fn from_bytes(
        name: impl Into<String>,
        bytes: impl Into<Cow<'static, [u8]>>,
    ) -> Result<Self, InferError> {
        let (name, bytes) = (name.into(), bytes.into());
        Self::check_size(&name, bytes.len() as u64)?;
        let (operator_set, signature, metadata) = Self::describe(&bytes)
            .map_err(|reason| InferError::ModelInvalid { model: name.clone(), reason })?;
        Ok(Self { sha256: Sha256::of(&bytes), name, bytes, operator_set, signature, metadata })
    }

    fn check_size(name: &str, actual: u64) -> Result<(), InferError> {
        if actual > Self::MAX_BYTES {
            return Err(InferError::ModelTooLarge {
                model: name.to_owned(),
                limit: Self::MAX_BYTES,
                actual,
            });
        }
        Ok(())
    }

    fn describe(bytes: &[u8]) -> Result<(i64, Signature, BTreeMap<String, String>), String> {
        onnx::limits::check(bytes)?;
        let model = ModelProto::decode(bytes).map_err(|error| error.to_string())?;
        let graph = model.graph.as_ref().ok_or("it has no graph")?;
        let standard =
            model.opset_import.iter().find(|set| set.domain.is_empty() || set.domain == "ai.onnx");
        let opset = standard.map(|set| set.version).ok_or("it names no operator set")?;
        if opset < 1 {
            return Err(format!("operator set {opset}, expected 1 or later"));
        }
        if let Some(tensor) = onnx::external_tensor(&model) {
            return Err(format!(
                "the weights of {tensor} are in another file, expected all weights in the model file"
            ));
        }
        let metadata = model
            .metadata_props
            .iter()
            .map(|entry| (entry.key.clone(), entry.value.clone()))
            .collect();
        Ok((opset, Signature::of(graph)?, metadata))
    }

    /// Returns the name that messages use for the model.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the content of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the SHA-256 digest of the file.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Returns the version of the standard operator set. Each engine decides which versions it knows.
    pub fn operator_set(&self) -> i64 {
        self.operator_set
    }

    /// Returns the model's input and output.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Returns the metadata entry `key` (ONNX `metadata_props`).
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// Checks the digest of the file against that of a manifest.
    ///
    /// # Errors
    ///
    /// [`InferError::DigestMismatch`].
    pub fn verify(&self, expected: &str) -> Result<(), InferError> {
        let actual = self.sha256.to_string();
        if actual != expected {
            return Err(InferError::DigestMismatch {
                model: self.name.clone(),
                expected: expected.to_owned(),
                actual,
            });
        }
        Ok(())
    }
}
