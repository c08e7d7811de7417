//! Tags of BAM in FASTQ, and the command line that headers of BAM have.

use std::env;

use bm_pipeline::TagList;

/// Tags of reads from BAM.
#[derive(Debug, clap::Args)]
pub(crate) struct TagArgs {
    /// Write these tags of reads from BAM into the descriptions of FASTQ, as samtools fastq does: names
    /// with commas between them, such as RG,BC, or * for all. Outputs in BAM have all tags
    #[arg(short = 'T', long, value_name = "TAGS", help_heading = "Outputs")]
    tags: Option<TagList>,
}

impl TagArgs {
    /// Returns the tags.
    pub(crate) fn list(&self) -> TagList {
        self.tags.clone().unwrap_or_default()
    }
}

/// Returns the command line of this process.
pub(crate) fn command_line() -> String {
    let words: Vec<String> =
        env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    words.join(" ")
}
