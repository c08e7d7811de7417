//! The first reads of a file, or of two files of mates: by them, files are told apart and models are
//! compared with a run.

use bm_infer::Sha256;
use bm_long::Traits;
use bm_quality::{Applicability, Facts};
use bm_reads::ReadRef;

use crate::library::Library;
use crate::templates::TemplateBatch;

/// The first reads of a group of files, as models get them, and what the library has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    /// Sequence and quality scores of each read, each with a line end.
    text: Vec<u8>,
    pub(crate) library: Library,
}

impl Head {
    /// Returns the head of files that begin with this batch.
    pub(crate) fn of(first: &TemplateBatch, library: Library) -> Self {
        let mut text = Vec::new();
        // An empty read says nothing.
        for read in first.reads().filter(|read| !read.is_empty()) {
            for line in [read.sequence, read.quality_scores] {
                text.extend_from_slice(line);
                text.push(b'\n');
            }
        }
        Self { text, library }
    }

    /// Returns the head with this text; `None` if it is no such text.
    pub(crate) fn from_text(text: Vec<u8>, library: Library) -> Option<Self> {
        let head = Self { text, library };
        let lines = head.text.split(|byte| *byte == b'\n').count();
        let is_whole = head.text.last().is_none_or(|last| *last == b'\n') && lines % 2 == 1;
        let is_right = is_whole && head.reads().all(|read| read.check_lengths().is_ok());
        is_right.then_some(head)
    }

    /// Returns whether there are no reads.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Returns its text.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    fn reads(&self) -> impl Iterator<Item = ReadRef<'_>> {
        let mut lines = self.text.split(|byte| *byte == b'\n');
        std::iter::from_fn(move || {
            let (sequence, quality_scores) = (lines.next()?, lines.next()?);
            Some(ReadRef { name: b"", sequence, quality_scores })
        })
    }

    /// Returns what tells these files from others.
    pub(crate) fn digest(&self) -> String {
        Sha256::of(&self.text).to_string()
    }

    /// Returns whether the errors of the reads are those of long reads: gaps.
    pub(crate) fn are_long(&self) -> bool {
        Traits::of(self.reads()).are_long()
    }

    /// Compares the reads with the domain of a model.
    pub(crate) fn applicability(&self, facts: &Facts) -> Applicability {
        Applicability::of(facts, self.reads())
    }
}

/// Returns the head that stands for a run, whatever the order of its files: of those with reads, the one
/// with the lowest digest.
pub(crate) fn of_run(heads: Vec<Head>) -> Option<Head> {
    heads.into_iter().filter(|head| !head.is_empty()).min_by_key(Head::digest)
}
