//! Counts the k-mers of a run again, from the reads of its parts.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, Write};

use bm_adapt::SeenReads;
use bm_io::Cancellation;
use bm_kmers::{Counter, Counts, Index, KmerError, Share, Survey};

use crate::PipelineError;
use crate::observation::Named;
use crate::observer::Observer;
use crate::reading::{LeftOut, Passed, Reading, index_of};

/// What messages call the file of counts.
const TEMPORARY: &str = "a temporary file of k-mers";

/// How the k-mers of a run are counted again.
pub(crate) struct Recount<'a> {
    /// The parts of the run.
    pub(crate) parts: &'a [Named],
    /// Bytes for k-mers, if they are counted.
    pub(crate) bytes: Option<usize>,
    pub(crate) threads: usize,
    pub(crate) cancellation: Option<&'a Cancellation>,
}

impl Recount<'_> {
    /// Returns the index of the k-mers of all parts, but for what is left out. Where they were counted
    /// in shares, because they do not fit in memory together, the reads are read once for each share.
    pub(crate) fn index(
        &self,
        left_out: LeftOut,
        observer: &dyn Observer,
    ) -> Result<Option<Index>, PipelineError> {
        let of = self.parts.iter().map(|(_, facts)| facts.share_of_kmers.1).max().unwrap_or(1);
        let Some(bytes) = self.bytes.filter(|_| of > 1) else {
            return Ok(index_of(self.count(left_out, Share::ALL, observer)?));
        };
        let mut files = Vec::new();
        for share in (1..=of).filter_map(|number| Share::new(number, of)) {
            let left_out = LeftOut {
                failed_cycles: left_out.failed_cycles.clone(),
                seen: left_out.seen.as_ref().map(|_| SeenReads::default()),
            };
            let counting = self.count(left_out, share, observer)?;
            files.extend(Counter::join(counting).map(stored).transpose()?);
        }
        let at = PipelineError::at::<KmerError>;
        let survey = Survey::of(&mut opened(&files)?).map_err(at(TEMPORARY.to_owned()))?;
        let Some(survey) = survey else { return Ok(None) };
        let index = survey.index(&mut opened(&files)?, bytes).map_err(at(TEMPORARY.to_owned()))?;
        Ok(Some(index))
    }

    /// Reads all parts and counts a share of their k-mers.
    fn count(
        &self,
        mut left_out: LeftOut,
        share: Share,
        observer: &dyn Observer,
    ) -> Result<Vec<Counter>, PipelineError> {
        let mut passed = Passed::default();
        for (name, facts) in self.parts {
            let before = passed.records;
            let reading = Reading {
                inputs: &facts.reads(),
                adapters: &facts.adapters,
                kmer_bytes: self.bytes,
                share,
                is_part: false,
                threads: self.threads,
                cancellation: self.cancellation,
            };
            let again = format!("{name}: its k-mers must be counted again");
            reading
                .all(&mut left_out, None, &mut passed, observer)
                .map_err(PipelineError::at(again.clone()))?;
            let reads = passed.records - before;
            if reads != facts.reads {
                return PipelineError::refuse(format!(
                    "{again}, and there are {reads} reads where there were {}",
                    facts.reads
                ));
            }
        }
        Ok(passed.counting)
    }
}

/// Writes the k-mers of a counter to a file without a name, which the system removes.
fn stored(counter: Counter) -> Result<File, PipelineError> {
    let write = || {
        let mut output = BufWriter::new(tempfile::tempfile()?);
        counter.write_counts(&mut output)?;
        output.flush()?;
        Ok(output.into_inner()?)
    };
    write().map_err(PipelineError::at::<std::io::Error>(TEMPORARY.to_owned()))
}

/// Returns the k-mers of all files, from the first one on.
fn opened(files: &[File]) -> Result<Vec<Counts<BufReader<&File>>>, PipelineError> {
    let open = |mut file| {
        Seek::rewind(&mut file).map_err(PipelineError::at(TEMPORARY.to_owned()))?;
        Counts::open(BufReader::new(file))
            .map_err(PipelineError::at::<KmerError>(TEMPORARY.to_owned()))
    };
    files.iter().map(open).collect()
}
