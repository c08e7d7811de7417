//! The command line.

use std::path::{Path, PathBuf};

use bm_quality::Threshold;
use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::compress::{Compression, LEVELS};
use crate::curve::Goal;
use crate::decide::PairMode;
use crate::input::Offset;
use crate::learn::FEWEST_BYTES;
use crate::rules::Rules;
use crate::source::Layout;
use crate::work::Tasks;

/// Keeps the good reads of a FASTQ file, with a small neural network.
///
/// `-` is stdin or stdout. Input is plain, gzip, zstd, bzip2 or xz, told by its content; output is
/// gzip, in the blocks of BGZF, if its name ends in .gz or .bgz, and zstd if it ends in .zst.
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
#[derive(Debug, Parser)]
#[command(
    name = "bm",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "Examples:\n  bm filter reads.fastq.gz -o kept.fastq.gz\n  bm filter R1.fastq.gz R2.fastq.gz -o kept_R1.fastq.gz -O kept_R2.fastq.gz\n  bm score reads.fastq.gz | head\n\nEnvironment: BM_THREADS is -j where that is not given, ORT_DYLIB_PATH the ONNX Runtime library; NO_COLOR turns colours off."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Filter(FilterArgs),
    Score(ScoreArgs),
    Tune(TuneArgs),
    Adapt(AdaptArgs),
    Encode(EncodeArgs),
    Models(ModelsArgs),
    #[command(visible_alias = "doctor")]
    Selfcheck(SelfcheckArgs),
    Truth(TruthArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Keep the reads that pass
///
/// The model expects a number of errors in each read, from what its qualities are worth on real
/// runs with counted errors, and gives the probability that at most 1 % of its bases are wrong.
/// Reads that reach the threshold are kept; with --max-ee or --max-ee-rate, reads in which no more
/// errors are expected. A read that has no bases, or nothing but N, cannot be scored; it is counted
/// as unscored and not kept. Other models judge otherwise: `bm models show ID` says how.
///
/// The model has learned from Illumina reads. Where the first reads of the file show that it does
/// not apply (qualities of one or two values, Phred+64, long reads), bm says so and goes by the
/// errors that the qualities report, unless --model names it.
///
/// Pairs are one decision: a pair is judged as the one read that its mates would be in one piece,
/// by the errors that are expected in both. Mates are kept or discarded together, and names and
/// counts are checked.
///
/// Kept records come out in input order, definition, bases and qualities byte for byte; line ends
/// become \n and the text of the `+` line is dropped. Outputs are written beside their name and
/// renamed when complete.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bm filter reads.fastq.gz -o kept.fastq.gz --discarded dropped.fastq.gz --report report.json\n  bm filter R1.fastq.gz R2.fastq.gz -o kept_R1.fastq.gz -O kept_R2.fastq.gz\n  zcat reads.fastq.gz | bm filter - -o kept.fastq.zst --max-ee 1 --min-length 50"
)]
pub(crate) struct FilterArgs {
    /// Where the reads that pass go; - is stdout. Both mates of a pair, one after the other, unless
    /// there is -O
    #[arg(short, long, value_name = "FILE", help_heading = "Outputs")]
    pub(crate) output: PathBuf,
    /// Where the second mates of the pairs that pass go
    #[arg(short = 'O', long, value_name = "FILE", requires = "pairs", help_heading = "Pairs")]
    pub(crate) output2: Option<PathBuf>,
    /// Where mates go that pass alone, but not as a pair
    #[arg(long, value_name = "FILE", requires = "pairs", help_heading = "Pairs")]
    pub(crate) singles: Option<PathBuf>,
    /// Where all other reads go, with every reason in their description:
    /// `reason=min_length,threshold`
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    pub(crate) discarded: Option<PathBuf>,
    /// Write what is said of a read into its description: `p=0.9731 ee=0.21`, its probability and
    /// expected errors, and for pairs `pair_p=0.95`, the probability of both as one
    #[arg(long, help_heading = "Outputs")]
    pub(crate) annotate: bool,
    /// Write the model's qualities instead of the instrument's: for each base the error probability
    /// that the model gives it, as Phred up to 41. Marked in the description by
    /// `recalibrated=read-error/1`. What is not kept stays as it came. With --adapt they mean what
    /// they say of this run; without it, what such qualities meant on other runs
    #[arg(long, help_heading = "Outputs")]
    pub(crate) recalibrate: bool,
    #[command(flatten)]
    pub(crate) scores: ScoresArgs,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
}

/// Scores that are there already.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Scored before",
    // Another criterion beside it would keep less than what is asked for.
    group = clap::ArgGroup::new("goal")
        .args(["keep_fraction", "target_bases"])
        .requires("scores")
        .conflicts_with_all(["threshold", "max_ee", "max_ee_rate"])
)]
pub(crate) struct ScoresArgs {
    /// Go by this table, which `bm score` made of the same files, and run no network. What was
    /// decided then holds, unless something else is asked for here
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["model", "backend", "ort_lib", "adapt"])]
    pub(crate) scores: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) goal: GoalArgs,
}

/// How much is to be kept.
#[derive(Debug, Args)]
pub(crate) struct GoalArgs {
    /// Keep so large a share of the reads, the best ones, 0 to 1; of pairs, judged as one
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
    keep_fraction: Option<f64>,
    /// Keep so many bases in the best reads, such as 500M: as many reads as are needed for that
    #[arg(long, value_name = "N", value_parser = count, conflicts_with = "keep_fraction")]
    target_bases: Option<u64>,
}

impl GoalArgs {
    /// Returns the goal, if there is one.
    pub(crate) fn goal(&self) -> Option<Goal> {
        self.keep_fraction.map(Goal::Fraction).or(self.target_bases.map(Goal::Bases))
    }
}

/// Show what is left at each threshold, from the table of `bm score`
///
/// A row for each share of the reads: the threshold that keeps it, reads and bases, the errors that
/// the model expects in them, a million bases, which share of all expected errors that removes, how
/// many of the kept reads the model expects to be bad, and which share of the bad ones is caught.
/// Of pairs, bad ones are pairs, and the threshold is that of --pair joint.
///
/// With --keep-fraction or --target-bases, the row of the threshold that does it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bm score reads.fastq.gz -o scores.tsv.gz\n  bm tune scores.tsv.gz --html scores.html\n  bm filter reads.fastq.gz --scores scores.tsv.gz --keep-fraction 0.9 -o kept.fastq.gz"
)]
pub(crate) struct TuneArgs {
    /// Tables of `bm score`, taken as one; - is stdin
    #[arg(value_name = "TABLE", required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    /// Where the rows go; - is stdout
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    /// Write them as a page with pictures, to be opened in a browser or printed; it is one file and
    /// loads nothing
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) goal: GoalArgs,
    #[command(flatten)]
    pub(crate) compression: CompressionArgs,
    /// No summary
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Write a table with a row for each read: what the model says of it, and what becomes of it
///
/// Tab-separated, with one header line: read, length, probability, expected_errors,
/// phred_expected_errors (the errors that the qualities report), mean_phred, verdict, reason. The
/// verdict is pass, fail or unscored, the reason - or the flags that the read does not satisfy; a
/// read that cannot be scored (it has no bases, or nothing but N) has nan for what is not known. A
/// model that does not count errors has no column expected_errors.
///
/// Two columns come before the verdict where the run's k-mers testify (--adapt, or a package that
/// `bm adapt --evidence` made): expected_errors_prior, what the network alone expects, and
/// evaluable, the share of the bases of which the k-mers know something. Two more where there are
/// pairs, whose rows follow each other: mate, 1 or 2, and pair_probability, that of both as one
/// read.
#[derive(Debug, Args)]
#[command(after_help = "Example: bm score reads.fastq.gz -o scores.tsv")]
pub(crate) struct ScoreArgs {
    /// Where the table goes; - is stdout. Parquet if the name ends in .parquet, with null for what
    /// is not known
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
}

/// Write what a network sees, as a .npy file
///
/// The encoding scalar-150 gives a float32 matrix. A read of at most 150 bases has one row. A
/// longer one has several: windows of 150 from its first base on, the last one aligned to its end.
/// An empty read has none. The columns are 150 for the bases, then 150 for their qualities.
///
/// The encodings quality-place and base-quality-place give a uint16 vector with a code for each
/// base, one read after the other. With --vectors the float32 vectors are written that the codes
/// stand for, a row a code, and no file is read.
///
/// While it works it needs room for a second copy of what it writes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bm encode reads.fastq.gz -o features.npy\n  bm encode reads.fastq.gz --encoding quality-place -o codes.npy"
)]
pub(crate) struct EncodeArgs {
    /// FASTQ file, plain or compressed; - is stdin
    #[arg(value_name = "IN", required_unless_present = "vectors")]
    pub(crate) input: Option<PathBuf>,
    /// Where it goes; - is stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Which encoding
    #[arg(long, value_enum, value_name = "ENCODING", default_value_t)]
    pub(crate) encoding: EncodingChoice,
    /// Write the vectors that the codes of the encoding stand for
    #[arg(long, conflicts_with = "input")]
    pub(crate) vectors: bool,
    #[command(flatten)]
    pub(crate) compression: CompressionArgs,
    /// No summary
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum EncodingChoice {
    /// Bases and qualities of windows of 150, as numbers
    #[default]
    #[value(name = "scalar-150")]
    Scalar150,
    /// A code for each base: its quality and how near it is to an end
    QualityPlace,
    /// The same, and which base it is
    BaseQualityPlace,
}

/// List the embedded models, or show the card of one
#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ModelsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// Print the card of an embedded model, or of a package folder
    Show {
        /// Id of a model, or path of a package
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// Say what can run here: run reads whose probabilities are known through the engines, and compare
///
/// Every model package brings such reads, its golden reads. Prints engine, version, device and
/// library, and the largest difference from the probabilities that the model's makers got, or why
/// an engine is not there. Without --backend, all engines are tried; without --model, all embedded
/// models.
#[derive(Debug, Args)]
pub(crate) struct SelfcheckArgs {
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// Print a script that completes commands and flags in a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bm completions bash > ~/.local/share/bash-completion/completions/bm\n  bm completions zsh > ~/.zfunc/_bm\n  bm completions fish > ~/.config/fish/completions/bm.fish"
)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// Print the manual page of bm, or of a command
#[derive(Debug, Args)]
#[command(after_help = "Example: bm man filter | man -l -")]
pub(crate) struct ManArgs {
    /// The command
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
}

/// Learn a run from the run itself, and write a model that judges its reads
///
/// No reference and no labels are needed: where many reads of a run overlap, a base that hardly any
/// of them has is an error. From these, the network of the model learns what the run's qualities
/// are worth, where in the reads and after which bases. On reads held out the new model is compared
/// with the old one and with reported qualities; where it is not clearly better, or where the reads
/// do not tell (too few overlap, mixtures of strains, a cycle that failed), bm says why, and the
/// package holds the model as it was.
///
/// Takes all files of the run, in order; two files one after the other whose first reads are mates
/// are read as pairs. The package is used with --model. It is for the reads of that run.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bm adapt run_R1.fastq.gz run_R2.fastq.gz -o run.model\n  bm filter run_R1.fastq.gz -m run.model -o kept_R1.fastq.gz"
)]
pub(crate) struct AdaptArgs {
    /// FASTQ files of one run, plain or compressed
    #[arg(value_name = "IN", required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    /// The folder that the package goes to; one that is there is replaced
    #[arg(short, long, value_name = "MODEL_DIR")]
    pub(crate) output: PathBuf,
    /// The model to start from: read-error, or a package that was adapted [default: read-error]
    #[arg(short, long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Each file has pairs: mates follow each other
    #[arg(long)]
    pub(crate) interleaved: bool,
    /// Quality scores are Phred + 64, as Illumina wrote them before 2011
    #[arg(long)]
    pub(crate) phred64: bool,
    /// Keep what the run's k-mers say of its bases, too: reads of this run are then judged by what
    /// other reads have where they are
    #[arg(long)]
    pub(crate) evidence: bool,
    /// Most memory for learning; k-mers that do not fit are left out, and the others testify
    #[arg(long, value_name = "SIZE", default_value = "2G", requires = "evidence", value_parser = bytes)]
    pub(crate) max_memory: u64,
    /// Seed of what is drawn while learning
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// Write what the reads say of each other: a row for each read that was looked at, with its
    /// number in the run (from 0; mates share theirs), its mate (1 or 2), and a sign for each base:
    /// = borne out by others, X contradicted, . neither
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,
    /// Write what was learned as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write what was learned as a page with pictures, to be opened in a browser or printed; it is
    /// one file and loads nothing
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compression: CompressionArgs,
}

/// What every command that judges reads takes.
#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) criteria: CriteriaArgs,
    #[command(flatten)]
    pub(crate) rules: RulesArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// Learn the run from the input first, as `bm adapt --evidence` does, and judge by what was
    /// learned: two passes over the file
    #[arg(long, help_heading = "Learning the run")]
    pub(crate) adapt: bool,
    /// Most memory for learning; k-mers that do not fit are left out, and the others testify
    #[arg(long, value_name = "SIZE", default_value = "2G", requires = "adapt", value_parser = bytes, help_heading = "Learning the run")]
    pub(crate) max_memory: u64,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) compression: CompressionArgs,
    /// Write counts, model and engine as JSON
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    pub(crate) report: Option<PathBuf>,
    /// Write what was judged and kept as a page with pictures, to be opened in a browser or
    /// printed; it is one file and loads nothing
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    pub(crate) html: Option<PathBuf>,
    /// Write the counts for MultiQC, which finds files whose names end in _mqc.json
    #[arg(long, value_name = "FILE_mqc.json", help_heading = "Outputs")]
    pub(crate) multiqc: Option<PathBuf>,
}

impl JudgeArgs {
    /// Returns the reports that are asked for.
    pub(crate) fn reports(&self) -> [Option<&PathBuf>; 3] {
        [self.report.as_ref(), self.html.as_ref(), self.multiqc.as_ref()]
    }

    /// Returns how outputs are compressed: workers compress too.
    pub(crate) fn compression(&self) -> Compression {
        Compression { level: self.compression.level, tasks: Tasks::of(self.run.workers()) }
    }
}

/// What a read must reach to pass.
#[derive(Debug, Args)]
#[command(next_help_heading = "What passes")]
pub(crate) struct CriteriaArgs {
    /// Lowest probability at which a read passes, 0 to 1 [default: the model's own, unless expected
    /// errors are limited]
    #[arg(short, long, value_name = "P", value_parser = threshold, allow_negative_numbers = true)]
    pub(crate) threshold: Option<Threshold>,
    /// Most errors that the model may expect in a read that passes
    #[arg(long, value_name = "N", value_parser = expected_errors, allow_negative_numbers = true)]
    pub(crate) max_ee: Option<f64>,
    /// Most errors that the model may expect for each base of a read that passes
    #[arg(long, value_name = "RATE", value_parser = expected_error_rate, allow_negative_numbers = true)]
    pub(crate) max_ee_rate: Option<f64>,
}

/// Write a table of the true errors of every read, from an alignment or from overlapping mates
///
/// With --reference: a row for each primary record of a SAM or BAM file, in its order. A position
/// of the reference is a variant, and differences there are no errors, where at least 30 % differ
/// (depth 8 or more), or where one allele has at least 3 and at least 5 % of the good bases (an
/// indel: 3 reads and 10 %). A soft clip of at most 60 bases is compared if at most 45 % of it
/// differ without gaps; adapters stay clipped. The file is read twice, and stdin spooled in
/// between; memory grows with the reference (46 bytes a base), not with the reads.
///
/// With --mates: two rows for each pair of two FASTQ files in the same order. Where the mates
/// overlap without gaps (at least 30 bases, at most 20 % mismatches, no second placement nearly as
/// good) and disagree, the base of lower quality is wrong; at equal quality the position is not
/// scored. Indels, and errors that both mates share, are not seen.
///
/// Columns: name, mate, len, mapped, mapq, alnlen, clip5, clip3 (bases left out at the ends), sub,
/// ins, del, n (unknown bases), masked (differences at variants), scored (bases compared), ee (the
/// sum of 10^(-Q/10)), errpos (0-based, as in the FASTQ: S17, I3, I2@3, D9, D4@9). Reads with more
/// than 5 clipped bases, unmapped ones, or with less than 70 % scored are ambiguous, and not free
/// of errors.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bm truth aligned.bam --reference ref.fa -o truth.tsv.gz\n  bm truth --mates reads_1.fastq.gz reads_2.fastq.gz -o truth.tsv.gz",
    group = clap::ArgGroup::new("source").required(true).args(["alignment", "mates"])
)]
pub(crate) struct TruthArgs {
    /// SAM or BAM file, told by its content; - is stdin
    #[arg(value_name = "ALIGNMENT", requires = "reference")]
    pub(crate) alignment: Option<PathBuf>,
    /// The FASTA file that the reads were aligned to, plain or gzip
    #[arg(short, long, value_name = "FILE", conflicts_with = "mates")]
    pub(crate) reference: Option<PathBuf>,
    /// The FASTQ files of the first and of the second mates, instead of an alignment
    #[arg(long, num_args = 2, value_names = ["R1", "R2"])]
    pub(crate) mates: Option<Vec<PathBuf>>,
    /// Where the table goes; - is stdout
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    /// Rules for long reads with many indels: clips are never compared, and few reads with the same
    /// indel make no variant
    #[arg(long, conflicts_with = "mates")]
    pub(crate) long: bool,
    /// Alignments of a lower mapping quality have no say about variants
    #[arg(long, value_name = "Q", default_value_t = 20, conflicts_with = "mates")]
    pub(crate) min_mapq: u8,
    #[command(flatten)]
    pub(crate) compression: CompressionArgs,
    /// No summary
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("pairs").args(["mates", "interleaved"]))]
pub(crate) struct InputArgs {
    /// FASTQ file, plain or compressed; - is stdin
    #[arg(value_name = "IN")]
    path: PathBuf,
    /// The file with the second mates, in the same order
    #[arg(value_name = "IN2")]
    mates: Option<PathBuf>,
    /// IN has pairs: mates follow each other
    #[arg(long, help_heading = "Pairs")]
    interleaved: bool,
    /// How a pair is judged [default: joint]
    #[arg(long, value_enum, value_name = "HOW", requires = "pairs", help_heading = "Pairs")]
    pub(crate) pair: Option<PairMode>,
    /// Quality scores are Phred + 64, as Illumina wrote them before 2011; they come out as Phred +
    /// 33
    #[arg(long, help_heading = "Running")]
    phred64: bool,
}

impl InputArgs {
    /// Returns the files.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        [Some(&self.path), self.mates.as_ref()]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
            .collect()
    }

    /// Returns what the quality scores are.
    pub(crate) fn offset(&self) -> Offset {
        if self.phred64 { Offset::Phred64 } else { Offset::Phred33 }
    }

    /// Returns how reads belong together.
    pub(crate) fn layout(&self) -> Layout {
        match self {
            Self { mates: Some(_), .. } => Layout::TwoFiles,
            Self { interleaved: true, .. } => Layout::Interleaved,
            _ => Layout::Single,
        }
    }
}

/// What a read must be, whatever its qualities say.
#[derive(Debug, Args)]
#[command(next_help_heading = "Simple rules, beside the model")]
pub(crate) struct RulesArgs {
    /// Fewest bases of a read that passes
    #[arg(long, value_name = "N")]
    min_length: Option<usize>,
    /// Most bases of a read that passes
    #[arg(long, value_name = "N")]
    max_length: Option<usize>,
    /// Largest share of N, or of anything else that is not one of four bases, 0 to 1
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
    max_n: Option<f64>,
    /// How varied a read must be, from 0 (one base repeated) to 1: the entropy of its triplets; 0.5
    /// is a low demand
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
    min_complexity: Option<f64>,
    /// Longest run of G that a read may end in, as instruments of two colours write what they do
    /// not see
    #[arg(long, value_name = "N")]
    max_poly_g: Option<usize>,
}

impl RulesArgs {
    /// Returns the rules.
    pub(crate) fn rules(&self) -> Rules {
        let Self { min_length, max_length, max_n, min_complexity, max_poly_g } = *self;
        Rules { min_length, max_length, max_n, min_complexity, max_poly_g }
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Model and engine")]
pub(crate) struct EngineArgs {
    /// Id of an embedded model, or path of a model package or .onnx file [default: read-error]
    #[arg(short, long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// What runs the network; a backend that is named and not there is refused
    #[arg(long, value_enum, value_name = "BACKEND", default_value_t)]
    pub(crate) backend: BackendChoice,
    /// The ONNX Runtime library [default: the one that ORT_DYLIB_PATH names, else the one that
    /// `cargo xtask fetch-runtime` fetched]
    #[arg(long, value_name = "FILE")]
    pub(crate) ort_lib: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum BackendChoice {
    /// The embedded engine; ONNX Runtime for a model that it cannot run, or if --ort-lib names one
    #[default]
    Auto,
    /// Pure Rust, nothing to install
    Embedded,
    /// ONNX Runtime on the CPU
    Onnxruntime,
    /// CoreML through ONNX Runtime, on macOS
    Coreml,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Running")]
pub(crate) struct RunArgs {
    /// Threads [default: one for each core]
    #[arg(
        short = 'j',
        long,
        value_name = "N",
        env = "BM_THREADS",
        hide_env_values = true,
        value_parser = clap::value_parser!(u16).range(1..=1024)
    )]
    pub(crate) threads: Option<u16>,
    /// No summary and no progress bar
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Running")]
pub(crate) struct CompressionArgs {
    /// How much outputs are compressed, from 1, the fastest: to 12 for gzip [default: 1], to 19 for
    /// zstd [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(LEVELS))]
    pub(crate) level: Option<u8>,
}

impl CompressionArgs {
    /// Returns compression by whoever writes.
    pub(crate) fn alone(&self) -> Compression {
        Compression::alone(self.level)
    }
}

impl RunArgs {
    /// Returns the number of workers.
    pub(crate) fn workers(&self) -> usize {
        self.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, usize::from),
            usize::from,
        )
    }
}

/// What can be judged before anything is opened is a matter of usage.
fn threshold(text: &str) -> Result<Threshold, String> {
    let value =
        text.parse().map_err(|_| "expected a number from 0 to 1, such as 0.5".to_owned())?;
    Threshold::new(value).map_err(|error| error.to_string())
}

fn bytes(text: &str) -> Result<u64, String> {
    let size = text
        .parse::<ByteSize>()
        .map_err(|_| "expected a number of bytes, such as 500M or 2G".to_owned())?;
    let least = FEWEST_BYTES.div_ceil(1_000_000);
    if size.as_u64() < FEWEST_BYTES {
        return Err(format!(
            "expected at least {least}M: what is learned beside the k-mers takes nearly as much"
        ));
    }
    Ok(size.as_u64())
}

fn count(text: &str) -> Result<u64, String> {
    let size = text.parse::<ByteSize>().ok().map(|size| size.as_u64()).filter(|size| *size > 0);
    size.ok_or_else(|| "expected a number, such as 500M or 2G".to_owned())
}

fn expected_errors(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value| (0.0..f64::INFINITY).contains(value));
    value.ok_or_else(|| "expected a number of errors, such as 1".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| "expected a share from 0 to 1, such as 0.1".to_owned())
}

fn expected_error_rate(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| "expected errors a base, from 0 to 1, such as 0.01".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
