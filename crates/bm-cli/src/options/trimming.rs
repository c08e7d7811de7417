//! Options for cutting off what is not worth keeping of a read.

use std::ffi::OsString;

use anyhow::Result;
use bm_pipeline::{AdapterChoice, GivenAdapter, Trimming};
use clap::ValueEnum;

use crate::options::values;

const TRIMMING: &str = "Trimming";

/// What is cut off reads.
#[derive(Debug, clap::Args)]
pub(crate) struct TrimmingArgs {
    /// Keep the best part of each read: a right base brings 1, a wrong one costs 19, one that is not
    /// of the sample costs 1, all by their probabilities. This cuts adapters, which are found in the
    /// run, poly-G and poly-A tails, and ends with too many errors; with a list, only these. Rules
    /// and model judge what is left
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        num_args = 0..,
        require_equals = true,
        value_delimiter = ',',
        default_missing_value = "adapters,poly,ends",
        help_heading = TRIMMING
    )]
    trim: Option<Vec<TrimPart>>,
    /// What a wrong base costs, in right ones: bases with a higher error probability than 1 / (1 + N)
    /// are not worth keeping alone [default: 19; of long reads, what a base at their limit costs: 9 for one
    /// error in ten]
    #[arg(
        long,
        value_name = "N",
        value_parser = values::price,
        allow_negative_numbers = true,
        requires = "trim",
        help_heading = TRIMMING
    )]
    trim_price: Option<f32>,
    /// Cut this many bases off the start of every read
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = TRIMMING)]
    cut_front: usize,
    /// Cut this many bases off the end of every read
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = TRIMMING)]
    cut_tail: usize,
    #[command(flatten)]
    pub(crate) adapters: AdapterArgs,
}

/// Where the adapters of a run come from.
#[derive(Debug, clap::Args)]
pub(crate) struct AdapterArgs {
    /// An adapter of single reads or first mates, instead of those found in the run: a sequence, or a
    /// FASTA file. Without --adapter2, of both mates
    #[arg(long, value_name = "SEQ|FILE", help_heading = TRIMMING)]
    adapter: Vec<OsString>,
    /// An adapter of second mates
    #[arg(long, value_name = "SEQ|FILE", requires = "adapter", help_heading = TRIMMING)]
    adapter2: Vec<OsString>,
    /// Look for no adapters, and take inserts for as long as the reads
    #[arg(long, conflicts_with = "adapter", help_heading = TRIMMING)]
    no_adapters: bool,
}

/// What may be cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum TrimPart {
    /// Adapters, what is behind them, and bases in front that are not of the sample
    Adapters,
    /// Runs of G and A at the end, where the run has them
    Poly,
    /// Ends whose errors cost more than their right bases bring
    Ends,
}

impl TrimmingArgs {
    /// Returns what is cut.
    pub(crate) fn trimming(&self) -> Trimming {
        let cuts = |part| self.trim.as_ref().is_some_and(|parts| parts.contains(&part));
        Trimming {
            adapters: cuts(TrimPart::Adapters),
            poly: cuts(TrimPart::Poly),
            ends: cuts(TrimPart::Ends),
            price: self.trim_price,
            cut_front: self.cut_front,
            cut_tail: self.cut_tail,
        }
    }
}

impl AdapterArgs {
    /// Returns where adapters come from.
    ///
    /// # Errors
    ///
    /// If an argument is neither a sequence nor a file of adapters.
    pub(crate) fn choice(&self) -> Result<AdapterChoice> {
        if self.no_adapters {
            return Ok(AdapterChoice::Forbidden);
        }
        if self.adapter.is_empty() {
            return Ok(AdapterChoice::Found);
        }
        let second = if self.adapter2.is_empty() { &self.adapter } else { &self.adapter2 };
        Ok(AdapterChoice::Told([given(&self.adapter)?, given(second)?]))
    }
}

fn given(arguments: &[OsString]) -> Result<Vec<GivenAdapter>> {
    let mut all = Vec::new();
    for argument in arguments {
        all.extend(GivenAdapter::parse(argument)?);
    }
    Ok(all)
}
