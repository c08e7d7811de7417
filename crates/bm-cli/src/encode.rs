//! `bm encode`: the feature matrix of a FASTQ file.

use std::io::{BufWriter, Seek, SeekFrom, Write};

use anyhow::{Context, Result};
use bm_encode::fastq::Record;
use bm_encode::{Encoder, FeatureBatch, Scalar150};
use bm_quality::{Combination, WindowRule};
use npyz::WriterBuilder;

use crate::args::EncodeArgs;
use crate::{input, output::Output};

/// Rows kept in memory before they are written.
const ROWS: usize = 1024;

/// Writes the features of every read: a row a window.
pub(crate) fn run(args: &EncodeArgs) -> Result<()> {
    let mut input = input::open(&args.input.path)?;
    let mut output = Output::create(&args.output, &[&args.input.path])?;
    let encoder = Scalar150;
    let rule = WindowRule { length: encoder.encoding().window, combination: Combination::BaseWeightedMeanLogit };

    // The shape stands in front of the matrix and is known after it, so the rows wait in an unnamed file.
    let mut spool = BufWriter::new(output.spool().context("a temporary file for the matrix")?);
    let mut batch = FeatureBatch::with_capacity(encoder.encoding(), ROWS);
    let mut record = Record::default();
    let (mut rows, mut empty) = (0u64, 0u64);
    while input.records.read_record(&mut record).with_context(|| input.name.clone())? {
        let read = record.as_read();
        empty += u64::from(read.is_empty());
        for window in rule.windows(read.len()) {
            batch
                .push(&encoder, read.window(window.start, window.len()))
                .with_context(|| format!("{}: record {}", input.name, input.records.records()))?;
            rows += 1;
            if batch.rows() == ROWS {
                spill(&mut batch, &mut spool)?;
            }
        }
    }
    spill(&mut batch, &mut spool)?;

    let mut spool = spool.into_inner().context("the temporary file of the matrix")?;
    spool.seek(SeekFrom::Start(0)).context("the temporary file of the matrix")?;
    let shape = [rows, encoder.encoding().features as u64];
    let header = npyz::WriteOptions::new_header_only().dtype(<f32 as npyz::AutoSerialize>::default_dtype()).shape(&shape);
    header.writer(&mut output).write_header_only().map(drop).with_context(|| args.output.display().to_string())?;
    std::io::copy(&mut spool, &mut output).with_context(|| output.name())?;
    output.finish()?;
    if !args.quiet {
        let reads = input.records.records();
        crate::terminal::note(&format!(
            "{reads} reads in, {rows} rows × {} features written, {empty} empty reads without a row; encoding {}",
            encoder.encoding().features,
            encoder.encoding()
        ));
    }
    Ok(())
}

/// Appends the batch's rows to the spool, little-endian as the header says, and empties the batch.
fn spill(batch: &mut FeatureBatch, spool: &mut impl Write) -> Result<()> {
    for value in batch.as_slice() {
        spool.write_all(&value.to_le_bytes()).context("the temporary file of the matrix")?;
    }
    batch.clear();
    Ok(())
}
