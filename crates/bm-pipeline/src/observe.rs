//! Observes a part of a run, and learns a run from what was observed of its parts.

use std::path::Path;

use bm_adapt::{RunSample, Sampler};
use bm_io::{Cancellation, Output};
use bm_kmers::Counter;
use bm_quality::ModelPackage;
use bm_reads::fastq::QualityOffset;

use crate::PipelineError;
use crate::head::{self, Head};
use crate::inserts::AdapterChoice;
use crate::learn::kmer_bytes;
use crate::learned::Learned;
use crate::lessons::{Lessons, Observed};
use crate::library::Library;
use crate::observation::{self, FORMAT, Facts, Observation};
use crate::observer::Observer;
use crate::reading::{LeftOut, Passed, Reading};

/// Inputs and options of observing a part of a run.
pub struct Observing<'a> {
    /// The file of the part, or two of mates.
    pub inputs: &'a [&'a Path],
    /// Whether mates follow each other in the file.
    pub interleaved: bool,
    /// The offset of the quality scores.
    pub offset: QualityOffset,
    /// Whether a compressed file without its end is an error; otherwise it is a warning.
    pub strict: bool,
    /// Whether reported qualities are ignored.
    pub ignores_quality: bool,
    /// Memory in bytes, if the k-mers of the part are to be counted.
    pub evidence: Option<u64>,
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
    /// Number of reads in the sample.
    pub kept: usize,
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
        let facts = Facts {
            format: FORMAT,
            bm: env!("CARGO_PKG_VERSION").to_owned(),
            inputs: self.inputs.iter().map(|path| path.to_path_buf()).collect(),
            reads: 0,
            interleaved: self.interleaved,
            quality_offset: Facts::number_of(self.offset),
            strict: self.strict,
            ignores_quality: self.ignores_quality,
            adapters: self.adapters.clone(),
            library: Library::default(),
        };
        let reading =
            reading(&facts, self.evidence.map(kmer_bytes), self.threads, self.cancellation);
        let mut sampler = Sampler::new(RunSample::ROOM);
        let mut passed = Passed::default();
        let nothing = &mut LeftOut::nothing();
        reading.group(self.inputs, nothing, Some(&mut sampler), &mut passed, observer)?;
        let head = head::of_run(passed.heads).unwrap_or_default();
        let library = head.library.clone();
        let reads = sampler.reads_seen();
        let facts = Facts { reads, library: library.clone(), ..facts };
        let counter = Counter::join(passed.counting);
        let kmers = counter.as_ref().map(|counter| (counter.k(), counter.fraction()));
        observation::write(&facts, &head, &sampler, counter, output)?;
        Ok(PartOfRun { reads, kept: sampler.finish().reads_kept(), kmers, library })
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
        let mut parts = self
            .inputs
            .iter()
            .map(|path| Observation::open(path))
            .collect::<Result<Vec<_>, _>>()?;
        // In an order that does not depend on that of the arguments.
        parts.sort_by_cached_key(|part| (part.head.digest(), part.facts.inputs.clone()));
        self.check(&parts)?;
        let (mut sampler, mut heads, mut facts, mut kmers) =
            (None::<Sampler>, Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            let name = part.name().to_owned();
            let (of_part, head, sample, rest) = part.into_parts();
            match &mut sampler {
                Some(sampler) => sampler.merge(sample),
                None => sampler = Some(sample),
            }
            facts.push((name, of_part));
            heads.push(head);
            kmers.push(rest);
        }
        let sampler = sampler.unwrap_or_else(|| Sampler::new(RunSample::ROOM));
        let bytes = self.evidence.map(kmer_bytes);
        // First of all: a file that is damaged is not learned from.
        let index = observation::merged(kmers, bytes)?;
        let count_again = |mut left_out: LeftOut| {
            let mut passed = Passed::default();
            for (name, facts) in &facts {
                let before = passed.records;
                let reading = reading(facts, bytes, threads, self.cancellation);
                let reading = Reading { is_part: false, ..reading };
                let inputs: Vec<&Path> = facts.inputs.iter().map(AsRef::as_ref).collect();
                let again = format!("{name}: its k-mers must be counted again");
                reading
                    .group(&inputs, &mut left_out, None, &mut passed, observer)
                    .map_err(PipelineError::at(again.clone()))?;
                let reads = passed.records - before;
                if reads != facts.reads {
                    return PipelineError::refuse(format!(
                        "{again}, and there are {reads} reads where there were {}",
                        facts.reads
                    ));
                }
            }
            Ok(Passed::index(passed.counting))
        };
        let observed = Observed {
            sampler,
            head: head::of_run(heads),
            index: Box::new(move || Ok(index)),
            count_again: Some(&count_again),
        };
        lessons.learn(observed, None, observer)
    }

    /// Checks that the parts fit together.
    fn check(&self, parts: &[Observation]) -> Result<(), PipelineError> {
        let Some(first) = parts.first() else {
            return PipelineError::refuse("no parts of a run to learn from");
        };
        for part in parts {
            let (ours, theirs) = (&first.facts, &part.facts);
            if theirs.ignores_quality != self.start.ignores_quality() {
                let (what, how) = if theirs.ignores_quality {
                    ("was observed without qualities", "say --ignore-quality")
                } else {
                    ("was observed with its qualities", "observe it with --ignore-quality")
                };
                return PipelineError::refuse(format!("{}: {what}; {how}", part.name()));
            }
            match (part.k(), first.k()) {
                (None, _) if self.evidence.is_some() => {
                    return PipelineError::refuse(format!(
                        "{}: has no k-mers; observe it with --evidence",
                        part.name()
                    ));
                }
                (Some(k), Some(other)) if k != other => {
                    return PipelineError::refuse(format!(
                        "{} and {}: have k-mers of {other} and {k} bases, by their first reads; learn \
                         the run from its reads in one call",
                        first.name(),
                        part.name()
                    ));
                }
                _ => {}
            }
            if ours.library.conversion != theirs.library.conversion {
                return PipelineError::refuse(format!(
                    "{} and {}: one library turns bases into others and the other does not, so their \
                     k-mers cannot be compared; are they of one run?",
                    first.name(),
                    part.name()
                ));
            }
        }
        for pair in parts.windows(2) {
            if is_same(&pair[0].head, &pair[1].head) {
                return PipelineError::refuse(format!(
                    "{} and {}: begin with the same reads, so they are twice the same part",
                    pair[0].name(),
                    pair[1].name()
                ));
            }
        }
        Ok(())
    }
}

/// Returns whether two parts that have reads begin with the same ones.
fn is_same(one: &Head, other: &Head) -> bool {
    !one.text().is_empty() && one.text() == other.text()
}

/// Returns how a part is read.
fn reading<'a>(
    facts: &'a Facts,
    kmer_bytes: Option<usize>,
    threads: usize,
    cancellation: Option<&'a Cancellation>,
) -> Reading<'a> {
    Reading {
        interleaved: facts.interleaved,
        offset: facts.offset(),
        strict: facts.strict,
        formats: facts.formats(),
        ignores_quality: facts.ignores_quality,
        adapters: &facts.adapters,
        kmer_bytes,
        is_part: true,
        threads,
        cancellation,
    }
}
