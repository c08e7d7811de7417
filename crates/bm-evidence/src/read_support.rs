//! The support of each base of a read by the k-mers of its run.
//!
//! A read is laid out in tiles, k-mers that do not overlap. A tile that other reads have supports
//! all its bases at once. Between supported tiles, the k-mers of the run are followed base by base
//! from the left and from the right ([`crate::walk`]): a base is contradicted where more reads
//! continue with another base, and after it as the read does.
//!
//! If memory was short and only a sample of the k-mers was counted, there are no walks: each
//! sampled k-mer of the read is looked up, and one that no other read has makes candidates of those
//! of its bases that no other k-mer supports; [`crate::explain`] weighs them.

use std::ops::Range;

use bm_kmers::{Hashes, Index, is_sampled};
use bm_reads::base::UNKNOWN;

use crate::base_support::{BaseSupport, Side};
use crate::explain::Explainer;
use crate::walk::{Reached, Step, Strand, Walk};

/// A tile is not supported if a neighbour has more than this many times its count: the tile may
/// belong to another sequence.
const NEIGHBOUR_RATIO: u32 = 4;

/// K-mers of a read that are prefetched for a walk: about as many as one error affects.
const NEAR: usize = 32;

/// A read ready for look-up: its k-mers are hashed, and their counts are being loaded into the
/// cache.
#[derive(Clone, Debug, Default)]
pub struct PreparedRead {
    codes: Vec<u8>,
    hashes: Hashes,
}

impl PreparedRead {
    /// Replaces the read by one with these base codes ([`bm_reads::base::code`]), for look-up in
    /// the same index.
    pub fn prepare(&mut self, index: &Index, codes: impl Iterator<Item = u8>) {
        self.codes.clear();
        self.codes.extend(codes);
        self.hashes.fill(&self.codes, index.k());
        if index.level() == 0 {
            self.tiles(index.k())
                .filter_map(|start| self.hashes.at(start))
                .for_each(|hash| index.prefetch(hash));
        }
    }

    /// Forgets the read, and keeps memory for a read of at most this many bases.
    pub fn shrink_to(&mut self, bases: usize) {
        self.codes.clear();
        self.codes.shrink_to(bases);
        self.hashes.shrink_to(bases);
    }

    /// Returns the starts of the tiles: k-mers that do not overlap, and one that ends with the
    /// read.
    fn tiles(&self, k: usize) -> impl Iterator<Item = usize> {
        let length = self.codes.len();
        let last = (length > k && !length.is_multiple_of(k)).then(|| length - k);
        (0..length / k).map(move |tile| tile * k).chain(last)
    }
}

/// The support of each base of a read, with buffers to reuse for the next read.
#[derive(Clone, Debug, Default)]
pub struct ReadSupport {
    tiles: Vec<Tile>,
    counts: Vec<u32>,
    /// In a sampled index: the k-mers that no other read has, those with the fewest candidates
    /// first.
    unsupported: Vec<UnsupportedKmer>,
    sides: [Vec<Side>; 2],
    path: Vec<Step>,
    bases: Vec<BaseSupport>,
    depth: u32,
    explainer: Explainer,
}

/// A k-mer of the read, and its count in the run.
#[derive(Clone, Copy, Debug)]
struct Tile {
    start: usize,
    count: u32,
}

/// A k-mer that no other read has. Fields in the order of sorting.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct UnsupportedKmer {
    /// Number of its bases that no other k-mer supports: one of them is wrong, or the place was
    /// read once.
    candidates: usize,
    start: usize,
}

impl ReadSupport {
    /// Returns the support of each base of a read that was prepared with the same index.
    ///
    /// **Shape** `[bases]`.
    pub fn look_up(&mut self, index: &Index, read: &PreparedRead) -> &[BaseSupport] {
        let length = read.codes.len();
        self.bases.clear();
        self.bases.resize(length, BaseSupport::NONE);
        self.depth = 0;
        self.unsupported.clear();
        self.tiles.clear();
        if length >= index.k() {
            if index.level() == 0 {
                self.look_up_all(index, read)
            } else {
                self.look_up_sampled(index, read)
            }
        }
        &self.bases
    }

    /// Returns the support of each base of the last read.
    ///
    /// **Shape** `[bases]`.
    pub fn bases(&self) -> &[BaseSupport] {
        &self.bases
    }

    /// States that cycles which were not counted made these bases of the last read: that few reads have
    /// them says nothing.
    pub fn set_uncounted(&mut self, bases: impl Iterator<Item = usize>) {
        for at in bases {
            if let Some(base) = self.bases.get_mut(at) {
                *base = base.at_uncounted_cycle();
            }
        }
    }

    /// Forgets the last read, and keeps memory for a read of at most this many bases.
    pub fn shrink_to(&mut self, bases: usize) {
        let Self { tiles, counts, unsupported, sides, path, bases: support, depth, explainer } =
            self;
        tiles.clear();
        tiles.shrink_to(bases);
        counts.clear();
        counts.shrink_to(bases);
        unsupported.clear();
        unsupported.shrink_to(bases);
        sides.iter_mut().for_each(|side| {
            side.clear();
            side.shrink_to(bases);
        });
        path.clear();
        path.shrink_to(bases);
        support.clear();
        support.shrink_to(bases);
        *depth = 0;
        explainer.shrink_to(bases);
    }

    /// Returns the depth of the last read: the median count of its k-mers that other reads have; 0
    /// if there are none.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// Replaces the error probabilities of the candidate bases in the unsupported k-mers of the last
    /// read by those given that each of these k-mers has an error, or is of no other read by chance, with
    /// probability 1/`factor` ([`crate::explain`]).
    pub(crate) fn explain_unsupported(
        &mut self,
        index: &Index,
        factor: f32,
        probabilities: &mut [f32],
    ) {
        let k = index.k();
        if self.unsupported.is_empty() {
            return;
        }
        let length = probabilities.len().min(self.counts.len());
        let unsupported = self.tiles.iter().filter(|tile| tile.count < 2).map(|tile| tile.start);
        let unsupported = unsupported.take_while(|start| start + k <= length);
        self.explainer.explain(unsupported, k, factor, &self.counts, probabilities);
    }

    /// Returns the probability of at least one wrong candidate base for each unsupported k-mer of
    /// the last read, leaving out k-mers that overlap an earlier one.
    ///
    /// `probabilities` are the error probabilities of the bases, of shape `[bases]`.
    pub fn unsupported_kmers(
        &self,
        index: &Index,
        probabilities: &[f32],
    ) -> impl Iterator<Item = f64> {
        let mut last: Vec<usize> = Vec::new();
        let apart = move |each: &&UnsupportedKmer| {
            let is_apart = last.iter().all(|start| start.abs_diff(each.start) >= index.k());
            last.extend(is_apart.then_some(each.start));
            is_apart
        };
        self.unsupported.iter().filter(apart).filter_map(|each| {
            let bases = each.start..each.start + index.k();
            Some(any_error(self.counts.get(bases.clone())?, probabilities.get(bases)?))
        })
    }

    /// Returns the number of k-mers of the last read that other reads have, of those looked up.
    pub fn supported_kmers(&self) -> u64 {
        self.tiles.iter().filter(|tile| tile.count > 1).count() as u64
    }

    /// Looks up a sample of the k-mers: a base is supported if a supported k-mer has it; all other
    /// bases of an unsupported k-mer are its candidates.
    fn look_up_sampled(&mut self, index: &Index, read: &PreparedRead) {
        let (k, level) = (index.k(), index.level());
        let PreparedRead { codes, hashes } = read;
        let Self { tiles, bases, counts, unsupported, .. } = self;
        let kmers = (0..=codes.len() - k).filter_map(|start| Some((start, hashes.at(start)?)));
        let looked_at = kmers.filter(|(_, hash)| is_sampled(*hash, level));
        tiles.extend(looked_at.map(|(start, hash)| Tile { start, count: index.count(hash) }));
        self.depth = median_count(tiles, counts);
        if self.depth == 0 {
            // A place that was read once is not wrong for that reason.
            return;
        }
        // For each base the highest count of the k-mers that have it.
        counts.clear();
        counts.resize(codes.len(), 0);
        for tile in tiles.iter() {
            counts[tile.start..tile.start + k]
                .iter_mut()
                .for_each(|count| *count = tile.count.max(*count));
        }
        for tile in tiles.iter().filter(|tile| tile.count < 2) {
            let span = tile.start..tile.start + k;
            let candidates = counts[span.clone()].iter().filter(|count| **count < 2).count();
            unsupported.push(UnsupportedKmer { candidates, start: tile.start });
            for at in span.filter(|at| counts[*at] < 2) {
                let support = BaseSupport::candidate(candidates);
                // The k-mer with the fewest candidates narrows the error down best.
                if bases[at] == BaseSupport::NONE || support.number() < bases[at].number() {
                    bases[at] = support;
                }
            }
        }
        unsupported.sort_unstable();
        for (base, count) in bases.iter_mut().zip(counts) {
            if *count > 1 {
                *base = BaseSupport::seen(*count, self.depth);
            }
        }
    }

    /// Looks up tiles, and walks between them.
    fn look_up_all(&mut self, index: &Index, read: &PreparedRead) {
        let (k, length) = (index.k(), read.codes.len());
        let count = |start| read.hashes.at(start).map_or(0, |hash| index.count(hash));
        self.tiles.extend(read.tiles(k).map(|start| Tile { start, count: count(start) }));
        self.depth = median_count(&self.tiles, &mut self.counts);
        if self.depth == 0 {
            return;
        }
        let mut gap_from = 0;
        let mut before: Option<Tile> = None;
        for i in 0..self.tiles.len() {
            let tile = self.tiles[i];
            let beside = [i.checked_sub(1), Some(i + 1)]
                .into_iter()
                .flatten()
                .filter_map(|i| self.tiles.get(i));
            // If a neighbour has a much higher count, this tile may belong to another sequence.
            let most = beside.map(|tile| tile.count).max().unwrap_or(0);
            if tile.count < 2 || NEIGHBOUR_RATIO * tile.count < most {
                continue;
            }
            let bases = tile.start..tile.start + k;
            if gap_from < tile.start {
                self.bridge(index, read, gap_from..tile.start, before, Some(tile));
            }
            let seen = BaseSupport::seen(tile.count, self.depth);
            self.bases[gap_from.max(tile.start)..bases.end].fill(seen);
            gap_from = bases.end;
            before = Some(tile);
        }
        if gap_from < length && before.is_some() {
            self.bridge(index, read, gap_from..length, before, None);
        }
    }

    /// Walks over the bases between two supported tiles, from both sides.
    fn bridge(
        &mut self,
        index: &Index,
        read: &PreparedRead,
        gap: Range<usize>,
        left: Option<Tile>,
        right: Option<Tile>,
    ) {
        let PreparedRead { codes, hashes } = read;
        let (Range { start, end }, length) = (gap, codes.len());
        self.sides.iter_mut().for_each(|sides| {
            sides.clear();
            sides.resize(end - start, Side::NONE);
        });
        let Self { sides: [forward, backward], path, .. } = self;
        let walk = Walk { index, depth: self.depth };
        let (k, there, back) =
            (index.k(), Strand::<false> { codes, hashes }, Strand::<true> { codes, hashes });
        let mut forward = |at: usize, side| forward[at - start] = side;
        let mut backward = |at: usize, side| backward[length - 1 - at - start] = side;
        // The walk from the left looks up k-mers that start before the gap, the walk from the right
        // those that start in it. In a long gap walks end soon.
        let near = (end - start).min(NEAR);
        if left.is_some() {
            hashes.prefetch(index, start + 1 - k..start + 1 - k + near);
        }
        if right.is_some() {
            hashes.prefetch(index, end - near..end);
        }
        // First over the supported bases, from both sides.
        let from_left = left.map(|tile| {
            walk.along_supported(
                there,
                Reached { at: tile.start + k, reads: tile.count },
                end,
                &mut forward,
            )
        });
        let from_right = right.map(|tile| {
            walk.along_supported(
                back,
                Reached { at: length - tile.start, reads: tile.count },
                length - start,
                &mut backward,
            )
        });
        let meet = match (&from_left, &from_right) {
            (Some(left), Some(right)) => left.at == end || left.at + right.at + 1 == length,
            _ => false,
        };
        if let Some(reached) = from_left {
            walk.follow(
                there,
                reached,
                if meet { end.min(reached.at + 1) } else { end },
                path,
                forward,
            );
        }
        if let Some(reached) =
            from_right.filter(|_| !meet || from_left.is_some_and(|left| left.at < end))
        {
            walk.follow(
                back,
                reached,
                if meet { reached.at + 1 } else { length - start },
                path,
                backward,
            );
        }
        for ((at, one), other) in (start..end).zip(&self.sides[0]).zip(&self.sides[1]) {
            // An unknown base cannot be contradicted.
            if codes[at] < UNKNOWN {
                self.bases[at] = BaseSupport::of_sides(*one, *other);
            }
        }
    }
}

/// Returns the probability that at least one of the unsupported bases is wrong.
fn any_error(counts: &[u32], probabilities: &[f32]) -> f64 {
    let candidates = probabilities.iter().zip(counts).filter(|(_, count)| **count < 2);
    let none: f64 = candidates.map(|(p, _)| (-f64::from(*p).min(1.0 - 1e-9)).ln_1p()).sum();
    -none.exp_m1()
}

/// Returns the median count of the tiles that other reads have; 0 if there are none.
fn median_count(tiles: &[Tile], counts: &mut Vec<u32>) -> u32 {
    counts.clear();
    counts.extend(tiles.iter().map(|tile| tile.count).filter(|count| *count > 1));
    let middle = counts.len() / 2;
    if counts.is_empty() { 0 } else { *counts.select_nth_unstable(middle).1 }
}
