//! The reads of a run that are kept to learn from: as many as there is room for, chosen by their
//! content.

mod copies;

use bm_kmers::kmer::mix;
use bm_reads::base::code;
use bm_reads::{Phred, ReadError, ReadRef};

use self::copies::{Copies, fingerprint};
use crate::kmer::{Anchor, anchors};

/// One in so many k-mers is an anchor to begin with.
const FIRST_SHARE: u64 = 4;

/// Reads of more bases are not kept: a few of them would fill all the room.
const LONGEST: usize = 1 << 16;

/// Depth, in reads a place, that is enough: beyond it, fewer reads are kept and not fewer places.
const DEEP_ENOUGH: usize = 400;

/// A share of the reads of a run.
///
/// Reads are kept that have an anchor, a k-mer whose hash is low. When there is no more room, the
/// bound on hashes is halved and the reads that have none below it are dropped: so of the places
/// that are left all reads are there. Where that would leave few places with very many reads each,
/// every second read is dropped instead. What is kept depends on the reads and their order only.
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
    /// Base codes of the reads, one read after the other.
    pub(crate) bases: Vec<u8>,
    /// Their Phred scores.
    pub(crate) scores: Vec<u8>,
    /// Anchors of all reads.
    anchors: usize,
    /// Whether there may be fewer, as reads were dropped or the bound halved since they were
    /// counted, which takes its time.
    anchors_may_be_fewer: bool,
    copies: Copies,
    copies_dropped: u64,
}

/// A read that is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    /// Number of its template in the run, from 0: the mates of a pair share it.
    pub(crate) template: u64,
    /// Its first base in the sample.
    pub(crate) start: usize,
    /// Its bases.
    pub(crate) length: usize,
    /// Whether it is the first mate of a pair; the second follows.
    pub(crate) has_mate: bool,
    /// Lowest hash of the anchors of its template.
    lowest: u64,
    fingerprint: u64,
    is_copy: bool,
}

impl RunSample {
    /// Bases that there is room for by default: they, their anchors and their labels take some 300
    /// MB.
    pub const ROOM: usize = 24 << 20;

    /// Returns an empty sample with room for so many bases.
    pub fn new(room: usize) -> Self {
        Self {
            room: room.min(u32::MAX as usize),
            limit: u64::MAX / FIRST_SHARE,
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
        }
    }

    /// Returns the number of reads that it was shown.
    pub fn reads_seen(&self) -> u64 {
        self.reads_seen
    }

    /// Returns the number of their bases.
    pub fn bases_seen(&self) -> u64 {
        self.bases_seen
    }

    /// Returns the number of reads that are kept.
    pub fn reads_kept(&self) -> usize {
        self.reads.len()
    }

    /// Returns the number of their bases.
    pub fn bases_kept(&self) -> usize {
        self.bases.len()
    }

    /// Returns the bases of the longest read that it was shown.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Returns how many k-mers there are for each anchor.
    pub(crate) fn kmers_an_anchor(&self) -> f64 {
        u64::MAX as f64 / self.limit as f64
    }

    /// Returns the number of reads that were left out as copies of others, byte for byte; 0 unless
    /// the file is full of them.
    pub fn copies_dropped(&self) -> u64 {
        self.copies_dropped
    }

    /// Shows it the next read of the run.
    ///
    /// # Errors
    ///
    /// An [`ReadError`] where the read is not in order: lengths that differ, or a byte that is no
    /// quality score.
    pub fn observe(&mut self, read: ReadRef<'_>) -> Result<(), ReadError> {
        self.observe_template(&[read])
    }

    /// Shows it the next pair of mates.
    ///
    /// # Errors
    ///
    /// As [`RunSample::observe`].
    pub fn observe_pair(
        &mut self,
        first: ReadRef<'_>,
        second: ReadRef<'_>,
    ) -> Result<(), ReadError> {
        self.observe_template(&[first, second])
    }

    fn observe_template(&mut self, reads: &[ReadRef<'_>]) -> Result<(), ReadError> {
        let template = self.templates;
        self.templates += 1;
        let mut longest = 0;
        let mut all = true;
        for read in reads {
            match read.check_scorable() {
                Ok(()) => {}
                // Nothing to see, and nothing wrong with it.
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
        for read in reads {
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

    fn keep(&mut self, template: u64, reads: &[ReadRef<'_>], lowest: u64, found: usize) {
        let (first_read, first_base) = (self.reads.len(), self.bases.len());
        for (i, read) in reads.iter().enumerate() {
            let start = self.bases.len();
            self.bases.extend(read.sequence.iter().map(|base| code(*base)));
            self.scores.extend(read.quality_scores.iter().map(|byte| byte - Phred::OFFSET));
            let has_mate = i == 0 && reads.len() == 2;
            self.reads.push(Kept {
                template,
                start,
                length: read.len(),
                has_mate,
                lowest,
                fingerprint: 0,
                is_copy: false,
            });
        }
        let scores = &self.scores[first_base..];
        let fingerprint = fingerprint(&self.bases[first_base..], scores);
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

    /// Drops reads until there is room for the rest.
    fn make_room(&mut self) {
        // An anchor takes about as much room as eight bases.
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

    /// In how many templates the anchor of a typical one is, judged by the few anchors with the
    /// very lowest hashes.
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

    /// Calls `take` with each anchor of a kept read.
    pub(crate) fn anchors_of(&self, read: usize, take: impl FnMut(Anchor)) {
        let Kept { start, length, .. } = self.reads[read];
        anchors(self.bases[start..start + length].iter().copied(), self.limit, take);
    }
}
