//! A batch of reads with the part of each that is of the sample.

use std::ops::Range;

use bm_adapt::SeenReads;
use bm_insert::Finder;
use bm_quality::FailedCycles;
use bm_reads::conversion::Conversion;
use bm_reads::{PlacedRead, ReadRef};

use crate::as_one::AsOne;
use crate::inserts::{BatchInserts, RunInserts};
use crate::templates::{Mate, TemplateBatch};

/// A batch of templates, and the part of each read that is of the sample.
#[derive(Default)]
pub(crate) struct SampleParts {
    pub(crate) templates: TemplateBatch,
    /// One for each read, in the order of the files; empty if all are of the sample.
    parts: Vec<Range<usize>>,
    as_one: AsOne,
    /// Whether each read is of a copy of an earlier template; empty if none is.
    copies: Vec<bool>,
    /// The sequences without the bases of failed cycles; empty if none failed.
    without_failed: Vec<Vec<u8>>,
}

impl SampleParts {
    /// Finds the parts, and writes the bases of the conversion as one.
    pub(crate) fn find(
        &mut self,
        run: &RunInserts,
        conversion: Option<Conversion>,
        inserts: &mut BatchInserts,
        finder: &mut Finder,
    ) {
        find_parts(&self.templates, Some(run), inserts, finder, &mut self.parts);
        self.as_one.write(&self.templates, conversion);
    }

    /// Leaves the bases of failed cycles out of what is counted.
    pub(crate) fn leave_out(&mut self, failed: &FailedCycles) {
        self.without_failed.clear();
        if failed.is_empty() {
            return;
        }
        for (index, read) in self.templates.reads().enumerate() {
            let (read, before) = (self.as_one.read(index, read), self.templates.cut_start(index));
            let mut sequence = read.sequence.to_vec();
            let mate = self.templates.mate_number(index);
            failed.of(&PlacedRead { read, mate, before }).for_each(|(at, _)| sequence[at] = b'N');
            self.without_failed.push(sequence);
        }
    }

    /// Finds the templates that are copies of earlier ones.
    pub(crate) fn find_copies(&mut self, seen: &mut SeenReads) {
        self.copies.clear();
        for template in self.templates.templates() {
            let mates = template.mates();
            if seen.is_copy(mates.iter().map(|mate| mate.whole.as_read())) {
                self.copies.resize(self.templates.len(), false);
                mates.iter().for_each(|mate| self.copies[mate.index] = true);
            }
        }
    }

    /// Returns the part of each read whose k-mers count that is of the sample, in the order of the files,
    /// as it is to be compared with others: copies do not count again, and failed cycles do not count.
    pub(crate) fn to_count(&self) -> impl Iterator<Item = ReadRef<'_>> + Clone {
        let is_copy = |index: usize| self.copies.get(index).copied().unwrap_or(false);
        let reads = self.templates.reads().enumerate().filter(move |(index, _)| !is_copy(*index));
        reads.map(|(index, read)| {
            let read = match self.without_failed.get(index) {
                Some(sequence) => ReadRef { sequence, ..read },
                None => self.as_one.read(index, read),
            };
            match self.parts.get(index) {
                Some(part) => read.window(part.start, part.len()),
                None => read,
            }
        })
    }

    /// Returns a read as it is to be compared with others.
    pub(crate) fn placed<'a>(&'a self, mate: &Mate<'a>) -> PlacedRead<'a> {
        let read = self.as_one.read(mate.index, mate.as_read());
        PlacedRead { read, mate: self.templates.mate_number(mate.index), before: mate.cut_start() }
    }

    /// Returns the bases of a read that are of the sample.
    pub(crate) fn part(&self, mate: &Mate<'_>) -> Range<usize> {
        self.parts.get(mate.index).cloned().unwrap_or(0..mate.record.sequence.len())
    }

    /// Returns the size of the reads' text in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.templates.bytes()
    }
}

/// Returns the part of each read of a batch that is of the sample, if it is known where inserts end.
pub(crate) fn parts_of(templates: &TemplateBatch, run: Option<&RunInserts>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    find_parts(templates, run, &mut BatchInserts::default(), &mut Finder::default(), &mut parts);
    parts
}

/// Returns these parts of the reads; whole reads if there are none.
pub(crate) fn of_sample<'a>(
    templates: &'a TemplateBatch,
    parts: &'a [Range<usize>],
) -> impl Iterator<Item = ReadRef<'a>> + Clone {
    templates.reads().enumerate().map(|(index, read)| match parts.get(index) {
        Some(part) => read.window(part.start, part.len()),
        None => read,
    })
}

fn find_parts(
    templates: &TemplateBatch,
    run: Option<&RunInserts>,
    inserts: &mut BatchInserts,
    finder: &mut Finder,
    parts: &mut Vec<Range<usize>>,
) {
    parts.clear();
    if let Some(run) = run.filter(|run| !run.is_idle()) {
        inserts.find(templates, run, finder);
        let reads = templates.reads().enumerate();
        parts.extend(reads.map(|(index, read)| inserts.get(index).part(read.len())));
    }
}
