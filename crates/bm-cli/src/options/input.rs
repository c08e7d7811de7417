//! The input files `IN [IN2]`, and the layout of their reads.

use std::path::PathBuf;

use bm_io::{IoError, StoredEnd};
use bm_pipeline::{Inputs, PairMode};
use bm_reads::fastq::QualityOffset;
use clap::ValueEnum;

use crate::terminal;

/// The reads of `filter` and `score`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("pairs").args(["mates", "interleaved"]))]
pub(crate) struct InputArgs {
    /// FASTQ file, plain or compressed; - is stdin
    #[arg(value_name = "IN")]
    path: PathBuf,
    /// FASTQ file of the second mates, in the same order
    #[arg(value_name = "IN2")]
    mates: Option<PathBuf>,
    /// IN holds pairs: mates follow each other
    #[arg(long, help_heading = "Pairs")]
    interleaved: bool,
    /// How pairs are scored and kept [default: joint]
    #[arg(long, value_enum, value_name = "HOW", requires = "pairs", help_heading = "Pairs")]
    pair: Option<PairArg>,
}

/// What may be wrong with a compressed input.
#[derive(Debug, clap::Args)]
pub(crate) struct StrictArgs {
    /// Refuse compressed files that may be truncated: BGZF without its end-of-file block, and files
    /// of 0 bytes whose names end in .gz or another of these. Without it, bm warns. bgzip, samtools
    /// and bm write that block; some programs leave it out of whole files, bcl2fastq2 among them
    #[arg(long, help_heading = "Running")]
    pub(crate) strict: bool,
}

impl StrictArgs {
    /// Prints a warning if a file that was read has no end, unless that is an error.
    pub(crate) fn warn(&self, end: &StoredEnd) {
        if let Some(line) = end.warning() {
            terminal::warn(&line);
        }
    }

    /// Makes a missing end of a file an error, if the user wants that.
    pub(crate) fn check(&self, end: &StoredEnd) -> Result<(), IoError> {
        if self.strict { end.require() } else { Ok(()) }
    }
}

/// How quality scores are written.
#[derive(Debug, clap::Args)]
pub(crate) struct QualityArgs {
    /// Quality scores are Phred + 64, as Illumina wrote them before 2011; outputs have Phred + 33
    #[arg(long, help_heading = "Running")]
    pub(crate) phred64: bool,
    /// Quality scores are Phred + 33, even if the first reads look like Phred + 64, which is refused
    /// otherwise
    #[arg(long, conflicts_with = "phred64", help_heading = "Running")]
    pub(crate) phred33: bool,
}

/// Whether reported qualities count.
#[derive(Debug, clap::Args)]
pub(crate) struct IgnoreArgs {
    /// Do not look at the reported qualities, which are constant, made up or wrong: every base starts
    /// with the error rate that the run's own reads show, and the run's k-mers do the rest. Needs
    /// --adapt, or a package of the run with k-mer evidence. Outputs have the reported qualities all
    /// the same
    #[arg(long, help_heading = "Learning the run")]
    ignore_quality: bool,
}

impl IgnoreArgs {
    /// Returns whether reported qualities are ignored.
    pub(crate) fn ignores(&self) -> bool {
        self.ignore_quality
    }
}

impl QualityArgs {
    /// Returns the offset of quality scores.
    pub(crate) fn offset(&self) -> QualityOffset {
        match self {
            Self { phred64: true, .. } => QualityOffset::Phred64,
            Self { phred33: true, .. } => QualityOffset::Phred33,
            _ => QualityOffset::Unstated,
        }
    }
}

/// [`PairMode`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum PairArg {
    /// As one read: by the errors expected in both mates together
    Joint,
    /// Both mates must pass
    Both,
    /// One mate must pass
    Any,
}

impl InputArgs {
    /// Returns the files.
    pub(crate) fn inputs(&self, quality: &QualityArgs, strict: &StrictArgs) -> Inputs {
        let mut inputs = match &self.mates {
            Some(mates) => Inputs::pair(&self.path, mates),
            None if self.interleaved => Inputs::interleaved(&self.path),
            None => Inputs::single(&self.path),
        };
        inputs.offset = quality.offset();
        inputs.strict = strict.strict;
        inputs
    }

    /// Returns the mode for pairs.
    pub(crate) fn pair_mode(&self) -> PairMode {
        match self.pair {
            None | Some(PairArg::Joint) => PairMode::Joint,
            Some(PairArg::Both) => PairMode::Both,
            Some(PairArg::Any) => PairMode::Any,
        }
    }
}
