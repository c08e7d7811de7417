//! Learns a run once, and judges reads in memory with it on several threads.
//!
//! ```sh
//! cargo run --release -p bm-pipeline --example learn_once -- testdata/hiseq_measles/hiseq_measles_1.fastq.gz
//! ```

// An example prints its results.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use bm_pipeline::{AdapterChoice, Inputs, Learning, Silent, open_package};
use bm_quality::{ModelPackage, QualityModel};
use bm_reads::ReadRef;
use bm_reads::fastq::{BatchSize, Reader, RecordBatch};
use flate2::bufread::MultiGzDecoder;

const THREADS: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("name a file, FASTQ in gzip")?;
    let path = Path::new(&path);

    // What the run shows of its errors. The package can be shared, and written to a file.
    let start = open_package(None)?;
    let inputs = Inputs::single(path);
    let learning = Learning {
        inputs: &inputs,
        start: &start,
        seed: 0,
        evidence: None,
        adapters: &AdapterChoice::Found,
        threads: THREADS,
        cancellation: None,
    };
    let package = Arc::new(learning.run(None, &Silent)?.package()?);

    // Each thread has a model of its own, of the one package; reads come in batches.
    let (sender, receiver) = mpsc::sync_channel::<RecordBatch>(2 * THREADS);
    let receiver = Mutex::new(receiver);
    let (kept, all) = thread::scope(|scope| -> Result<_, Box<dyn Error>> {
        let workers: Vec<_> = (0..THREADS)
            .map(|_| {
                let (package, receiver) = (Arc::clone(&package), &receiver);
                scope.spawn(move || judge(package, receiver).map_err(|error| error.to_string()))
            })
            .collect();
        let file = BufReader::new(File::open(path)?);
        let mut reader = Reader::new(BufReader::new(MultiGzDecoder::new(file)));
        let mut more = true;
        while more {
            let mut batch = RecordBatch::default();
            more = reader.read_batch(&mut batch, BatchSize::Records(1000))?;
            sender.send(batch)?;
        }
        drop(sender);
        let mut totals = (0, 0);
        for worker in workers {
            let (kept, all) = worker.join().map_err(|_| "a thread panicked")??;
            totals = (totals.0 + kept, totals.1 + all);
        }
        Ok(totals)
    })?;
    println!("{kept} of {all} reads have at most one error in 100 bases");
    Ok(())
}

/// Returns how many of the reads of all batches pass, and how many there were.
fn judge(
    package: Arc<ModelPackage>,
    batches: &Mutex<mpsc::Receiver<RecordBatch>>,
) -> Result<(usize, usize), Box<dyn Error>> {
    let mut model = QualityModel::with_default_engine(package)?;
    let (mut kept, mut all) = (0, 0);
    loop {
        let batch = batches.lock().map_err(|_| "another thread panicked")?.recv();
        let Ok(batch) = batch else { return Ok((kept, all)) };
        let reads: Vec<ReadRef<'_>> = batch.iter().map(|record| record.as_read()).collect();
        for (read, prediction) in reads.iter().zip(model.predict(&reads)?) {
            // A read of nothing but N has no prediction.
            let is_good = |errors| errors <= 0.01 * read.sequence.len() as f32;
            kept += usize::from(prediction.expected_errors().is_some_and(is_good));
        }
        all += batch.len();
    }
}
