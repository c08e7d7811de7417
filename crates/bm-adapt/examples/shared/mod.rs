//! What the examples have in common.

use std::error::Error;
use std::fs::File;
use std::io::Read;

use bm_adapt::Adapters;
use bm_reads::fastq::{BatchSize, Reader, RecordBatch};
use flate2::read::MultiGzDecoder;

/// Returns the first records of each file, plain or gzip: as many as adapters are looked for in.
pub(crate) fn first_records(paths: &[&str]) -> Result<Vec<RecordBatch>, Box<dyn Error>> {
    let first = |path: &&str| {
        let file = File::open(path)?;
        let text: Box<dyn Read> = if path.ends_with(".gz") {
            Box::new(MultiGzDecoder::new(file))
        } else {
            Box::new(file)
        };
        let mut batch = RecordBatch::default();
        Reader::new(text).read_batch(&mut batch, BatchSize::Records(Adapters::READS))?;
        Ok(batch)
    };
    paths.iter().map(first).collect()
}
