//! Reader, workers, writer: every read judged, input order kept, memory bounded.
//!
//! One thread reads records into batches, workers with a session each judge them, and the calling thread takes them in input
//! order. There are only so many batches, and they go around: reader → worker → caller → reader. Whoever is slow makes the
//! others wait, and nobody can wait for ever: every batch that is under way is in somebody's hands or in a queue that has room
//! for all of them. Workers compress and inflate too, see `work.rs`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use anyhow::{Context, Result, anyhow};
use bm_encode::fastq::RecordBatch;
use bm_quality::{Prediction, QualityModel};
use crossbeam_channel::{Receiver, Sender, bounded, select_biased};

use crate::input::Input;
use crate::work::{Tasks, Tools};

/// Bytes of text a batch. Batches are cut by the input alone, so that nothing depends on the number of workers.
pub(crate) const BYTES: usize = 256 * 1024;
/// Bytes of text that are looked at to tell whether a model applies: some 1,500 reads of 150 bases.
const FIRST_BYTES: usize = 2 * BYTES;
/// Batches for each worker, so that it finds the next one when it is done with one.
const BATCHES_PER_WORKER: usize = 3;

/// Records and what the model says of them.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) records: RecordBatch,
    pub(crate) predictions: Vec<Prediction>,
}

/// A batch, or why there is none, with its place in the input.
type Numbered = (u64, Result<Batch>);

/// Reads the first batch of `input`.
pub(crate) fn first(input: &mut Input) -> Result<RecordBatch> {
    let mut first = RecordBatch::default();
    input.records.read_batch(&mut first, FIRST_BYTES).with_context(|| input.name.clone())?;
    Ok(first)
}

/// Judges every record of `input`, of which `first` was read, and calls `take` with the batches in input order; returns how many
/// records were read in all. In between, workers do `tasks`.
pub(crate) fn run(
    input: Input,
    first: RecordBatch,
    models: Vec<QualityModel>,
    tasks: &Tasks,
    mut take: impl FnMut(&Batch) -> Result<()>,
) -> Result<u64> {
    let batches = BATCHES_PER_WORKER * models.len() + 2;
    let (give_empty, empty) = bounded(batches);
    let (give_full, full) = bounded::<Numbered>(batches);
    let (give_judged, judged) = bounded::<Numbered>(batches);
    // Nothing is sent here: that it ends is the message.
    let (all_taken, taken) = bounded::<()>(0);
    for _ in 0..batches {
        give_empty.send(Batch::default()).context("the first batches")?;
    }
    thread::scope(|scope| {
        let reader = scope.spawn(move || read(input, first, &empty, &give_full));
        for mut model in models {
            let (full, give_judged, taken) = (full.clone(), give_judged.clone(), taken.clone());
            scope.spawn(move || {
                let mut tools = Tools::default();
                work(&mut model, tasks, &mut tools, &full, &give_judged);
                // What is written last wants to be compressed too.
                drop(give_judged);
                help(tasks, &mut tools, &taken);
            });
        }
        // Only the workers hold these now: when they are gone, `judged` ends.
        drop((full, give_judged));
        let outcome = in_order(judged, give_empty, &mut take);
        drop(all_taken);
        outcome?;
        reader.join().map_err(|_| anyhow!("the reader stopped unexpectedly"))
    })
}

/// Reads until the end of the input or the first fault; returns the number of whole records.
fn read(mut input: Input, first: RecordBatch, empty: &Receiver<Batch>, full: &Sender<Numbered>) -> u64 {
    let first = empty.recv().map(|batch| Batch { records: first, ..batch });
    if first.is_ok_and(|batch| full.send((0, Ok(batch))).is_err()) {
        return input.records.records();
    }
    for number in 1.. {
        let Ok(mut batch) = empty.recv() else { break };
        let more = input.records.read_batch(&mut batch.records, BYTES);
        let more = more.with_context(|| input.name.clone());
        let (message, last) = match more {
            Ok(more) => (Ok(batch), !more),
            Err(error) => (Err(error), true),
        };
        if full.send((number, message)).is_err() || last {
            break;
        }
    }
    input.records.records()
}

/// Judges batches until there are no more, and does tasks first where there are any: others wait for those.
fn work(model: &mut QualityModel, tasks: &Tasks, tools: &mut Tools, full: &Receiver<Numbered>, judged: &Sender<Numbered>) {
    loop {
        select_biased! {
            recv(tasks.queue()) -> task => task.into_iter().for_each(|task| task.run(tools)),
            recv(full) -> message => {
                let Ok((number, message)) = message else { return };
                if judged.send((number, judge(model, number, message))).is_err() {
                    return;
                }
            }
        }
    }
}

/// Does tasks until all batches are `taken`.
fn help(tasks: &Tasks, tools: &mut Tools, taken: &Receiver<()>) {
    loop {
        select_biased! {
            recv(tasks.queue()) -> task => task.into_iter().for_each(|task| task.run(tools)),
            recv(taken) -> _ => return,
        }
    }
}

fn judge(model: &mut QualityModel, number: u64, message: Result<Batch>) -> Result<Batch> {
    let mut batch = message?;
    batch.predictions.clear();
    let reads = batch.records.iter().map(|record| record.as_read());
    // A worker that dies would leave the writer waiting for its batch.
    match catch_unwind(AssertUnwindSafe(|| model.predict_into(reads, &mut batch.predictions))) {
        Ok(outcome) => outcome.map(|()| batch).with_context(|| format!("batch {number}")),
        Err(_) => Err(anyhow!("a worker stopped unexpectedly in batch {number}; this is a bug in bm")),
    }
}

/// Hands out batches in input order. Both ends are owned, so that an error ends the other threads.
fn in_order(judged: Receiver<Numbered>, empty: Sender<Batch>, take: &mut impl FnMut(&Batch) -> Result<()>) -> Result<()> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for (number, message) in &judged {
        early.insert(number, message);
        while let Some(message) = early.remove(&next) {
            let batch = message?;
            take(&batch)?;
            next += 1;
            // The reader may be done and gone.
            let _ = empty.send(batch);
        }
    }
    if early.is_empty() { Ok(()) } else { Err(anyhow!("batch {next} was lost; this is a bug in bm")) }
}
