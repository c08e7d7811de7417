//! Learns a run from its files: the model and, on request, k-mer evidence.

use bm_adapt::{RunSample, Sampler, SeenReads};
use bm_io::{Cancellation, Output};
use bm_kmers::Share;
use bm_quality::ModelPackage;

use crate::PipelineError;
use crate::flow_cells;
use crate::head;
use crate::inputs::Inputs;
use crate::inserts::AdapterChoice;
use crate::learned::{Learned, Seen, names};
use crate::lessons::{Lessons, Observed};
use crate::observer::Observer;
use crate::reading::{LeftOut, Passed, Reading, index_of};
use crate::run_pass::is_stream;

/// Memory for everything but the k-mers, in bytes: the sample, its labels, read buffers.
const BYTES_BESIDE_KMERS: u64 = 496 << 20;

/// Smallest memory for learning, in bytes, some k-mers included.
pub const FEWEST_BYTES: u64 = BYTES_BESIDE_KMERS + (16 << 20);

/// Inputs and options of learning.
pub struct Learning<'a> {
    /// The files of the run. Whether their qualities are ignored is decided by the model.
    pub inputs: &'a Inputs,
    /// The model to start from. If it ignores reported qualities, so does learning.
    pub start: &'a ModelPackage,
    /// Random seed.
    pub seed: u64,
    /// Memory for learning in bytes, if the k-mers of the run are to be counted.
    pub evidence: Option<u64>,
    /// Where the adapters of the run come from.
    pub adapters: &'a AdapterChoice,
    /// Threads; the result does not depend on their number.
    pub threads: usize,
    /// A switch that ends learning from another thread, with [`PipelineError::Cancelled`]. It is
    /// looked at between batches and, on Linux, while a pipe is waited for; not during training.
    pub cancellation: Option<&'a Cancellation>,
}

impl Learning<'_> {
    /// Learns the run, and writes the labels of its bases to the output, if there is one. The caller
    /// finishes it.
    ///
    /// # Errors
    ///
    /// If a file is broken, the base model cannot be adapted, or the output cannot be written.
    pub fn run(
        &self,
        labels_output: Option<&mut Output>,
        observer: &dyn Observer,
    ) -> Result<Learned, PipelineError> {
        let Self { inputs, start, seed, evidence, threads, .. } = *self;
        let lessons = Lessons { start, seed, with_kmers: evidence.is_some(), threads };
        lessons.check()?;
        let mut inputs = inputs.clone();
        // No model was trained on reads of one quality.
        inputs.ignore_quality = start.ignores_quality();
        inputs.shard = None;
        inputs.dedup = None;
        let reading = Reading {
            inputs: &inputs,
            adapters: self.adapters,
            kmer_bytes: evidence.map(kmer_bytes),
            share: Share::ALL,
            is_part: false,
            threads,
            cancellation: self.cancellation,
        };
        let paths = inputs.paths();
        let read_all = |left_out: &mut LeftOut, sampler: Option<&mut Sampler>| {
            let mut passed = Passed::default();
            reading.all(left_out, sampler, &mut passed, observer)?;
            Ok::<_, PipelineError>(passed)
        };
        // A stream cannot be counted again.
        let is_stream = paths.iter().any(|path| is_stream(path));
        let mut left_out = LeftOut::nothing();
        left_out.seen = is_stream.then(SeenReads::default);
        let mut sampler = Sampler::new(RunSample::ROOM);
        let passed = read_all(&mut left_out, Some(&mut sampler))?;
        drop(left_out);
        if let Some(line) = flow_cells::notice(&passed.lanes) {
            observer.warn(&line);
        }
        let seen = Seen { files: passed.states, reads: sampler.reads_seen() };
        let counting = passed.counting;
        let count_again = |mut left_out: LeftOut| {
            seen.check_states(&paths)?;
            let passed = read_all(&mut left_out, None)?;
            seen.check_passed(&passed, &names(&paths))?;
            Ok(index_of(passed.counting))
        };
        let observed = Observed {
            sampler,
            head: head::of_run(passed.heads),
            index: Box::new(|| Ok(index_of(counting))),
            count_again: (!is_stream).then_some(&count_again),
        };
        let mut learned = lessons.learn(observed, labels_output, observer)?;
        learned.inserts = passed.inserts.map(Box::new);
        learned.seen = seen;
        Ok(learned)
    }
}

/// Returns the bytes for k-mers, of those for learning.
pub(crate) fn kmer_bytes(bytes: u64) -> usize {
    bytes.saturating_sub(BYTES_BESIDE_KMERS) as usize
}
