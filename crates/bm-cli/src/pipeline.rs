//! Every read of a source judged, decided about and written, in input order.

use std::io::Write;

use anyhow::{Context, Result};
use bm_quality::{Prediction, QualityModel};

use crate::decide::{Bases, Decider, Decision, Fate, Judged};
use crate::output::Output;
use crate::score_table::ScoreTable;
use crate::source::{Records, Source};
use crate::stages;
use crate::tally::Tally;
use crate::work::Tasks;

/// Bytes of text a batch. Batches are cut by the input alone, so that nothing depends on the number of workers.
pub(crate) const BYTES: usize = 256 * 1024;
/// Bytes of text that are looked at to tell whether a model applies: some 1,500 reads of 150 bases.
pub(crate) const FIRST_BYTES: usize = 2 * BYTES;

/// Memory that an emptied text keeps, in bytes: a very long read made it larger.
const KEPT: usize = 4 << 20;

/// What a command writes of the reads that were decided about. Every thread does so for its batch.
pub(crate) trait Product: Sync {
    /// Appends what is to be written of a template to the text of each output.
    fn write(&self, judged: &Judged<'_>, decision: &Decision, texts: &mut [Vec<u8>]);
}

/// Reads, and what becomes of them.
#[derive(Default)]
struct Batch {
    records: Records,
    /// What is said of each, in the order of their files.
    predictions: Vec<Prediction>,
    /// What is said of each pair.
    joints: Vec<Prediction>,
    /// What became of each read when it was scored, where a table says so.
    given: Vec<Fate>,
    /// Error probabilities of their bases, where they are wanted.
    bases: Bases,
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

/// Who says what there is to say of reads, for one thread.
pub(crate) enum Judge {
    Model(Box<QualityModel>),
    /// Nobody: a table says it, which is read beside the reads.
    Table,
}

/// How reads are judged and written.
pub(crate) struct Judging<'a, P> {
    pub(crate) decider: &'a Decider,
    pub(crate) product: &'a P,
    /// Whether the error probabilities of bases are wanted.
    pub(crate) wants_bases: bool,
    /// Whether reads are surveyed.
    pub(crate) surveys: bool,
    /// What threads do in between.
    pub(crate) tasks: &'a Tasks,
}

/// Judges every read of a source, of which the `first` ones were read, by a judge a thread or by a `table`, decides about it, and
/// writes what is made of it to `outputs`. Calls `progress` with reads done.
///
/// Returns what was done.
pub(crate) fn run(
    mut source: Source,
    first: Records,
    judges: Vec<Judge>,
    mut table: Option<ScoreTable>,
    judging: &Judging<'_, impl Product>,
    outputs: &mut [Output],
    mut progress: impl FnMut(usize) + Send,
) -> Result<Tally> {
    let Judging { decider, product, wants_bases, surveys, tasks } = *judging;
    let mut first = Some(first);
    let mut total = Tally::new(surveys);
    let count = outputs.len();
    let read = |batch: &mut Batch| {
        let Batch { records, predictions, joints, given, .. } = batch;
        let more = match first.take() {
            Some(first) => {
                *records = first;
                true
            }
            None => source.read(records, BYTES)?,
        };
        predictions.clear();
        joints.clear();
        given.clear();
        if let Some(table) = &mut table {
            table.rows_of(records, predictions, joints, given)?;
        }
        Ok(more)
    };
    let work = |judge: &mut Judge, batch: &mut Batch| {
        let Batch { records, predictions, joints, given, bases, texts, tally } = batch;
        if let Judge::Model(model) = judge {
            let probabilities = bases.clear();
            for file in records.files() {
                let reads = file.iter().map(|record| record.as_read());
                match wants_bases {
                    true => model.predict_bases_into(reads, predictions, probabilities),
                    false => model.predict_into(reads, predictions),
                }
                .context("judging reads")?;
            }
            if wants_bases {
                let lengths = records.reads().zip(&*predictions);
                bases.divide(lengths.map(|(read, prediction)| prediction.probability().map(|_| read.len())));
            }
            let rule = model.pair_rule();
            joints.extend(records.templates().filter_map(|template| match template.mates() {
                [one, other] => {
                    let mates = [one, other];
                    let predictions = mates.map(|mate| &predictions[mate.index]);
                    Some(rule.joint(predictions, mates.map(|mate| mate.record.sequence.len())))
                }
                _ => None,
            }));
        }
        texts.resize_with(count, Vec::new);
        for text in &mut *texts {
            text.clear();
            text.shrink_to(KEPT);
        }
        *tally = Tally::new(surveys);
        for (i, template) in records.templates().enumerate() {
            let judged = Judged { template, predictions, joint: joints.get(i), given, bases };
            let decision = decider.decide(&judged);
            tally.add(&judged, &decision, decider.mode);
            product.write(&judged, &decision, texts);
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
    stages::run(judges, tasks, read, work, take)?;
    if let Some(table) = &mut table {
        table.check_end()?;
    }
    total.counts.close(source.records())?;
    Ok(total)
}
