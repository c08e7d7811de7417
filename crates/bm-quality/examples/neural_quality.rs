//! Scores the reads of a FASTQ file, or a few built-in ones.
//!
//! ```sh
//! cargo run --release -p bm-quality --example neural_quality -- \
//!     testdata/hiseq_measles/hiseq_measles_1.fastq.gz
//! ```

// An example prints its results.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::time::Instant;

use bm_quality::Backend;
use bm_quality::backend::Embedded;
use bm_quality::{Prediction, QualityModel, Verdict};
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

fn main() -> Result<(), Box<dyn Error>> {
    let input: Box<dyn BufRead> = match std::env::args().nth(1) {
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
    let reads: Vec<_> = records.iter().map(Record::as_read).collect();

    let engine = Embedded::new();
    let mut model = QualityModel::embedded("mean-q20", &engine)?;
    println!("Engine: {}", engine.describe());
    println!(
        "Model:  {} version {} ({})\n",
        model.facts().id,
        model.facts().version,
        model.facts().label
    );

    let start = Instant::now();
    let predictions = model.predict(&reads)?;
    let seconds = start.elapsed().as_secs_f64();

    for (read, prediction) in reads.iter().zip(&predictions).take(10) {
        let name = String::from_utf8_lossy(read.name);
        let mean = mean_phred(read.quality_scores).unwrap_or(f64::NAN);
        match prediction {
            Prediction::Scored(score) => {
                let p = score.probability;
                println!(
                    "{name}: mean Q {mean:.1}, probability {:.4}, {}",
                    p.get(),
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
