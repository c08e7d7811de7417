//! `bm call` as a library: low-frequency variants in sorted alignments, by what the run knows of its errors.

mod aligned_reads;
mod alignment_file;
mod indexed_vcf;
mod pass;

use std::io::Write;
use std::path::PathBuf;

use bm_call::{CallTotals, Caller, Learner, Regions, Settings, VcfText, unwritable};
use bm_io::{Cancellation, Durability, Output, Tasks, name, open_text, refuse_twins};
use bm_quality::{Applicability, ModelPackage, QualityModel};
use bm_truth::{Aligned, Reference};

pub use self::indexed_vcf::index_of_vcf;
pub use self::pass::ReadCounts;

use self::aligned_reads::SequencedRead;
use self::alignment_file::AlignmentFile;
use self::indexed_vcf::VcfOutput;
use self::pass::{Pass, first_reads};
use crate::engine::{Engine, EngineChoice};
use crate::inputs::Inputs;
use crate::inserts::AdapterChoice;
use crate::learn::Learning;
use crate::learned::Learned;
use crate::observer::Observer;
use crate::{PipelineError, applicability};

/// Reads by which it is decided whether a model applies.
const FIRST_READS: usize = 1000;

/// Where the error probabilities of bases come from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum BaseErrors {
    /// The network of the model and the reported qualities: the mean of the Phred values of both. What k-mers
    /// of the run say is left out: they take a variant that few reads have for an error.
    #[default]
    Model,
    /// The same, after the network learned the run from the reads of the alignment.
    Adapted,
    /// The reported qualities.
    Reported,
}

/// Calls the variants of an alignment.
#[derive(Clone, Debug)]
pub struct CallVariants {
    /// SAM, BAM or CRAM, sorted by position; `-` is stdin.
    pub alignment: PathBuf,
    /// The FASTA file that the reads were aligned to.
    pub reference: PathBuf,
    /// VCF; compressed, and with an index, if its name ends in `.gz`.
    pub output: PathBuf,
    /// Regions such as `chr1:1001-2000`; none for the whole reference.
    pub regions: Vec<String>,
    /// Which alleles are called.
    pub settings: Settings,
    /// The model and its engine.
    pub engine: EngineChoice,
    /// Where error probabilities come from.
    pub errors: BaseErrors,
    /// The program and its version, for the header.
    pub source: String,
    /// The name of the sample, where genotypes are written.
    pub sample: String,
    /// Threads; no output depends on their number.
    pub threads: usize,
    /// Whether outputs are on the disk when they get their names.
    pub durability: Durability,
    /// A switch that ends the run from another thread.
    pub cancellation: Option<Cancellation>,
}

/// What was called.
pub struct Called {
    /// The reads.
    pub reads: ReadCounts,
    /// The sites and the calls.
    pub totals: CallTotals,
    /// The name of the model.
    pub model: String,
    /// Whether the model applies; `None` if the reported qualities were wanted.
    pub applicability: Option<Applicability>,
    /// Whether the model has k-mer evidence, which was left out.
    pub left_out_evidence: bool,
    /// What was learned of the run, if that was wanted.
    pub learned: Option<Learned>,
}

impl CallVariants {
    /// Returns the outputs.
    pub fn outputs(&self) -> impl Iterator<Item = PathBuf> {
        std::iter::once(self.output.clone()).chain(index_of_vcf(&self.output))
    }

    /// Calls the variants and gives the outputs their names.
    ///
    /// # Errors
    ///
    /// If an input is broken, unsorted or does not fit the reference, a model cannot be used, or an output
    /// cannot be written; no output exists then.
    pub fn run(&self, observer: &dyn Observer) -> Result<Called, PipelineError> {
        let outputs: Vec<PathBuf> = self.outputs().collect();
        refuse_twins(&outputs)?;
        let tasks = Tasks::for_workers(0);
        let reference = self.read_reference(&tasks)?;
        let inputs = [self.alignment.as_path(), self.reference.as_path()];
        let longest = reference.names().map(|(_, length)| length).max().unwrap_or_default();
        let mut vcf = VcfOutput::create(&self.output, &inputs, longest)?;
        let regions = Regions::parse(&reference, &self.regions)
            .map_err(PipelineError::at(name(&self.reference)))?;
        let mut file = AlignmentFile::open(&self.alignment, vcf.output())?;
        let mut bases = self.open_model(&file, &reference, vcf.output(), observer)?;

        let tasks = Tasks::for_workers(self.threads);
        let mut learner = Learner::default();
        let with_reported = bases.applicability.as_ref().is_some_and(Applicability::applies);
        self.pass(&mut file, &reference, &tasks, with_reported)
            .run(&mut bases.models, |record| learner.add(record))?;
        let rates = learner.finish(&reference);

        let text = VcfText::new(&reference, &self.settings, &self.source, &self.sample);
        let in_output = || PipelineError::at(self.output.display().to_string());
        vcf.header(&text.header().map_err(in_output())?)?;
        let mut caller = Caller::new(&reference, &self.settings, &regions, rates);
        let mut failed = None;
        let mut write = |call: bm_call::Variant| {
            let line = text.line(&reference, &call).map_err(in_output()).and_then(|line| {
                let sequence = reference.name(call.sequence);
                vcf.line(&line, sequence, call.place, call.reference.len())
            });
            if failed.is_none() {
                failed = line.err();
            }
        };
        let reads = self
            .pass(&mut file, &reference, &tasks, with_reported)
            .run(&mut bases.models, |record| caller.add(record, &mut write))?;
        let totals = caller.finish(&mut write);
        failed.map_or(Ok(()), Err)?;
        vcf.finish(self.durability)?;
        let OpenModel { model, applicability, left_out_evidence, learned, .. } = bases;
        Ok(Called { reads, totals, model, applicability, left_out_evidence, learned })
    }

    fn pass<'a>(
        &'a self,
        file: &'a mut AlignmentFile,
        reference: &'a Reference,
        tasks: &'a Tasks,
        with_reported: bool,
    ) -> Pass<'a> {
        let cancellation = self.cancellation.as_ref();
        Pass { file, reference, settings: &self.settings, with_reported, tasks, cancellation }
    }

    fn read_reference(&self, tasks: &Tasks) -> Result<Reference, PipelineError> {
        let input = open_text(&self.reference, "FASTA", tasks)?;
        let failed = || PipelineError::at(input.name.clone());
        let reference = Reference::read(input.text).map_err(failed())?;
        if let Some(odd) = unwritable(&reference).next() {
            return PipelineError::refuse(format!(
                "{}: the sequence {} has a name that VCF cannot have; rename it",
                name(&self.reference),
                odd.escape_default()
            ));
        }
        Ok(reference)
    }

    /// Opens the model for all threads.
    fn open_model(
        &self,
        file: &AlignmentFile,
        reference: &Reference,
        output: &Output,
        observer: &dyn Observer,
    ) -> Result<OpenModel, PipelineError> {
        let package = self.engine.package()?;
        let left_out_evidence = package.has_evidence();
        let package = package.without_evidence();
        let learned = (self.errors == BaseErrors::Adapted)
            .then(|| self.learn(file, reference, &package, output, observer))
            .transpose()?;
        let package = match &learned {
            Some(learned) => learned.package()?.without_evidence(),
            None => package,
        };
        if !package.facts().counts_errors() {
            return PipelineError::refuse(format!(
                "the model {} does not give error probabilities of bases; name one that counts errors, \
                 such as read-error",
                package.name()
            ));
        }
        let model = package.name().to_owned();
        let mut engine = Engine::open(package, &self.engine)?;
        engine.note.iter().for_each(|line| observer.note(line));
        let reads = first_reads(file, reference, FIRST_READS)?;
        let reads = reads.iter().map(SequencedRead::as_read);
        let threads = self.threads.max(1);
        let (models, applicability) = if self.errors == BaseErrors::Reported {
            let of_reported = |_| QualityModel::by_reported_errors(engine.package.clone());
            ((0..threads).filter_map(of_reported).collect(), None)
        } else {
            let named = self.engine.model.is_some() || learned.is_some();
            let applicability = applicability::check(&engine, named, reads)?;
            (applicability::models(&applicability, &mut engine, threads)?, Some(applicability))
        };
        Ok(OpenModel { models, model, applicability, left_out_evidence, learned })
    }

    /// Learns the run from the reads of the alignment, which are written to a temporary FASTQ file first.
    fn learn(
        &self,
        file: &AlignmentFile,
        reference: &Reference,
        start: &ModelPackage,
        output: &Output,
        observer: &dyn Observer,
    ) -> Result<Learned, PipelineError> {
        let failed = || PipelineError::at("a temporary file for the reads of the alignment");
        let mut reads = output.named_spool().map_err(failed())?;
        let mut pass = file.pass(reference)?;
        let (mut aligned, mut text) = (Aligned::default(), Vec::new());
        let mut writer = std::io::BufWriter::new(reads.file());
        while pass.read(&mut aligned)? {
            if aligned.scores().is_empty() || aligned.is_flagged() {
                continue;
            }
            text.clear();
            SequencedRead::of(&aligned).write_to(&mut text);
            writer.write_all(&text).map_err(failed())?;
        }
        writer.flush().map_err(failed())?;
        drop(writer);
        let mut inputs = Inputs::single(reads.path());
        inputs.offset = bm_reads::fastq::QualityOffset::Phred33;
        let learning = Learning {
            inputs: &inputs,
            start,
            seed: 0,
            evidence: None,
            adapters: &AdapterChoice::Found,
            threads: self.threads,
            cancellation: self.cancellation.as_ref(),
        };
        learning.run(None, observer)
    }
}

/// A model on its engine, once for each thread.
struct OpenModel {
    models: Vec<QualityModel>,
    model: String,
    applicability: Option<Applicability>,
    left_out_evidence: bool,
    learned: Option<Learned>,
}
