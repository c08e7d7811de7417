//! Columns of the positions that reads cover now: a window over sorted alignments.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};

use crate::CallError;
use crate::column::Column;
use crate::observed::{ObservedRead, merge};

/// A position of the reference and what was observed there.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// Index of the reference sequence.
    pub(crate) sequence: usize,
    /// 0-based.
    pub(crate) place: usize,
    pub(crate) column: Column,
}

/// Makes columns of sorted reads. Reads wait for their mates as long as these may overlap them, so memory
/// depends on the length of reads and the depth, not on the file.
#[derive(Debug, Default)]
pub(crate) struct Pileup {
    sequence: Option<usize>,
    /// Sequences that are complete.
    left: Vec<usize>,
    /// Start of the last read.
    at: usize,
    /// Position of the first column.
    first: usize,
    columns: VecDeque<Column>,
    /// Reads that wait for their mates, in the order of their starts.
    waiting: BTreeMap<u64, ObservedRead>,
    by_name: HashMap<Vec<u8>, u64>,
    ends: BinaryHeap<Reverse<(usize, u64)>>,
    reads: u64,
}

impl Pileup {
    /// Checks that a record is not before the last one, and gives the sites that no later read covers to
    /// `done`.
    pub(crate) fn advance(
        &mut self,
        sequence: usize,
        start: usize,
        done: &mut dyn FnMut(Site),
    ) -> Result<(), CallError> {
        if self.sequence != Some(sequence) {
            if self.left.contains(&sequence) {
                return Err(CallError::Unsorted);
            }
            self.finish(done);
            self.sequence = Some(sequence);
            (self.at, self.first) = (start, start);
        }
        if start < self.at {
            return Err(CallError::Unsorted);
        }
        self.at = start;
        while let Some(Reverse((end, number))) = self.ends.peek().copied() {
            if end > start {
                break;
            }
            self.ends.pop();
            if let Some(read) = self.waiting.remove(&number) {
                self.by_name.remove(&read.name);
                self.count(&read);
            }
        }
        let first_waiting = self.waiting.values().next().map_or(start, |read| read.start);
        self.pass_on(first_waiting.min(start), done);
        Ok(())
    }

    /// Adds a read of the present sequence, which starts where [`Pileup::advance`] was told or behind.
    pub(crate) fn add(&mut self, read: &ObservedRead) {
        self.reads += 1;
        if !read.has_mate {
            return self.count(read);
        }
        match self.by_name.remove(&read.name).and_then(|number| self.waiting.remove(&number)) {
            Some(mut mate) => {
                let mut read = read.clone();
                merge(&mut mate, &mut read);
                self.count(&mate);
                self.count(&read);
            }
            None => {
                self.by_name.insert(read.name.clone(), self.reads);
                self.ends.push(Reverse((read.end(), self.reads)));
                self.waiting.insert(self.reads, read.clone());
            }
        }
    }

    /// Gives all sites to `done`.
    pub(crate) fn finish(&mut self, done: &mut dyn FnMut(Site)) {
        for (_, read) in std::mem::take(&mut self.waiting) {
            self.count(&read);
        }
        self.by_name.clear();
        self.ends.clear();
        self.pass_on(usize::MAX, done);
        self.left.extend(self.sequence.take());
    }

    fn count(&mut self, read: &ObservedRead) {
        // All positions before the first column are complete; a read starts behind them.
        let Some(before) = read.start.checked_sub(self.first) else { return };
        if self.columns.len() < before + read.bases.len() {
            self.columns.resize_with(before + read.bases.len(), Column::default);
        }
        for (column, observation) in self.columns.iter_mut().skip(before).zip(&read.bases) {
            if !observation.is_none() {
                column.add(*observation, read.reverse);
            }
        }
        for it in &read.indels {
            let column = it.anchor.checked_sub(self.first).and_then(|at| self.columns.get_mut(at));
            if let Some(column) = column {
                column.add_indel(&it.indel, it.near_end, read.reverse);
            }
        }
    }

    /// Gives the sites before `end` to `done`.
    fn pass_on(&mut self, end: usize, done: &mut dyn FnMut(Site)) {
        let Some(sequence) = self.sequence else { return };
        while self.first < end {
            let Some(column) = self.columns.pop_front() else { break };
            if !column.is_empty() {
                done(Site { sequence, place: self.first, column });
            }
            self.first += 1;
        }
        if self.columns.is_empty() && end != usize::MAX {
            self.first = self.first.max(end);
        }
    }
}
