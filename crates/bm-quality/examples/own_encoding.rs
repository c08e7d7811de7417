//! Scores reads with an encoding and a network of one's own.
//!
//! The encoding is the error probability of each of 50 bases. The network is one dense layer, made
//! here in memory; yours would come from a training program as an `.onnx` file.
//!
//! ```sh
//! cargo run -p bm-quality --example own_encoding
//! ```

// An example prints its results.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::sync::Arc;

use bm_quality::bm_encode::{EncodeError, Encoder, Encoding};
use bm_quality::bm_infer::{ModelFile, onnx::testing::dense_model};
use bm_quality::bm_reads::{Phred, check_quality};
use bm_quality::{
    Combination, EncodingEntry, Encodings, Facts, ModelPackage, QualityModel, ReadRef, Threshold,
    WindowRule,
};

/// Bases per window.
const WINDOW: usize = 50;

/// The error probability of each of 50 bases, and 0 after the end of a shorter read.
struct Errors50 {
    encoding: Encoding,
}

impl Encoder for Errors50 {
    fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    fn encode_into(&self, read: ReadRef<'_>, row: &mut [f32]) -> Result<(), EncodeError> {
        read.check_lengths()?;
        check_quality(read.quality_scores)?;
        if read.len() > WINDOW {
            return Err(EncodeError::TooLong { length: read.len(), window: WINDOW });
        }
        if row.len() != WINDOW {
            return Err(EncodeError::RowWidth { expected: WINDOW, actual: row.len() });
        }
        row.fill(0.0);
        for (value, byte) in row.iter_mut().zip(read.quality_scores) {
            *value = Phred::from_byte(*byte).map_or(0.0, |phred| phred.error_probability() as f32);
        }
        Ok(())
    }
}

/// Returns the ONNX file of a network on `errors-50`: P = sigmoid(5 − 10 × expected errors), which
/// is 0.5 at half an expected error per window.
fn onnx_file() -> Result<Vec<u8>, Box<dyn Error>> {
    let facts = Facts {
        id: "half-an-error".to_owned(),
        version: 1,
        label: "at most half an expected error per 50 bases".to_owned(),
        encoding: EncodingEntry { id: "errors-50".to_owned(), version: 1 },
        rule: WindowRule { length: WINDOW, combination: Combination::BaseWeightedMeanLogit }.into(),
        threshold: Threshold::new(0.5)?,
        domain: None,
    };
    // One layer: outputs, weights [outputs, inputs], biases.
    let network = dense_model(&[(1, vec![-10.0; WINDOW], vec![5.0])]);
    Ok(network.with_metadata(facts.metadata()).to_bytes())
}

fn main() -> Result<(), Box<dyn Error>> {
    let encoding = Encoding { id: "errors-50", version: 1, window: WINDOW, features: WINDOW };
    let encodings = Encodings::shipped().with_rows(Arc::new(Errors50 { encoding }));
    let file = ModelFile::from_bytes("half-an-error.onnx", onnx_file()?)?;
    // For a file or a package folder on disk: ModelPackage::open_with(&encodings, path).
    let package = ModelPackage::from_model_file_with(&encodings, file)?;
    println!("{}", package.facts());

    let mut model = QualityModel::with_default_engine(package)?;
    // 120 bases each, so three windows: 0..50, 50..100 and 70..120.
    let qualities = [
        vec![b'I'; 120],
        vec![b'?'; 120],
        vec![b'0'; 120],
        [&[b'I'; 110][..], &[b'+'; 10]].concat(),
    ];
    let names = [&b"Q40"[..], b"Q30", b"Q15", b"Q40 with a tail of Q10"];
    let reads: Vec<_> = qualities
        .iter()
        .zip(names)
        .map(|(quality_scores, name)| ReadRef { name, sequence: &[b'A'; 120], quality_scores })
        .collect();
    let mut verdicts = Vec::new();
    for (read, prediction) in reads.iter().zip(model.predict(&reads)?) {
        let name = String::from_utf8_lossy(read.name);
        let probability = prediction.probability().ok_or("every read here can be scored")?.get();
        let verdict = prediction.verdict(model.threshold());
        println!("{name}: probability {probability:.4}, {verdict}");
        verdicts.push((verdict.name(), probability));
    }

    let words: Vec<_> = verdicts.iter().map(|(word, _)| *word).collect();
    assert_eq!(words, ["pass", "pass", "fail", "pass"]);
    // Each window of the first read has 0.005 expected errors, so its logit is 4.95.
    assert!((verdicts[0].1 - 0.992_966).abs() < 1e-5, "{verdicts:?}");
    // The logits of the last read are 4.95, 4.95 and −5.04; weighted by bases, their mean is 2.036.
    assert!((verdicts[3].1 - 0.884_55).abs() < 1e-4, "{verdicts:?}");
    Ok(())
}
