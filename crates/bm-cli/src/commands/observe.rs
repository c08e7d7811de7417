//! `bm observe`: writes what a part of a run says, to learn the run from all its parts.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use bm_io::{Output, name_all};
use bm_pipeline::{Observing, PartOfRun, ShareOfKmers};
use bm_report::{LibraryFacts, MateAdapters, words};

use crate::options::input::{FileArgs, QualityArgs, StrictArgs, inputs_of};
use crate::options::learning::MemoryArgs;
use crate::options::running::{RunArgs, SyncArgs};
use crate::options::shard::ShardArgs;
use crate::options::trimming::AdapterArgs;
use crate::options::values;
use crate::progress::TerminalObserver;
use crate::terminal;

/// Observe a part of a run, to learn the run from all its parts
///
/// The file that is written holds what a part of a run says: a sample of its reads and, with
/// --evidence, its k-mers. Parts can be observed one after the other or on several machines. bm adapt
/// takes the files of all parts in place of the reads, in any order, and writes the same package as
/// from the reads of all parts in one call.
///
/// Where the k-mers of a large genome do not fit in memory, call it for each of several shards of them
/// (--shards-of-kmers 1/4 to 4/4), and give bm adapt the files of all. A part is one file, or two of
/// mates. If a cycle of the run failed, or many reads are exact copies,
/// bm adapt counts k-mers again, and needs the reads where they were.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bm observe lane1_R1.fastq.gz lane1_R2.fastq.gz --evidence -o lane1.obs
  bm observe lane2_R1.fastq.gz lane2_R2.fastq.gz --evidence -o lane2.obs
  bm adapt lane1.obs lane2.obs --evidence -o run.model")]
pub(crate) struct Args {
    #[command(flatten)]
    files: FileArgs,
    /// The file of what was observed
    #[arg(short, long, value_name = "OBS", help_heading = "Outputs")]
    output: PathBuf,
    /// Count the k-mers of the part, too; bm adapt --evidence needs those of all parts
    #[arg(long, help_heading = "Learning")]
    evidence: bool,
    /// Count one of N shards of the k-mers, in a part of the memory; bm adapt needs all N
    #[arg(
        long,
        value_name = "I/N",
        default_value = "1/1",
        hide_default_value = true,
        requires = "evidence",
        value_parser = values::share_of_kmers,
        help_heading = "Learning"
    )]
    shards_of_kmers: ShareOfKmers,
    /// Do not look at the reported qualities, which are constant, made up or wrong; say it to bm adapt,
    /// too
    #[arg(long, requires = "evidence", help_heading = "Learning")]
    ignore_quality: bool,
    #[command(flatten)]
    memory: MemoryArgs,
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
    sync: SyncArgs,
}

impl Args {
    /// Returns the output.
    pub(crate) fn output(&self) -> &Path {
        &self.output
    }

    /// Observes the part and writes the file.
    pub(crate) fn run(&self) -> Result<()> {
        let mut inputs = inputs_of(self.files.groups()?, &self.quality, &self.strict);
        inputs.ignore_quality = self.ignore_quality;
        inputs.shard = self.shard.shard;
        let mut output =
            Output::create_as(&self.output, &inputs.paths(), |stream| Ok(Box::new(stream)))?;
        let began = Instant::now();
        let observing = Observing {
            inputs: &inputs,
            evidence: self.evidence.then_some(self.memory.max_memory),
            share: self.shards_of_kmers,
            adapters: &self.adapters.choice()?,
            threads: self.run.threads(),
            cancellation: None,
        };
        let part = observing.run(&mut output, &TerminalObserver::new(self.run.quiet))?;
        name_all(vec![output.complete(self.sync.durability())?])?;
        if !self.run.quiet {
            let adapters = MateAdapters::of(&part.library);
            words::adapters(&adapters).iter().for_each(|line| terminal::note(line));
            let library = LibraryFacts::of(&part.library);
            library.iter().flat_map(words::library).for_each(|line| terminal::note(&line));
            let evidence = if self.evidence { " --evidence" } else { "" };
            terminal::note(&format!(
                "{} reads observed{}{}; {:.1} s; use it with bm adapt{evidence} {}",
                part.reads,
                part.kept.map_or(String::new(), |kept| format!(", {kept} of them in the sample")),
                self.kmers(&part),
                began.elapsed().as_secs_f64(),
                self.output.display()
            ));
        }
        Ok(())
    }

    /// Returns what is said of the k-mers that were counted.
    fn kmers(&self, part: &PartOfRun) -> String {
        let Some((k, fraction)) = part.kmers else { return String::new() };
        let which = if fraction < 1.0 {
            format!("{:.0} % of the", 100.0 * fraction)
        } else {
            "all".to_owned()
        };
        let shard = match (self.shards_of_kmers.number(), self.shards_of_kmers.of()) {
            (_, 1) => String::new(),
            (number, of) => format!(" of shard {number}/{of}"),
        };
        format!(", {which} {k}-mers{shard} counted")
    }
}
