//! Every read of a source judged, decided about and written, in input order.

use std::io::Write;

use anyhow::{Context, Result};
use bm_quality::{Prediction, QualityModel};

use crate::decide::{Decider, Decision};
use crate::output::Output;
use crate::source::{Records, Source, Template};
use crate::stages;
use crate::tally::Tally;
use crate::work::Tasks;

/// Bytes of text a batch. Batches are cut by the input alone, so that nothing depends on the number of workers.
pub(crate) const BYTES: usize = 256 * 1024;
/// Bytes of text that are looked at to tell whether a model applies: some 1,500 reads of 150 bases.
pub(crate) const FIRST_BYTES: usize = 2 * BYTES;

/// What a command writes of the reads that were decided about. Every thread does so for its batch.
pub(crate) trait Product: Sync {
    /// Appends what is to be written of a template to the text of each output.
    fn write(&self, template: &Template<'_>, predictions: &[Prediction], decision: &Decision, texts: &mut [Vec<u8>]);
}

/// Reads, and what becomes of them.
#[derive(Default)]
struct Batch {
    records: Records,
    predictions: Vec<Prediction>,
    /// What goes to each output.
    texts: Vec<Vec<u8>>,
    tally: Tally,
}

/// Reads the first batch of a source.
pub(crate) fn first(source: &mut Source) -> Result<Records> {
    let mut first = Records::default();
    source.read(&mut first, FIRST_BYTES)?;
    Ok(first)
}

/// How reads are judged and written.
pub(crate) struct Judging<'a, P> {
    pub(crate) decider: &'a Decider,
    pub(crate) product: &'a P,
    /// What threads do in between.
    pub(crate) tasks: &'a Tasks,
}

/// Judges every read of a source, of which the `first` ones were read, by a model a thread, decides about it, and writes what is made
/// of it to `outputs`. Calls `progress` with reads done.
///
/// Returns what was done.
pub(crate) fn run(
    mut source: Source,
    first: Records,
    models: Vec<QualityModel>,
    judging: &Judging<'_, impl Product>,
    outputs: &mut [Output],
    mut progress: impl FnMut(usize) + Send,
) -> Result<Tally> {
    let Judging { decider, product, tasks } = *judging;
    let mut first = Some(first);
    let mut total = Tally::default();
    let count = outputs.len();
    let read = |batch: &mut Batch| {
        if let Some(first) = first.take() {
            batch.records = first;
            return Ok(true);
        }
        source.read(&mut batch.records, BYTES)
    };
    let work = |model: &mut QualityModel, batch: &mut Batch| {
        let Batch { records, predictions, texts, tally } = batch;
        predictions.clear();
        for file in records.files() {
            model.predict_into(file.iter().map(|record| record.as_read()), predictions).context("judging reads")?;
        }
        texts.resize_with(count, Vec::new);
        texts.iter_mut().for_each(Vec::clear);
        *tally = Tally::default();
        let rule = model.pair_rule();
        for template in records.templates() {
            let decision = decider.decide(&template, predictions, &rule);
            tally.add(&template, predictions, &decision);
            product.write(&template, predictions, &decision, texts);
        }
        Ok(())
    };
    let take = |batch: &Batch| {
        for (output, text) in outputs.iter_mut().zip(&batch.texts) {
            output.write_all(text).with_context(|| output.name())?;
        }
        total.merge(&batch.tally);
        progress(batch.records.len());
        Ok(())
    };
    stages::run(models, tasks, read, work, take)?;
    total.counts.close(source.records())?;
    Ok(total)
}
