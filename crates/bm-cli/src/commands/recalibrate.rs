//! `bm recalibrate`: all reads, with qualities that mean what they say.

use std::path::PathBuf;

use anyhow::Result;
use bm_io::refuse_twins;
use bm_pipeline::{Recalibrate, RunSettings};

use crate::options::engine::EngineArgs;
use crate::options::input::{FileArgs, QualityArgs, StrictArgs, inputs_of, require_pairs};
use crate::options::reports::ReportArgs;
use crate::options::running::{RunArgs, WritingArgs};
use crate::options::shard::ShardArgs;
use crate::options::tags::{TagArgs, command_line};
use crate::options::trimming::AdapterArgs;
use crate::options::values;
use crate::progress::TerminalObserver;

/// Write all reads, with qualities by what the run shows of its errors
///
/// bm learns the run from its own reads first, as `bm adapt` does: two passes over the input. Then
/// every read is written, in input order, with the error probability of each base as its quality, up
/// to Q41. A read that cannot be scored (no bases, or nothing but N) is written as it came, and
/// counted; bases of adapters keep their qualities. With --model, that package gives the qualities,
/// and nothing is learned.
///
/// The input is FASTQ or FASTA, plain or compressed; stdin with --model only. Reads of FASTA have no
/// qualities: every base starts with the error rate of the run, as with --ignore-quality, and gets Q2 if
/// it cannot be scored. Records that got new qualities are marked by
/// `recalibrated=read-error-adapted/1`, the model, in their descriptions; where these are empty or have SAM
/// tags, by the tag ZM.
///
/// With --shard, every call learns the run from the whole input. To learn it once, use bm adapt, and
/// --model with its package.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bm recalibrate reads.fastq.gz -o recalibrated.fastq.gz
  bm recalibrate R1.fastq.gz R2.fastq.gz -o new_R1.fastq.gz -O new_R2.fastq.gz
  bm recalibrate --evidence reads.fasta -o reads.fastq.gz")]
pub(crate) struct Args {
    #[command(flatten)]
    files: FileArgs,
    /// Where the reads go; - is stdout. BAM if the name ends in .bam. Both mates of a pair, one after
    /// the other, without -O
    #[arg(short, long, value_name = "FILE", help_heading = "Outputs")]
    output: PathBuf,
    #[command(flatten)]
    tags: TagArgs,
    #[command(flatten)]
    reports: ReportArgs,
    /// Where the second mates go
    #[arg(short = 'O', long, value_name = "FILE", help_heading = "Pairs")]
    output2: Option<PathBuf>,
    /// Use the run's k-mers, too: a base that other reads contradict gets a low quality, and one that
    /// they confirm a high one. This erases rare true variants from pileups: a variant in few of many
    /// reads looks like an error. Do not call variants from such qualities
    #[arg(long, help_heading = "Qualities")]
    evidence: bool,
    /// Do not look at the reported qualities, which are constant, made up or wrong: every base starts
    /// with the error rate that the run's own reads show at its place
    #[arg(long, help_heading = "Qualities")]
    ignore_quality: bool,
    /// Most memory for learning; if the k-mers of the run do not fit, a sample of them is used
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "2G",
        conflicts_with = "model",
        value_parser = values::learning_bytes,
        help_heading = "Qualities"
    )]
    max_memory: u64,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    adapters: AdapterArgs,
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
        std::iter::once(&self.output).chain(&self.output2).chain(self.reports.paths().flatten())
    }

    /// Writes the reads and the reports.
    pub(crate) fn run(&self) -> Result<()> {
        let recalibrate = Recalibrate {
            settings: self.settings()?,
            output: self.output.clone(),
            output2: self.output2.clone(),
            tags: self.tags.list(),
        };
        require_pairs(&recalibrate.settings.inputs, self.output2.as_ref().map(|_| "-O"));
        refuse_twins(self.outputs())?;
        let open = self.reports.create(&recalibrate.settings)?;
        let finished = recalibrate.run(&TerminalObserver::new(self.run.quiet))?;
        open.finish("recalibrate", finished, &recalibrate.settings.inputs, self.run.quiet).map(drop)
    }

    fn settings(&self) -> Result<RunSettings> {
        let mut inputs = inputs_of(self.files.groups()?, &self.quality, &self.strict);
        inputs.ignore_quality = self.ignore_quality;
        inputs.shard = self.shard.shard;
        let engine = self.engine.choice();
        Ok(RunSettings {
            learning_bytes: engine.model.is_none().then_some(self.max_memory),
            evidence: self.evidence,
            engine,
            adapters: self.adapters.choice()?,
            threads: self.run.threads(),
            level: self.writing.level,
            durability: self.writing.durability(),
            surveys: self.reports.needs_survey(),
            profiles: self.reports.needs_profile(),
            command_line: command_line(),
            ..RunSettings::new(inputs)
        })
    }
}
