//! Learns a run from its files: the model and, on request, k-mer evidence.

use std::io::Write;
use std::iter;
use std::mem;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use bm_adapt::{
    Adaptation, Choice, Doubt, Label, Labels, RunEvidence, RunSample, SeenReads, Settings,
};
use bm_io::{Cancellation, FileState, Input, Output, ReadFormats, Tasks};
use bm_kmers::Counter;
use bm_quality::{Applicability, FailedCycles, LongReads, ModelPackage};
use bm_reads::fastq::QualityOffset;

use crate::PipelineError;
use crate::as_one::AsOne;
use crate::inputs::Inputs;
use crate::inserts::{AdapterChoice, Ahead, RunInserts, read_first};
use crate::kmer_counting::counters;
use crate::observer::Observer;
use crate::pipeline::{BATCH_BYTES, FIRST_BYTES, First};
use crate::run_pass::{Pass, grouped, observe, refuse_streams};
use crate::templates::{TemplateBatch, TemplateReader, or_cancelled};

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
    /// Whether a compressed file without its end is an error; otherwise it is a warning.
    pub strict: bool,
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

/// The result of learning a run.
pub struct Learned {
    /// The model, and how it was selected.
    pub adaptation: Adaptation,
    /// The k-mer evidence of the run, if k-mers were counted.
    pub evidence: Option<RunEvidence>,
    /// Where the inserts of the run's first files end.
    pub inserts: Option<Box<RunInserts>>,
    /// The limit for the reads, if they are longer than those that the base model was trained on.
    pub(crate) long_reads: Option<LongReads>,
    pub(crate) seen: Seen,
}

/// What was read to learn a run, for a second pass over the same files.
pub(crate) struct Seen {
    /// The state of each file when it was opened; `None` for a stream.
    pub(crate) files: Vec<Option<FileState>>,
    pub(crate) reads: u64,
}

impl Seen {
    /// Checks that the second pass opened the same files, or had them to the end.
    pub(crate) fn check_files<'a>(
        &self,
        inputs: impl Iterator<Item = &'a Input>,
    ) -> Result<(), PipelineError> {
        for (input, before) in inputs.zip(&self.files) {
            if let Some(before) = before {
                input.check_state(before)?;
            }
        }
        Ok(())
    }

    /// Checks that another pass found the same files with as many reads.
    fn check_passed(&self, passed: &Passed, names: &[String]) -> Result<(), PipelineError> {
        for ((before, now), name) in self.files.iter().zip(&passed.states).zip(names) {
            if let (Some(before), Some(now)) = (before, now) {
                now.check(before, name)?;
            }
        }
        self.check_reads(passed.records, names)
    }

    /// Checks that the second pass found as many reads; messages call its inputs `names`.
    pub(crate) fn check_reads(&self, found: u64, names: &[String]) -> Result<(), PipelineError> {
        if found == self.reads {
            return Ok(());
        }
        PipelineError::refuse(format!(
            "{}: changed while the run was learned: there were {} reads, and now there are {found}; \
             run again when nothing writes to it",
            names.join(", "),
            self.reads
        ))
    }
}

impl Learned {
    /// Checks that there is something to score the reads of `inputs` by if their reported qualities are
    /// ignored.
    pub(crate) fn require_without_quality(&self, inputs: &[&Path]) -> Result<(), PipelineError> {
        let (doubts, missing) = match &self.evidence {
            Some(RunEvidence { evidence: None, doubts, .. }) => (doubts, "k-mer evidence"),
            _ if self.adaptation.choice == Choice::Reported => {
                (&self.adaptation.doubts, "error rate of the run")
            }
            _ => return Ok(()),
        };
        let inputs = names(inputs);
        let doubts: Vec<String> = doubts.iter().map(ToString::to_string).collect();
        PipelineError::refuse(format!(
            "{}: no qualities to look at, and no {missing} to score the reads by: {}; give more \
             reads of the run, or reads with qualities",
            inputs.join(", "),
            doubts.join("; ")
        ))
    }

    /// Returns the limit for long reads, if the reported qualities score them.
    pub(crate) fn long_limit(&self) -> Option<LongReads> {
        self.long_reads.filter(|_| self.adaptation.choice == Choice::Reported)
    }

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
        self.run_on(ReadFormats::Fastq, labels_output, observer)
    }

    /// Learns the run from files of these formats, as [`Learning::run`] does.
    pub(crate) fn run_on(
        &self,
        formats: ReadFormats,
        labels_output: Option<&mut Output>,
        observer: &dyn Observer,
    ) -> Result<Learned, PipelineError> {
        let Self { inputs, interleaved, start, seed, evidence, threads, .. } = *self;
        Adaptation::check(start)?;
        if evidence.is_some() {
            Adaptation::check_experience(start)?;
        }
        // No model was trained on reads of one quality.
        let ignores_quality = start.ignores_quality();
        let groups: Vec<Vec<&Path>> = if interleaved {
            inputs.iter().map(|path| vec![*path]).collect()
        } else {
            grouped(inputs)?
        };
        let mut sample = RunSample::new(RunSample::ROOM);
        let none = FailedCycles::none();
        let passed = self.pass(formats, &groups, &none, Some(&mut sample), observer)?;
        let Passed { counting, fits, states, inserts, .. } = passed;
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
            let labels = Labels::of_run(&mut sample, threads);
            if let Some(output) = labels_output {
                write_labels(&sample, &labels, output)?;
            }
            let settings = Settings {
                seed,
                threads,
                start_applies: !ignores_quality && fits.applies(),
                ignores_quality,
                reported_max_error_rate: fits.long_reads().map(|long| long.max_error_rate),
            };
            let adaptation = Adaptation::learn(&sample, &labels, start, &settings)?;
            let panicked = "the index was not made; this is a bug in bm";
            let index = match index {
                Ok(thread) => thread.join().or_else(|_| PipelineError::refuse(panicked))?,
                // The system gives no more threads.
                Err(_) => make_index(),
            };
            Ok::<_, PipelineError>((index, adaptation))
        })?;
        let seen = Seen { files: states, reads: sample.reads_seen() };
        let failed = adaptation.failed_cycles.iter().next().map(Doubt::of_cycle);
        let (index, doubt) = match (index, failed) {
            (Some(index), Some(doubt)) if refuse_streams(inputs).is_err() => {
                (Some(index), Some(doubt))
            }
            (Some(index), Some(_)) => {
                // It needs as much memory as the new one.
                drop(index);
                observer.note("a cycle failed; counting k-mers without it");
                let failed = &adaptation.failed_cycles;
                let passed = self.pass(formats, &groups, failed, None, observer)?;
                seen.check_passed(&passed, &names(inputs))?;
                (Counter::join(passed.counting).map(Counter::finish), None)
            }
            (index, _) => (index, None),
        };
        let weighed = index.map(|index| adaptation.weigh(index, &sample, threads)).transpose()?;
        let evidence = match (weighed, doubt) {
            (Some(weighed), Some(doubt)) => Some(weighed.refused(doubt)),
            (weighed, _) => weighed,
        };
        let (inserts, long_reads) = (inserts.map(Box::new), fits.long_reads());
        Ok(Learned { adaptation, evidence, inserts, long_reads, seen })
    }

    /// Reads all files once: offers the sample, if there is one, every template, and counts k-mers
    /// without the bases of failed cycles.
    fn pass(
        &self,
        formats: ReadFormats,
        groups: &[Vec<&Path>],
        failed_cycles: &FailedCycles,
        mut sample: Option<&mut RunSample>,
        observer: &dyn Observer,
    ) -> Result<Passed, PipelineError> {
        let Self { interleaved, offset, strict, start, evidence, threads, cancellation, .. } =
            *self;
        let mut passed = Passed::default();
        let mut conversion = None;
        let mut seen_reads = evidence.map(|_| SeenReads::default());
        for (number, group) in groups.iter().enumerate() {
            let mut files = match group[..] {
                [first, second] => Inputs::pair(first, second),
                _ if interleaved => Inputs::interleaved(group[0]),
                _ => Inputs::single(group[0]),
            };
            (files.offset, files.strict) = (offset, strict);
            (files.formats, files.ignore_quality) = (formats, start.ignores_quality());
            let tasks = Tasks::for_workers(0);
            let mut reader = TemplateReader::open_for(&files, &tasks, cancellation)?;
            passed.states.extend(reader.inputs().map(Input::state));
            // As much text of each file.
            let per_file = |bytes: usize| bytes * files.layout().files();
            let mut first = vec![TemplateBatch::default()];
            reader.read(&mut first[0], per_file(FIRST_BYTES))?;
            if number == 0 {
                passed.fits = Applicability::of(start.facts(), first[0].reads());
            }
            let batch_bytes = per_file(BATCH_BYTES);
            let is_all = !read_first(&mut reader, &mut first, batch_bytes, Ahead::LEARN)?;
            let inserts = RunInserts::learn(&first, self.adapters, false);
            if number == 0 {
                conversion = inserts.conversion();
                if let Some(sample) = &mut sample {
                    sample.set_conversion(conversion);
                }
                if let Some(bytes) = evidence {
                    let bytes = bytes.saturating_sub(BYTES_BESIDE_KMERS) as usize;
                    let mut as_one = AsOne::default();
                    as_one.write(&first[0], conversion);
                    let reads = first[0].reads().enumerate();
                    let reads = reads.map(|(index, read)| as_one.read(index, read));
                    passed.counting = counters(reads, bytes, threads);
                }
            }
            let first = First { batches: first.into(), is_all, counted: 0 };
            let pass = Pass {
                reader: &mut reader,
                first,
                inserts: &inserts,
                conversion: inserts.conversion_here(conversion, files.layout()),
                failed_cycles,
                seen: seen_reads.as_mut(),
                batch_bytes,
                cancellation,
            };
            let counting = mem::take(&mut passed.counting);
            let observed = observe(pass, sample.as_deref_mut(), counting, observer);
            passed.counting = or_cancelled(observed, cancellation)?;
            passed.records += reader.records();
            if sample.is_some() {
                reader.warnings().for_each(|line| observer.warn(&line));
            }
            passed.inserts = passed.inserts.or(Some(inserts));
        }
        Ok(passed)
    }
}

/// What one pass over the files of a run gave.
struct Passed {
    counting: Vec<Counter>,
    /// Whether the base model applies, by the first reads.
    fits: Applicability,
    /// The state of each file when it was opened; `None` for a stream.
    states: Vec<Option<FileState>>,
    /// Where the inserts of the first files end.
    inserts: Option<RunInserts>,
    records: u64,
}

impl Default for Passed {
    fn default() -> Self {
        Self {
            counting: Vec::new(),
            fits: Applicability::certain(),
            states: Vec::new(),
            inserts: None,
            records: 0,
        }
    }
}

/// Returns the names of inputs in messages.
fn names(inputs: &[&Path]) -> Vec<String> {
    inputs.iter().map(|path| bm_io::name(path)).collect()
}

/// Writes a row for each labelled read.
fn write_labels(
    sample: &RunSample,
    labels: &Labels,
    output: &mut Output,
) -> Result<(), PipelineError> {
    let mut row = b"template\tmate\tlabels\n".to_vec();
    for read in labels.of_reads(sample) {
        output.write_text(&row)?;
        row.clear();
        // Writing to memory does not fail.
        let _ = write!(row, "{}\t{}\t", read.template, read.mate);
        let [before, behind] = read.outside;
        let outside = |bases: usize| iter::repeat_n(b'.', bases);
        row.extend(outside(before));
        row.extend(read.labels.iter().map(|label| match label {
            Label::Unknown => b'.',
            Label::Right => b'=',
            Label::Wrong => b'X',
        }));
        row.extend(outside(behind));
        row.push(b'\n');
    }
    Ok(output.write_text(&row)?)
}
