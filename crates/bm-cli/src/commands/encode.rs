//! `bm encode`: the input of a network for a FASTQ file.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bm_encode::{BaseQualityPlace, CodeEncoder, Encoder, FeatureBatch, QualityPlace, Scalar150};
use bm_io::{Durability, Input, Output, Tasks, finish_all};
use bm_quality::{Combination, WindowRule};
use bm_reads::ReadRef;
use bm_reads::fastq::Record;
use clap::ValueEnum;
use npyz::WriterBuilder;

use crate::options::input::{QualityArgs, StrictArgs};
use crate::options::running::WritingArgs;
use crate::terminal;

/// Rows gathered in memory before they are written.
const ROWS: usize = 1024;

/// Write what a network sees, as a .npy file
///
/// The encoding scalar-150 gives a float32 matrix. A read of at most 150 bases has one row. A longer
/// one has several: windows of 150 from its first base on, the last one aligned to its end. An empty
/// read has none. The columns are 150 for the bases, then 150 for their qualities.
///
/// The encodings quality-place and base-quality-place give a uint16 vector with a code for each base,
/// one read after the other. With --vectors the float32 vectors of the codes are written, a row per
/// code, and no file is read.
///
/// Needs disk space for a second copy of the output while it works.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bm encode reads.fastq.gz -o features.npy
  bm encode reads.fastq.gz --encoding quality-place -o codes.npy")]
pub(crate) struct Args {
    /// FASTQ file, plain or compressed; - is stdin
    #[arg(value_name = "IN", required_unless_present = "vectors")]
    input: Option<PathBuf>,
    /// Where the array goes; - is stdout
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Which encoding
    #[arg(long, value_enum, value_name = "ENCODING", default_value_t)]
    encoding: EncodingArg,
    /// Write the vectors of the codes of the encoding
    #[arg(long, conflicts_with = "input")]
    vectors: bool,
    #[command(flatten)]
    quality: QualityArgs,
    #[command(flatten)]
    strict: StrictArgs,
    #[command(flatten)]
    writing: WritingArgs,
    /// No summary
    #[arg(short, long, help_heading = "Running")]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum EncodingArg {
    /// Bases and qualities of windows of 150, as numbers
    #[default]
    #[value(name = "scalar-150")]
    Scalar150,
    /// A code for each base: its quality and its distance to the nearer end
    QualityPlace,
    /// The same, and which base it is
    BaseQualityPlace,
}

impl Args {
    /// Returns the outputs.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.output)
    }

    /// Writes the features of every read, or the vectors of an encoding.
    pub(crate) fn run(&self) -> Result<()> {
        let encoder: Option<&dyn CodeEncoder> = match self.encoding {
            EncodingArg::Scalar150 => None,
            EncodingArg::QualityPlace => Some(&QualityPlace),
            EncodingArg::BaseQualityPlace => Some(&BaseQualityPlace),
        };
        let inputs: Vec<&Path> = self.input.as_deref().into_iter().collect();
        let create = || Output::create(&self.output, &inputs, &self.writing.on_this_thread());
        let summary = match (&self.input, encoder) {
            (Some(path), None) => windows(self, path, create()?)?,
            (Some(path), Some(encoder)) => codes(self, path, encoder, create()?)?,
            (None, Some(encoder)) => vectors(self, encoder, create()?)?,
            (None, None) => {
                bail!(
                    "--vectors: scalar-150 has no codes; name the encoding quality-place or \
                     base-quality-place"
                )
            }
        };
        if !self.quiet {
            terminal::note(&summary);
        }
        Ok(())
    }
}

/// Writes a row per window.
fn windows(args: &Args, path: &Path, output: Output) -> Result<String> {
    let mut spool = Spool::new(output, args.writing.durability())?;
    let encoder = Scalar150;
    let encoding = encoder.encoding();
    let rule =
        WindowRule { length: encoding.window, combination: Combination::BaseWeightedMeanLogit };
    let mut batch = FeatureBatch::with_capacity(encoding, ROWS);
    let (mut rows, mut empty) = (0u64, 0u64);
    let reads = each(path, args, |read| {
        empty += u64::from(read.is_empty());
        for window in rule.windows(read.len()) {
            batch.push(&encoder, read.window(window.start, window.len()))?;
            rows += 1;
            if batch.rows() == ROWS {
                spool.append(batch.as_slice().iter().map(|value| value.to_le_bytes()))?;
                batch.clear();
            }
        }
        Ok(())
    })?;
    spool.append(batch.as_slice().iter().map(|value| value.to_le_bytes()))?;
    spool.finish::<f32>(&[rows, encoding.features as u64])?;
    Ok(format!(
        "{reads} reads in, {rows} rows × {} features written, {empty} empty reads without a row; encoding {encoding}",
        encoding.features
    ))
}

/// Writes a code per base.
fn codes(args: &Args, path: &Path, encoder: &dyn CodeEncoder, output: Output) -> Result<String> {
    let mut spool = Spool::new(output, args.writing.durability())?;
    let mut codes = Vec::new();
    let mut bases = 0;
    let reads = each(path, args, |read| {
        codes.clear();
        if !read.is_empty() {
            encoder.encode_into(read, &mut codes)?;
        }
        bases += codes.len() as u64;
        spool.append(codes.iter().map(|code| code.to_le_bytes()))
    })?;
    spool.finish::<u16>(&[bases])?;
    Ok(format!("{reads} reads in, {bases} codes written; encoding {}", encoder.encoding()))
}

/// Writes the vectors of the codes.
fn vectors(args: &Args, encoder: &dyn CodeEncoder, output: Output) -> Result<String> {
    let encoding = encoder.encoding();
    let mut spool = Spool::new(output, args.writing.durability())?;
    spool.append(encoder.vectors().iter().map(|value| value.to_le_bytes()))?;
    spool.finish::<f32>(&[encoding.codes as u64, encoding.channels as u64])?;
    Ok(format!(
        "{} codes × {} features written; encoding {encoding}",
        encoding.codes, encoding.channels
    ))
}

/// Calls `take` with every read of a file; returns their number.
fn each(
    path: &Path,
    Args { quality, strict, .. }: &Args,
    mut take: impl FnMut(ReadRef<'_>) -> Result<()>,
) -> Result<u64> {
    let mut input = Input::open(path, quality.offset(), &Tasks::for_workers(0))?;
    strict.check(input.end())?;
    let mut record = Record::default();
    while input.read_record(&mut record)? {
        take(record.as_read())
            .with_context(|| format!("{}: record {}", input.name(), input.records()))?;
    }
    strict.warn(input.end());
    Ok(input.records())
}

/// An array for a .npy file. The file begins with the shape, which is known last, so the values are
/// kept in an unnamed temporary file.
struct Spool {
    output: Output,
    durability: Durability,
    spool: BufWriter<File>,
}

impl Spool {
    fn new(output: Output, durability: Durability) -> Result<Self> {
        let spool = BufWriter::new(output.spool().context("a temporary file for the array")?);
        Ok(Self { output, durability, spool })
    }

    /// Appends values, little-endian as the header says.
    fn append<const BYTES: usize>(
        &mut self,
        values: impl Iterator<Item = [u8; BYTES]>,
    ) -> Result<()> {
        for value in values {
            self.spool.write_all(&value).context("the temporary file of the array")?;
        }
        Ok(())
    }

    /// Writes header and values of type `T`.
    fn finish<T: npyz::AutoSerialize>(mut self, shape: &[u64]) -> Result<()> {
        let mut spool = self.spool.into_inner().context("the temporary file of the array")?;
        spool.seek(SeekFrom::Start(0)).context("the temporary file of the array")?;
        let header = npyz::WriteOptions::new_header_only().dtype(T::default_dtype()).shape(shape);
        header
            .writer(&mut self.output)
            .write_header_only()
            .map(drop)
            .with_context(|| self.output.name())?;
        std::io::copy(&mut spool, &mut self.output).with_context(|| self.output.name())?;
        Ok(finish_all(vec![self.output], self.durability)?)
    }
}
