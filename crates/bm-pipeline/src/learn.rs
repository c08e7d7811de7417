//! Learns a run from its files: the model and, on request, k-mer evidence.

use std::io::Write;
use std::mem;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use bm_adapt::{Adaptation, Label, Labels, RunEvidence, RunSample, Settings};
use bm_io::{Input, Output, Tasks};
use bm_kmers::Counter;
use bm_quality::ModelPackage;
use bm_reads::fastq::{BatchSize, QualityOffset, RecordBatch};

use crate::PipelineError;
use crate::kmer_counting::counters;
use crate::observer::Observer;
use crate::pipeline::{BATCH_BYTES, FIRST_BYTES};
use crate::run_pass::{grouped, observe};

/// Memory for everything but the k-mers, in bytes: the sample, its labels, read buffers.
const BYTES_BESIDE_KMERS: u64 = 496 << 20;

/// Smallest memory for learning, in bytes, some k-mers included.
pub const FEWEST_BYTES: u64 = BYTES_BESIDE_KMERS + (16 << 20);

/// Inputs and options of learning.
pub struct Learning<'a> {
    /// The files of the run, in their order.
    pub inputs: &'a [&'a Path],
    /// Whether mates follow each other in each file. Otherwise two consecutive files whose first
    /// reads are mates are read as pairs.
    pub interleaved: bool,
    /// The offset of the quality scores.
    pub offset: QualityOffset,
    /// The model to start from.
    pub start: &'a ModelPackage,
    /// Random seed.
    pub seed: u64,
    /// Memory for learning in bytes, if the k-mers of the run are to be counted.
    pub evidence: Option<u64>,
    /// Threads; the result does not depend on their number.
    pub threads: usize,
}

/// The result of learning a run.
pub struct Learned {
    /// The model, and how it was selected.
    pub adaptation: Adaptation,
    /// The k-mer evidence of the run, if k-mers were counted.
    pub evidence: Option<RunEvidence>,
}

impl Learned {
    /// Returns the package of the model, with the evidence if there is some.
    pub(crate) fn package(&self) -> Result<ModelPackage, PipelineError> {
        let package = ModelPackage::from_files("adapted", self.adaptation.files.clone())?;
        let evidence = self.evidence.as_ref().and_then(|evidence| evidence.evidence.clone());
        Ok(match evidence {
            Some(evidence) => package.with_evidence(evidence),
            None => package,
        })
    }
}

impl Learning<'_> {
    /// Learns the run, and writes the labels of its bases to the output, if there is one.
    ///
    /// # Errors
    ///
    /// If a file is broken, the base model cannot be adapted, or the output cannot be written.
    pub fn run(
        &self,
        labels_output: Option<Output>,
        observer: &dyn Observer,
    ) -> Result<Learned, PipelineError> {
        let Self { inputs, interleaved, offset, start, seed, evidence, threads } = *self;
        Adaptation::check(start)?;
        if evidence.is_some() {
            Adaptation::check_experience(start)?;
        }
        let mut sample = RunSample::new(RunSample::ROOM);
        let mut start_applies = true;
        let mut counting = Vec::new();
        let size = |bytes| {
            if interleaved { BatchSize::PairsInBytes(bytes) } else { BatchSize::Bytes(bytes) }
        };
        let groups = if interleaved {
            inputs.iter().map(|path| vec![*path]).collect()
        } else {
            grouped(inputs)?
        };
        for (number, mates) in groups.into_iter().enumerate() {
            let open = |path: &&Path| Input::open(path, offset, &Tasks::for_workers(0));
            let mut files = mates.iter().map(open).collect::<Result<Vec<_>, _>>()?;
            let mut first = vec![RecordBatch::default(); files.len()];
            for (file, first) in files.iter_mut().zip(&mut first) {
                file.read_batch(first, size(FIRST_BYTES))?;
            }
            if number == 0 {
                let records = first.iter().flat_map(RecordBatch::iter);
                let reads = || records.clone().map(|record| record.as_read());
                if let Some(bytes) = evidence {
                    let bytes = bytes.saturating_sub(BYTES_BESIDE_KMERS) as usize;
                    counting = counters(reads(), bytes, threads);
                }
                if let Some(domain) = start.facts().domain {
                    start_applies = domain.misfits(reads()).is_empty();
                }
            }
            counting = observe(files, first, size(BATCH_BYTES), &mut sample, counting, observer)?;
        }
        observer.note(&format!(
            "{} reads seen, learning from {} of them",
            sample.reads_seen(),
            sample.reads_kept()
        ));
        let counting = Mutex::new(counting);
        let make_index = || {
            let parts = mem::take(&mut *counting.lock().unwrap_or_else(PoisonError::into_inner));
            Counter::join(parts).map(Counter::finish)
        };
        let (index, adaptation) = thread::scope(|scope| {
            // The index and the network do not depend on each other.
            let index = thread::Builder::new().spawn_scoped(scope, make_index);
            let labels = Labels::of(&sample, threads);
            if let Some(output) = labels_output {
                write_labels(&sample, &labels, output)?;
            }
            let settings = Settings { seed, threads, start_applies };
            let adaptation = Adaptation::learn(&sample, &labels, start, &settings)?;
            let panicked = "the index was not made; this is a bug in bm";
            let index = match index {
                Ok(thread) => thread.join().or_else(|_| PipelineError::refuse(panicked))?,
                // The system gives no more threads.
                Err(_) => make_index(),
            };
            Ok::<_, PipelineError>((index, adaptation))
        })?;
        let evidence = index.map(|index| adaptation.weigh(index, &sample, threads)).transpose()?;
        Ok(Learned { adaptation, evidence })
    }
}

/// Writes a row for each labelled read.
fn write_labels(
    sample: &RunSample,
    labels: &Labels,
    mut output: Output,
) -> Result<(), PipelineError> {
    let mut row = b"template\tmate\tlabels\n".to_vec();
    for read in labels.of_reads(sample) {
        output.write_text(&row)?;
        row.clear();
        // Writing to memory does not fail.
        let _ = write!(row, "{}\t{}\t", read.template, read.mate);
        row.extend(read.labels.iter().map(|label| match label {
            Label::Unknown => b'.',
            Label::Right => b'=',
            Label::Wrong => b'X',
        }));
        row.push(b'\n');
    }
    output.write_text(&row)?;
    Ok(output.finish()?)
}
