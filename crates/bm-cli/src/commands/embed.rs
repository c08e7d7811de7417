//! `bm embed`: a vector for each read.

use std::path::PathBuf;

use anyhow::Result;
use bm_io::refuse_twins;
use bm_pipeline::{Embed, Embedded};

use crate::options::engine::BackendArgs;
use crate::options::input::{FileArgs, QualityArgs, StrictArgs, inputs_of};
use crate::options::running::{RunArgs, WritingArgs};
use crate::progress::TerminalObserver;
use crate::terminal;

/// Write a vector of 64 numbers for each read, for neighbours and clusters without references
///
/// Reads that overlap, on either strand, have alike vectors, and so do reads of genomes of like
/// composition. Vectors have the length 1: the product of two is their cosine. Rows are in input order;
/// those of two mates follow each other. A read has one vector, whatever its length; that of a read
/// without four known bases in a row is zeros. Qualities are not looked at.
///
/// A file .npy is an array of float32, a row per read, for numpy.load. A file .parquet has the columns
/// read, mate (with pairs) and embedding, a list.
///
/// To find reads that overlap, a sketch of exact k-mers (MinHash) of the same size is better, also
/// where one base in five differs: bm models show embed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bm embed reads.fastq.gz -o embeddings.npy --names names.txt
  bm embed R1.fastq.gz R2.fastq.gz -o embeddings.parquet")]
pub(crate) struct Args {
    #[command(flatten)]
    files: FileArgs,
    /// Where the vectors go: .npy or .parquet; - is stdout, as .npy
    #[arg(short, long, value_name = "FILE", help_heading = "Outputs")]
    output: PathBuf,
    /// Where the names of the reads go, a line for each row
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    names: Option<PathBuf>,
    /// Folder of another model that returns vectors [default: embed]
    #[arg(short, long, value_name = "FOLDER", help_heading = "Model and engine")]
    model: Option<PathBuf>,
    #[command(flatten)]
    backend: BackendArgs,
    #[command(flatten)]
    quality: QualityArgs,
    #[command(flatten)]
    strict: StrictArgs,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    writing: WritingArgs,
}

impl Args {
    /// Returns the outputs.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.output).chain(&self.names)
    }

    /// Writes the vectors.
    pub(crate) fn run(&self) -> Result<()> {
        let inputs = inputs_of(self.files.groups()?, &self.quality, &self.strict);
        let mut engine = self.backend.choice();
        engine.model = self.model.as_ref().map(|folder| folder.display().to_string());
        let embed = Embed {
            inputs,
            output: self.output.clone(),
            names: self.names.clone(),
            engine,
            threads: self.run.threads(),
            level: self.writing.level,
            durability: self.writing.durability(),
            cancellation: None,
        };
        refuse_twins(self.outputs())?;
        let done = embed.run(&TerminalObserver::new(self.run.quiet))?;
        if !self.run.quiet {
            summary(&done, &embed).iter().for_each(|line| terminal::note(line));
        }
        Ok(())
    }
}

/// Returns what was written, in words.
fn summary(done: &Embedded, embed: &Embed) -> Vec<String> {
    let Embedded { reads, without, dimensions, model, engine, wall } = done;
    let seconds = wall.as_secs_f64();
    let rate = *reads as f64 / seconds.max(1e-9);
    let mut lines = vec![format!(
        "{reads} reads in, {reads} rows × {dimensions} written to {}; model {model}, {engine}",
        bm_io::name(&embed.output)
    )];
    if *without > 0 {
        lines.push(format!(
            "{without} reads have no four known bases in a row: their rows are zeros"
        ));
    }
    lines.push(format!("{seconds:.1} s, {rate:.0} reads/s"));
    lines
}
