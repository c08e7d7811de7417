//! The input files of a run, and the layout of their reads: single reads or pairs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bm_io::{ReadFormats, Shard};
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

/// The files of a run, or its FASTQ text in memory.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The single reads, or the first mates.
    source: Source,
    /// The file of the second mates.
    mates: Option<PathBuf>,
    interleaved: bool,
    /// The offset of the quality scores.
    pub offset: QualityOffset,
    /// Whether a compressed file without its end is an error; otherwise it is a warning.
    pub strict: bool,
    /// Formats that the files may have. Reads of FASTA have no qualities: use it with
    /// [`Inputs::ignore_quality`].
    pub formats: ReadFormats,
    /// Whether models get the same quality for every base instead of the reported ones. Outputs have
    /// the reported ones all the same.
    pub ignore_quality: bool,
    /// The shard of the files whose reads are of the run, if it is not all of them: the shards of a
    /// run, one after the other, have the outputs of the whole run.
    pub shard: Option<Shard>,
}

/// Where the text of reads is.
#[derive(Clone, Debug)]
enum Source {
    /// In a file; `-` is stdin.
    File(PathBuf),
    /// In memory.
    Text(Text),
}

/// A text in memory. Its copies have the same memory.
#[derive(Clone)]
pub(crate) struct Text(Arc<Vec<u8>>);

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Text {
    /// The size: the text may be of any size.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Inputs {
    /// Returns a file of single reads; `-` is stdin.
    pub fn single(path: impl Into<PathBuf>) -> Self {
        Self::of(Source::File(path.into()))
    }

    /// Returns single reads as FASTQ text in memory, plain or compressed. Messages call it
    /// `reads in memory`. Learning needs files and refuses it.
    pub fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::of(Source::Text(Text(Arc::new(text.into()))))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            mates: None,
            interleaved: false,
            offset: QualityOffset::default(),
            strict: false,
            formats: ReadFormats::default(),
            ignore_quality: false,
            shard: None,
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

    /// Returns the files; none for text in memory.
    pub fn paths(&self) -> Vec<&Path> {
        let first = match &self.source {
            Source::File(path) => Some(path),
            Source::Text(_) => None,
        };
        [first, self.mates.as_ref()].into_iter().flatten().map(PathBuf::as_path).collect()
    }

    /// Returns the text in memory, if the reads are not in files.
    pub(crate) fn in_memory(&self) -> Option<&Text> {
        match &self.source {
            Source::File(_) => None,
            Source::Text(text) => Some(text),
        }
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
