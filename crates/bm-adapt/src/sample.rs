//! A sample of a run's reads to learn from, chosen by their content, in bounded memory.

mod copies;

use std::ops::Range;

use bm_kmers::kmer::mix;
use bm_reads::base::{UNKNOWN, code};
use bm_reads::conversion::Conversion;
use bm_reads::{Phred, PlacedRead, ReadError, ReadRef};

use self::copies::Copies;
use crate::anchors::{Anchor, anchors};
use crate::fingerprint::hash_with;

/// One in this many k-mers is an anchor at the start.
const FIRST_KMERS_PER_ANCHOR: u64 = 4;

/// Longer reads are not kept: a few of them would fill the sample.
const LONGEST: usize = 1 << 16;

/// Depth, in reads per position, above which fewer reads are kept instead of fewer positions.
const DEEP_ENOUGH: usize = 400;

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

/// A sample of the reads of a run, in bounded memory.
///
/// A read is kept if it has an anchor: a k-mer whose hash is below a limit. When the sample is
/// full, the limit is halved and reads without an anchor below it are dropped, so the positions
/// that remain keep their full depth. If that would leave few positions of very high depth, every
/// second read is dropped instead. The sample depends on the reads and their order only.
#[derive(Clone, Debug)]
pub struct RunSample {
    room: usize,
    limit: u64,
    template_limit: u64,
    templates: u64,
    reads_seen: u64,
    bases_seen: u64,
    longest: usize,
    pub(crate) reads: Vec<Kept>,
    /// Base codes of the reads, one read after the other, with [`HIDDEN`] added to some.
    pub(crate) bases: Vec<u8>,
    /// Their Phred scores.
    pub(crate) scores: Vec<u8>,
    /// Number of anchors in all reads.
    anchors: usize,
    /// Whether the number may be too high: reads were dropped or the limit halved since the anchors
    /// were counted.
    anchors_may_be_fewer: bool,
    copies: Copies,
    copies_dropped: u64,
    conversion: Option<Conversion>,
    any_hidden: bool,
}

/// A read in the sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    /// Number of the template in the run, from 0. The mates of a pair have the same number.
    pub(crate) template: u64,
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
    /// Lowest hash of the template's anchors.
    lowest: u64,
    fingerprint: u64,
    is_copy: bool,
}

impl RunSample {
    /// Default capacity, in bases. With anchors and labels they take some 300 MB.
    pub const ROOM: usize = 24 << 20;

    /// Returns an empty sample for at most `room` bases.
    pub fn new(room: usize) -> Self {
        Self {
            room: room.min(u32::MAX as usize),
            limit: u64::MAX / FIRST_KMERS_PER_ANCHOR,
            template_limit: u64::MAX,
            templates: 0,
            reads_seen: 0,
            bases_seen: 0,
            longest: 0,
            reads: Vec::new(),
            bases: Vec::new(),
            scores: Vec::new(),
            anchors: 0,
            anchors_may_be_fewer: false,
            copies: Copies::default(),
            copies_dropped: 0,
            conversion: None,
            any_hidden: false,
        }
    }

    /// States that in the reads that are observed, a base and what the library turns it into are
    /// written as one ([`Conversion::write_as_one`]): such differences are no errors.
    pub fn set_conversion(&mut self, conversion: Option<Conversion>) {
        self.conversion = conversion;
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

    /// Returns the number of reads left out as exact copies of others; 0 unless the file has many.
    pub fn copies_dropped(&self) -> u64 {
        self.copies_dropped
    }

    /// Observes the next read of the run, and keeps it or not.
    ///
    /// # Errors
    ///
    /// A [`ReadError`] if sequence and quality scores differ in length, or a byte is not a quality
    /// score.
    pub fn observe(&mut self, read: ReadRef<'_>) -> Result<(), ReadError> {
        self.observe_parts(&[(read.into(), 0..read.len())])
    }

    /// Observes the next two mates, and keeps both or neither.
    ///
    /// # Errors
    ///
    /// As [`RunSample::observe`].
    pub fn observe_pair(
        &mut self,
        first: ReadRef<'_>,
        second: ReadRef<'_>,
    ) -> Result<(), ReadError> {
        let second_mate = PlacedRead { read: second, mate: 2, before: 0 };
        self.observe_parts(&[(first.into(), 0..first.len()), (second_mate, 0..second.len())])
    }

    /// Observes the next template, a read or two mates, of each of which a part is of the sample, and
    /// keeps these parts or none. The reads are whole.
    ///
    /// # Errors
    ///
    /// As [`RunSample::observe`].
    pub fn observe_parts(
        &mut self,
        reads: &[(PlacedRead<'_>, Range<usize>)],
    ) -> Result<(), ReadError> {
        let template = self.templates;
        self.templates += 1;
        let mut longest = 0;
        let mut all = true;
        for (PlacedRead { read: whole, .. }, part) in reads {
            let read = whole.window(part.start, part.len());
            match read.check_scorable() {
                Ok(()) => {}
                // A valid read without bases to learn from.
                Err(ReadError::EmptyRead | ReadError::NoKnownBase) => all = false,
                Err(error) => return Err(error),
            }
            self.reads_seen += 1;
            self.bases_seen += read.len() as u64;
            longest = longest.max(read.len());
        }
        self.longest = self.longest.max(longest);
        if !all || longest > LONGEST.min(self.room) || mix(template) > self.template_limit {
            return Ok(());
        }
        let (mut lowest, mut found) = (u64::MAX, 0);
        for (PlacedRead { read, .. }, part) in reads {
            let read = read.window(part.start, part.len());
            anchors(read.sequence.iter().map(|base| code(*base)), self.limit, |anchor| {
                lowest = lowest.min(anchor.hash);
                found += 1;
            });
        }
        if found > 0 {
            self.keep(template, reads, lowest, found);
            self.make_room();
        }
        Ok(())
    }

    fn keep(
        &mut self,
        template: u64,
        reads: &[(PlacedRead<'_>, Range<usize>)],
        lowest: u64,
        found: usize,
    ) {
        let (first_read, first_base) = (self.reads.len(), self.bases.len());
        for (i, (placed, part)) in reads.iter().enumerate() {
            let whole = placed.read;
            let read = whole.window(part.start, part.len());
            let behind = whole.len() - part.start - read.len();
            let start = self.bases.len();
            self.bases.extend(read.sequence.iter().map(|base| code(*base)));
            self.scores.extend(read.quality_scores.iter().map(|byte| byte - Phred::OFFSET));
            let has_mate = i == 0 && reads.len() == 2;
            self.reads.push(Kept {
                template,
                start,
                length: read.len(),
                outside: [part.start, behind].map(|bases| bases as u32),
                has_mate,
                mate: placed.mate,
                lowest,
                fingerprint: 0,
                is_copy: false,
            });
        }
        let scores = &self.scores[first_base..];
        let fingerprint = hash_with(hash_with(0, &self.bases[first_base..]), scores);
        let is_copy = self.copies.observe(fingerprint, scores);
        for kept in &mut self.reads[first_read..] {
            (kept.fingerprint, kept.is_copy) = (fingerprint, is_copy);
        }
        if is_copy && self.copies.are_found() {
            self.copies_dropped += reads.len() as u64;
            self.reads.truncate(first_read);
            self.bases.truncate(first_base);
            self.scores.truncate(first_base);
            return;
        }
        self.anchors += found;
        if self.copies.are_found_now() {
            self.copies_dropped += self.reads.iter().filter(|read| read.is_copy).count() as u64;
            self.retain(|read| !read.is_copy);
        }
    }

    /// Drops reads until the rest fits.
    fn make_room(&mut self) {
        // An anchor takes about as much memory as eight bases.
        while self.bases.len() > self.room || self.anchors > self.room / 8 {
            if self.bases.len() <= self.room && self.anchors_may_be_fewer {
                self.count_all_anchors();
                continue;
            }
            if self.bases.len() > self.room && self.depth() > DEEP_ENOUGH {
                self.template_limit /= 2;
            } else {
                self.limit /= 2;
            }
            let (limit, template_limit) = (self.limit, self.template_limit);
            self.retain(|read| read.lowest < limit && mix(read.template) <= template_limit);
            self.copies.restart(self.reads.iter().map(|read| read.fingerprint));
        }
    }

    fn retain(&mut self, stays: impl Fn(&Kept) -> bool) {
        let mut end = 0;
        let Self { reads, bases, scores, .. } = self;
        reads.retain_mut(|read| {
            let stays = stays(read);
            if stays {
                bases.copy_within(read.start..read.start + read.length, end);
                scores.copy_within(read.start..read.start + read.length, end);
                read.start = end;
                end += read.length;
            }
            stays
        });
        self.bases.truncate(end);
        self.scores.truncate(end);
        self.anchors_may_be_fewer = true;
    }

    fn count_all_anchors(&mut self) {
        self.anchors_may_be_fewer = false;
        self.anchors = (0..self.reads.len()).map(|read| self.count_anchors(read)).sum();
    }

    /// Returns the median depth, estimated from the lowest anchor of each template.
    fn depth(&self) -> usize {
        let mut lowest: Vec<_> = self.reads.iter().map(|read| read.lowest).collect();
        lowest.sort_unstable();
        let mut sizes: Vec<_> = lowest
            .chunk_by(|a, b| a == b)
            .flat_map(|group| group.iter().map(|_| group.len()))
            .collect();
        let middle = sizes.len() / 2;
        if sizes.is_empty() { 0 } else { *sizes.select_nth_unstable(middle).1 }
    }

    fn count_anchors(&self, read: usize) -> usize {
        let mut found = 0;
        self.anchors_of(read, |_| found += 1);
        found
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
        let Kept { start, length, .. } = self.reads[read];
        anchors(self.bases[start..start + length].iter().copied(), self.limit, take);
    }
}

/// Returns the code of a base, also of a hidden one, on either strand.
pub(crate) fn seen(base: u8) -> u8 {
    let code = base & !HIDDEN;
    if code < UNKNOWN { code } else { UNKNOWN }
}
