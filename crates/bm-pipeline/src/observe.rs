//! Observes a part of a run, and learns a run from what was observed of its parts.

use std::path::{Path, PathBuf};

use bm_adapt::{RunSample, Sampler, SeenReads};
use bm_io::{Cancellation, Output};
use bm_kmers::{Counter, Share};
use bm_quality::ModelPackage;

use crate::PipelineError;
use crate::head;
use crate::inputs::Inputs;
use crate::inserts::AdapterChoice;
use crate::learn::kmer_bytes;
use crate::learned::Learned;
use crate::lessons::{Lessons, Observed};
use crate::library::Library;
use crate::observation::{self, FORMAT, Facts, Observation, OpenPart};
use crate::observer::{Observer, Task};
use crate::reading::{LeftOut, Passed, Reading};
use crate::recount::Recount;
use crate::run_pass::is_stream;

/// Inputs and options of observing a part of a run.
pub struct Observing<'a> {
    /// The files of the part. If they are a shard of these, all shards together are what is observed of
    /// the files.
    pub inputs: &'a Inputs,
    /// Memory in bytes, if the k-mers of the part are to be counted.
    pub evidence: Option<u64>,
    /// The share of the k-mers that is counted, if they are. The first one comes with the sample of
    /// reads; all shares together are what is observed of the part.
    pub share: Share,
    /// Where the adapters of the run come from.
    pub adapters: &'a AdapterChoice,
    /// Threads; the result does not depend on their number.
    pub threads: usize,
    /// A switch that ends the run from another thread, with [`PipelineError::Cancelled`].
    pub cancellation: Option<&'a Cancellation>,
}

/// What was observed of a part of a run, in numbers.
pub struct PartOfRun {
    /// Number of reads.
    pub reads: u64,
    /// Number of reads in the sample; `None` where another share of the k-mers comes with it.
    pub kept: Option<usize>,
    /// Length of the k-mers, and the part of all distinct ones that was counted: 1, or less where
    /// memory was short. `None` if they were not counted.
    pub kmers: Option<(usize, f64)>,
    /// What the library has that is not of the sample.
    pub library: Library,
}

impl Observing<'_> {
    /// Observes the part, and writes what it says to the output. The caller finishes it.
    ///
    /// # Errors
    ///
    /// If a file is broken, or the output cannot be written.
    pub fn run(
        &self,
        output: &mut Output,
        observer: &dyn Observer,
    ) -> Result<PartOfRun, PipelineError> {
        let paths = self.inputs.paths();
        let inputs = paths.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?;
        let groups = self.inputs.groups();
        let facts = Facts {
            format: FORMAT,
            bm: env!("CARGO_PKG_VERSION").to_owned(),
            inputs,
            is_stream: paths.iter().any(|path| is_stream(path)),
            reads: 0,
            groups: groups.iter().map(|group| group.layout().into()).collect(),
            quality_offset: Facts::number_of(self.inputs.offset),
            strict: self.inputs.strict,
            ignores_quality: self.inputs.ignore_quality,
            shard: self.inputs.shard.map(|shard| (shard.index(), shard.of())),
            share_of_kmers: (self.share.number(), self.share.of()),
            adapters: self.adapters.clone(),
            library: Library::default(),
        };
        let reading = Reading {
            inputs: self.inputs,
            adapters: self.adapters,
            kmer_bytes: self.evidence.map(kmer_bytes),
            share: self.share,
            is_part: true,
            threads: self.threads,
            cancellation: self.cancellation,
        };
        let mut sampler = Sampler::new(RunSample::ROOM);
        let has_sample = self.share.number() == 1;
        let mut passed = Passed::default();
        let mut left_out = LeftOut::nothing();
        // A stream cannot be counted again without its copies.
        left_out.seen = facts.is_stream.then(SeenReads::default);
        let to_sample = has_sample.then_some(&mut sampler);
        reading.all(&mut left_out, to_sample, &mut passed, observer)?;
        let head = head::of_run(passed.heads).unwrap_or_default();
        let library = head.library.clone();
        let reads = passed.records;
        let facts = Facts { reads, library: library.clone(), ..facts };
        let counter = Counter::join(passed.counting);
        let kmers = counter.as_ref().map(|counter| (counter.k(), counter.fraction()));
        observation::write(&facts, &head, &sampler, counter, output)?;
        let kept = has_sample.then(|| sampler.finish().reads_kept());
        Ok(PartOfRun { reads, kept, kmers, library })
    }
}

/// Inputs and options of learning a run from what was observed of its parts.
pub struct LearningParts<'a> {
    /// Files that [`Observing::run`] wrote; their order does not matter.
    pub inputs: &'a [&'a Path],
    /// The model to start from.
    pub start: &'a ModelPackage,
    /// Random seed.
    pub seed: u64,
    /// Memory for learning in bytes, if the k-mers of the run are to be used.
    pub evidence: Option<u64>,
    /// Threads; the result does not depend on their number.
    pub threads: usize,
    /// A switch that ends learning from another thread, with [`PipelineError::Cancelled`].
    pub cancellation: Option<&'a Cancellation>,
}

impl LearningParts<'_> {
    /// Learns the run: the result is that of learning it from the reads of all parts at once.
    ///
    /// # Errors
    ///
    /// If a file is broken, the parts do not fit together, or the model cannot be adapted. If cycles
    /// of the run failed, or reads are copies of others, k-mers are counted again from the reads of
    /// the parts, which must be where they were.
    pub fn run(&self, observer: &dyn Observer) -> Result<Learned, PipelineError> {
        let Self { start, seed, threads, .. } = *self;
        let lessons = Lessons { start, seed, with_kmers: self.evidence.is_some(), threads };
        lessons.check()?;
        let mut sampler: Option<Sampler> = None;
        let mut parts = Vec::new();
        for path in self.inputs {
            // One sample is in memory beside that of all parts so far.
            let (sample, part) = Observation::open(path)?.split();
            if part.share().number() == 1 {
                match &mut sampler {
                    Some(sampler) => sampler.merge(sample),
                    None => sampler = Some(sample),
                }
            }
            parts.push(part);
        }
        // In an order that does not depend on that of the arguments.
        parts.sort_by_cached_key(|part| {
            let facts = &part.facts;
            (part.head.digest(), facts.shard, facts.inputs.clone(), part.share().number())
        });
        self.check(&parts)?;
        // A part without reads says nothing, not even what its library is.
        let with_reads = parts.iter().find(|part| !part.head.is_empty());
        let conversion = with_reads.and_then(|part| part.facts.library.conversion);
        let mut sampler = sampler.unwrap_or_else(|| Sampler::new(RunSample::ROOM));
        sampler.set_conversion(conversion);
        let heads = parts.iter().map(|part| part.head.clone()).collect();
        if parts.iter().any(|part| !part.head.is_empty()) {
            parts.retain(|part| !part.head.is_empty());
        }
        let bytes = self.evidence.map(kmer_bytes);
        // First of all: a file that is damaged is not learned from.
        observer.task_begins(Task::Merging);
        let (index, mut facts) = observation::merged(parts, bytes)?;
        // The reads of all shares of the k-mers of a part are the same.
        facts.retain(|(_, facts)| facts.share_of_kmers.0 == 1);
        let is_stream = facts.iter().any(|(_, facts)| facts.is_stream);
        let recount = Recount { parts: &facts, bytes, threads, cancellation: self.cancellation };
        let count_again = |left_out: LeftOut| recount.index(left_out, observer);
        let observed = Observed {
            sampler,
            head: head::of_run(heads),
            index: Box::new(move || Ok(index)),
            count_again: (!is_stream).then_some(&count_again),
        };
        lessons.learn(observed, None, observer)
    }

    /// Checks that the parts fit together.
    fn check(&self, parts: &[OpenPart]) -> Result<(), PipelineError> {
        let with_reads = || parts.iter().filter(|part| !part.head.is_empty());
        for part in parts {
            if part.facts.ignores_quality != self.start.ignores_quality() {
                let (what, how) = if part.facts.ignores_quality {
                    ("was observed without qualities", "say --ignore-quality")
                } else {
                    ("was observed with its qualities", "observe it with --ignore-quality")
                };
                return PipelineError::refuse(format!("{}: {what}; {how}", part.name));
            }
            if self.evidence.is_some() && part.k().is_none() {
                return PipelineError::refuse(format!(
                    "{}: has no k-mers; observe it with --evidence",
                    part.name
                ));
            }
        }
        parts.chunk_by(OpenPart::is_of_same_reads).try_for_each(check_shares)?;
        parts.chunk_by(OpenPart::is_of_same_files).try_for_each(check_shards)?;
        for (part, next) in with_reads().zip(with_reads().skip(1)) {
            let names = format!("{} and {}", part.name, next.name);
            if part.facts.library.conversion != next.facts.library.conversion {
                return PipelineError::refuse(format!(
                    "{names}: one library turns bases into others and the other does not, so their \
                     k-mers cannot be compared; are they of one run?"
                ));
            }
            if let (Some(k), Some(other)) = (part.k(), next.k())
                && k != other
            {
                return PipelineError::refuse(format!(
                    "{names}: have k-mers of {k} and {other} bases, by their first reads; learn the \
                     run from its reads in one call"
                ));
            }
        }
        Ok(())
    }
}

/// Checks that there is each shard of the reads of the same files, once. They come in order. Several
/// machines may name the files differently.
fn check_shards(parts: &[OpenPart]) -> Result<(), PipelineError> {
    if parts.first().is_none_or(|part| part.head.is_empty()) {
        return Ok(());
    }
    let mut present = Vec::new();
    for reads in parts.chunk_by(OpenPart::is_of_same_reads) {
        present.push((&reads[0].name, reads[0].facts.shard()));
    }
    for two in present.windows(2) {
        let [(name, shard), (next, other)] = two else { continue };
        let names = format!("{name} and {next}");
        match (shard, other) {
            (Some(shard), Some(other)) if shard.of() == other.of() && shard != other => {}
            (Some(shard), Some(other)) if shard == other => {
                return PipelineError::refuse(format!(
                    "{names}: are both shard {shard} of the same reads: the same part twice"
                ));
            }
            (None, None) => {
                return PipelineError::refuse(format!(
                    "{names}: begin with the same reads: the same part twice"
                ));
            }
            _ => {
                return PipelineError::refuse(format!(
                    "{names}: the same reads, divided in two ways, so that some are there twice"
                ));
            }
        }
    }
    let Some((name, Some(shard))) = present.first() else { return Ok(()) };
    let is_there =
        |index: u32| present.iter().any(|(_, it)| it.is_some_and(|it| it.index() == index));
    match (1..=shard.of()).find(|index| !is_there(*index)) {
        Some(missing) => PipelineError::refuse(format!(
            "{name}: has shard {shard} of the reads of its files, and shard {missing}/{} is missing",
            shard.of()
        )),
        None => Ok(()),
    }
}

/// Checks that there is each shard of the k-mers of a part, once. They come in order.
fn check_shares(shares: &[OpenPart]) -> Result<(), PipelineError> {
    let of = shares.iter().map(|part| part.share().of()).max().unwrap_or(0);
    if let Some(twice) = shares.windows(2).find(|two| two[0].share() == two[1].share()) {
        return PipelineError::refuse(format!(
            "{} and {}: begin with the same reads: the same part twice",
            twice[0].name, twice[1].name
        ));
    }
    let is_there = |number: u16| {
        shares.iter().any(|part| part.share().number() == number && part.share().of() == of)
    };
    match (shares.first(), (1..=of).find(|number| !is_there(*number))) {
        (Some(part), Some(missing)) => PipelineError::refuse(format!(
            "{}: has shard {}/{} of the k-mers of its reads, and shard {missing}/{of} is missing",
            part.name,
            part.share().number(),
            part.share().of(),
        )),
        _ if shares.len() > usize::from(of) => PipelineError::refuse(format!(
            "{}: the k-mers of its reads were divided in two ways",
            shares[0].name
        )),
        _ => Ok(()),
    }
}

/// Returns the path of an input from the root on, for whoever reads it again from another folder.
fn absolute(path: &Path) -> Result<PathBuf, PipelineError> {
    if is_stream(path) {
        return Ok(path.to_owned());
    }
    std::path::absolute(path).map_err(PipelineError::at(bm_io::name(path)))
}
