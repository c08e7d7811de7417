//! `bm encode`: what a network sees of a FASTQ file.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use bm_encode::{BaseQualityPlace, CodeEncoder, Encoder, FeatureBatch, QualityPlace, Scalar150};
use bm_quality::{Combination, WindowRule};
use bm_reads::ReadRef;
use bm_reads::fastq::Record;
use npyz::WriterBuilder;

use crate::args::{EncodeArgs, EncodingChoice};
use crate::input::Offset;
use crate::work::Tasks;
use crate::{input, output::Output};

/// Rows kept in memory before they are written.
const ROWS: usize = 1024;

/// Writes features of every read, or the vectors of an encoding.
pub(crate) fn run(args: &EncodeArgs) -> Result<()> {
    let encoder: Option<&dyn CodeEncoder> = match args.encoding {
        EncodingChoice::Scalar150 => None,
        EncodingChoice::QualityPlace => Some(&QualityPlace),
        EncodingChoice::BaseQualityPlace => Some(&BaseQualityPlace),
    };
    let inputs: Vec<&Path> = args.input.as_deref().into_iter().collect();
    let create = || Output::create(&args.output, &inputs, &args.compression.alone());
    let summary = match (&args.input, encoder) {
        (Some(path), None) => windows(path, create()?)?,
        (Some(path), Some(encoder)) => codes(path, encoder, create()?)?,
        (None, Some(encoder)) => vectors(encoder, create()?)?,
        (None, None) => {
            bail!(
                "--vectors: scalar-150 has no codes; name the encoding quality-place or base-quality-place"
            )
        }
    };
    if !args.quiet {
        crate::terminal::note(&summary);
    }
    Ok(())
}

/// A row a window.
fn windows(path: &Path, output: Output) -> Result<String> {
    let mut spool = Spool::new(output)?;
    let encoder = Scalar150;
    let encoding = encoder.encoding();
    let rule =
        WindowRule { length: encoding.window, combination: Combination::BaseWeightedMeanLogit };
    let mut batch = FeatureBatch::with_capacity(encoding, ROWS);
    let (mut rows, mut empty) = (0u64, 0u64);
    let reads = each(path, |read| {
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

/// A code a base.
fn codes(path: &Path, encoder: &dyn CodeEncoder, output: Output) -> Result<String> {
    let mut spool = Spool::new(output)?;
    let mut codes = Vec::new();
    let mut bases = 0;
    let reads = each(path, |read| {
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

/// The vectors that codes stand for.
fn vectors(encoder: &dyn CodeEncoder, output: Output) -> Result<String> {
    let encoding = encoder.encoding();
    let mut spool = Spool::new(output)?;
    spool.append(encoder.vectors().iter().map(|value| value.to_le_bytes()))?;
    spool.finish::<f32>(&[encoding.codes as u64, encoding.channels as u64])?;
    Ok(format!(
        "{} codes × {} features written; encoding {encoding}",
        encoding.codes, encoding.channels
    ))
}

/// Calls `take` with every read of a file and returns how many there are.
fn each(path: &Path, mut take: impl FnMut(ReadRef<'_>) -> Result<()>) -> Result<u64> {
    let mut input = input::open(path, Offset::default(), &Tasks::of(0))?;
    let mut record = Record::default();
    while input.read_record(&mut record)? {
        take(record.as_read())
            .with_context(|| format!("{}: record {}", input.name, input.count()))?;
    }
    Ok(input.count())
}

/// An array on its way to a .npy file: its shape stands in front of it and is known after it, so it
/// waits in an unnamed file.
struct Spool {
    output: Output,
    spool: BufWriter<File>,
}

impl Spool {
    fn new(output: Output) -> Result<Self> {
        let spool = BufWriter::new(output.spool().context("a temporary file for the array")?);
        Ok(Self { output, spool })
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
        self.output.finish()
    }
}
