//! The input files of a run, and the layout of their reads: single reads or pairs.

use std::path::{Path, PathBuf};

use bm_reads::fastq::QualityOffset;

/// The layout of reads in files.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Layout {
    /// Single reads.
    #[default]
    Single,
    /// Pairs: mates have the same place in two files.
    TwoFiles,
    /// Pairs: mates follow each other in one file.
    Interleaved,
}

impl Layout {
    /// Returns the number of files.
    pub(crate) fn files(self) -> usize {
        if self == Self::TwoFiles { 2 } else { 1 }
    }

    /// Returns whether there are pairs.
    pub fn has_pairs(self) -> bool {
        self != Self::Single
    }
}

/// The files of a run.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The file of single reads, of first mates, or of interleaved pairs. `-` is stdin.
    path: PathBuf,
    /// The file of the second mates.
    mates: Option<PathBuf>,
    interleaved: bool,
    /// The offset of the quality scores.
    pub offset: QualityOffset,
}

impl Inputs {
    /// Returns inputs of one file of single reads.
    pub fn single(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            mates: None,
            interleaved: false,
            offset: QualityOffset::default(),
        }
    }

    /// Returns inputs of two files of mates, in the same order.
    pub fn pair(first: impl Into<PathBuf>, second: impl Into<PathBuf>) -> Self {
        Self { mates: Some(second.into()), ..Self::single(first) }
    }

    /// Returns inputs of one file in which mates follow each other.
    pub fn interleaved(path: impl Into<PathBuf>) -> Self {
        Self { interleaved: true, ..Self::single(path) }
    }

    /// Returns the files.
    pub fn paths(&self) -> Vec<&Path> {
        [Some(&self.path), self.mates.as_ref()]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
            .collect()
    }

    /// Returns the layout of the reads.
    pub fn layout(&self) -> Layout {
        match self {
            Self { mates: Some(_), .. } => Layout::TwoFiles,
            Self { interleaved: true, .. } => Layout::Interleaved,
            _ => Layout::Single,
        }
    }
}
