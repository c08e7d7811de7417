//! Files whose reads belong together, and the layout of these: single reads or pairs.

use std::path::{Path, PathBuf};

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

/// Files that are read together, such as those of a lane: one, or two of mates. `-` is stdin.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileGroup {
    /// The single reads, or the first mates.
    first: PathBuf,
    /// The file of the second mates.
    mates: Option<PathBuf>,
    interleaved: bool,
    /// The files of index reads.
    index: Vec<PathBuf>,
}

impl FileGroup {
    /// Returns a file of single reads.
    pub fn single(path: impl Into<PathBuf>) -> Self {
        Self { first: path.into(), mates: None, interleaved: false, index: Vec::new() }
    }

    /// Returns two files of mates, in the same order.
    pub fn pair(first: impl Into<PathBuf>, second: impl Into<PathBuf>) -> Self {
        Self { mates: Some(second.into()), ..Self::single(first) }
    }

    /// Returns a file in which mates follow each other.
    pub fn interleaved(path: impl Into<PathBuf>) -> Self {
        Self { interleaved: true, ..Self::single(path) }
    }

    /// Returns the same files with files of index reads beside them: a record for each template.
    pub fn with_index(self, index: Vec<PathBuf>) -> Self {
        Self { index, ..self }
    }

    /// Makes a file of single reads one of pairs that follow each other, if `has_mates` says so of it.
    pub(crate) fn set_interleaved_by(&mut self, has_mates: impl FnOnce(&Path) -> bool) {
        if self.layout() == Layout::Single {
            self.interleaved = has_mates(&self.first);
        }
    }

    /// Returns the files of index reads.
    pub fn index(&self) -> &[PathBuf] {
        &self.index
    }

    /// Returns the layout of the reads.
    pub fn layout(&self) -> Layout {
        match self {
            Self { mates: Some(_), .. } => Layout::TwoFiles,
            Self { interleaved: true, .. } => Layout::Interleaved,
            _ => Layout::Single,
        }
    }

    /// Returns the files of reads: one, or two of mates.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.first).chain(&self.mates).map(PathBuf::as_path)
    }
}
