//! `bm classify`: where reads come from.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use bm_io::refuse_twins;
use bm_pipeline::{Classes, Classify, RunSettings};

use crate::options::engine::EngineArgs;
use crate::options::input::{FileArgs, QualityArgs, StrictArgs, inputs_of};
use crate::options::learning::LearningArgs;
use crate::options::reports::{OpenReports, ReportPaths};
use crate::options::running::{RunArgs, WritingArgs};
use crate::options::shard::ShardArgs;
use crate::progress::TerminalObserver;

/// Write the probability that a read comes from each of several classes, or from none
///
/// Tab-separated, with one header line and a row for each read, or pair: its name, its length (of both
/// mates), the most probable class and its probability, then the probability of each class and of `none`
/// of them. A read is said to be of none if that is at least as probable as all classes together. Rows are in
/// input order.
///
/// The probabilities hold that half of the reads are of none, and that genomes differ from the
/// references by 0 to 20 %. The summary and --report have the fraction of the reads in each class, with an
/// interval: reads that may be of several classes are divided.
///
/// A base counts by its error probability: the one that its quality reports, or, with --model or --adapt, the
/// network's. Reads may be FASTQ, BAM or FASTA, of which all bases count alike. Long reads are looked up as
/// a whole.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:
  bm classify reads.fastq.gz -d phix -o classes.tsv
  bm classes host=host.fa virus=virus.fa phix -o my.classes
  bm classify R1.fastq.gz R2.fastq.gz -d my.classes -o classes.tsv --report report.json",
    mut_arg("model", |model| model.help(
        "Take the error probabilities of a network: the id of an embedded model, or the path of a \
         model package or .onnx file [default: the reported qualities]"
    )),
    mut_arg("adapt", |adapt| adapt.help(
        "Learn the run from the input first, as `bm adapt --evidence` does, and use the error \
         probabilities that were learned: two passes over the file"
    ))
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: FileArgs,
    /// The classes: a file that `bm classes` made, or phix, which is shipped
    #[arg(short = 'd', long, value_name = "CLASSES")]
    classes: PathBuf,
    /// Where the table goes; - is stdout
    #[arg(short, long, value_name = "FILE", default_value = "-", help_heading = "Outputs")]
    output: PathBuf,
    /// Write counts and fractions of the classes as JSON
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    report: Option<PathBuf>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    learning: LearningArgs,
    /// Do not look at the reported qualities, which are constant, made up or wrong: all bases count alike
    #[arg(long, conflicts_with_all = ["model", "adapt"], help_heading = "Running")]
    ignore_quality: bool,
    #[command(flatten)]
    quality: QualityArgs,
    #[command(flatten)]
    strict: StrictArgs,
    #[command(flatten)]
    shard: ShardArgs,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    writing: WritingArgs,
}

impl Args {
    /// Returns the outputs.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.output).chain(&self.report)
    }

    /// Classifies the reads and writes the report.
    pub(crate) fn run(&self) -> Result<()> {
        refuse_twins(self.outputs())?;
        let settings = self.settings()?;
        let classes = Arc::new(Classes::open(&self.classes)?);
        let classify = Classify { settings, classes, output: self.output.clone() };
        let paths = ReportPaths { json: self.report.clone(), html: None, multiqc: None };
        let open = OpenReports::create(&paths, None, &classify.settings)?;
        let finished = classify.run(&TerminalObserver::new(self.run.quiet))?;
        open.finish("classify", finished, &classify.settings.inputs, self.run.quiet).map(drop)
    }

    fn settings(&self) -> Result<RunSettings> {
        let mut inputs = inputs_of(self.files.groups()?, &self.quality, &self.strict);
        inputs.ignore_quality = self.ignore_quality;
        inputs.shard = self.shard.shard;
        let (engine, learning_bytes) = (self.engine.choice(), self.learning.bytes());
        Ok(RunSettings {
            reported_errors: engine.model.is_none() && learning_bytes.is_none(),
            learning_bytes,
            engine,
            threads: self.run.threads(),
            level: self.writing.level,
            durability: self.writing.durability(),
            ..RunSettings::new(inputs)
        })
    }
}
