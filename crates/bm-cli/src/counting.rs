//! Counting the k-mers of a run while it is read, by threads of their own.

use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};

use anyhow::{Context, Result, anyhow};
use bm_kmers::{Counter, kmer};
use bm_reads::base;
use bm_reads::fastq::RecordBatch;
use bm_reads::{Phred, ReadRef};
use crossbeam_channel::{Sender, bounded};

/// Batches that wait for a thread.
const WAITING: usize = 4;

/// A batch that several threads look at; the last one sends it home.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) batch: Arc<RecordBatch>,
    home: Sender<RecordBatch>,
}

impl Shared {
    pub(crate) fn new(batch: RecordBatch, home: Sender<RecordBatch>) -> Self {
        Self { batch: Arc::new(batch), home }
    }

    /// Gives the batch back to be filled again, if nobody else needs it.
    pub(crate) fn release(self) {
        if let Some(batch) = Arc::into_inner(self.batch) {
            // Whoever fills it may be done and gone, or have enough of them: nobody waits for that.
            let _ = self.home.try_send(batch);
        }
    }
}

/// Threads that count k-mers, each a part of them.
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

    /// Shows every thread the next batch.
    pub(crate) fn count(&self, shared: &Shared) -> Result<()> {
        self.threads.iter().try_for_each(|(give, _)| {
            give.send(shared.clone()).context("a counting thread is gone")
        })
    }

    /// Waits for the threads; returns the parts.
    pub(crate) fn finish(self) -> Result<Vec<Counter>> {
        let finish = |(give, handle): (Sender<Shared>, ScopedJoinHandle<'scope, Counter>)| {
            drop(give);
            handle
                .join()
                .map_err(|_| anyhow!("a counting thread stopped unexpectedly; this is a bug in bm"))
        };
        self.threads.into_iter().map(finish).collect()
    }
}

/// Returns the counter for a run that begins with these reads, in parts, with so many bytes for
/// all.
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
