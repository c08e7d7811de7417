//! What the k-mers of a run say of each base of a read.
//!
//! A read is laid out in tiles, k-mers that do not overlap. Where other reads have a tile, they
//! bear out all its bases at once. Between tiles that stand, the run's k-mers are followed base by
//! base, from the left and from the right: where more reads go on with another base, and after it
//! as the read does, the base is contradicted, and the walk goes on with the base that others have.
//! So a second error near the first is seen as well. A walk that gets out of step looks for a gap,
//! and stops if there is none.

use std::ops::Range;

use bm_kmers::kmer::Window;
use bm_kmers::{Hashes, Index, is_sampled};
use bm_reads::base::UNKNOWN;

use crate::base_support::{BaseSupport, DOMINANT, Side};

/// Bases that are looked at ahead to tell two ways apart.
const AHEAD: usize = 12;

/// A tile stands if no other beside it is in so many times as many reads.
const TURNED: u32 = 4;

/// A walk that differs from the read in so many of the last bases is out of step.
const DIFFERENT: u32 = 6;
const RECENT: u32 = 10;

/// Bases of the next [`AHEAD`] that must agree after a gap.
const AGREEING: usize = 9;

/// K-mers that are asked for ahead of a walk that has left the read's own.
const EXPECTED: usize = 16;

/// K-mers of a read that are asked for ahead of a walk: about as many as one error spoils.
const NEAR: usize = 32;

/// Longest gap, in bases.
const GAP: usize = 2;

/// A read that is about to be looked at: the memory for its k-mers is asked for, so that it is
/// there by then.
#[derive(Clone, Debug, Default)]
pub struct PreparedRead {
    codes: Vec<u8>,
    hashes: Hashes,
}

impl PreparedRead {
    /// Makes it that of the read whose bases have these codes ([`bm_reads::base::code`]), to be looked
    /// at with the same index.
    pub fn prepare(&mut self, index: &Index, codes: impl Iterator<Item = u8>) {
        self.codes.clear();
        self.codes.extend(codes);
        self.hashes.fill(&self.codes, index.k());
        if index.level() == 0 {
            self.tiles(index.k())
                .filter_map(|start| self.hashes.at(start))
                .for_each(|hash| index.expect(hash));
        }
    }

    /// Returns where k-mers start that do not overlap, and one that ends with the read.
    fn tiles(&self, k: usize) -> impl Iterator<Item = usize> {
        let length = self.codes.len();
        let last = (length > k && !length.is_multiple_of(k)).then(|| length - k);
        (0..length / k).map(move |tile| tile * k).chain(last)
    }
}

/// What is known of a read, and the memory that a worker needs for it.
#[derive(Clone, Debug, Default)]
pub struct ReadSupport {
    tiles: Vec<Tile>,
    counts: Vec<u32>,
    /// Where only a share of the k-mers is looked at: those that nobody else has, the ones with the
    /// fewest suspects first.
    blames: Vec<Blame>,
    sides: [Vec<Side>; 2],
    path: Vec<Step>,
    statements: Vec<BaseSupport>,
    depth: u32,
}

/// A k-mer of a read.
#[derive(Clone, Copy, Debug)]
struct Tile {
    start: usize,
    count: u32,
}

/// A k-mer that nobody else has.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Blame {
    /// How many of its bases no other k-mer bears out: one of them is wrong, or the place is read
    /// once.
    suspects: usize,
    start: usize,
}

/// A step of a walk that may have to be taken back.
#[derive(Clone, Copy, Debug)]
struct Step {
    at: usize,
    side: Side,
    /// Before the base, with how many reads had the last one.
    before: Window,
    reads: u32,
}

impl ReadSupport {
    /// Looks at a read, which was prepared with the same index; returns a statement for each of its
    /// bases.
    pub fn look(&mut self, index: &Index, reading: &PreparedRead) -> &[BaseSupport] {
        let length = reading.codes.len();
        self.statements.clear();
        self.statements.resize(length, BaseSupport::NONE);
        self.depth = 0;
        self.blames.clear();
        self.tiles.clear();
        if length >= index.k() {
            if index.level() == 0 {
                self.look_at_all(index, reading)
            } else {
                self.look_at_some(index, reading)
            }
        }
        &self.statements
    }

    /// Returns the statements of the bases of the last read.
    pub fn statements(&self) -> &[BaseSupport] {
        &self.statements
    }

    /// Returns in how many reads a typical k-mer of the last read is; 0 if others have none of
    /// them.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// Spreads the blame of k-mers that nobody else has over the probabilities that the bases of
    /// the last read are wrong.
    ///
    /// A k-mer with probability q of at least one error among its suspects is seen nowhere else
    /// with certainty if there is one, and with probability 1/`blame` if there is none; by Bayes
    /// its odds of having one grow by `blame`, and the suspects share that by their own
    /// probabilities. One after the other, so that what explains one k-mer explains those that
    /// overlap it.
    pub(crate) fn spread_blame(&self, index: &Index, blame: f32, probabilities: &mut [f32]) {
        for each in &self.blames {
            let bases = each.start..each.start + index.k();
            let (Some(counts), Some(probabilities)) =
                (self.counts.get(bases.clone()), probabilities.get_mut(bases))
            else {
                continue;
            };
            let before = any_wrong(counts, probabilities);
            let wrong = before * f64::from(blame);
            let after = wrong / (wrong + 1.0 - before);
            if before > 0.0 {
                let grows = (after / before) as f32;
                for (p, _) in probabilities.iter_mut().zip(counts).filter(|(_, count)| **count < 2)
                {
                    *p = (*p * grows).min(1.0);
                }
            }
        }
    }

    /// Returns for k-mers that nobody else has, none of which overlaps another, how likely one of
    /// their suspects is wrong.
    pub fn blamed(&self, index: &Index, probabilities: &[f32]) -> impl Iterator<Item = f64> {
        let mut last: Vec<usize> = Vec::new();
        let apart = move |each: &&Blame| {
            let is_apart = last.iter().all(|start| start.abs_diff(each.start) >= index.k());
            last.extend(is_apart.then_some(each.start));
            is_apart
        };
        self.blames.iter().filter(apart).filter_map(|each| {
            let bases = each.start..each.start + index.k();
            Some(any_wrong(self.counts.get(bases.clone())?, probabilities.get(bases)?))
        })
    }

    /// Returns how many k-mers of the last read others have, of those that were looked at.
    pub fn shared(&self) -> u64 {
        self.tiles.iter().filter(|tile| tile.count > 1).count() as u64
    }

    /// By a share of the k-mers: a base stands if one of them stands that has it; one that does not
    /// stand blames all its other bases.
    fn look_at_some(&mut self, index: &Index, reading: &PreparedRead) {
        let (k, level) = (index.k(), index.level());
        let PreparedRead { codes, hashes } = reading;
        let Self { tiles, statements, counts, blames, .. } = self;
        let kmers = (0..=codes.len() - k).filter_map(|start| Some((start, hashes.at(start)?)));
        let looked_at = kmers.filter(|(_, hash)| is_sampled(*hash, level));
        tiles.extend(looked_at.map(|(start, hash)| Tile { start, count: index.count(hash) }));
        self.depth = typical(tiles, counts);
        if self.depth == 0 {
            // A place that is seen once is not wrong for that.
            return;
        }
        // The best count of a base by the k-mers that have it.
        counts.clear();
        counts.resize(codes.len(), 0);
        for tile in tiles.iter() {
            counts[tile.start..tile.start + k]
                .iter_mut()
                .for_each(|count| *count = tile.count.max(*count));
        }
        for tile in tiles.iter().filter(|tile| tile.count < 2) {
            let bases = tile.start..tile.start + k;
            let suspects = counts[bases.clone()].iter().filter(|count| **count < 2).count();
            blames.push(Blame { suspects, start: tile.start });
            for at in bases.filter(|at| counts[*at] < 2) {
                let blamed = BaseSupport::suspected(suspects);
                // Fewest suspects know best.
                if statements[at] == BaseSupport::NONE || blamed.number() < statements[at].number()
                {
                    statements[at] = blamed;
                }
            }
        }
        blames.sort_unstable();
        for (statement, count) in statements.iter_mut().zip(counts) {
            if *count > 1 {
                *statement = BaseSupport::seen(*count, self.depth);
            }
        }
    }

    /// By all k-mers.
    fn look_at_all(&mut self, index: &Index, reading: &PreparedRead) {
        let (k, length) = (index.k(), reading.codes.len());
        let count = |start| reading.hashes.at(start).map_or(0, |hash| index.count(hash));
        self.tiles.extend(reading.tiles(k).map(|start| Tile { start, count: count(start) }));
        self.depth = typical(&self.tiles, &mut self.counts);
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
            // Where there are many more beside, they may have turned off.
            let most = beside.map(|tile| tile.count).max().unwrap_or(0);
            if tile.count < 2 || TURNED * tile.count < most {
                continue;
            }
            let bases = tile.start..tile.start + k;
            if gap_from < tile.start {
                self.cross(index, reading, gap_from..tile.start, before, Some(tile));
            }
            let seen = BaseSupport::seen(tile.count, self.depth);
            self.statements[gap_from.max(tile.start)..bases.end].fill(seen);
            gap_from = bases.end;
            before = Some(tile);
        }
        if gap_from < length && before.is_some() {
            self.cross(index, reading, gap_from..length, before, None);
        }
    }

    /// Walks over the bases between two tiles that stand, from either.
    fn cross(
        &mut self,
        index: &Index,
        reading: &PreparedRead,
        gap: Range<usize>,
        left: Option<Tile>,
        right: Option<Tile>,
    ) {
        let PreparedRead { codes, hashes } = reading;
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
        // K-mers that begin before the gap, for the walk from the left, and in it, for the other
        // one. In a long gap walks end soon.
        let near = (end - start).min(NEAR);
        if left.is_some() {
            hashes.expect(index, start + 1 - k..start + 1 - k + near);
        }
        if right.is_some() {
            hashes.expect(index, end - near..end);
        }
        // The bases that nobody contradicts, from either side.
        let from_left = left.map(|tile| {
            walk.easily(there, Reached { at: tile.start + k, reads: tile.count }, end, &mut forward)
        });
        let from_right = right.map(|tile| {
            walk.easily(
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
        if let Some(place) = from_left {
            walk.run(there, place, if meet { end.min(place.at + 1) } else { end }, path, forward);
        }
        if let Some(place) =
            from_right.filter(|_| !meet || from_left.is_some_and(|left| left.at < end))
        {
            walk.run(back, place, if meet { place.at + 1 } else { length - start }, path, backward);
        }
        for ((at, one), other) in (start..end).zip(&self.sides[0]).zip(&self.sides[1]) {
            // Nobody can contradict a base that is unknown.
            if codes[at] < UNKNOWN {
                self.statements[at] = BaseSupport::of_sides(*one, *other);
            }
        }
    }
}

/// Returns how likely at least one of the bases is wrong that no k-mer bears out.
fn any_wrong(counts: &[u32], probabilities: &[f32]) -> f64 {
    let suspects = probabilities.iter().zip(counts).filter(|(_, count)| **count < 2);
    let none: f64 = suspects.map(|(p, _)| (-f64::from(*p).min(1.0 - 1e-9)).ln_1p()).sum();
    -none.exp_m1()
}

/// Returns the middle one of the counts of the k-mers that stand; 0 if there is none.
fn typical(tiles: &[Tile], counts: &mut Vec<u32>) -> u32 {
    counts.clear();
    counts.extend(tiles.iter().map(|tile| tile.count).filter(|count| *count > 1));
    let middle = counts.len() / 2;
    if counts.is_empty() { 0 } else { *counts.select_nth_unstable(middle).1 }
}

/// A read as it lies along a walk: its bases, or those of its other strand.
#[derive(Clone, Copy)]
struct Strand<'a, const BACK: bool> {
    codes: &'a [u8],
    hashes: &'a Hashes,
}

impl<const BACK: bool> Strand<'_, BACK> {
    /// Returns the code of a base.
    #[inline(always)]
    fn code(self, at: usize) -> u8 {
        if !BACK {
            return self.codes[at];
        }
        let code = self.codes[self.codes.len() - 1 - at];
        if code < UNKNOWN { 3 - code } else { UNKNOWN }
    }

    /// Returns the hash of the read's own k-mer that ends with a base, if all of it is known.
    #[inline(always)]
    fn hash(self, at: usize, k: usize) -> Option<u64> {
        self.hashes.at(if BACK { self.codes.len() - 1 - at } else { at + 1 - k })
    }

    /// Returns the `k` bases before one.
    fn window(self, at: usize, k: usize) -> Window {
        let of = |start| Window::of(k, self.hashes.kmer(start));
        if BACK { of(self.codes.len() - at).turned() } else { of(at - k) }
    }
}

/// A walk along the k-mers of a run beside a read.
struct Walk<'a> {
    index: &'a Index,
    depth: u32,
}

/// How far the read itself is borne out, and how many reads had the last base.
#[derive(Clone, Copy, Debug)]
struct Reached {
    at: usize,
    reads: u32,
}

/// Where a walk is.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: usize,
    window: Window,
    reads: u32,
}

/// The other base that most reads have after a window, and how many.
#[derive(Clone, Copy, Debug)]
struct Other {
    code: u8,
    reads: u32,
}

impl Walk<'_> {
    /// Says which k-mers will be asked for if the read is borne out from here to `end`.
    #[inline(always)]
    fn expect<const BACK: bool>(&self, strand: Strand<'_, BACK>, place: Place, end: usize) {
        let mut window = place.window;
        for at in (place.at..end).take(EXPECTED) {
            let code = strand.code(at);
            if code >= UNKNOWN {
                break;
            }
            window.push(code);
            self.index.expect(window.hash());
        }
    }

    /// Walks on as long as the bases before `end` are borne out; returns where it stopped.
    #[inline(always)]
    fn easily<const BACK: bool>(
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

    /// Walks on over the bases before `end`, and calls `record` with what is said of each.
    fn run<const BACK: bool>(
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
        let mut place = Place {
            at: reached.at,
            window: strand.window(reached.at, self.index.k()),
            reads: reached.reads,
        };
        let (mut recent, mut gap) = (0, None);
        path.clear();
        while place.at < end {
            let (side, differs, next) = self.step(strand, place);
            // Behind bases that the read lacks, the walk goes on with the very base that was said
            // to have a gap.
            let side = if gap == Some(place.at) { Side::GAP } else { side };
            path.push(Step { at: place.at, side, before: place.window, reads: place.reads });
            recent = (recent << 1 | u32::from(differs)) & ((1 << RECENT) - 1);
            let out_of_step = recent.count_ones() >= DIFFERENT;
            if let Some(next) = next.filter(|_| !out_of_step) {
                if differs {
                    self.expect(strand, next, end);
                }
                place = next;
                continue;
            }
            // Back to where it began to differ: what was said since then is not to be trusted.
            let back = if out_of_step { (u32::BITS - recent.leading_zeros()) as usize } else { 1 };
            let first = path.len() - back.min(path.len());
            let Step { at, before, reads, .. } = path[first];
            path.truncate(first);
            match self.over_gap(strand, Place { at, window: before, reads }) {
                Some(beyond) => {
                    record(at, Side::GAP);
                    gap = Some(at);
                    place = beyond;
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

    /// Returns what is said of the next base, whether it differs, and where the walk goes on, if it
    /// does.
    #[inline(always)]
    fn step<const BACK: bool>(
        &self,
        strand: Strand<'_, BACK>,
        place: Place,
    ) -> (Side, bool, Option<Place>) {
        let Place { at, window, reads } = place;
        let code = strand.code(at);
        let own = if code < UNKNOWN { self.count(window.then(code)) } else { 0 };
        let with = |code, reads| Some(Place { at: at + 1, window: window.then(code), reads });
        if own > 1 && 2 * own >= reads {
            return (Side::supported(own, self.depth), false, with(code, own));
        }
        let other = self.best(window, Some(code));
        if own < 2 && other.reads < 2 {
            return (Side::DEAD_END, false, None);
        }
        if own >= other.reads {
            return (Side::supported(own, self.depth), false, with(code, own));
        }
        if own > 1 && self.own_way(strand, place, own, other) {
            return (Side::followed(own, other.reads), false, with(code, own));
        }
        (Side::against(own, other.reads), code < UNKNOWN, with(other.code, other.reads))
    }

    /// Whether a walk goes on with the read's own base, though more reads have another.
    #[cold]
    fn own_way<const BACK: bool>(
        &self,
        strand: Strand<'_, BACK>,
        place: Place,
        own: u32,
        other: Other,
    ) -> bool {
        let agree = |code| {
            self.ahead(strand, Place { at: place.at + 1, window: place.window.then(code), ..place })
        };
        let (ours, theirs) = (agree(strand.code(place.at)), agree(other.code));
        ours > theirs || ours == theirs && DOMINANT * own >= other.reads
    }

    /// Returns how many of the next bases agree with the run's k-mers from a place on: at each step
    /// the read's own base is followed if it is no rarity, else the most frequent one.
    fn ahead<const BACK: bool>(&self, strand: Strand<'_, BACK>, place: Place) -> usize {
        let (mut window, mut agree) = (place.window, 0);
        for at in (place.at..strand.codes.len()).take(AHEAD) {
            let code = strand.code(at);
            let best = self.best(window, None);
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

    /// Returns where the walk goes on after a gap: the read has some bases too many, or too few.
    #[cold]
    fn over_gap<const BACK: bool>(&self, strand: Strand<'_, BACK>, place: Place) -> Option<Place> {
        let Place { at, mut window, reads } = place;
        let mut found = (AGREEING - 1, None);
        for gap in 1..=GAP {
            let inserted = Place { at: at + gap, ..place };
            window.push(self.best(window, None).code);
            let deleted = Place { at, window, reads };
            for beyond in [inserted, deleted] {
                let agree = self.ahead(strand, beyond);
                if agree > found.0 {
                    found = (agree, Some(beyond));
                }
            }
        }
        found.1
    }

    /// Returns the base that most reads have after a window, but for one of them.
    fn best(&self, window: Window, but: Option<u8>) -> Other {
        let mut best = Other { code: 0, reads: 0 };
        for code in (0..UNKNOWN).filter(|code| Some(*code) != but) {
            let reads = self.count(window.then(code));
            if reads > best.reads {
                best = Other { code, reads };
            }
        }
        best
    }

    #[inline(always)]
    fn count(&self, window: Window) -> u32 {
        self.index.count(window.hash())
    }
}
