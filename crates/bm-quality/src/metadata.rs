//! Values in the metadata of a model file (ONNX `metadata_props`).

use std::str::FromStr;

use bm_infer::ModelFile;

use crate::QualityError;

/// Returns a text of the file's metadata.
///
/// # Errors
///
/// [`QualityError::Manifest`] if the key is missing.
pub(crate) fn text<'a>(file: &'a ModelFile, key: &str) -> Result<&'a str, QualityError> {
    file.metadata(key).ok_or_else(|| QualityError::Manifest {
        package: file.name().to_owned(),
        reason: format!(
            "no metadata `{key}`; expected a model of bm, or a package with a manifest"
        ),
    })
}

/// Returns a number of the file's metadata.
///
/// # Errors
///
/// [`QualityError::Manifest`] if the key is missing or its value is not a number.
pub(crate) fn number<T: FromStr>(file: &ModelFile, key: &str) -> Result<T, QualityError> {
    let value = text(file, key)?;
    value.parse().map_err(|_| QualityError::Manifest {
        package: file.name().to_owned(),
        reason: format!("metadata `{key}` is `{value}`, expected a number"),
    })
}
