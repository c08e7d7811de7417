//! Options for unique molecular identifiers.

use bm_pipeline::{BadUmi, Umi};

const HEADING: &str = "Molecular identifiers";

/// Where reads have identifiers of their molecules.
#[derive(Debug, clap::Args)]
pub(crate) struct UmiArgs {
    /// Put the identifier (UMI) of each molecule into the names of its reads, as fastp does:
    /// `NAME:ACGTACGT`. read1:8: the first 8 bases of reads or first mates, read2:6 of second mates,
    /// index1 or index2 of the description `1:N:0:ACGT+TTGA`; several, joined by `_`, are separated by
    /// commas. The bases are cut off the reads before anything is learned or judged. Reads that are
    /// not kept stay as they came
    #[arg(long, value_name = "WHERE", help_heading = HEADING)]
    umi: Option<Umi>,
    /// Cut this many bases off behind the identifier too, such as a spacer
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        requires = "umi",
        help_heading = HEADING
    )]
    umi_skip: usize,
    /// What is put before the identifier; umi_tools reads _, and two identifiers then have nothing
    /// between them
    #[arg(
        long,
        value_name = "TEXT",
        default_value = ":",
        requires = "umi",
        value_parser = delimiter,
        allow_hyphen_values = true,
        help_heading = HEADING
    )]
    umi_delimiter: String,
}

/// Parses what is put before an identifier.
fn delimiter(text: &str) -> Result<String, BadUmi> {
    Umi::check_delimiter(text).map(|()| text.to_owned())
}

impl UmiArgs {
    /// Returns where identifiers are, if reads have some.
    ///
    /// # Errors
    ///
    /// If the delimiter cannot be part of a name.
    pub(crate) fn umi(&self) -> Result<Option<Umi>, BadUmi> {
        let Some(mut umi) = self.umi.clone() else { return Ok(None) };
        umi.skip = self.umi_skip;
        umi.with_delimiter(&self.umi_delimiter).map(Some)
    }
}
