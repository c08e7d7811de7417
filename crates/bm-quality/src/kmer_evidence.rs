//! The k-mer evidence of a run: of bases, or of whole long reads.

use std::io::{self, Read, Write};

use bm_evidence::{Evidence, EvidenceError};
use bm_kmers::Index;
use bm_long::{LongError, ReadEvidence};
use bm_reads::conversion::Conversion;

/// The k-mer evidence of a run, in the file of a model package.
#[derive(Clone, Debug, PartialEq)]
pub enum KmerEvidence {
    /// Other reads confirm or contradict single bases.
    Bases(Evidence),
    /// Other reads show how many errors a long read has, and not where.
    Reads(ReadEvidence),
}

impl KmerEvidence {
    /// Returns the index of k-mers.
    pub fn index(&self) -> &Index {
        match self {
            Self::Bases(evidence) => evidence.index(),
            Self::Reads(evidence) => evidence.index(),
        }
    }

    /// Returns which bases are written as one before reads are compared, if any are.
    pub fn conversion(&self) -> Option<Conversion> {
        match self {
            Self::Bases(evidence) => evidence.conversion(),
            Self::Reads(_) => None,
        }
    }

    /// Writes the file: [`Evidence::write`] or [`ReadEvidence::write`].
    ///
    /// # Errors
    ///
    /// The error of the output.
    pub fn write(&self, output: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Bases(evidence) => evidence.write(output),
            Self::Reads(evidence) => evidence.write(output),
        }
    }

    /// Returns the evidence read from a file of `bytes` bytes; its first bytes say of what kind it is.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::Content`] if the file is damaged, or of another format or version;
    /// [`EvidenceError::Read`] if the input fails.
    pub fn read(input: &mut impl Read, bytes: u64) -> Result<Self, EvidenceError> {
        let mut magic = Vec::new();
        let most = ReadEvidence::MAGIC.len() as u64;
        input.take(most).read_to_end(&mut magic).map_err(EvidenceError::Read)?;
        let is_of_reads = magic == ReadEvidence::MAGIC;
        let mut input = magic.as_slice().chain(input);
        if is_of_reads {
            let evidence = ReadEvidence::read(&mut input, bytes);
            return evidence.map(Self::Reads).map_err(|error| match error {
                LongError::Read(error) => EvidenceError::Read(error),
                LongError::Content(text) => EvidenceError::Content(text),
                other => EvidenceError::Content(other.to_string()),
            });
        }
        Evidence::read(&mut input, bytes).map(Self::Bases)
    }
}

impl From<Evidence> for KmerEvidence {
    fn from(evidence: Evidence) -> Self {
        Self::Bases(evidence)
    }
}

impl From<ReadEvidence> for KmerEvidence {
    fn from(evidence: ReadEvidence) -> Self {
        Self::Reads(evidence)
    }
}
