//! The learning pass over the files of a run: offers every read to the sample, and counts k-mers.

use std::fs;
use std::path::Path;
use std::thread::{self, Scope};

use bm_adapt::{Sampler, SeenReads};
use bm_insert::Finder;
use bm_io::{Cancellation, Held, InFlight, is_stdio, open_file};
use bm_kmers::Counter;
use bm_quality::FailedCycles;
use bm_reads::conversion::Conversion;
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::PipelineError;
use crate::inserts::{BatchInserts, RunInserts};
use crate::kmer_counting::{Counting, Shared};
use crate::observer::{Observer, Task};
use crate::pipeline::First;
use crate::sample_parts::SampleParts;
use crate::template_reader::TemplateReader;

/// Batches in memory per group of files: one being read, one being examined, two waiting.
const BATCHES: usize = 4;

/// Text of these batches, in bytes. A read that is longer passes alone.
const TEXT_BYTES: usize = 64 << 20;

/// Returns whether an input can be read once only, without opening it: even opening a named pipe waits
/// for its writer, which ends if the reader closes the pipe again.
pub(crate) fn is_stream(path: &Path) -> bool {
    is_stdio(path) || fs::metadata(path).is_ok_and(|it| !it.is_file() && !it.is_dir())
}

/// Refuses inputs that cannot be read twice. Messages say what reads them `twice`, and what else can be
/// done.
pub(crate) fn refuse_streams(
    inputs: &[&Path],
    twice: &str,
    else_do: &str,
) -> Result<(), PipelineError> {
    for path in inputs {
        if is_stdio(path) {
            return PipelineError::refuse(format!("stdin: {twice}; give it a file{else_do}"));
        }
        if !is_seekable(path)? {
            return PipelineError::refuse(format!(
                "{}: {twice}; a pipe can be read once, give it a file{else_do}",
                path.display()
            ));
        }
    }
    Ok(())
}

/// Returns whether a file can be read again from its start.
pub(crate) fn is_seekable(path: &Path) -> Result<bool, PipelineError> {
    Ok(!is_stdio(path) && open_file(path, "FASTQ")?.1.is_some())
}

/// The files of a group in the learning pass.
pub(crate) struct Pass<'a> {
    pub(crate) reader: &'a mut TemplateReader,
    /// The batches that were read already.
    pub(crate) first: First,
    /// Where inserts end.
    pub(crate) inserts: &'a RunInserts,
    /// Which bases are written as one.
    pub(crate) conversion: Option<Conversion>,
    /// The cycles whose bases are not counted.
    pub(crate) failed_cycles: &'a FailedCycles,
    /// The templates of the run so far, if k-mers are counted.
    pub(crate) seen: Option<&'a mut SeenReads>,
    /// Bytes of text per batch.
    pub(crate) batch_bytes: usize,
    /// What ends the pass before its end.
    pub(crate) cancellation: Option<&'a Cancellation>,
}

/// Offers the sample, if there is one, every template of a group of files; returns the counters.
///
/// One thread reads the files and finds the part of each read that is of the sample; the counters count
/// k-mers on separate threads. The calling thread does what the system gives no thread for.
pub(crate) fn observe(
    pass: Pass<'_>,
    mut sample: Option<&mut Sampler>,
    counters: Vec<Counter>,
    observer: &dyn Observer,
) -> Result<Vec<Counter>, PipelineError> {
    let task = if sample.is_some() { Task::Learning } else { Task::CountingAgain };
    observer.pass_begins(task, pass.reader.leading());
    let names = pass.reader.names();
    let cancellation = pass.cancellation;
    let outcome = thread::scope(|scope| {
        let mut counting = Counting::start(scope, counters);
        let mut stream = Stream::start(scope, Rest::from(pass));
        while stream.advance(&mut counting)? {
            cancellation.map_or(Ok(()), Cancellation::check)?;
            if let Some(sample) = &mut sample {
                offer(&stream.current.batch, &names[0], sample)?;
            }
            observer.reads_done(stream.current.batch.templates.len());
        }
        counting.finish()
    });
    observer.pass_ends();
    outcome
}

/// Offers the sample the templates of a batch.
fn offer(batch: &SampleParts, name: &str, sample: &mut Sampler) -> Result<(), PipelineError> {
    for template in batch.templates.templates() {
        let parts: Vec<_> =
            (template.mates().iter()).map(|mate| (batch.placed(mate), batch.part(mate))).collect();
        let observed = sample.observe_parts(&parts);
        let place = || format!("{name}: record {}", sample.reads_seen() + 1);
        observed.map_err(|error| PipelineError::at(place())(error))?;
    }
    Ok(())
}

/// What is left of a group of files.
struct Rest<'a> {
    pass: Pass<'a>,
    of_batch: BatchInserts,
    finder: Finder,
}

impl<'a> From<Pass<'a>> for Rest<'a> {
    fn from(pass: Pass<'a>) -> Self {
        Self { pass, of_batch: BatchInserts::default(), finder: Finder::default() }
    }
}

impl Rest<'_> {
    /// Returns the next batch, for which `empty` may be used, and whether there may be more.
    fn next(&mut self, mut empty: SampleParts) -> Result<(SampleParts, bool), PipelineError> {
        let Pass { reader, first, inserts, conversion, failed_cycles, seen, batch_bytes, .. } =
            &mut self.pass;
        let more = match first.batches.pop_front() {
            Some(next) => {
                empty.templates = next;
                !(first.is_all && first.batches.is_empty())
            }
            None => reader.read(&mut empty.templates, *batch_bytes)?,
        };
        empty.find(inserts, *conversion, &mut self.of_batch, &mut self.finder);
        empty.leave_out(failed_cycles);
        if let Some(seen) = seen {
            empty.find_copies(seen);
        }
        Ok((empty, more))
    }
}

/// Batches of a group of files, in order.
struct Stream<'a> {
    source: Source<'a>,
    give_back: Sender<SampleParts>,
    /// The batch that is examined.
    current: Shared,
}

/// A batch with its place among those in flight, or what ended the reading.
type Message = Result<(SampleParts, Held), PipelineError>;

/// Where the batches of a group of files come from.
enum Source<'a> {
    /// A thread that reads ahead.
    Thread(Receiver<Message>, InFlight),
    /// The calling thread: the system gave no thread.
    Here(Box<Rest<'a>>, Receiver<SampleParts>),
    End,
}

impl<'a> Stream<'a> {
    /// Starts a thread that reads the files, if the system gives one.
    fn start<'scope>(scope: &'scope Scope<'scope, '_>, rest: Rest<'a>) -> Self
    where
        'a: 'scope,
    {
        let (give, take) = bounded(BATCHES);
        let (give_back, empty) = bounded(BATCHES);
        // The files follow when the thread has started: a thread that does not start keeps nothing.
        let (give_rest, rest_of_thread) = bounded::<Rest<'a>>(1);
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
        let current = Shared::new(SampleParts::default(), None, give_back.clone());
        Self { source, give_back, current }
    }

    /// Takes the next batch and sends it to the counters; returns whether there is one.
    fn advance(&mut self, counting: &mut Counting<'_>) -> Result<bool, PipelineError> {
        // Before the next one: the reader may wait for it.
        self.replace(SampleParts::default(), None);
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

    fn replace(&mut self, batch: SampleParts, held: Option<Held>) {
        let new = Shared::new(batch, held, self.give_back.clone());
        std::mem::replace(&mut self.current, new).release();
    }
}

impl Drop for Stream<'_> {
    /// Lets the thread stop: batches in the channel are in flight until it stops.
    fn drop(&mut self) {
        if let Source::Thread(_, in_flight) = &self.source {
            in_flight.close();
        }
    }
}

/// Reads the rest of the files up to their end or the first fault.
fn read(
    mut rest: Rest<'_>,
    in_flight: &InFlight,
    give: &Sender<Message>,
    empty: &Receiver<SampleParts>,
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
