//! How the files of a run are read to learn from them.

use std::mem;

use bm_adapt::{Sampler, SeenReads};
use bm_io::{Cancellation, FileState, Input, Tasks};
use bm_kmers::{Counter, Index, Share};
use bm_quality::FailedCycles;
use bm_reads::conversion::Conversion;

use crate::PipelineError;
use crate::as_one::AsOne;
use crate::file_group::FileGroup;
use crate::flow_cells::FlowCellLane;
use crate::head::Head;
use crate::inputs::Inputs;
use crate::inserts::{AdapterChoice, Ahead, RunInserts, read_first};
use crate::kmer_counting::counters;
use crate::observer::Observer;
use crate::pipeline::{BATCH_BYTES, FIRST_BYTES, First};
use crate::run_pass::{Pass, observe};
use crate::shards;
use crate::template_reader::{TemplateReader, or_cancelled};
use crate::templates::TemplateBatch;

/// How files are read to learn from them.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// The files. If they are a shard of these, what the run is by its first reads is known by those of
    /// the whole files.
    pub(crate) inputs: &'a Inputs,
    pub(crate) adapters: &'a AdapterChoice,
    /// Bytes for k-mers, if they are counted.
    pub(crate) kmer_bytes: Option<usize>,
    /// The share of the k-mers that is counted.
    pub(crate) share: Share,
    /// Whether the counts are to be merged with those of other parts of the run.
    pub(crate) is_part: bool,
    pub(crate) threads: usize,
    pub(crate) cancellation: Option<&'a Cancellation>,
}

/// What is left out where k-mers are counted.
pub(crate) struct LeftOut {
    pub(crate) failed_cycles: FailedCycles,
    /// The templates so far, if copies do not count again.
    pub(crate) seen: Option<SeenReads>,
}

impl LeftOut {
    pub(crate) fn nothing() -> Self {
        Self { failed_cycles: FailedCycles::none(), seen: None }
    }
}

/// What reading some groups of files gave.
#[derive(Default)]
pub(crate) struct Passed {
    pub(crate) counting: Vec<Counter>,
    /// The head of each group.
    pub(crate) heads: Vec<Head>,
    /// The lanes of flow cells that the names of the groups' first reads have.
    pub(crate) lanes: Vec<FlowCellLane>,
    /// The state of each file when it was opened; `None` for a stream.
    pub(crate) states: Vec<Option<FileState>>,
    /// Where the inserts of the first group end.
    pub(crate) inserts: Option<RunInserts>,
    pub(crate) records: u64,
    /// Whether there were reads.
    has_begun: bool,
    conversion: Option<Conversion>,
}

/// Returns the index of all k-mers, if they were counted.
pub(crate) fn index_of(counting: Vec<Counter>) -> Option<Index> {
    Counter::join(counting).map(Counter::finish)
}

impl Reading<'_> {
    /// Reads all files once: offers the sampler, if there is one, every template, and counts k-mers.
    pub(crate) fn all(
        &self,
        left_out: &mut LeftOut,
        mut sampler: Option<&mut Sampler>,
        passed: &mut Passed,
        observer: &dyn Observer,
    ) -> Result<(), PipelineError> {
        for group in self.inputs.groups() {
            self.group(group, left_out, sampler.as_deref_mut(), passed, observer)?;
        }
        Ok(())
    }

    fn group(
        &self,
        group: &FileGroup,
        left_out: &mut LeftOut,
        mut sampler: Option<&mut Sampler>,
        passed: &mut Passed,
        observer: &dyn Observer,
    ) -> Result<(), PipelineError> {
        let cancellation = self.cancellation;
        let (files, layout) = (self.inputs.with_group(group), group.layout());
        if files.shard.is_some() {
            shards::check(self.inputs)?;
        }
        let tasks = Tasks::for_workers(0);
        let mut reader = TemplateReader::open_for(&files, &tasks, cancellation)?;
        passed.states.extend(reader.inputs().map(Input::state));
        // As much text of each file.
        let per_file = |bytes: usize| bytes * layout.files();
        let mut first = vec![TemplateBatch::default()];
        reader.read(&mut first[0], per_file(FIRST_BYTES))?;
        let batch_bytes = per_file(BATCH_BYTES);
        let mut is_all = !read_first(&mut reader, &mut first, batch_bytes, Ahead::LEARN)?;
        let inserts = RunInserts::learn(&first, self.adapters, false);
        // What is compared, and how, is known by the first reads of the run.
        if !passed.has_begun {
            passed.has_begun = !first[0].is_empty();
            passed.conversion = inserts.conversion();
            if let Some(sampler) = &mut sampler {
                sampler.set_conversion(passed.conversion);
            }
            if let Some(bytes) = self.kmer_bytes {
                let mut as_one = AsOne::default();
                as_one.write(&first[0], passed.conversion);
                let reads = first[0].reads().enumerate();
                let reads = reads.map(|(index, read)| as_one.read(index, read));
                passed.counting = counters(reads, bytes, self.threads, self.share, self.is_part);
            }
        }
        let first_read = first[0].reads().next();
        passed.lanes.extend(first_read.and_then(|read| FlowCellLane::of(read.name)));
        passed.heads.push(Head::of(&first[0], inserts.library()));
        if let Some(shard) = files.shard {
            let (numbered, files) = (inserts.templates(), (&files, shard));
            reader = shards::open(&mut reader, &first, numbered, files, &tasks, cancellation)?;
            first.clear();
            is_all = false;
        }
        let first = First { batches: first.into(), is_all, counted: 0 };
        let pass = Pass {
            reader: &mut reader,
            first,
            inserts: &inserts,
            conversion: inserts.conversion_here(passed.conversion, layout),
            failed_cycles: &left_out.failed_cycles,
            seen: left_out.seen.as_mut().filter(|_| self.kmer_bytes.is_some()),
            batch_bytes,
            cancellation,
        };
        let counting = mem::take(&mut passed.counting);
        let observed = observe(pass, sampler.as_deref_mut(), counting, observer);
        passed.counting = or_cancelled(observed, cancellation)?;
        passed.records += reader.records();
        if sampler.is_some() {
            reader.warnings().for_each(|line| observer.warn(&line));
        }
        if passed.inserts.is_none() {
            passed.inserts = Some(inserts);
        }
        Ok(())
    }
}
