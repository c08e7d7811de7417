//! Walks along the k-mers of a run beside a read.
//!
//! A walk starts at bases that other reads have, and follows the k-mers of the run base by base.
//! Where more reads continue with another base, the walk takes that base, so that a second error
//! near the first is found as well. A walk that gets out of step with the read looks for a gap, and
//! stops if there is none.

use bm_kmers::kmer::Window;
use bm_kmers::{Hashes, Index};
use bm_reads::base::UNKNOWN;

use crate::base_support::{DOMINANT, Side};

/// Bases that are compared ahead to choose between two continuations.
const AHEAD: usize = 12;

/// A walk is out of step if it differs from the read in [`DIFFERENT`] of the last [`RECENT`] bases.
const DIFFERENT: u32 = 6;
const RECENT: u32 = 10;

/// Bases of the next [`AHEAD`] that must agree after a gap.
const AGREEING: usize = 9;

/// K-mers that are prefetched for a walk that has left the read's own k-mers.
const PREFETCHED: usize = 16;

/// Longest gap, in bases.
const LONGEST_GAP: usize = 2;

/// A read in the direction of a walk: its own strand, or the other one if `BACK`.
#[derive(Clone, Copy)]
pub(crate) struct Strand<'a, const BACK: bool> {
    pub(crate) codes: &'a [u8],
    pub(crate) hashes: &'a Hashes,
}

impl<const BACK: bool> Strand<'_, BACK> {
    /// Returns the code of a base.
    #[inline(always)]
    pub(crate) fn code(self, at: usize) -> u8 {
        if !BACK {
            return self.codes[at];
        }
        let code = self.codes[self.codes.len() - 1 - at];
        if code < UNKNOWN { 3 - code } else { UNKNOWN }
    }

    /// Returns the hash of the read's k-mer that ends with a base, if all its bases are known.
    #[inline(always)]
    pub(crate) fn hash(self, at: usize, k: usize) -> Option<u64> {
        self.hashes.at(if BACK { self.codes.len() - 1 - at } else { at + 1 - k })
    }

    /// Returns the `k` bases before a base.
    pub(crate) fn window(self, at: usize, k: usize) -> Window {
        let of = |start| Window::of(k, self.hashes.kmer(start));
        if BACK { of(self.codes.len() - at).reverse_complement() } else { of(at - k) }
    }
}

/// A step of a walk, which may have to be taken back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    at: usize,
    side: Side,
    /// The window before the base.
    before: Window,
    /// Reads that have the base before.
    reads: u32,
}

/// A walk beside a read of this depth.
pub(crate) struct Walk<'a> {
    pub(crate) index: &'a Index,
    pub(crate) depth: u32,
}

/// How far the read's own k-mers are supported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    /// The first base beyond.
    pub(crate) at: usize,
    /// Reads that have the base before.
    pub(crate) reads: u32,
}

/// Where a walk is: the next base of the read, the window before it, and the reads that have it.
#[derive(Clone, Copy, Debug)]
struct Position {
    at: usize,
    window: Window,
    reads: u32,
}

/// A base after a window, and the reads that have it.
#[derive(Clone, Copy, Debug)]
struct Alternative {
    code: u8,
    reads: u32,
}

impl Walk<'_> {
    /// Prefetches the k-mers that the walk looks up if the read is supported from here to `end`.
    #[inline(always)]
    fn prefetch<const BACK: bool>(&self, strand: Strand<'_, BACK>, position: Position, end: usize) {
        let mut window = position.window;
        for at in (position.at..end).take(PREFETCHED) {
            let code = strand.code(at);
            if code >= UNKNOWN {
                break;
            }
            window.push(code);
            self.index.prefetch(window.hash());
        }
    }

    /// Walks over supported bases before `end`, and calls `record` for each; returns where the walk
    /// stopped.
    #[inline(always)]
    pub(crate) fn along_supported<const BACK: bool>(
        &self,
        strand: Strand<'_, BACK>,
        mut reached: Reached,
        end: usize,
        record: &mut impl FnMut(usize, Side),
    ) -> Reached {
        while reached.at < end
            && let Some(hash) = strand.hash(reached.at, self.index.k())
        {
            let own = self.index.count(hash);
            if own < 2 || 2 * own < reached.reads {
                break;
            }
            record(reached.at, Side::supported(own, self.depth));
            reached = Reached { at: reached.at + 1, reads: own };
        }
        reached
    }

    /// Walks over the bases before `end`, and calls `record` with what was found at each.
    pub(crate) fn follow<const BACK: bool>(
        &self,
        strand: Strand<'_, BACK>,
        reached: Reached,
        end: usize,
        path: &mut Vec<Step>,
        mut record: impl FnMut(usize, Side),
    ) {
        if reached.at >= end {
            return;
        }
        let mut position = Position {
            at: reached.at,
            window: strand.window(reached.at, self.index.k()),
            reads: reached.reads,
        };
        let (mut recent, mut gap) = (0, None);
        path.clear();
        while position.at < end {
            let (side, differs, next) = self.step(strand, position);
            // After a deletion in the read, the walk continues at the base that was recorded as a
            // gap.
            let side = if gap == Some(position.at) { Side::GAP } else { side };
            path.push(Step {
                at: position.at,
                side,
                before: position.window,
                reads: position.reads,
            });
            recent = (recent << 1 | u32::from(differs)) & ((1 << RECENT) - 1);
            let out_of_step = recent.count_ones() >= DIFFERENT;
            if let Some(next) = next.filter(|_| !out_of_step) {
                if differs {
                    self.prefetch(strand, next, end);
                }
                position = next;
                continue;
            }
            // Back to the first difference: the steps since then are unreliable.
            let back = if out_of_step { (u32::BITS - recent.leading_zeros()) as usize } else { 1 };
            let first = path.len() - back.min(path.len());
            let Step { at, before, reads, .. } = path[first];
            path.truncate(first);
            match self.across_gap(strand, Position { at, window: before, reads }) {
                Some(beyond) => {
                    record(at, Side::GAP);
                    gap = Some(at);
                    position = beyond;
                    recent = 0;
                }
                None => {
                    record(at, if out_of_step { Side::NONE } else { Side::DEAD_END });
                    break;
                }
            }
        }
        path.drain(..).for_each(|step| record(step.at, step.side));
    }

    /// Returns what was found at the next base, whether the walk takes another base than the read,
    /// and where it continues, if it does.
    #[inline(always)]
    fn step<const BACK: bool>(
        &self,
        strand: Strand<'_, BACK>,
        position: Position,
    ) -> (Side, bool, Option<Position>) {
        let Position { at, window, reads } = position;
        let code = strand.code(at);
        let own = if code < UNKNOWN { self.count(window.then(code)) } else { 0 };
        let with = |code, reads| Some(Position { at: at + 1, window: window.then(code), reads });
        if own > 1 && 2 * own >= reads {
            return (Side::supported(own, self.depth), false, with(code, own));
        }
        let other = self.most_frequent(window, Some(code));
        if own < 2 && other.reads < 2 {
            return (Side::DEAD_END, false, None);
        }
        if own >= other.reads {
            return (Side::supported(own, self.depth), false, with(code, own));
        }
        if own > 1 && self.prefers_own(strand, position, own, other) {
            return (Side::followed(own, other.reads), false, with(code, own));
        }
        (Side::contradicted(own, other.reads), code < UNKNOWN, with(other.code, other.reads))
    }

    /// Returns whether the walk continues with the read's own base although more reads have
    /// another.
    #[cold]
    fn prefers_own<const BACK: bool>(
        &self,
        strand: Strand<'_, BACK>,
        position: Position,
        own: u32,
        other: Alternative,
    ) -> bool {
        let agree = |code| {
            self.agreement_ahead(
                strand,
                Position { at: position.at + 1, window: position.window.then(code), ..position },
            )
        };
        let (ours, theirs) = (agree(strand.code(position.at)), agree(other.code));
        ours > theirs || ours == theirs && DOMINANT * own >= other.reads
    }

    /// Returns how many of the next bases agree with the run's k-mers. Each step follows the read's
    /// own base unless it is rare, else the most frequent base.
    fn agreement_ahead<const BACK: bool>(
        &self,
        strand: Strand<'_, BACK>,
        position: Position,
    ) -> usize {
        let (mut window, mut agree) = (position.window, 0);
        for at in (position.at..strand.codes.len()).take(AHEAD) {
            let code = strand.code(at);
            let best = self.most_frequent(window, None);
            if best.reads < 2 {
                break;
            }
            let own = if code < UNKNOWN { self.count(window.then(code)) } else { 0 };
            let follows = own > 1 && DOMINANT * own >= best.reads;
            agree += usize::from(follows);
            window.push(if follows { code } else { best.code });
        }
        agree
    }

    /// Returns where the walk continues after an insertion or a deletion in the read; `None` if
    /// neither brings it back in step.
    #[cold]
    fn across_gap<const BACK: bool>(
        &self,
        strand: Strand<'_, BACK>,
        position: Position,
    ) -> Option<Position> {
        let Position { at, mut window, reads } = position;
        let mut found = (AGREEING - 1, None);
        for gap in 1..=LONGEST_GAP {
            let inserted = Position { at: at + gap, ..position };
            window.push(self.most_frequent(window, None).code);
            let deleted = Position { at, window, reads };
            for beyond in [inserted, deleted] {
                let agree = self.agreement_ahead(strand, beyond);
                if agree > found.0 {
                    found = (agree, Some(beyond));
                }
            }
        }
        found.1
    }

    /// Returns the most frequent base after a window, other than `but`.
    fn most_frequent(&self, window: Window, but: Option<u8>) -> Alternative {
        let mut best = Alternative { code: 0, reads: 0 };
        for code in (0..UNKNOWN).filter(|code| Some(*code) != but) {
            let reads = self.count(window.then(code));
            if reads > best.reads {
                best = Alternative { code, reads };
            }
        }
        best
    }

    #[inline(always)]
    fn count(&self, window: Window) -> u32 {
        self.index.count(window.hash())
    }
}
