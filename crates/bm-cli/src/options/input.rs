//! The input files, and the layout of their reads.

use std::path::PathBuf;

use anyhow::{Result, bail};
use bm_io::{IoError, StoredEnd};
use bm_pipeline::{FileGroup, Inputs, PairMode};
use bm_reads::fastq::QualityOffset;
use clap::ValueEnum;
use clap::error::ErrorKind;

use crate::terminal;

/// The files of reads.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("pairs").args(["mates", "interleaved", "first"]).multiple(true))]
pub(crate) struct FileArgs {
    /// FASTQ file, plain or compressed, or unaligned BAM; - is stdin
    #[arg(
        index = 1,
        value_name = "IN",
        required_unless_present_any = ["first", "unpaired"],
        conflicts_with = "first"
    )]
    path: Option<PathBuf>,
    /// FASTQ file of the second mates, in the same order
    #[arg(index = 2, value_name = "IN2", conflicts_with = "first")]
    mates: Option<PathBuf>,
    /// Files of more lanes; all names say which mates a file has: _R1 and _R2, or _1 and _2
    #[arg(index = 3, value_name = "LANES")]
    more: Vec<PathBuf>,
    #[command(flatten)]
    lanes: LaneArgs,
    /// IN holds pairs, and so do all files beside it: mates follow each other. Of BAM files, the flags
    /// say so; of BAM on stdin, this says it
    #[arg(long, conflicts_with = "first", help_heading = "Pairs")]
    interleaved: bool,
}

/// The files of several lanes or libraries, by what they are.
#[derive(Debug, clap::Args)]
pub(crate) struct LaneArgs {
    /// Files of first mates, lane after lane, also with commas between them
    #[arg(
        short = '1',
        value_name = "R1",
        num_args = 1..,
        requires = "second",
        help_heading = "Several files"
    )]
    first: Vec<PathBuf>,
    /// Files of second mates, in the same order
    #[arg(
        short = '2',
        value_name = "R2",
        num_args = 1..,
        requires = "first",
        help_heading = "Several files"
    )]
    second: Vec<PathBuf>,
    /// Files of single reads; after pairs, if there are some
    #[arg(short = 'U', value_name = "FILE", num_args = 1.., help_heading = "Several files")]
    unpaired: Vec<PathBuf>,
}

impl LaneArgs {
    /// Returns the files in groups: first pairs, then single reads.
    ///
    /// # Errors
    ///
    /// If there are not as many files of second mates as of first ones.
    pub(crate) fn groups(&self) -> Result<Vec<FileGroup>> {
        let [first, second, unpaired] =
            [&self.first, &self.second, &self.unpaired].map(|paths| files(paths));
        if first.len() != second.len() {
            let (flag, missing) = match first.len() > second.len() {
                true => ("-2", first[second.len()].display()),
                false => ("-1", second[first.len()].display()),
            };
            bail!(
                "-1 names {} files and -2 names {}: {flag} has no file with the mates of {missing}",
                first.len(),
                second.len()
            );
        }
        let pairs = first.into_iter().zip(second).map(|(one, other)| FileGroup::pair(one, other));
        Ok(pairs.chain(unpaired.into_iter().map(FileGroup::single)).collect())
    }

    /// Returns whether there are no files.
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.unpaired.is_empty()
    }
}

/// Returns the files of arguments, each a file or several with commas between them.
fn files(arguments: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for argument in arguments {
        match argument.to_str() {
            Some(list) if list.contains(',') && !argument.exists() => {
                files.extend(list.split(',').filter(|path| !path.is_empty()).map(PathBuf::from));
            }
            _ => files.push(argument.clone()),
        }
    }
    files
}

impl FileArgs {
    /// Returns the files in groups.
    ///
    /// # Errors
    ///
    /// If it is not clear which files are of mates.
    pub(crate) fn groups(&self) -> Result<Vec<FileGroup>> {
        let paths: Vec<PathBuf> =
            self.path.iter().chain(&self.mates).chain(&self.more).cloned().collect();
        let mut groups = match paths.is_empty() {
            true => Vec::new(),
            false if self.interleaved => paths.into_iter().map(FileGroup::interleaved).collect(),
            false => FileGroup::by_file_names(&paths)?,
        };
        groups.extend(self.lanes.groups()?);
        Ok(groups)
    }
}

/// The reads of `filter` and `score`.
#[derive(Debug, clap::Args)]
pub(crate) struct InputArgs {
    #[command(flatten)]
    files: FileArgs,
    /// How pairs are scored and kept [default: joint]
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Pairs")]
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
    /// The first mate must pass; the second comes along, whatever it is
    First,
    /// The second mate must pass; the first comes along, whatever it is
    Second,
}

impl InputArgs {
    /// Returns the files in groups.
    ///
    /// # Errors
    ///
    /// If it is not clear which files are of mates.
    pub(crate) fn groups(&self) -> Result<Vec<FileGroup>> {
        self.files.groups()
    }

    /// Returns the flag that says how pairs are scored, if it is given.
    pub(crate) fn pair_flag(&self) -> Option<&'static str> {
        self.pair.map(|_| "--pair")
    }

    /// Returns the mode for pairs.
    pub(crate) fn pair_mode(&self) -> PairMode {
        match self.pair {
            None | Some(PairArg::Joint) => PairMode::Joint,
            Some(PairArg::Both) => PairMode::Both,
            Some(PairArg::Any) => PairMode::Any,
            Some(PairArg::First) => PairMode::First,
            Some(PairArg::Second) => PairMode::Second,
        }
    }
}

/// Ends the program as for wrong usage if there is a flag for pairs, and no file has any: pairs of BAM are
/// known by the flags of its reads, which no rule of the command line sees.
pub(crate) fn require_pairs(inputs: &Inputs, flag: Option<&str>) {
    let Some(flag) = flag.filter(|_| !inputs.has_pairs()) else { return };
    let files: Vec<String> = inputs.paths().into_iter().map(bm_io::name).collect();
    let message = format!(
        "{flag} is for pairs, and these are read as single reads: {}; name the files of both mates, or say \
         --interleaved if mates follow each other (of BAM on stdin, too)",
        files.join(", ")
    );
    clap::Error::raw(ErrorKind::MissingRequiredArgument, message + "\n").exit();
}

/// Returns the inputs of these files.
pub(crate) fn inputs_of(
    groups: Vec<FileGroup>,
    quality: &QualityArgs,
    strict: &StrictArgs,
) -> Inputs {
    let mut inputs = Inputs::of_groups(groups);
    inputs.offset = quality.offset();
    inputs.strict = strict.strict;
    inputs
}
