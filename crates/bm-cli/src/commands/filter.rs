//! `bm filter`: keep the reads that pass.

mod samples;

use std::path::PathBuf;

use anyhow::Result;
use bm_io::refuse_twins;
use bm_pipeline::{FileGroup, Filter, Screen, Splitting};
use clap::ValueEnum;

use crate::commands::filter::samples::Samples;
use crate::options::classes::ScreenArgs;
use crate::options::dedup::DedupArgs;
use crate::options::goal::GoalArgs;
use crate::options::index::IndexArgs;
use crate::options::input::require_pairs;
use crate::options::scoring::ScoringArgs;
use crate::options::tags::TagArgs;
use crate::options::umi::UmiArgs;
use crate::options::values;
use crate::progress::TerminalObserver;

/// Keep the reads that pass
///
/// The model expects a number of errors in each read, from what its qualities are worth on real runs
/// with counted errors, and gives the probability that at most 1 % of its bases are wrong. A read
/// passes if that probability reaches the threshold; with --max-ee or --max-ee-rate, if no more
/// errors are expected. A read without bases, or with nothing but N, cannot be scored: it is counted
/// as unscored and not kept. Other models have other rules: see `bm models show ID`.
///
/// The model has learned from Illumina reads. If the first reads of the file show that it does not
/// apply (qualities of one or two values, long reads), bm says so and uses the errors that
/// the qualities report, unless --model names the model.
///
/// A pair is scored as one read, by the errors expected in both mates. Mates are kept or discarded
/// together; their names and numbers are checked.
///
/// Kept records come out in input order, definition, bases and qualities byte for byte; line ends
/// become \n, and the text of the `+` line is dropped. From BAM to BAM, tags and flags stay; where a
/// read is cut, so are the tags with a value for each base or place, and the others that depend on
/// places are left out, with a warning. Outputs get their names when all of them are complete.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:
  bm filter reads.fastq.gz -o kept.fastq.gz --discarded dropped.fastq.gz --report report.json
  bm filter R1.fastq.gz R2.fastq.gz -o kept_R1.fastq.gz -O kept_R2.fastq.gz
  bm filter -1 L1_R1.fq L2_R1.fq -2 L1_R2.fq L2_R2.fq -o kept_R1.fq.gz -O kept_R2.fq.gz
  bm filter nanopore.fastq.gz -o kept.fastq.gz --target-bases 500M
  bm filter --sheet samples.csv -o kept
  zcat reads.fastq.gz | bm filter - -o kept.fastq.zst --max-ee 1 --min-length 50",
    // Another criterion in addition to a goal would keep less than requested.
    group = clap::ArgGroup::new("goal")
        .args(["keep_fraction", "target_bases"])
        .conflicts_with_all(["threshold", "max_ee", "max_ee_rate", "min_q", "shard"]),
    mut_arg("path", |path| path.required_unless_present("sheet")),
    mut_group("pairs", |pairs| pairs.arg("sheet"))
)]
pub(crate) struct Args {
    /// Where the reads that pass go; - is stdout. BAM if the name ends in .bam: with the header of the
    /// input and all tags. Both mates of a pair, one after the other, without -O. With --sheet, the
    /// folder for all outputs
    #[arg(short, long, value_name = "FILE", help_heading = "Outputs")]
    output: PathBuf,
    /// Where all other reads go, with the reasons in their descriptions: `reason=min_length,threshold`, or
    /// the tag ZR (see --annotate)
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    discarded: Option<PathBuf>,
    /// Write the reads, or pairs, that pass to numbered files of N each, as fastp names them:
    /// 0001.OUT, 0002.OUT; mates' files are cut at the same pairs
    #[arg(long, value_name = "N", value_parser = values::count, help_heading = "Outputs")]
    split_reads: Option<u64>,
    /// Write scores into the descriptions: `p=0.9731 ee=0.21`, the probability and the expected
    /// errors of the read, and `pair_p=0.95`, the probability of the pair. Where a name has no
    /// description or one of SAM tags, and in BAM, these are the tags ZP, ZE and ZQ, which aligners can copy
    /// (bwa mem -C, minimap2 -y)
    #[arg(long, help_heading = "Outputs")]
    annotate: bool,
    /// Write the model's qualities instead of the instrument's: the error probability that the model
    /// gives each base, as Phred up to 41. Marked by `recalibrated=read-error/2` in the description, or the
    /// tag ZM (see --annotate); in BAM, OQ has the instrument's qualities.
    /// Reads that are not kept stay as they came. With --adapt these qualities are calibrated for
    /// this run; without it, for other runs
    #[arg(long, help_heading = "Outputs")]
    recalibrate: bool,
    /// Where the second mates of the pairs that pass go
    #[arg(short = 'O', long, value_name = "FILE", help_heading = "Pairs")]
    output2: Option<PathBuf>,
    /// Merge mates that overlap, and write the merged reads that pass here; pairs that do not overlap go
    /// to -o and -O. Each base is the more probable one of both mates', with its posterior error
    /// probability as quality, up to 41; model and rules judge the merged read. Its description says
    /// how many bases are of the first mate and only of the second, as fastp does: `merged_150_32`, or
    /// the tag ZF (see --annotate)
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["scores", "index_output"],
        help_heading = "Pairs"
    )]
    merge: Option<PathBuf>,
    /// Where mates go that pass alone, but not as a pair, and single reads beside pairs that pass
    #[arg(long, value_name = "FILE", help_heading = "Pairs")]
    singles: Option<PathBuf>,
    /// Use this table, which `bm score` made of the same files, and run no network. What was decided
    /// then holds, unless other criteria are given here. Without a table, --keep-fraction and
    /// --target-bases read the files twice, first to rank the reads, in 12 bytes of memory each
    #[arg(
        long,
        value_name = "TABLE",
        conflicts_with_all = ["model", "backend", "ort_lib", "adapt", "ignore_quality", "trim", "cut_front", "cut_tail", "umi", "shard"],
        help_heading = "How much to keep"
    )]
    scores: Option<PathBuf>,
    #[command(flatten)]
    index: IndexArgs,
    /// Filter the samples of this sheet: CSV with columns sample, fastq_1 and fastq_2, and a row for each
    /// lane. Each sample has its reads and reports in the folder of -o, and all have reports together.
    /// Reads of BAM files are written as BAM
    #[arg(
        long,
        value_name = "CSV",
        conflicts_with_all = [
            "path", "first", "unpaired", "interleaved", "output2", "merge", "singles", "discarded",
            "split_reads", "index", "index_output", "report", "distributions", "html", "multiqc", "scores", "shard"
        ],
        help_heading = "Several files"
    )]
    sheet: Option<PathBuf>,
    #[command(flatten)]
    tags: TagArgs,
    #[command(flatten)]
    goal: GoalArgs,
    #[command(flatten)]
    umi: UmiArgs,
    #[command(flatten)]
    dedup: DedupArgs,
    #[command(flatten)]
    screen: ScreenArgs,
    #[command(flatten)]
    scoring: ScoringArgs,
    /// Divide long reads at what is inside them: adapters, where two molecules were read as one, and
    /// stretches of low quality; with a list, only at these. The adapters are those at the ends of the run's
    /// first reads. In a stretch, the wrong bases cost at least 100 right ones more than the others bring,
    /// by the price of --trim-price. Each piece is judged by itself, and has its number behind the name:
    /// read_1, read_2. In BAM, the tag pi has the name of the read
    #[arg(
        long,
        value_enum,
        value_name = "WHERE",
        num_args = 0..,
        require_equals = true,
        value_delimiter = ',',
        default_missing_value = "adapters,stretches",
        conflicts_with_all = ["pairs", "scores", "umi", "dedup", "index", "index_output", "no_adapters", "adapter"],
        help_heading = "Trimming"
    )]
    split: Option<Vec<SplitPlace>>,
}

/// Where reads are divided.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum SplitPlace {
    /// At adapters inside them
    Adapters,
    /// At stretches of low quality
    Stretches,
}

impl Args {
    /// Returns the outputs.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        let reads = [&self.output2, &self.merge, &self.singles, &self.discarded];
        let reads = reads.into_iter().flatten().chain(&self.index.index_output);
        std::iter::once(&self.output).chain(reads).chain(self.scoring.reports.paths().flatten())
    }

    /// Filters the reads and writes the reports.
    pub(crate) fn run(&self) -> Result<()> {
        let screen = self.screen.screen()?;
        if let Some(sheet) = &self.sheet {
            let samples = Samples {
                sheet,
                folder: &self.output,
                filter: &|groups| self.filter(groups, screen.clone()),
                quiet: self.scoring.run.quiet,
                durability: self.scoring.durability(),
            };
            return samples.run();
        }
        let ScoringArgs { reports, run, .. } = &self.scoring;
        let filter = self.filter(self.index.add_to(self.scoring.groups()?)?, screen)?;
        require_pairs(&filter.settings.inputs, self.pair_flag());
        refuse_twins(self.outputs())?;
        let open = reports.create(&filter.settings)?;
        let finished = filter.run(&TerminalObserver::new(run.quiet))?;
        open.finish("filter", finished, &filter.settings.inputs, run.quiet).map(drop)
    }

    /// Returns a flag that is given and is for pairs only.
    fn pair_flag(&self) -> Option<&'static str> {
        let flags = [(&self.output2, "-O"), (&self.merge, "--merge"), (&self.singles, "--singles")];
        let given = flags.into_iter().find_map(|(path, flag)| path.as_ref().map(|_| flag));
        given.or(self.scoring.pair_flag())
    }

    /// Returns where long reads are divided.
    fn splitting(&self) -> Splitting {
        let splits_at = |place| self.split.as_ref().is_some_and(|places| places.contains(&place));
        Splitting {
            adapters: splits_at(SplitPlace::Adapters),
            stretches: splits_at(SplitPlace::Stretches),
        }
    }

    /// Returns how the reads of these files are filtered.
    fn filter(&self, groups: Vec<FileGroup>, screen: Option<Screen>) -> Result<Filter> {
        let mut settings = self.scoring.settings(groups, self.scores.clone())?;
        settings.goal = self.goal.goal();
        settings.screen = screen;
        settings.inputs.umi = self.umi.umi()?;
        settings.inputs.dedup = self.dedup.bytes();
        Ok(Filter {
            settings,
            output: self.output.clone(),
            output2: self.output2.clone(),
            singles: self.singles.clone(),
            merged: self.merge.clone(),
            discarded: self.discarded.clone(),
            split_reads: self.split_reads,
            index: self.index.index_output.clone(),
            split: self.splitting(),
            annotate: self.annotate,
            recalibrate: self.recalibrate,
            tags: self.tags.list(),
        })
    }
}
