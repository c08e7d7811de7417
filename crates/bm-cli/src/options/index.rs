//! Options for index reads, which are kept in step with the reads.

use std::path::PathBuf;

use anyhow::{Result, bail};
use bm_pipeline::FileGroup;

/// Files of index reads, and where those of kept reads go.
#[derive(Debug, clap::Args)]
pub(crate) struct IndexArgs {
    /// Files of index reads, in the order of the reads: one or two for each lane, lane after lane. Their
    /// names and number are checked, and nothing else
    #[arg(long, value_name = "I1", num_args = 1.., help_heading = "Several files")]
    index: Vec<PathBuf>,
    /// Where the index reads of the reads or pairs that pass go; as many files as each lane has of them
    #[arg(long, value_name = "O1", num_args = 1..=2, help_heading = "Several files")]
    pub(crate) index_output: Vec<PathBuf>,
}

impl IndexArgs {
    /// Returns the groups of files with their files of index reads.
    ///
    /// # Errors
    ///
    /// If there are not as many in each group.
    pub(crate) fn add_to(&self, groups: Vec<FileGroup>) -> Result<Vec<FileGroup>> {
        if self.index.is_empty() {
            return Ok(groups);
        }
        let (files, lanes) = (self.index.len(), groups.len());
        if groups.iter().any(|group| !group.index().is_empty()) {
            bail!("--index: there are files of index reads without it, by their names");
        }
        if files != lanes && files != 2 * lanes {
            bail!("--index: {files} files for {lanes} lanes; name one or two for each lane");
        }
        let index = self.index.chunks(files / lanes);
        let with = groups.into_iter().zip(index);
        Ok(with.map(|(group, index)| group.with_index(index.to_vec())).collect())
    }
}
