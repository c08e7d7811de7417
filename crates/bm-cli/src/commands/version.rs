//! `bm --version`: the parts of this program.

use std::env::consts::{ARCH, OS};
use std::ffi::OsString;

use anyhow::Result;
use bm_infer::{Backend, Variant, backend};
use bm_quality::ModelPackage;

use crate::terminal;

/// Returns whether the long form is requested; `-V` is one line, which clap prints.
pub(crate) fn is_requested(arguments: impl Iterator<Item = OsString>) -> bool {
    arguments.skip(1).take(1).any(|argument| argument == "--version")
}

/// Prints version, embedded models with their digests, engines and features.
pub(crate) fn run() -> Result<()> {
    terminal::print(text()?.as_bytes())
}

fn text() -> Result<String> {
    let mut text = format!("bm {}\n", env!("CARGO_PKG_VERSION"));
    for id in ModelPackage::embedded_ids() {
        let package = ModelPackage::embedded(id)?;
        let file = package.model_file(Variant::Portable)?;
        let version = package.facts().version;
        text += &format!("model {id} version {version}, sha256 {}\n", file.sha256());
    }
    text += &format!("engine {}\n", backend::Embedded::new().describe());
    let features =
        [("onnxruntime", cfg!(feature = "onnxruntime")), ("coreml", cfg!(feature = "coreml"))];
    let features: Vec<_> =
        features.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name).collect();
    let features = if features.is_empty() { "none".to_owned() } else { features.join(", ") };
    text += &format!("features {features}\n");
    text += &format!("built for {OS} {ARCH}\n");
    Ok(text)
}
