//! `bm score` as a library: writes a table with a row per read.

use std::path::{Path, PathBuf};

use bm_io::{Compression, Format, IoError, Output, Shard};

use crate::PipelineError;
use crate::columns::Known;
use crate::inputs::Inputs;
use crate::observer::Observer;
use crate::parquet_table::ParquetTable;
use crate::run::{Finished, Job, OpenSource, RunSettings};
use crate::score_rows::ScoreRows;
use crate::splitting::Splitting;

/// Scores reads: writes a table whose columns are [`Column`](crate::Column)s, as tab-separated text
/// or, if the name ends in `.parquet`, as Parquet.
#[derive(Clone, Debug)]
pub struct Score {
    /// The reads, the model and the criteria.
    pub settings: RunSettings,
    /// Output for the table; `-` is stdout.
    pub output: PathBuf,
}

impl Score {
    /// Returns the scoring of `bm score IN -o OUT` without other flags.
    pub fn new(inputs: Inputs, output: impl Into<PathBuf>) -> Self {
        Self { settings: RunSettings::new(inputs), output: output.into() }
    }

    /// Scores the reads. [`Finished::commit`] gives the table its name.
    ///
    /// # Errors
    ///
    /// If an input is broken, the model or its engine cannot be used, or the table cannot be
    /// written; no table exists then.
    pub fn run(&self, observer: &dyn Observer) -> Result<Finished, PipelineError> {
        let compression = self.settings.compression();
        let output = create_table(&self.output, &self.settings.files(), &compression)?;
        let job = Job {
            settings: &self.settings,
            compression: &compression,
            keeps_singles: false,
            recalibrates: false,
            merges: false,
            splitting: Splitting::NONE,
            names_adapters: true,
            observer,
        };
        let pairs = self.settings.inputs.has_pairs();
        let trims = self.settings.trimming.cuts();
        // The tables of all shards, one after the other, are that of the files. Parquet cannot be joined so.
        let has_header =
            is_parquet(&self.output) || self.settings.inputs.shard.is_none_or(Shard::is_first);
        job.run(vec![output], None, |source, outputs| {
            let known = match source {
                OpenSource::Model { engine, .. } => Known::by(&engine.package, pairs, trims),
                OpenSource::Table(_) => Known { pairs, ..Known::default() },
            };
            let rows = ScoreRows::new(known);
            if has_header {
                outputs[0].write_text(rows.header().as_bytes())?;
            }
            Ok(rows)
        })
    }
}

/// Returns whether a table is Parquet, by the name of its output.
fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "parquet")
}

/// Starts the output of a table: Parquet if its name says so, otherwise text.
fn create_table(
    path: &Path,
    inputs: &[&Path],
    compression: &Compression,
) -> Result<Output, IoError> {
    if !is_parquet(path) {
        return Output::create(path, inputs, compression);
    }
    Output::create_as(path, inputs, |stream| {
        let level = Format::Zstd
            .level(compression.level)
            .map_err(|error| IoError::Refused(format!("{}: {error}", path.display())))?;
        Ok(Box::new(ParquetTable::new(stream, level)))
    })
}
