//! The learning pass over the files of a run: offers every read to the sample, and counts k-mers.

use std::fs;
use std::path::Path;
use std::thread::{self, Scope};

use bm_adapt::RunSample;
use bm_io::{Held, InFlight, Input, IoError, Tasks, is_stdio, open_file};
use bm_kmers::Counter;
use bm_reads::fastq::{BatchSize, QualityOffset, Record, RecordBatch};
use bm_reads::mates;
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::PipelineError;
use crate::kmer_counting::{Counting, Shared};
use crate::observer::Observer;

/// Batches in memory per file: one being read, one being examined, two waiting.
const BATCHES: usize = 4;

/// Text of the batches in memory per file, in bytes. A read that is longer passes alone.
const TEXT_BYTES: usize = 64 << 20;

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
/// k-mers on separate threads. The calling thread does what the system gives no thread for.
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
        let mut counting = Counting::start(scope, counters);
        let streams: Vec<_> = files
            .into_iter()
            .zip(first)
            .map(|(file, first)| Stream::start(scope, Rest { file, first: Some(first), size }))
            .collect();
        match <[Stream; 2]>::try_from(streams) {
            Ok(mates) => pairs(mates, &names, sample, &mut counting, observer),
            Err(streams) => {
                let mates = if matches!(size, BatchSize::PairsInBytes(_)) { 2 } else { 1 };
                streams.into_iter().try_for_each(|stream| {
                    file(stream, mates, &names[0], sample, &mut counting, observer)
                })
            }
        }?;
        counting.finish()
    });
    observer.pass_ends();
    outcome
}

/// What is left of a file.
struct Rest {
    file: Input,
    /// The first batch, which was read already.
    first: Option<RecordBatch>,
    size: BatchSize,
}

impl Rest {
    /// Returns the next batch, for which `empty` may be used, and whether there may be more.
    fn next(&mut self, mut empty: RecordBatch) -> Result<(RecordBatch, bool), IoError> {
        if let Some(first) = self.first.take() {
            return Ok((first, true));
        }
        let more = self.file.read_batch(&mut empty, self.size)?;
        Ok((empty, more))
    }
}

/// Batches of a file, in order.
struct Stream {
    source: Source,
    give_back: Sender<RecordBatch>,
    /// The batch that is examined.
    current: Shared,
}

/// Where the batches of a file come from.
enum Source {
    /// A thread that reads ahead.
    Thread(Receiver<Result<(RecordBatch, Held), IoError>>, InFlight),
    /// The calling thread: the system gave no thread.
    Here(Box<Rest>, Receiver<RecordBatch>),
    End,
}

impl Stream {
    /// Starts a thread that reads the file, if the system gives one.
    fn start<'scope>(scope: &'scope Scope<'scope, '_>, rest: Rest) -> Self {
        let (give, take) = bounded(BATCHES);
        let (give_back, empty) = bounded(BATCHES);
        // The file follows when the thread has started: a thread that does not start keeps nothing.
        let (give_rest, rest_of_thread) = bounded::<Rest>(1);
        let spare = empty.clone();
        let in_flight = InFlight::new(TEXT_BYTES);
        let of_thread = in_flight.clone();
        let thread = thread::Builder::new().spawn_scoped(scope, move || {
            if let Ok(rest) = rest_of_thread.recv() {
                read(rest, &of_thread, &give, &spare);
            }
        });
        let source = match thread {
            Ok(_) => {
                // The thread takes it.
                let _ = give_rest.send(rest);
                Source::Thread(take, in_flight)
            }
            Err(_) => Source::Here(Box::new(rest), empty),
        };
        let current = Shared::new(RecordBatch::default(), None, give_back.clone());
        Self { source, give_back, current }
    }

    /// Takes the next batch and sends it to the counters; returns whether there is one.
    fn advance(&mut self, counting: &mut Counting<'_>) -> Result<bool, PipelineError> {
        // Before the next one: the reader may wait for it.
        self.replace(RecordBatch::default(), None);
        let (batch, held) = match &mut self.source {
            Source::Thread(take, _) => match take.recv() {
                Ok(message) => message.map(|(batch, held)| (batch, Some(held)))?,
                Err(_) => {
                    self.source = Source::End;
                    return Ok(false);
                }
            },
            Source::Here(rest, empty) => {
                let (batch, more) = rest.next(empty.try_recv().unwrap_or_default())?;
                if !more {
                    self.source = Source::End;
                }
                (batch, None)
            }
            Source::End => return Ok(false),
        };
        self.replace(batch, held);
        counting.count(&self.current)?;
        Ok(true)
    }

    /// Returns whether there may be more batches.
    fn has_more(&self) -> bool {
        !matches!(self.source, Source::End)
    }

    fn batch(&self) -> &RecordBatch {
        &self.current.batch
    }

    fn replace(&mut self, batch: RecordBatch, held: Option<Held>) {
        let new = Shared::new(batch, held, self.give_back.clone());
        std::mem::replace(&mut self.current, new).release();
    }
}

impl Drop for Stream {
    /// Lets the thread stop: batches in the channel are in flight until it stops.
    fn drop(&mut self) {
        if let Source::Thread(_, in_flight) = &self.source {
            in_flight.close();
        }
    }
}

/// Offers the sample the reads of one file, in which `mates` reads of a template follow each other.
fn file(
    mut stream: Stream,
    mates: usize,
    name: &str,
    sample: &mut RunSample,
    counting: &mut Counting<'_>,
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
    counting: &mut Counting<'_>,
    observer: &dyn Observer,
) -> Result<(), PipelineError> {
    let mut at = [0, 0];
    let mut pair = 0u64;
    loop {
        for (stream, at) in mates.iter_mut().zip(&mut at) {
            while *at == stream.batch().len() && stream.has_more() {
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
    mut rest: Rest,
    in_flight: &InFlight,
    give: &Sender<Result<(RecordBatch, Held), IoError>>,
    empty: &Receiver<RecordBatch>,
) {
    while in_flight.wait() {
        let next = rest.next(empty.try_recv().unwrap_or_default());
        let last = !matches!(next, Ok((_, true)));
        let message = next.map(|(batch, _)| {
            let held = in_flight.hold(batch.bytes());
            (batch, held)
        });
        if give.send(message).is_err() || last {
            return;
        }
    }
}
