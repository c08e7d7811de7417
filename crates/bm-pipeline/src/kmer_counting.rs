//! Counts the k-mers of a run while it is read, on separate threads.

use std::sync::Arc;
use std::thread::{self, Scope, ScopedJoinHandle};

use bm_io::Held;
use bm_kmers::{Counter, Share, kmer};
use bm_long::Traits;
use bm_reads::base;
use bm_reads::{Phred, ReadRef};
use crossbeam_channel::{Sender, bounded};

use crate::PipelineError;
use crate::sample_parts::SampleParts;

/// Batches that wait for a thread.
const WAITING: usize = 4;

/// Larger batches are not used again, in bytes: they would keep their memory.
const HEAVY: usize = 8 << 20;

/// A batch that several threads read; the last thread returns it for reuse.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) batch: Arc<SampleParts>,
    /// Counts the batch until the last thread releases it.
    _held: Option<Arc<Held>>,
    empty: Sender<SampleParts>,
}

impl Shared {
    pub(crate) fn new(batch: SampleParts, held: Option<Held>, empty: Sender<SampleParts>) -> Self {
        Self { batch: Arc::new(batch), _held: held.map(Arc::new), empty }
    }

    /// Returns the batch for reuse, if no other thread needs it.
    pub(crate) fn release(self) {
        if let Some(batch) = Arc::into_inner(self.batch).filter(|batch| batch.bytes() <= HEAVY) {
            // The reader may have finished, or have enough empty batches.
            let _ = self.empty.try_send(batch);
        }
    }
}

/// Threads that count k-mers, one per part of the counter.
pub(crate) struct Counting<'scope> {
    parts: Vec<Part<'scope>>,
}

/// What counts one part of the k-mers.
enum Part<'scope> {
    Thread(Sender<Shared>, ScopedJoinHandle<'scope, Option<Counter>>),
    /// The calling thread: the system gave no more threads.
    Here(Box<Counter>),
}

impl<'scope> Counting<'scope> {
    /// Starts a thread for each part of a counter, as far as the system gives threads.
    pub(crate) fn start(scope: &'scope Scope<'scope, '_>, parts: Vec<Counter>) -> Self {
        let part = |part: Counter| {
            let (give, take) = bounded::<Shared>(WAITING);
            // The part follows when the thread has started: a thread that does not start keeps
            // nothing.
            let (give_part, part_of_thread) = bounded::<Counter>(1);
            let thread = thread::Builder::new().spawn_scoped(scope, move || {
                let mut part = part_of_thread.recv().ok()?;
                for shared in take {
                    observe(&mut part, &shared);
                    shared.release();
                }
                Some(part)
            });
            match thread {
                Ok(handle) => {
                    // The thread takes it, or has stopped, which shows in the end.
                    let _ = give_part.send(part);
                    Part::Thread(give, handle)
                }
                Err(_) => Part::Here(Box::new(part)),
            }
        };
        Self { parts: parts.into_iter().map(part).collect() }
    }

    /// Hands the next batch to every thread.
    pub(crate) fn count(&mut self, shared: &Shared) -> Result<(), PipelineError> {
        self.parts.iter_mut().try_for_each(|part| match part {
            Part::Thread(give, _) => give.send(shared.clone()).or(Err(stopped())),
            Part::Here(part) => {
                observe(part, shared);
                Ok(())
            }
        })
    }

    /// Waits for the threads; returns the parts.
    pub(crate) fn finish(self) -> Result<Vec<Counter>, PipelineError> {
        let finish = |part| match part {
            Part::Thread(give, handle) => {
                drop(give);
                handle.join().ok().flatten().ok_or_else(stopped)
            }
            Part::Here(part) => Ok(*part),
        };
        self.parts.into_iter().map(finish).collect()
    }
}

fn observe(part: &mut Counter, shared: &Shared) {
    shared.batch.to_count().for_each(|read| part.observe(read.sequence));
}

fn stopped() -> PipelineError {
    PipelineError::Refused("a counting thread stopped unexpectedly; this is a bug in bm".to_owned())
}

/// Returns the counter of a share of the k-mers of a run that begins with these reads, on this many
/// threads, with this many bytes for all of them. Of a part of a run, k-mers seen once stay.
pub(crate) fn counters<'a>(
    first: impl Iterator<Item = ReadRef<'a>> + Clone,
    bytes: usize,
    threads: usize,
    share: Share,
    is_part: bool,
) -> Vec<Counter> {
    let (mut codes, mut errors, mut bases) = (Vec::new(), 0.0, 0);
    let are_long = Traits::of(first.clone()).are_long();
    for read in first {
        codes.push(read.sequence.iter().map(|base| base::code(*base)).collect::<Vec<_>>());
        let probability = |byte: &u8| Phred::from_byte(*byte).map_or(0.0, Phred::error_probability);
        errors += read.quality_scores.iter().map(probability).sum::<f64>();
        bases += read.len();
    }
    let k = if are_long {
        bm_long::K
    } else {
        kmer::length_for(codes.iter().map(Vec::as_slice), errors / bases.max(1) as f64)
    };
    let counter = Counter::of_share(k, bytes, share);
    let counter = match (is_part, are_long) {
        (true, _) => counter.keeping_singletons(),
        (false, true) => counter.of_many_errors(),
        (false, false) => counter,
    };
    counter.split(threads)
}
