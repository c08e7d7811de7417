//! Counts the k-mers of a run while it is read, on separate threads.

use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};

use bm_kmers::{Counter, kmer};
use bm_reads::base;
use bm_reads::fastq::RecordBatch;
use bm_reads::{Phred, ReadRef};
use crossbeam_channel::{Sender, bounded};

use crate::PipelineError;

/// Batches that wait for a thread.
const WAITING: usize = 4;

/// A batch that several threads read; the last thread returns it for reuse.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) batch: Arc<RecordBatch>,
    empty: Sender<RecordBatch>,
}

impl Shared {
    pub(crate) fn new(batch: RecordBatch, empty: Sender<RecordBatch>) -> Self {
        Self { batch: Arc::new(batch), empty }
    }

    /// Returns the batch for reuse, if no other thread needs it.
    pub(crate) fn release(self) {
        if let Some(batch) = Arc::into_inner(self.batch) {
            // The reader may have finished, or have enough empty batches.
            let _ = self.empty.try_send(batch);
        }
    }
}

/// Threads that count k-mers, one per part of the counter.
pub(crate) struct Counting<'scope> {
    threads: Vec<(Sender<Shared>, ScopedJoinHandle<'scope, Counter>)>,
}

impl<'scope> Counting<'scope> {
    /// Starts a thread for each part of a counter.
    pub(crate) fn start(scope: &'scope Scope<'scope, '_>, parts: Vec<Counter>) -> Self {
        let thread = |mut part: Counter| {
            let (give, take) = bounded::<Shared>(WAITING);
            let handle = scope.spawn(move || {
                for shared in take {
                    shared.batch.iter().for_each(|record| part.observe(record.sequence));
                    shared.release();
                }
                part
            });
            (give, handle)
        };
        Self { threads: parts.into_iter().map(thread).collect() }
    }

    /// Hands the next batch to every thread.
    pub(crate) fn count(&self, shared: &Shared) -> Result<(), PipelineError> {
        self.threads.iter().try_for_each(|(give, _)| give.send(shared.clone()).or(Err(stopped())))
    }

    /// Waits for the threads; returns the parts.
    pub(crate) fn finish(self) -> Result<Vec<Counter>, PipelineError> {
        let finish = |(give, handle): (Sender<Shared>, ScopedJoinHandle<'scope, Counter>)| {
            drop(give);
            handle.join().or(Err(stopped()))
        };
        self.threads.into_iter().map(finish).collect()
    }
}

fn stopped() -> PipelineError {
    PipelineError::Refused("a counting thread stopped unexpectedly; this is a bug in bm".to_owned())
}

/// Returns the counter for a run that begins with these reads, in this many parts, with this many
/// bytes for all of them.
pub(crate) fn counters<'a>(
    first: impl Iterator<Item = ReadRef<'a>>,
    bytes: usize,
    parts: usize,
) -> Vec<Counter> {
    let (mut codes, mut errors, mut bases) = (Vec::new(), 0.0, 0);
    for read in first {
        codes.push(read.sequence.iter().map(|base| base::code(*base)).collect::<Vec<_>>());
        let probability = |byte: &u8| Phred::from_byte(*byte).map_or(0.0, Phred::error_probability);
        errors += read.quality_scores.iter().map(probability).sum::<f64>();
        bases += read.len();
    }
    let k = kmer::length_for(codes.iter().map(Vec::as_slice), errors / bases.max(1) as f64);
    Counter::new(k, bytes).split(parts)
}
