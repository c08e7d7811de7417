//! Error probabilities of all bases of a batch.

use bm_reads::Phred;

/// Error probabilities of the bases of reads, one read after the other.
#[derive(Default)]
pub struct BaseProbabilities {
    probabilities: Vec<f32>,
    /// The start of each read in the list, and the end of the last read.
    starts: Vec<usize>,
}

impl BaseProbabilities {
    /// Clears the list and returns its memory, to be filled for the next reads.
    pub(crate) fn clear(&mut self) -> &mut Vec<f32> {
        self.starts.clear();
        self.probabilities.clear();
        &mut self.probabilities
    }

    /// Assigns the probabilities to reads of these lengths; a read without a length gets none.
    pub(crate) fn divide(&mut self, lengths: impl Iterator<Item = Option<usize>>) {
        let mut start = 0;
        self.starts.push(start);
        for length in lengths {
            start += length.unwrap_or_default();
            self.starts.push(start);
        }
    }

    /// Returns the error probabilities of the read at this place in the batch; empty if they are
    /// not known.
    pub fn of(&self, read: usize) -> &[f32] {
        let range = self.starts.get(read).zip(self.starts.get(read + 1));
        range.and_then(|(start, end)| self.probabilities.get(*start..*end)).unwrap_or_default()
    }
}

/// Returns the quality byte for an error probability. It is no higher than any Illumina instrument
/// writes, since some programs refuse higher ones.
pub(crate) fn quality_byte(probability: f32) -> u8 {
    const HIGHEST: u8 = 41;
    let phred = Phred::nearest(f64::from(probability)).get().min(HIGHEST);
    Phred::OFFSET + phred
}
