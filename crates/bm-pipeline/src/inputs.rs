//! The input files of a run, and how they are read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bm_io::{ReadFormats, Shard};
use bm_reads::fastq::QualityOffset;

use crate::bam_mates;
use crate::file_group::FileGroup;
use crate::umi::Umi;

/// The files of a run, or its FASTQ text in memory.
#[derive(Clone, Debug)]
pub struct Inputs {
    source: Source,
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
    /// Where reads have identifiers of their molecules, which are left out of them; outputs have them in
    /// the names.
    pub umi: Option<Umi>,
    /// Memory in bytes for what tells copies from other reads, if copies of earlier reads or pairs are
    /// not to be kept.
    pub dedup: Option<u64>,
}

/// Where the text of reads is.
#[derive(Clone, Debug)]
enum Source {
    Files(Vec<FileGroup>),
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
        Self::of_groups(vec![FileGroup::single(path)])
    }

    /// Returns single reads as FASTQ text in memory, plain or compressed. Messages call it
    /// `reads in memory`. Learning needs files and refuses it.
    pub fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::of(Source::Text(Text(Arc::new(text.into()))))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            offset: QualityOffset::default(),
            strict: false,
            formats: ReadFormats::default(),
            ignore_quality: false,
            shard: None,
            umi: None,
            dedup: None,
        }
    }

    /// Returns inputs of two files of mates, in the same order.
    pub fn pair(first: impl Into<PathBuf>, second: impl Into<PathBuf>) -> Self {
        Self::of_groups(vec![FileGroup::pair(first, second)])
    }

    /// Returns inputs of one file in which mates follow each other.
    pub fn interleaved(path: impl Into<PathBuf>) -> Self {
        Self::of_groups(vec![FileGroup::interleaved(path)])
    }

    /// Returns inputs of several groups of files, such as the lanes of a run, which are read one after
    /// the other: first those of pairs, then those of single reads, each in this order.
    ///
    /// A BAM file whose first read has a mate by its flags is one of pairs: mates follow each other.
    pub fn of_groups(mut groups: Vec<FileGroup>) -> Self {
        for group in &mut groups {
            group.set_interleaved_by(bam_mates::begins_with_mate);
        }
        groups.sort_by_key(|group| !group.layout().has_pairs());
        Self::of(Source::Files(groups))
    }

    /// Returns the same way of reading for one group of files, without their index reads.
    pub(crate) fn with_group(&self, group: &FileGroup) -> Self {
        let group = group.clone().with_index(Vec::new());
        Self { source: Source::Files(vec![group]), ..self.clone() }
    }

    /// Returns the groups of files, in the order in which they are read; none for text in memory.
    pub fn groups(&self) -> &[FileGroup] {
        match &self.source {
            Source::Files(groups) => groups,
            Source::Text(_) => &[],
        }
    }

    /// Returns the files of reads; none for text in memory.
    pub fn paths(&self) -> Vec<&Path> {
        self.groups().iter().flat_map(FileGroup::paths).collect()
    }

    /// Returns the number of files of reads that are BAM, by their content. Streams are not looked at.
    pub fn bam_files(&self) -> usize {
        self.paths().into_iter().filter(|path| bam_mates::is_bam_file(path)).count()
    }

    /// Returns the files of index reads.
    pub fn index_paths(&self) -> Vec<&Path> {
        self.groups().iter().flat_map(FileGroup::index).map(PathBuf::as_path).collect()
    }

    /// Returns the text in memory, if the reads are not in files.
    pub(crate) fn in_memory(&self) -> Option<&Text> {
        match &self.source {
            Source::Files(_) => None,
            Source::Text(text) => Some(text),
        }
    }

    /// Returns whether there are pairs.
    pub fn has_pairs(&self) -> bool {
        self.groups().iter().any(|group| group.layout().has_pairs())
    }

    /// Returns whether there are both pairs and single reads.
    pub fn is_mixed(&self) -> bool {
        self.has_pairs() && self.groups().iter().any(|group| !group.layout().has_pairs())
    }
}
