//! `bm call`: low-frequency variants of an alignment.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use bm_pipeline::{BaseErrors, CallFilter, CallSettings, CallVariants, Called, index_of_vcf};
use bm_report::{AdaptationFacts, words};

use crate::options::engine::EngineArgs;
use crate::options::running::{RunArgs, SyncArgs};
use crate::options::values;
use crate::progress::TerminalObserver;
use crate::terminal;

/// Call variants that few reads have, by what the run shows of its errors
///
/// The alignment is SAM, BAM or CRAM, sorted by position; it is read several times, and stdin is copied to a
/// temporary file. A network and the reported quality give each base its error probability (--adapt: after
/// the network learned the run).
/// From the alignment itself bm learns the rest: how often such bases are wrong, which base an error
/// becomes in its context, how often reads have gaps before runs of equal bases, and how much places
/// differ. Then each base, insertion and deletion that differs from the reference is tested: errors alone
/// against a variant at any fraction. Mates that overlap count once.
///
/// QUAL is 10 log10 of the Bayes factor of the variant: among differences that are errors, at most 1 in
/// 1000 reaches 30. Calls that are doubted have the reason in FILTER. An output whose name ends in .gz is
/// in BGZF blocks, and gets a tabix index.
///
/// The k-mer evidence of a package is left out: it takes a variant that few reads have for an error.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bm call aligned.bam -r ref.fa -o calls.vcf.gz
  bm call aligned.bam -r ref.fa --adapt -o calls.vcf.gz
  samtools sort aligned.sam | bm call - -r ref.fa --region chr1:1001-2000 -o calls.vcf")]
pub(crate) struct Args {
    /// SAM, BAM or CRAM, sorted by position; - is stdin
    #[arg(value_name = "ALIGNMENT")]
    alignment: PathBuf,
    /// The FASTA file that the reads were aligned to, plain or compressed
    #[arg(short, long, value_name = "FILE")]
    reference: PathBuf,
    /// Where the calls go, as VCF; - is stdout
    #[arg(short, long, value_name = "FILE", default_value = "-", help_heading = "Outputs")]
    output: PathBuf,
    /// Only call in this region, as NAME or NAME:FROM-TO, from 1; can be repeated. Error rates are
    /// learned from the whole alignment
    #[arg(long, value_name = "REGION", help_heading = "Calls")]
    region: Vec<String>,
    /// Lowest fraction of the fragments that have the allele
    #[arg(
        long,
        value_name = "F",
        default_value = "0.01",
        value_parser = values::fraction,
        help_heading = "Calls"
    )]
    min_fraction: f64,
    /// Lowest number of fragments at a site; calls at others have the filter low_depth
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Calls")]
    min_depth: u32,
    /// Lowest QUAL; calls with less have the filter low_quality
    #[arg(long, value_name = "Q", default_value_t = 30.0, help_heading = "Calls")]
    min_qual: f64,
    /// Lowest mapping quality of the alignments that count
    #[arg(long, value_name = "Q", default_value_t = 20, help_heading = "Calls")]
    min_mapq: u8,
    /// Write genotypes too, for a genome of this many copies
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u8).range(1..=2),
        help_heading = "Calls"
    )]
    ploidy: Option<u8>,
    /// The name of the sample, where genotypes are written
    #[arg(
        long,
        value_name = "NAME",
        default_value = "sample",
        requires = "ploidy",
        help_heading = "Calls"
    )]
    sample: String,
    /// Learn the run from the reads of the alignment first, as bm adapt does
    #[arg(long, help_heading = "Error probabilities")]
    adapt: bool,
    /// Take the error probabilities that the qualities report, without a network
    #[arg(long, conflicts_with_all = ["adapt", "model"], help_heading = "Error probabilities")]
    reported: bool,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    sync: SyncArgs,
}

impl Args {
    /// Returns the outputs.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.output)
    }

    /// Calls the variants.
    pub(crate) fn run(&self) -> Result<()> {
        let began = Instant::now();
        let call = self.call();
        let called = call.run(&TerminalObserver::new(self.run.quiet))?;
        if !self.run.quiet {
            summary(&called, &call).iter().for_each(|line| terminal::note(line));
            terminal::note(&format!("{:.1} s", began.elapsed().as_secs_f64()));
        }
        Ok(())
    }

    fn call(&self) -> CallVariants {
        CallVariants {
            alignment: self.alignment.clone(),
            reference: self.reference.clone(),
            output: self.output.clone(),
            regions: self.region.clone(),
            settings: CallSettings {
                min_mapq: self.min_mapq,
                min_depth: self.min_depth,
                min_fraction: self.min_fraction,
                min_quality: self.min_qual,
                ploidy: self.ploidy,
                ..CallSettings::default()
            },
            engine: self.engine.choice(),
            errors: match (self.adapt, self.reported) {
                (true, _) => BaseErrors::Adapted,
                (_, true) => BaseErrors::Reported,
                _ => BaseErrors::Model,
            },
            source: format!("bm {}", env!("CARGO_PKG_VERSION")),
            sample: self.sample.clone(),
            threads: self.run.threads(),
            durability: self.sync.durability(),
            cancellation: None,
        }
    }
}

/// Returns what was called, in words.
fn summary(called: &Called, call: &CallVariants) -> Vec<String> {
    let Called { reads, totals, applicability, learned, .. } = called;
    let mut lines = Vec::new();
    if let Some(learned) = learned {
        lines.push(words::learned(&AdaptationFacts::of(learned)));
    }
    if called.left_out_evidence {
        lines.push(format!(
            "{}: its k-mer evidence is left out, because it takes rare variants for errors",
            called.model
        ));
    }
    lines.push(match applicability {
        None => "error probabilities: the reported qualities".to_owned(),
        Some(it) if it.applies() => {
            format!("error probabilities: {} and the reported qualities", called.model)
        }
        Some(it) => {
            format!("error probabilities: {} ({} does not fit: {it})", it.scored_by(), called.model)
        }
    });
    lines.push(format!(
        "{} reads in: {} used, {} unmapped, {} of low mapping quality, {} flagged as duplicates or as \
         bad, {} without qualities or bases",
        reads.records, reads.used, reads.unmapped, reads.low_mapq, reads.flagged, reads.unscored
    ));
    let depth = totals.fragments as f64 / totals.sites.max(1) as f64;
    let filtered = CallFilter::ALL.iter().zip(totals.filtered).filter(|(_, count)| *count > 0);
    let filtered: Vec<String> =
        filtered.map(|(filter, count)| format!("{filter} {count}")).collect();
    let filtered = if filtered.is_empty() {
        String::new()
    } else {
        format!("; filtered: {}", filtered.join(", "))
    };
    lines.push(format!(
        "{} sites of depth {} or more, mean depth {depth:.1}; {} calls{filtered}",
        totals.sites, call.settings.min_depth, totals.passed
    ));
    if let Some(index) = index_of_vcf(&call.output) {
        lines.push(format!("wrote {} and {}", call.output.display(), index.display()));
    }
    lines
}
