//! The learning pass over the files of a run: offers every read to the sample, and counts k-mers.

use std::path::Path;
use std::{fs, thread};

use bm_adapt::RunSample;
use bm_io::{Input, IoError, Tasks, is_stdio, open_file};
use bm_kmers::Counter;
use bm_reads::fastq::{BatchSize, QualityOffset, Record, RecordBatch};
use bm_reads::mates;
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::PipelineError;
use crate::kmer_counting::{Counting, Shared};
use crate::observer::Observer;

/// Batches in memory per file: one being read, one being examined, two waiting.
const BATCHES: usize = 4;

/// Number of first reads of two files that are compared to find out whether they are mates.
const COMPARED: usize = 8;

/// Returns the files in groups: two consecutive files are files of mates if their first reads come
/// from the same templates.
pub(crate) fn grouped<'a>(inputs: &[&'a Path]) -> Result<Vec<Vec<&'a Path>>, PipelineError> {
    let mut groups: Vec<Vec<&Path>> = Vec::new();
    let mut before = Vec::new();
    for path in inputs {
        // A stream can be opened only once, so its first reads cannot be compared. Even opening a
        // named pipe waits for its writer, which ends if the reader closes the pipe again.
        let is_stream = fs::metadata(path).is_ok_and(|it| !it.is_file() && !it.is_dir());
        let is_seekable = !is_stream && is_seekable(path)?;
        let names = if is_seekable { first_names(path)? } else { Vec::new() };
        match groups.last_mut() {
            Some(group)
                if group.len() == 1
                    && !names.is_empty()
                    && names == before
                    && group[0] != *path =>
            {
                group.push(path);
            }
            _ => groups.push(vec![path]),
        }
        before = names;
    }
    Ok(groups)
}

/// Refuses inputs that cannot be read twice.
pub(crate) fn refuse_streams(inputs: &[&Path]) -> Result<(), PipelineError> {
    for path in inputs {
        if is_stdio(path) {
            return PipelineError::refuse(
                "stdin: --adapt reads its input twice, first to learn and then to score; give it a \
                 file",
            );
        }
        if !is_seekable(path)? {
            return PipelineError::refuse(format!(
                "{}: --adapt reads its input twice, first to learn and then to score; a pipe can \
                 be read once, give it a file",
                path.display()
            ));
        }
    }
    Ok(())
}

/// Returns whether a file can be read again from its start.
fn is_seekable(path: &Path) -> Result<bool, PipelineError> {
    Ok(!is_stdio(path) && open_file(path, "FASTQ")?.1.is_some())
}

fn first_names(path: &Path) -> Result<Vec<Vec<u8>>, PipelineError> {
    let mut file = Input::open(path, QualityOffset::default(), &Tasks::for_workers(0))?;
    let mut record = Record::default();
    let mut names = Vec::new();
    while names.len() < COMPARED && file.read_record(&mut record)? {
        names.push(mates::template(record.name()).to_vec());
    }
    Ok(names)
}

/// Offers the sample every read of a file, or every pair of two files, whose first batches were
/// read already; returns the counters. One thread per file reads the rest; the counters count
/// k-mers on separate threads.
pub(crate) fn observe(
    files: Vec<Input>,
    first: Vec<RecordBatch>,
    size: BatchSize,
    sample: &mut RunSample,
    counters: Vec<Counter>,
    observer: &dyn Observer,
) -> Result<Vec<Counter>, PipelineError> {
    observer.pass_begins(&files[0]);
    let names: Vec<String> = files.iter().map(|file| file.name().to_owned()).collect();
    let outcome = thread::scope(|scope| {
        let counting = Counting::start(scope, counters);
        let streams: Vec<_> = files
            .into_iter()
            .zip(first)
            .map(|(file, first)| {
                let (give, take) = bounded(BATCHES);
                let (give_back, empty) = bounded(BATCHES);
                scope.spawn(move || read(file, first, size, &give, &empty));
                let current = Shared::new(RecordBatch::default(), give_back.clone());
                Stream { take, current, give_back, more: true }
            })
            .collect();
        match <[Stream; 2]>::try_from(streams) {
            Ok(mates) => pairs(mates, &names, sample, &counting, observer),
            Err(streams) => {
                let mates = if matches!(size, BatchSize::PairsInBytes(_)) { 2 } else { 1 };
                streams.into_iter().try_for_each(|stream| {
                    file(stream, mates, &names[0], sample, &counting, observer)
                })
            }
        }?;
        counting.finish()
    });
    observer.pass_ends();
    outcome
}

/// Batches of a file, in order.
struct Stream {
    take: Receiver<Result<RecordBatch, IoError>>,
    give_back: Sender<RecordBatch>,
    current: Shared,
    more: bool,
}

impl Stream {
    /// Takes the next batch and sends it to the counters; returns whether there is one.
    fn advance(&mut self, counting: &Counting<'_>) -> Result<bool, PipelineError> {
        if !self.more {
            return Ok(false);
        }
        match self.take.recv() {
            Ok(batch) => {
                self.replace(batch?);
                counting.count(&self.current)?;
                Ok(true)
            }
            Err(_) => {
                self.more = false;
                self.replace(RecordBatch::default());
                Ok(false)
            }
        }
    }

    fn batch(&self) -> &RecordBatch {
        &self.current.batch
    }

    fn replace(&mut self, batch: RecordBatch) {
        std::mem::replace(&mut self.current, Shared::new(batch, self.give_back.clone())).release();
    }
}

/// Offers the sample the reads of one file, in which `mates` reads of a template follow each other.
fn file(
    mut stream: Stream,
    mates: usize,
    name: &str,
    sample: &mut RunSample,
    counting: &Counting<'_>,
    observer: &dyn Observer,
) -> Result<(), PipelineError> {
    while stream.advance(counting)? {
        let batch = stream.batch();
        let mut reads = batch.iter().map(|record| record.as_read());
        while let Some(read) = reads.next() {
            let observed = match if mates == 2 { reads.next() } else { None } {
                // The scoring pass checks whether they are mates.
                Some(mate) => sample.observe_pair(read, mate),
                None => sample.observe(read),
            };
            let place = || format!("{name}: record {}", sample.reads_seen() + 1);
            observed.map_err(|error| PipelineError::at(place())(error))?;
        }
        observer.reads_done(batch.len());
    }
    Ok(())
}

/// Offers the sample the pairs of two files.
fn pairs(
    mut mates: [Stream; 2],
    names: &[String],
    sample: &mut RunSample,
    counting: &Counting<'_>,
    observer: &dyn Observer,
) -> Result<(), PipelineError> {
    let mut at = [0, 0];
    let mut pair = 0u64;
    loop {
        for (stream, at) in mates.iter_mut().zip(&mut at) {
            while *at == stream.batch().len() && stream.more {
                stream.advance(counting)?;
                *at = 0;
            }
        }
        let [first, second] = &mates;
        let (ours, theirs) = (first.batch().iter().skip(at[0]), second.batch().iter().skip(at[1]));
        let mut done = 0;
        for (one, other) in ours.zip(theirs) {
            done += 1;
            let (name, mate) = (mates::template(one.name()), mates::template(other.name()));
            if name != mate {
                return PipelineError::refuse(format!(
                    "{}: record {} is {}, but in {} it is {}; the mates must be in the same order",
                    names[1],
                    pair + done,
                    mate.escape_ascii(),
                    names[0],
                    name.escape_ascii()
                ));
            }
            sample.observe_pair(one.as_read(), other.as_read()).map_err(|error| {
                PipelineError::at(format!("{}: record {}", names[0], pair + done))(error)
            })?;
        }
        pair += done;
        at.iter_mut().for_each(|at| *at += done as usize);
        observer.reads_done(2 * done as usize);
        if done == 0 {
            let left = [0, 1].map(|i| mates[i].batch().len() > at[i]);
            if let Some(longer) = left.iter().position(|left| *left) {
                let (longer, shorter) = (&names[longer], &names[1 - longer]);
                return PipelineError::refuse(format!(
                    "{shorter}: ends after record {pair}, but {longer} has a record {}; the mates \
                     must be in the same order",
                    pair + 1
                ));
            }
            return Ok(());
        }
    }
}

/// Reads the rest of a file up to its end or the first fault.
fn read(
    mut file: Input,
    first: RecordBatch,
    size: BatchSize,
    give: &Sender<Result<RecordBatch, IoError>>,
    empty: &Receiver<RecordBatch>,
) {
    if give.send(Ok(first)).is_err() {
        return;
    }
    loop {
        let mut batch = empty.try_recv().unwrap_or_default();
        let more = file.read_batch(&mut batch, size);
        let last = !matches!(more, Ok(true));
        let message = more.map(|_| batch);
        if give.send(message).is_err() || last {
            return;
        }
    }
}
