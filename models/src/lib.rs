//! The models that `bm` ships, as bytes.
//!
//! This crate holds data only. A model consists of its ONNX files, its manifest (for machines), its
//! card (for people), and golden reads with the probabilities that every engine must reproduce.
//! `bm-quality` opens and parses them, by id.

/// A model package, embedded.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedModel {
    /// The model's id and the name of its folder.
    pub id: &'static str,
    /// `manifest.json`.
    pub manifest: &'static str,
    /// `model.onnx`: single precision, any batch size.
    pub model: &'static [u8],
    /// `model.ane.onnx`: half precision, one batch size, for the Neural Engine.
    pub neural_engine_model: &'static [u8],
    /// `golden.json`: reads and their probabilities.
    pub golden: &'static str,
    /// `experience.json`: what was learned about k-mer evidence from runs with known errors; only
    /// for a model that `bm adapt` can start from.
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

/// Every model that is shipped.
pub const ALL: &[EmbeddedModel] = &[
    embedded!("read-error", Some(include_str!("../read-error/experience.json"))),
    embedded!("mean-q20", None),
];

/// The id of the model that is used if the user names none.
pub const DEFAULT: &str = "read-error";

/// Returns the model with this id.
pub fn get(id: &str) -> Option<&'static EmbeddedModel> {
    ALL.iter().find(|model| model.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_shipped_and_ids_are_unique() {
        assert!(get(DEFAULT).is_some());
        for (i, model) in ALL.iter().enumerate() {
            assert!(ALL[..i].iter().all(|other| other.id != model.id), "{} twice", model.id);
            assert!(
                !model.model.is_empty() && !model.neural_engine_model.is_empty(),
                "{}",
                model.id
            );
        }
    }
}
