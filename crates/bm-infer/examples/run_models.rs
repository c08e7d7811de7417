//! Runs model files on the embedded engine, for comparisons with other programs.
//!
//! Each folder in FOLDER has a `model.onnx` and an `input.f32`: rows of little-endian floats. The outputs
//! are written beside them as `output.f32`, or the message of a model that is refused as `refused.txt`.
//!
//! ```sh
//! cargo run -p bm-infer --example run_models -- FOLDER
//! cargo run -p bm-infer --example run_models -- --operators
//! ```
//!
//! With `--operators`, the operators that the engine knows are printed as JSON: their versions, and the
//! first and the last operator set that has each attribute.

// An example prints its results.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs;
use std::path::Path;

use bm_infer::backend::Embedded;
use bm_infer::onnx::operators::{NEWEST, OLDEST, OPERATORS};
use bm_infer::{Backend, InferError, ModelFile, TensorRef};

fn main() -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1).ok_or("expected a folder, or --operators")?;
    if argument == "--operators" {
        println!("{}", operators());
        return Ok(());
    }
    for entry in fs::read_dir(argument)? {
        let folder = entry?.path();
        match outputs(&folder)? {
            Ok(output) => {
                let bytes: Vec<u8> = output.iter().flat_map(|value| value.to_le_bytes()).collect();
                fs::write(folder.join("output.f32"), bytes)?;
            }
            Err(error) => fs::write(folder.join("refused.txt"), error.to_string())?,
        }
    }
    Ok(())
}

/// Returns the outputs for the rows in a folder, or why the engine has none.
fn outputs(folder: &Path) -> Result<Result<Vec<f32>, InferError>, Box<dyn Error>> {
    let bytes = fs::read(folder.join("input.f32"))?;
    let input: Vec<f32> =
        bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let run = || {
        let model = ModelFile::open(&folder.join("model.onnx"))?;
        let features = model.signature().features;
        let mut output = Vec::new();
        let rows = TensorRef::new([input.len() / features, features], &input)?;
        Embedded::new().load(&model)?.run(rows, &mut output)?;
        Ok(output)
    };
    Ok(run())
}

/// Returns the operators as JSON.
fn operators() -> String {
    let list = OPERATORS.iter().map(|operator| {
        let attributes: Vec<_> = operator
            .attributes
            .iter()
            .map(|attribute| format!("\"{}\": {:?}", attribute.name, attribute.sets))
            .collect();
        format!(
            "\"{}\": {{\"versions\": {:?}, \"attributes\": {{{}}}}}",
            operator.name,
            operator.versions,
            attributes.join(", ")
        )
    });
    format!(
        "{{\"oldest\": {OLDEST}, \"newest\": {NEWEST}, \"operators\": {{{}}}}}",
        list.collect::<Vec<_>>().join(", ")
    )
}
