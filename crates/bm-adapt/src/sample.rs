//! The sample of a run's reads to learn from.

use std::ops::Range;

use bm_long::Traits;
use bm_reads::base::UNKNOWN;
use bm_reads::conversion::Conversion;

use crate::anchors::{Anchor, anchors};

/// A cycle of the instrument.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Cycle {
    /// 1, or 2 for second mates.
    pub(crate) mate: u8,
    /// Number in the read, from 0.
    pub(crate) number: usize,
}

/// Added to the code of a hidden base: where reads are compared, it is unknown.
const HIDDEN: u8 = 0x10;

/// The reads of a run from which it is learned; [`Sampler`](crate::Sampler) chooses them.
#[derive(Clone, Debug)]
pub struct RunSample {
    /// Anchors are k-mers whose hash is below it.
    limit: u64,
    pub(crate) reads_seen: u64,
    pub(crate) bases_seen: u64,
    pub(crate) longest: usize,
    pub(crate) reads: Vec<Kept>,
    /// Base codes of the reads, one read after the other, with [`HIDDEN`] added to some.
    pub(crate) bases: Vec<u8>,
    /// Their Phred scores.
    pub(crate) scores: Vec<u8>,
    pub(crate) copies_dropped: u64,
    pub(crate) copied: f64,
    conversion: Option<Conversion>,
    any_hidden: bool,
}

/// A read in the sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    /// Number of the template in the run, from 0, to name it. The mates of a pair have the same number.
    pub(crate) template: u64,
    /// Hash of the template, whatever its place in the run: what is drawn for it depends on this.
    pub(crate) key: u64,
    /// Index of the first base in the sample.
    pub(crate) start: usize,
    /// Number of bases.
    pub(crate) length: usize,
    /// Bases of the read in front of these and behind them that are not of the sample.
    pub(crate) outside: [u32; 2],
    /// Whether it is the first mate of a pair; the second follows.
    pub(crate) has_mate: bool,
    /// 1, or 2 for a second mate, also where the first one is not in the run.
    pub(crate) mate: u8,
}

impl RunSample {
    /// Default capacity, in bases. With anchors and labels they take some 300 MB.
    pub const ROOM: usize = 24 << 20;

    /// Returns a sample without reads, with this limit of anchors.
    pub(crate) fn empty(limit: u64, conversion: Option<Conversion>) -> Self {
        Self {
            limit,
            reads_seen: 0,
            bases_seen: 0,
            longest: 0,
            reads: Vec::new(),
            bases: Vec::new(),
            scores: Vec::new(),
            copies_dropped: 0,
            copied: 0.0,
            conversion,
            any_hidden: false,
        }
    }

    /// Adds a template with the lengths of its reads, the bases outside of them, and their mate numbers,
    /// and with the codes and scores of all their bases.
    pub(crate) fn push(
        &mut self,
        template: u64,
        key: u64,
        reads: impl ExactSizeIterator<Item = (usize, [u32; 2], u8)>,
        codes: &[u8],
        scores: &[u8],
    ) {
        let (mut start, mates) = (self.bases.len(), reads.len());
        self.bases.extend_from_slice(codes);
        self.scores.extend_from_slice(scores);
        for (number, (length, outside, mate)) in reads.enumerate() {
            let has_mate = number == 0 && mates == 2;
            self.reads.push(Kept { template, key, start, length, outside, has_mate, mate });
            start += length;
        }
    }

    /// Halves the limit of anchors until there are at most this many, and drops templates without one.
    pub(crate) fn limit_anchors(&mut self, most: usize) {
        while self.limit > 0 && self.count_anchors(most) > most {
            self.limit /= 2;
            self.drop_without_anchor();
        }
    }

    /// Returns the number of anchors, or some number above `most`.
    fn count_anchors(&self, most: usize) -> usize {
        let mut found = 0;
        for read in 0..self.reads.len() {
            self.anchors_of(read, |_| found += 1);
            if found > most {
                break;
            }
        }
        found
    }

    fn drop_without_anchor(&mut self) {
        let before = std::mem::replace(self, Self { ..Self::empty(self.limit, self.conversion) });
        (self.reads_seen, self.bases_seen) = (before.reads_seen, before.bases_seen);
        (self.longest, self.copies_dropped) = (before.longest, before.copies_dropped);
        self.copied = before.copied;
        let mut at = 0;
        while let Some(first) = before.reads.get(at) {
            let reads = &before.reads[at..][..1 + usize::from(first.has_mate)];
            let mut found = false;
            (at..at + reads.len()).for_each(|read| {
                anchors(before.codes_of(read), self.limit, |_| found = true);
            });
            if found {
                let bases =
                    first.start..reads[reads.len() - 1].start + reads[reads.len() - 1].length;
                let parts = reads.iter().map(|read| (read.length, read.outside, read.mate));
                let (codes, scores) = (&before.bases[bases.clone()], &before.scores[bases]);
                self.push(first.template, first.key, parts, codes, scores);
            }
            at += reads.len();
        }
    }

    /// Returns which bases are written as one, if any are.
    pub fn conversion(&self) -> Option<Conversion> {
        self.conversion
    }

    /// Returns the number of reads observed.
    pub fn reads_seen(&self) -> u64 {
        self.reads_seen
    }

    /// Returns the number of bases observed.
    pub fn bases_seen(&self) -> u64 {
        self.bases_seen
    }

    /// Returns the number of reads in the sample.
    pub fn reads_kept(&self) -> usize {
        self.reads.len()
    }

    /// Returns the number of bases in the sample.
    pub fn bases_kept(&self) -> usize {
        self.bases.len()
    }

    /// Returns the length of the longest read observed, in bases.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Returns the number of k-mers per anchor.
    pub(crate) fn kmers_per_anchor(&self) -> f64 {
        u64::MAX as f64 / self.limit as f64
    }

    /// Returns the part of the reads with varied qualities that are exact copies of others.
    pub fn copied(&self) -> f64 {
        self.copied
    }

    /// Returns the number of reads left out as exact copies of others; 0 unless the run has many.
    pub fn copies_dropped(&self) -> u64 {
        self.copies_dropped
    }

    /// Returns whether the reads have gaps, most in homopolymers, rather than wrong bases: whether they
    /// are long, or their qualities are like Nanopore's.
    pub(crate) fn are_long(&self) -> bool {
        self.traits().are_long()
    }

    /// Returns what the reads are like, as far as it tells whether their errors are gaps.
    pub(crate) fn traits(&self) -> Traits {
        let mut traits = Traits::default();
        for read in &self.reads {
            traits.add(self.scores[read.start..][..read.length].iter().copied());
        }
        traits
    }

    /// Returns the index of the base of a read that a cycle made, if it is in the sample.
    pub(crate) fn base_of_cycle(&self, read: usize, cycle: usize) -> Option<usize> {
        let Kept { start, length, outside, .. } = self.reads[read];
        let at = cycle.checked_sub(outside[0] as usize)?;
        (at < length).then_some(start + at)
    }

    /// Hides the bases that these cycles made, and no others: they are left out where reads are
    /// compared.
    pub(crate) fn hide(&mut self, cycles: &[Cycle]) {
        self.bases.iter_mut().for_each(|base| *base &= !HIDDEN);
        self.any_hidden = !cycles.is_empty();
        for read in 0..self.reads.len() {
            let mate = self.reads[read].mate;
            for cycle in cycles.iter().filter(|cycle| cycle.mate == mate) {
                if let Some(at) = self.base_of_cycle(read, cycle.number) {
                    self.bases[at] |= HIDDEN;
                }
            }
        }
    }

    /// Returns whether a base is hidden.
    pub(crate) fn is_hidden(&self, at: usize) -> bool {
        self.bases[at] & HIDDEN != 0
    }

    /// Returns the indices in a read of its bases that are hidden.
    pub(crate) fn hidden_in(&self, read: usize) -> impl Iterator<Item = usize> {
        let Kept { start, length, .. } = self.reads[read];
        (0..length).filter(move |at| self.any_hidden && self.is_hidden(start + at))
    }

    /// Returns the base codes of a part of the sample, those of hidden bases too.
    pub(crate) fn codes(&self, bases: Range<usize>) -> impl Iterator<Item = u8> {
        self.bases[bases].iter().map(|base| seen(*base))
    }

    /// Calls `take` with each anchor of a read of the sample.
    pub(crate) fn anchors_of(&self, read: usize, take: impl FnMut(Anchor)) {
        anchors(self.codes_of(read), self.limit, take);
    }

    /// Returns the base codes of a read, [`HIDDEN`] included.
    fn codes_of(&self, read: usize) -> impl Iterator<Item = u8> {
        let Kept { start, length, .. } = self.reads[read];
        self.bases[start..start + length].iter().copied()
    }
}

/// Returns the code of a base, also of a hidden one, on either strand.
pub(crate) fn seen(base: u8) -> u8 {
    let code = base & !HIDDEN;
    if code < UNKNOWN { code } else { UNKNOWN }
}
