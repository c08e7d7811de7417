//! Scores the reads of a FASTQ file, or a few built-in ones, with any model on any engine.
//!
//! ```sh
//! cargo run --release --example neural_quality -- testdata/hiseq_measles/hiseq_measles_1.fastq.gz
//! cargo run --release --example neural_quality -- --model mean-q20 --backend onnxruntime
//! ```
//!
//! `--model` is the id of an embedded model, a package, or an `.onnx` file; the default is that of
//! `bm`. `--backend` is `embedded`, `onnxruntime` or `coreml`; the latter two need the feature of the
//! same name and a library: `cargo xtask fetch-runtime` fetches one.

// An example prints its results.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;

use bm_quality::backend::Embedded;
#[cfg(feature = "onnxruntime")]
use bm_quality::bm_infer::LibrarySource;
use bm_quality::{Backend, ModelPackage, Prediction, QualityModel, Verdict};
use bm_reads::fastq::{Reader, Record};
use bm_reads::mean_phred;
use flate2::bufread::MultiGzDecoder;

/// Three reads: good, bad, and in between.
const READS: &[u8] = b"\
@good\nACGTACGTACGTACGTACGTACGTACGTACGTACGTACGT\n\
+\nIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIII\n\
@bad\nACGTACGTACGTACGTACGTACGTACGTACGTACGTACGT\n\
+\n########################################\n\
@borderline\nACGTACGTACGTACGTACGTACGTACGTACGTACGTACGT\n\
+\nIIIIIIIIIIIIIIIIIIII####################\n";

/// What the command line names.
#[derive(Default)]
struct Arguments {
    backend: Option<String>,
    model: Option<String>,
    reads: Option<String>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut arguments = Self::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--backend" => arguments.backend = Some(value()?),
                "--model" => arguments.model = Some(value()?),
                option if option.starts_with('-') => {
                    return Err(
                        format!("unknown option {option}; known: --backend, --model").into()
                    );
                }
                _ => arguments.reads = Some(word),
            }
        }
        Ok(arguments)
    }

    fn backend(&self) -> Result<Box<dyn Backend>, Box<dyn Error>> {
        let backend: Box<dyn Backend> = match self.backend.as_deref().unwrap_or("embedded") {
            "embedded" => Box::new(Embedded::new()),
            #[cfg(feature = "onnxruntime")]
            "onnxruntime" => {
                Box::new(bm_quality::backend::OnnxRuntime::new(LibrarySource::fetched()))
            }
            #[cfg(feature = "coreml")]
            "coreml" => Box::new(bm_quality::backend::CoreMl::new(LibrarySource::fetched(), None)),
            other => {
                let reason = "it does not exist, or needs --features onnxruntime,coreml";
                return Err(format!("backend {other}: {reason}").into());
            }
        };
        backend.check()?;
        Ok(backend)
    }

    fn package(&self) -> Result<ModelPackage, Box<dyn Error>> {
        let default = || ModelPackage::embedded_ids().next();
        let model = self.model.as_deref().or_else(default).ok_or("no model is embedded")?;
        let is_file = !ModelPackage::embedded_ids().any(|id| id == model);
        Ok(if is_file && Path::new(model).exists() {
            ModelPackage::open(Path::new(model))?
        } else {
            ModelPackage::embedded(model)?
        })
    }

    fn reads(&self) -> Result<Vec<Record>, Box<dyn Error>> {
        let input: Box<dyn BufRead> = match &self.reads {
            Some(path) if path.ends_with(".gz") => {
                Box::new(BufReader::new(MultiGzDecoder::new(BufReader::new(File::open(path)?))))
            }
            Some(path) => Box::new(BufReader::new(File::open(path)?)),
            None => Box::new(READS),
        };
        let mut reader = Reader::new(input);
        let (mut records, mut record) = (Vec::new(), Record::default());
        while reader.read_record(&mut record)? {
            records.push(record.clone());
        }
        Ok(records)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let records = arguments.reads()?;
    let reads: Vec<_> = records.iter().map(Record::as_read).collect();

    let engine = arguments.backend()?;
    // The first reads show whether the model applies to the run.
    let first = reads.iter().copied().take(1024);
    let (mut model, applicability) =
        QualityModel::for_reads(arguments.package()?, engine.as_ref(), first)?;
    println!("Engine: {}", engine.describe());
    println!(
        "Model:  {} version {} ({})",
        model.facts().id,
        model.facts().version,
        model.facts().label
    );
    if !applicability.applies() {
        println!("Reported qualities are used instead of the network: {applicability}");
    }

    let start = Instant::now();
    let predictions = model.predict(&reads)?;
    let seconds = start.elapsed().as_secs_f64();

    println!();
    for (read, prediction) in reads.iter().zip(&predictions).take(10) {
        let name = String::from_utf8_lossy(read.name);
        let mean = mean_phred(read.quality_scores).unwrap_or(f64::NAN);
        match prediction {
            Prediction::Scored(score) => {
                let errors = prediction
                    .expected_errors()
                    .map(|errors| format!("expected errors {errors:.2}, "))
                    .unwrap_or_default();
                println!(
                    "{name}: mean Q {mean:.1}, {errors}probability {:.4}, {}",
                    score.probability.get(),
                    prediction.verdict(model.threshold())
                );
            }
            Prediction::Unscored(reason) => println!("{name}: not scored, {reason}"),
        }
    }
    let pass = predictions.iter().filter(|p| p.verdict(model.threshold()) == Verdict::Pass).count();
    println!(
        "\n{pass} of {} reads pass; {:.0} reads/s on one thread",
        reads.len(),
        reads.len() as f64 / seconds
    );
    Ok(())
}
