//! The models that `bm` ships, as bytes.
//!
//! A model consists of its ONNX files, its manifest (facts for machines), its card (facts for people),
//! and golden reads with the probabilities that every engine must compute for them. This crate only
//! holds the bytes; `bm-quality` opens a model by its id.
//!
//! ```
//! let model = bm_models::get(bm_models::DEFAULT).expect("the default model is shipped");
//! assert_eq!(model.id, "read-error");
//! assert!(model.manifest.starts_with('{'));
//! ```

/// A model package, as embedded bytes.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedModel {
    /// The id of the model, and the name of its folder.
    pub id: &'static str,
    /// `manifest.json`.
    pub manifest: &'static str,
    /// `model.onnx`: single precision, any batch size.
    pub model: &'static [u8],
    /// `model.ane.onnx`: half precision, one batch size, for the Neural Engine.
    pub neural_engine_model: &'static [u8],
    /// `golden.json`: golden reads and their probabilities.
    pub golden: &'static str,
    /// `experience.json`: how frequent each k-mer statement is among wrong and right bases of runs with
    /// known errors; `None` for a model that cannot be adapted.
    pub experience: Option<&'static str>,
    /// `README.md`: the model card.
    pub card: &'static str,
}

macro_rules! embedded {
    ($id:literal, $experience:expr) => {
        EmbeddedModel {
            id: $id,
            manifest: include_str!(concat!("../", $id, "/manifest.json")),
            model: include_bytes!(concat!("../", $id, "/model.onnx")),
            neural_engine_model: include_bytes!(concat!("../", $id, "/model.ane.onnx")),
            golden: include_str!(concat!("../", $id, "/golden.json")),
            experience: $experience,
            card: include_str!(concat!("../", $id, "/README.md")),
        }
    };
}

/// All shipped models that score reads.
pub const ALL: &[EmbeddedModel] = &[
    embedded!("read-error", Some(include_str!("../read-error/experience.json"))),
    embedded!("mean-q20", None),
];

/// The model that returns vectors of reads. It is not in [`ALL`], the models that score reads.
pub const EMBEDDING: EmbeddedModel = embedded!("embed", None);

/// The id of the model that is used by default.
pub const DEFAULT: &str = "read-error";

/// Returns the model with this id, `None` if there is none.
pub fn get(id: &str) -> Option<&'static EmbeddedModel> {
    ALL.iter().find(|model| model.id == id)
}

// The example of the README runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_shipped_and_ids_are_unique() {
        assert!(get(DEFAULT).is_some());
        for (i, model) in ALL.iter().enumerate() {
            assert!(
                ALL[..i].iter().all(|other| other.id != model.id),
                "the id {} is used twice",
                model.id
            );
            assert!(
                !model.model.is_empty() && !model.neural_engine_model.is_empty(),
                "{}",
                model.id
            );
        }
    }
}
