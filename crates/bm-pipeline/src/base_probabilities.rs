//! The error probability of every base of a batch.

/// Error probabilities of the bases of reads, one read after the other.
#[derive(Default)]
pub struct BaseProbabilities {
    probabilities: Vec<f32>,
    /// Where those of each read start, and where those of the last one end.
    starts: Vec<usize>,
}

impl BaseProbabilities {
    /// Removes everything, and returns the memory for the next reads.
    pub(crate) fn clear(&mut self) -> &mut Vec<f32> {
        self.starts.clear();
        self.probabilities.clear();
        &mut self.probabilities
    }

    /// Divides the probabilities among reads of these lengths; a read without a length has none.
    pub(crate) fn divide(&mut self, lengths: impl Iterator<Item = Option<usize>>) {
        let mut start = 0;
        self.starts.push(start);
        for length in lengths {
            start += length.unwrap_or_default();
            self.starts.push(start);
        }
    }

    /// Returns those of a read of the batch, by its place; empty if they are not known.
    pub fn of(&self, read: usize) -> &[f32] {
        let range = self.starts.get(read).zip(self.starts.get(read + 1));
        range.and_then(|(start, end)| self.probabilities.get(*start..*end)).unwrap_or_default()
    }
}
