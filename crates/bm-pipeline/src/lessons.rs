//! Learns a run from what was observed of it, at once or in parts.

use std::io::Write;
use std::iter;
use std::sync::{Mutex, PoisonError};
use std::thread;

use bm_adapt::{Adaptation, Doubt, Label, Labels, RunSample, Sampler, SeenReads, Settings};
use bm_io::Output;
use bm_kmers::Index;
use bm_quality::ModelPackage;

use crate::PipelineError;
use crate::head::Head;
use crate::learned::{Learned, Seen};
use crate::observer::{Observer, Task};
use crate::reading::LeftOut;

/// Where at least this part of the reads are copies of others, k-mers are counted again without them. Fewer
/// hardly change a count.
const MANY_COPIES: f64 = 0.01;

/// What a run is learned with.
pub(crate) struct Lessons<'a> {
    /// The model to start from.
    pub(crate) start: &'a ModelPackage,
    pub(crate) seed: u64,
    /// Whether k-mers were counted.
    pub(crate) with_kmers: bool,
    pub(crate) threads: usize,
}

/// Makes the index of the k-mers that were counted.
type MakeIndex<'a> = Box<dyn FnOnce() -> Result<Option<Index>, PipelineError> + Send + 'a>;

/// Counts all k-mers of the run again, but for what is left out.
type CountAgain<'a> = &'a dyn Fn(LeftOut) -> Result<Option<Index>, PipelineError>;

/// What was observed of a run.
pub(crate) struct Observed<'a> {
    pub(crate) sampler: Sampler,
    /// The head that stands for the run.
    pub(crate) head: Option<Head>,
    pub(crate) index: MakeIndex<'a>,
    /// `None` if the reads cannot be read again.
    pub(crate) count_again: Option<CountAgain<'a>>,
}

impl Lessons<'_> {
    /// Checks that the model can be adapted.
    pub(crate) fn check(&self) -> Result<(), PipelineError> {
        Adaptation::check(self.start)?;
        if self.with_kmers {
            Adaptation::check_experience(self.start)?;
        }
        Ok(())
    }

    /// Learns the run, and writes the labels of its bases to the output, if there is one.
    pub(crate) fn learn(
        &self,
        observed: Observed<'_>,
        labels_output: Option<&mut Output>,
        observer: &dyn Observer,
    ) -> Result<Learned, PipelineError> {
        let Self { start, seed, threads, .. } = *self;
        let Observed { sampler, head, index, count_again } = observed;
        let head = head.unwrap_or_default();
        let fits = head.applicability(start.facts());
        let are_long = head.are_long();
        let mut sample = sampler.finish();
        observer.note(&format!(
            "{} reads seen, learning from {} of them",
            sample.reads_seen(),
            sample.reads_kept()
        ));
        let index = Mutex::new(Some(index));
        let make_index = || {
            let make = index.lock().unwrap_or_else(PoisonError::into_inner).take();
            make.map_or(Ok(None), |make| make())
        };
        let (index, adaptation) = thread::scope(|scope| {
            // The index and the network do not depend on each other.
            let index = thread::Builder::new().spawn_scoped(scope, make_index);
            observer.task_begins(Task::Labelling);
            let labels = Labels::of_run(&mut sample, threads);
            if let Some(output) = labels_output {
                write_labels(&sample, &labels, output)?;
            }
            let ignores_quality = start.ignores_quality();
            let settings = Settings {
                seed,
                threads,
                start_applies: !ignores_quality && fits.applies(),
                ignores_quality,
                reported_max_error_rate: fits.long_reads().map(|long| long.max_error_rate),
            };
            observer.task_begins(Task::Training);
            let adaptation = Adaptation::learn(&sample, &labels, start, &settings)?;
            let panicked = "the index was not made; this is a bug in bm";
            let index = match index {
                Ok(thread) => thread.join().or_else(|_| PipelineError::refuse(panicked))?,
                // The system gives no more threads.
                Err(_) => make_index(),
            };
            Ok::<_, PipelineError>((index?, adaptation))
        })?;
        let (index, doubt) = self.recounted(index, &adaptation, &sample, count_again, observer)?;
        observer.task_begins(Task::Weighing);
        let weigh = |index| {
            if are_long {
                Ok(adaptation.weigh_long_reads(index, &sample, threads))
            } else {
                adaptation.weigh(index, &sample, threads)
            }
        };
        let weighed = index.map(weigh).transpose()?;
        observer.pass_ends();
        let evidence = match (weighed, doubt) {
            (Some(weighed), Some(doubt)) => Some(weighed.refused(doubt)),
            (weighed, _) => weighed,
        };
        Ok(Learned {
            adaptation,
            evidence,
            library: head.library,
            inserts: None,
            long_reads: fits.long_reads(),
            seen: Seen::default(),
        })
    }

    /// Returns the index, without the bases of cycles that failed and without copies, and why it is of no
    /// use if these cannot be left out.
    fn recounted(
        &self,
        index: Option<Index>,
        adaptation: &Adaptation,
        sample: &RunSample,
        count_again: Option<CountAgain<'_>>,
        observer: &dyn Observer,
    ) -> Result<(Option<Index>, Option<Doubt>), PipelineError> {
        let failed = adaptation.failed_cycles.iter().next().map(Doubt::of_cycle);
        let has_copies = sample.copied() >= MANY_COPIES;
        let counted = match index {
            Some(counted) if failed.is_some() || has_copies => counted,
            index => return Ok((index, None)),
        };
        let Some(count_again) = count_again else { return Ok((Some(counted), failed)) };
        // It needs as much memory as the new one.
        drop(counted);
        if failed.is_some() {
            observer.note("a cycle failed; counting k-mers without it");
        } else {
            let percent = 100.0 * sample.copied();
            observer.note(&format!(
                "{percent:.0} % of the reads are copies of others; counting k-mers without them"
            ));
        }
        let left_out = LeftOut {
            failed_cycles: adaptation.failed_cycles.clone(),
            seen: has_copies.then(SeenReads::default),
        };
        Ok((count_again(left_out)?, None))
    }
}

/// Writes a row for each labelled read.
fn write_labels(
    sample: &RunSample,
    labels: &Labels,
    output: &mut Output,
) -> Result<(), PipelineError> {
    let mut row = b"template\tmate\tlabels\n".to_vec();
    let mut reads: Vec<_> = labels.of_reads(sample).collect();
    reads.sort_unstable_by_key(|read| (read.template, read.mate));
    for read in reads {
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
