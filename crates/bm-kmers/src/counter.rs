//! Counts the k-mers of a run in bounded memory.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use crate::index::{Index, MAX_LEVEL, is_sampled};
use crate::kmer::{LONGEST, SHORTEST, mix};
use crate::memory::release_freed;
use crate::rare::{FREQUENT, Histogram};
use crate::share::{SHARD_BITS, SHARDS, Share};
use crate::superkmer::{Cutter, SuperKmer};
use crate::table::{Kept, Table};

/// Bytes of super-k-mers collected per shard before they are counted together: the shard is then
/// loaded into the cache once for all of them.
const PENDING_BYTES: usize = 64 << 10;

/// Lines of a shard's table at the start.
const FIRST_LINES: usize = 32;

/// Fraction of the memory for tables. The rest is lost to fragmentation as they grow, or holds the
/// index while it is built.
const TABLE_FRACTION: f64 = 0.84;

/// Lines of a table from which on its freed memory is returned to the system.
const LARGE: usize = 1 << 12;

/// K-mers that are prefetched together, at least.
const AHEAD: usize = 64;

/// If more than this fraction of the k-mers was seen once, the run is still shallow: dropping them
/// would leave nothing to be seen twice. Below it, k-mers seen once are mostly errors.
const MANY_SINGLETONS: f64 = 0.7;

/// Most frequent k-mers of a run, as a fraction, that shards may have which do not count.
const FEW_FREQUENT: f64 = 0.001;

/// Room is made until at most this fraction of a table's capacity is used.
const ENOUGH_FREE: f64 = 0.9;

/// Counts the k-mers of a run, both strands as one, in bounded memory.
///
/// Counts are exact while the memory lasts. When it is full, k-mers seen once are dropped if they
/// are mostly errors; otherwise every second k-mer is dropped, by its hash. [`Counter::split`]
/// makes parts that count on threads of their own, each of which must observe every read in order.
/// The result does not depend on the number of parts.
#[derive(Clone, Debug)]
pub struct Counter {
    k: usize,
    cutter: Box<Cutter>,
    /// The shards counted here, with their numbers.
    shards: Vec<(usize, Shard)>,
    /// Index into `shards` by shard number; out of range if another part counts the shard.
    places: [u16; SHARDS],
    /// Super-k-mers not yet counted, `PENDING_BYTES` per shard.
    pending: Vec<u8>,
    /// Bytes used of each shard's part of `pending`.
    lengths: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Shard {
    table: Table,
    max_lines: usize,
    /// One in 2^level k-mers is kept, by its hash.
    level: u32,
    when_full: WhenFull,
}

/// Which k-mers are dropped first where memory is full.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum WhenFull {
    /// None: another part of the run may have those seen once too.
    KeepsAll,
    /// Those seen once, if they are fewer than in a shallow run.
    DropsSingletons,
    /// Those that are rare beside the others, if the run is deep.
    DropsRare,
}

impl Counter {
    /// Returns a counter of k-mers of `k` bases, [`SHORTEST`](crate::kmer::SHORTEST) to
    /// [`LONGEST`](crate::kmer::LONGEST), an odd number. Its tables take at most `bytes`; buffers of
    /// some 64 MB come on top.
    ///
    /// # Panics
    ///
    /// If `k` is another number.
    pub fn new(k: usize, bytes: usize) -> Self {
        Self::sampled(k, bytes, 0)
    }

    /// Returns a counter that keeps one in 2^`level` k-mers from the start, like a counter whose
    /// memory was full `level` times.
    ///
    /// # Panics
    ///
    /// As [`Counter::new`].
    pub fn sampled(k: usize, bytes: usize, level: u32) -> Self {
        Self::with(k, bytes, level, 0..SHARDS)
    }

    /// Returns a counter of a share of all k-mers; its tables take at most `bytes`.
    ///
    /// # Panics
    ///
    /// As [`Counter::new`].
    pub fn of_share(k: usize, bytes: usize, share: Share) -> Self {
        Self::with(k, bytes, 0, share.shards())
    }

    fn with(k: usize, bytes: usize, level: u32, shards: Range<usize>) -> Self {
        assert!(
            (SHORTEST..=LONGEST).contains(&k) && k % 2 == 1,
            "k-mers of {k} bases, expected an odd number from {SHORTEST} to {LONGEST}"
        );
        // One more than the shards: a shard is copied when it grows.
        let tables = shards.len() + 1;
        let max_lines =
            ((TABLE_FRACTION * bytes as f64) as usize / tables / Table::LINE_BYTES).max(1);
        let level = level.min(MAX_LEVEL);
        let shard = || Shard {
            table: Table::new(FIRST_LINES.min(max_lines)),
            max_lines,
            level,
            when_full: WhenFull::DropsSingletons,
        };
        Self::of(k, shards.map(|number| (number, shard())).collect())
    }

    /// Returns a counter for a part of a run, whose counts are merged with those of other parts: k-mers
    /// seen once stay.
    pub fn keeping_singletons(self) -> Self {
        self.when_full(WhenFull::KeepsAll)
    }

    /// Returns a counter for reads with an error in most of their k-mers: in any deep run, most of the
    /// k-mers are then seen once or hardly more often. Where memory is full, those that are rare beside the
    /// others are dropped, if many of the run's bases are in frequent k-mers; otherwise every second k-mer,
    /// by its hash.
    pub fn of_many_errors(self) -> Self {
        self.when_full(WhenFull::DropsRare)
    }

    fn when_full(mut self, when_full: WhenFull) -> Self {
        self.shards.iter_mut().for_each(|(_, shard)| shard.when_full = when_full);
        self
    }

    fn of(k: usize, shards: Vec<(usize, Shard)>) -> Self {
        let mut places = [u16::MAX; SHARDS];
        shards.iter().enumerate().for_each(|(place, (number, _))| places[*number] = place as u16);
        let pending = vec![0; shards.len() * PENDING_BYTES];
        Self {
            k,
            cutter: Box::new(Cutter::new(k)),
            pending,
            lengths: vec![0; shards.len()],
            shards,
            places,
        }
    }

    /// Returns the length of the k-mers.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Returns parts that together count all shards. Each part must observe every read, in the same
    /// order.
    pub fn split(mut self, parts: usize) -> Vec<Self> {
        self.flush_all();
        let parts = parts.clamp(1, self.shards.len().max(1));
        let mut split: Vec<Vec<_>> = (0..parts).map(|_| Vec::new()).collect();
        self.shards
            .into_iter()
            .enumerate()
            .for_each(|(place, shard)| split[place % parts].push(shard));
        split.into_iter().map(|shards| Self::of(self.k, shards)).collect()
    }

    /// Returns one counter with the shards of all parts; `None` without parts.
    pub fn join(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut shards = Vec::new();
        let mut length = None;
        for mut part in parts {
            part.flush_all();
            length = Some(part.k);
            shards.extend(part.shards);
        }
        shards.sort_unstable_by_key(|(number, _)| *number);
        length.map(|k| Self::of(k, shards))
    }

    /// Counts the k-mers of the next read, given as letters. K-mers with an unknown base are
    /// skipped.
    pub fn observe(&mut self, sequence: &[u8]) {
        let Self { k, cutter, shards, places, pending, lengths } = self;
        cutter.cut(sequence, |minimizer, stretch| {
            let place = usize::from(places[(minimizer >> (u32::BITS - SHARD_BITS)) as usize]);
            let Some(lengths) = lengths.get_mut(place) else { return };
            let pending = &mut pending[place * PENDING_BYTES..][..PENDING_BYTES];
            *lengths += stretch.write(&mut pending[*lengths..]);
            if *lengths > PENDING_BYTES - SuperKmer::MAX_BYTES {
                shards[place].1.add(*k, pending, *lengths);
                *lengths = 0;
            }
        });
    }

    pub(crate) fn flush_all(&mut self) {
        for ((pending, lengths), (_, shard)) in
            self.pending.chunks_exact(PENDING_BYTES).zip(&mut self.lengths).zip(&mut self.shards)
        {
            shard.add(self.k, pending, *lengths);
            *lengths = 0;
        }
    }

    /// Returns the fraction of all distinct k-mers that are counted: 1, or less where memory was short.
    pub fn fraction(&self) -> f64 {
        0.5f64.powi(self.level() as i32)
    }

    /// Returns how often the k-mers were halved: one in 2^level was counted.
    ///
    /// Of reads with many errors, shards that have hardly any frequent k-mer do not count, however often
    /// theirs were halved: their k-mers are errors, and are taken for such if they are missing.
    pub(crate) fn level(&self) -> u32 {
        let highest = self.shards.iter().map(|(_, shard)| shard.level).max().unwrap_or(0);
        let drops_rare = |(_, shard): &(usize, Shard)| shard.when_full == WhenFull::DropsRare;
        if highest == 0 || !self.shards.iter().all(drops_rare) {
            return highest;
        }
        let mut frequent = [0.0; MAX_LEVEL as usize + 1];
        for (_, shard) in &self.shards {
            let kmers = shard.table.counts().filter(|count| *count >= FREQUENT).count();
            frequent[shard.level as usize] += kmers as f64 * 2f64.powi(shard.level as i32);
        }
        let most = FEW_FREQUENT * frequent.iter().sum::<f64>();
        let mut above = 0.0;
        let mut level = highest;
        while level > 0 && most > 0.0 && above + frequent[level as usize] <= most {
            above += frequent[level as usize];
            level -= 1;
        }
        level
    }

    /// Returns whether k-mers seen once stay.
    pub(crate) fn keeps_singletons(&self) -> bool {
        self.shards.iter().any(|(_, shard)| shard.when_full == WhenFull::KeepsAll)
    }

    /// Returns the numbers of the shards that are counted here.
    pub(crate) fn shard_numbers(&self) -> Range<usize> {
        let numbers = || self.shards.iter().map(|(number, _)| *number);
        numbers().min().unwrap_or(0)..numbers().max().map_or(0, |last| last + 1)
    }

    /// Returns the cells of each shard, sorted. The caller has flushed.
    pub(crate) fn into_sorted(self) -> impl Iterator<Item = Vec<u64>> {
        self.shards.into_iter().map(|(_, shard)| shard.table.into_kept(|_, _| true).sorted())
    }

    /// Returns the index of the k-mers seen at least twice.
    pub fn finish(mut self) -> Index {
        self.flush_all();
        let level = self.level();
        // The kept cells stay in the memory of their tables and the rest is released: tables and
        // index together could exceed the bound.
        let kept: Vec<_> = self
            .shards
            .into_iter()
            .map(|(_, shard)| {
                shard.table.into_kept(|hash, count| count > 1 && is_sampled(hash, level))
            })
            .collect();
        drop(self.pending);
        release_freed();
        let mut index = Index::new(self.k, level, kept.iter().map(Kept::len).sum());
        for kept in kept {
            // In an order that does not depend on that of the reads.
            kept.sorted().iter().for_each(|cell| {
                let (hash, count) = Table::parts(*cell);
                index.insert(hash, count);
            });
        }
        index
    }
}

impl Shard {
    /// Counts the k-mers of the super-k-mers in the first `bytes` bytes of `stretches`.
    fn add(&mut self, k: usize, stretches: &[u8], bytes: usize) {
        Arch::new().dispatch(Add { shard: self, k, stretches, bytes });
    }

    /// Replaces k-mers by their hashes, and prefetches the memory of their counts. Returns how many of
    /// them are sampled: these are in front.
    #[inline(always)]
    fn hash_and_prefetch(&self, kmers: &mut [u64]) -> usize {
        kmers.iter_mut().for_each(
            #[inline(always)]
            |kmer| *kmer = mix(*kmer),
        );
        let mut sampled = kmers.len();
        if self.level > 0 {
            sampled = 0;
            for at in 0..kmers.len() {
                let hash = kmers[at];
                // Without a branch, which would be guessed wrong every other time.
                kmers[sampled] = hash;
                sampled += usize::from(is_sampled(hash, self.level));
            }
        }
        kmers[..sampled].iter().for_each(|hash| self.table.prefetch(*hash));
        sampled
    }

    #[inline(always)]
    fn add_hashes(&mut self, hashes: &[u64]) {
        for hash in hashes {
            // The level may have risen since they were hashed.
            if self.level > 0 && !is_sampled(*hash, self.level) {
                continue;
            }
            if self.table.len() >= self.table.capacity() {
                self.make_room();
            }
            self.table.add(*hash, 1);
        }
    }

    /// Returns the highest count of the k-mers that are dropped first, if there are any.
    fn rare(&self) -> Option<u32> {
        match self.when_full {
            WhenFull::KeepsAll => None,
            WhenFull::DropsSingletons => {
                let singletons = self.table.with_count(1);
                let are_errors = singletons as f64 <= MANY_SINGLETONS * self.table.len() as f64;
                are_errors.then_some(1)
            }
            WhenFull::DropsRare => Histogram::of(self.table.counts()).rare(),
        }
    }

    fn make_room(&mut self) {
        Arch::new().dispatch(MakeRoom(self));
    }

    #[inline(always)]
    fn make_room_now(&mut self) {
        let lines = self.table.lines();
        if lines < self.max_lines {
            self.table.rebuild((2 * lines).min(self.max_lines), |_, _| true);
            // Memory is short, and nothing else fits into the space of the smaller tables.
            if self.table.lines() == self.max_lines && self.max_lines >= LARGE {
                release_freed();
            }
        }
        let most = self.max_lines;
        while self.table.lines() == most
            && self.table.len() as f64 > ENOUGH_FREE * self.table.capacity() as f64
        {
            let before = self.table.len();
            if let Some(rare) = self.rare() {
                self.table.rebuild(most, |_, count| count > rare);
            }
            if self.table.len() < before {
                continue;
            }
            if self.level == MAX_LEVEL {
                // The memory holds hardly any k-mers: start again with the next ones.
                self.table.rebuild(most, |_, _| false);
            } else {
                self.level += 1;
                let level = self.level;
                self.table.rebuild(most, |hash, _| is_sampled(hash, level));
            }
        }
    }
}

/// Arguments of [`Shard::add`].
struct Add<'a> {
    shard: &'a mut Shard,
    k: usize,
    /// Has some unused bytes after the last super-k-mer.
    stretches: &'a [u8],
    bytes: usize,
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { shard, k, stretches, bytes } = self;
        // While one block of k-mers is prefetched, the block before it is counted.
        let (mut kmers, mut lengths) = ([[0; AHEAD + SuperKmer::MAX_KMERS]; 2], [0; 2]);
        let (mut now, mut at) = (0, 0);
        while at < bytes
            && let Some((stretch, taken)) = SuperKmer::read(&stretches[at..])
        {
            at += taken;
            lengths[now] += stretch.kmers(k, &mut kmers[now][lengths[now]..]);
            if lengths[now] >= AHEAD {
                lengths[now] = shard.hash_and_prefetch(&mut kmers[now][..lengths[now]]);
                now = 1 - now;
                shard.add_hashes(&kmers[now][..lengths[now]]);
                lengths[now] = 0;
            }
        }
        lengths[now] = shard.hash_and_prefetch(&mut kmers[now][..lengths[now]]);
        shard.add_hashes(&kmers[1 - now][..lengths[1 - now]]);
        shard.add_hashes(&kmers[now][..lengths[now]]);
    }
}

struct MakeRoom<'a>(&'a mut Shard);

impl WithSimd for MakeRoom<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        self.0.make_room_now();
    }
}
