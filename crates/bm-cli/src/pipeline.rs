//! Every read of an input judged, and handed out in input order.

use anyhow::{Context, Result};
use bm_encode::fastq::RecordBatch;
use bm_quality::{Prediction, QualityModel};

use crate::input::Input;
use crate::stages;
use crate::work::Tasks;

/// Bytes of text a batch. Batches are cut by the input alone, so that nothing depends on the number of workers.
pub(crate) const BYTES: usize = 256 * 1024;
/// Bytes of text that are looked at to tell whether a model applies: some 1,500 reads of 150 bases.
const FIRST_BYTES: usize = 2 * BYTES;

/// Records and what the model says of them.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) records: RecordBatch,
    pub(crate) predictions: Vec<Prediction>,
}

/// Reads the first batch of `input`.
pub(crate) fn first(input: &mut Input) -> Result<RecordBatch> {
    let mut first = RecordBatch::default();
    input.records.read_batch(&mut first, FIRST_BYTES).with_context(|| input.name.clone())?;
    Ok(first)
}

/// Judges every record of `input`, of which `first` was read, by a model a thread, and calls `take` with the batches in input order;
/// returns how many records were read in all. In between, threads do `tasks`.
pub(crate) fn run(
    mut input: Input,
    first: RecordBatch,
    models: Vec<QualityModel>,
    tasks: &Tasks,
    take: impl FnMut(&Batch) -> Result<()> + Send,
) -> Result<u64> {
    let mut first = Some(first);
    let read = |batch: &mut Batch| {
        if let Some(first) = first.take() {
            batch.records = first;
            return Ok(true);
        }
        input.records.read_batch(&mut batch.records, BYTES).with_context(|| input.name.clone())
    };
    let judge = |model: &mut QualityModel, batch: &mut Batch| {
        batch.predictions.clear();
        let reads = batch.records.iter().map(|record| record.as_read());
        model.predict_into(reads, &mut batch.predictions).context("judging reads")
    };
    stages::run(models, tasks, read, judge, take)?;
    Ok(input.records.records())
}
