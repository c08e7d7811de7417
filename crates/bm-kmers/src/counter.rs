//! How often a run has each of its k-mers, in the memory that there is.

use pulp::{Arch, Simd, WithSimd};

use crate::index::{Index, MOST_LEVELS, is_sampled};
use crate::kmer::mix;
use crate::memory::give_back;
use crate::superkmer::{Cutter, SuperKmer};
use crate::table::{Kept, Table};

/// K-mers are split by their minimizers, so that each part is small and can be counted by a thread
/// of its own. The number is fixed: what is counted must not depend on the threads.
const SHARD_BITS: u32 = 10;
const SHARDS: usize = 1 << SHARD_BITS;

/// Bytes of super-k-mers that wait for their shard: it comes into the cache once for all of them.
const WAITING: usize = 64 << 10;

const FIRST_LINES: usize = 32;

/// Share of the memory that tables may take; the rest lies idle between them as they grow, or holds
/// an index that is being made.
const IN_TABLES: f64 = 0.84;

/// Lines of a table whose memory is worth giving back.
const LARGE: usize = 1 << 12;

/// K-mers whose memory is brought into the cache together, at least.
const AHEAD: usize = 64;

/// Where so large a share of the k-mers was seen once, most of the genome was: without them nothing
/// would ever be seen twice. Otherwise they are mostly errors.
const MOSTLY_ONCE: f64 = 0.7;

/// There is room again when no more than this share of it is used.
const ENOUGH_ROOM: f64 = 0.9;

/// Counts the k-mers of a run.
///
/// Counts are exact while there is room. When there is no more, k-mers that were seen once are
/// dropped, where they are mostly errors; else every second k-mer is, by its hash. Shards can be
/// counted on threads of their own ([`Counter::split`]), each of which is shown all reads in order;
/// the result does not depend on how many there are.
#[derive(Clone, Debug)]
pub struct Counter {
    k: usize,
    cutter: Box<Cutter>,
    /// Those that are counted here, by number.
    shards: Vec<(usize, Shard)>,
    /// Where in `shards` each shard is; beyond the end if another part counts it.
    places: [u16; SHARDS],
    /// What waits, `WAITING` for each shard.
    waiting: Vec<u8>,
    /// How many bytes wait for each.
    waits: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Shard {
    table: Table,
    most_lines: usize,
    /// K-mers are kept whose hash is sampled at this level: one in 2^level.
    level: u32,
}

impl Counter {
    /// Returns a counter of k-mers of that length, [`SHORTEST`](crate::kmer::SHORTEST) to
    /// [`LONGEST`](crate::kmer::LONGEST), that takes at most so many bytes, beside some 64 MB for
    /// k-mers that wait for theirs.
    pub fn new(k: usize, bytes: usize) -> Self {
        Self::sampled(k, bytes, 0)
    }

    /// Returns a counter that looks at one in 2^`level` k-mers from the start, as one does that had
    /// too little room for more.
    pub fn sampled(k: usize, bytes: usize, level: u32) -> Self {
        // A shard is copied to grow.
        let most_lines =
            ((IN_TABLES * bytes as f64) as usize / (SHARDS + 1) / Table::LINE_BYTES).max(1);
        let level = level.min(MOST_LEVELS);
        let shard = || Shard { table: Table::new(FIRST_LINES.min(most_lines)), most_lines, level };
        Self::of(k, (0..SHARDS).map(|number| (number, shard())).collect())
    }

    fn of(k: usize, shards: Vec<(usize, Shard)>) -> Self {
        let mut places = [u16::MAX; SHARDS];
        shards.iter().enumerate().for_each(|(place, (number, _))| places[*number] = place as u16);
        let waiting = vec![0; shards.len() * WAITING];
        Self {
            k,
            cutter: Box::new(Cutter::new(k)),
            waiting,
            waits: vec![0; shards.len()],
            shards,
            places,
        }
    }

    /// Returns the length of the k-mers.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Splits it into parts; each must be shown every read, in the same order.
    pub fn split(mut self, parts: usize) -> Vec<Self> {
        self.flush_all();
        let parts = parts.clamp(1, SHARDS);
        let mut split: Vec<Vec<_>> = (0..parts).map(|_| Vec::new()).collect();
        self.shards
            .into_iter()
            .for_each(|(number, shard)| split[number % parts].push((number, shard)));
        split.into_iter().map(|shards| Self::of(self.k, shards)).collect()
    }

    /// Puts the parts together again; `None` if there is none.
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

    /// Counts the k-mers of the next read.
    pub fn observe(&mut self, sequence: &[u8]) {
        let Self { k, cutter, shards, places, waiting, waits } = self;
        cutter.cut(sequence, |minimizer, stretch| {
            let place = usize::from(places[(minimizer >> (u32::BITS - SHARD_BITS)) as usize]);
            let Some(waits) = waits.get_mut(place) else { return };
            let waiting = &mut waiting[place * WAITING..][..WAITING];
            *waits += stretch.write(&mut waiting[*waits..]);
            if *waits > WAITING - SuperKmer::MOST_BYTES {
                shards[place].1.add(*k, waiting, *waits);
                *waits = 0;
            }
        });
    }

    fn flush_all(&mut self) {
        for ((waiting, waits), (_, shard)) in
            self.waiting.chunks_exact(WAITING).zip(&mut self.waits).zip(&mut self.shards)
        {
            shard.add(self.k, waiting, *waits);
            *waits = 0;
        }
    }

    /// Returns the k-mers that were seen at least twice.
    pub fn finish(mut self) -> Index {
        self.flush_all();
        let level = self.shards.iter().map(|(_, shard)| shard.level).max().unwrap_or(0);
        // What takes the tables' place is in their memory, and the rest of it is given back: tables
        // and index together might be more than there is room for.
        let kept: Vec<_> = self
            .shards
            .into_iter()
            .map(|(_, shard)| {
                shard.table.into_kept(|hash, count| count > 1 && is_sampled(hash, level))
            })
            .collect();
        drop(self.waiting);
        give_back();
        let mut index = Index::new(self.k, level, kept.iter().map(Kept::len).sum());
        for kept in kept {
            kept.iter().for_each(|(hash, count)| index.insert(hash, count));
        }
        index
    }
}

impl Shard {
    /// Counts the k-mers of the stretches in the first so many bytes.
    fn add(&mut self, k: usize, stretches: &[u8], bytes: usize) {
        Arch::new().dispatch(Add { shard: self, k, stretches, bytes });
    }

    /// Makes hashes of k-mers, and has the memory for them brought.
    #[inline(always)]
    fn expect(&self, kmers: &mut [u64]) {
        kmers.iter_mut().for_each(
            #[inline(always)]
            |kmer| *kmer = mix(*kmer),
        );
        kmers.iter().for_each(|hash| self.table.expect(*hash));
    }

    #[inline(always)]
    fn add_hashes(&mut self, hashes: &[u64]) {
        for hash in hashes {
            if self.level > 0 && !is_sampled(*hash, self.level) {
                continue;
            }
            if self.table.len() >= self.table.room() {
                self.make_room();
            }
            self.table.add(*hash, 1);
        }
    }

    fn make_room(&mut self) {
        Arch::new().dispatch(MakeRoom(self));
    }

    #[inline(always)]
    fn make_room_now(&mut self) {
        let lines = self.table.lines();
        if lines < self.most_lines {
            self.table.rebuild((2 * lines).min(self.most_lines), |_, _| true);
            // Memory is short, and nothing else fits where the smaller tables were.
            if self.table.lines() == self.most_lines && self.most_lines >= LARGE {
                give_back();
            }
        }
        let most = self.most_lines;
        while self.table.lines() == most
            && self.table.len() as f64 > ENOUGH_ROOM * self.table.room() as f64
        {
            let once = self.table.with_count(1);
            if once as f64 <= MOSTLY_ONCE * self.table.len() as f64 && once > 0 {
                self.table.rebuild(most, |_, count| count > 1);
            } else if self.level == MOST_LEVELS {
                // There is hardly any room at all: what comes next is as good as what came before.
                self.table.rebuild(most, |_, _| false);
            } else {
                self.level += 1;
                let level = self.level;
                self.table.rebuild(most, |hash, _| is_sampled(hash, level));
            }
        }
    }
}

/// Stretches whose k-mers a shard is to count.
struct Add<'a> {
    shard: &'a mut Shard,
    k: usize,
    /// With some bytes after the last one.
    stretches: &'a [u8],
    bytes: usize,
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { shard, k, stretches, bytes } = self;
        // While memory is brought for some, those before them are counted.
        let (mut kmers, mut lengths) = ([[0; AHEAD + SuperKmer::MOST_KMERS]; 2], [0; 2]);
        let (mut now, mut at) = (0, 0);
        while at < bytes
            && let Some((stretch, taken)) = SuperKmer::read(&stretches[at..])
        {
            at += taken;
            lengths[now] += stretch.kmers(k, &mut kmers[now][lengths[now]..]);
            if lengths[now] >= AHEAD {
                shard.expect(&mut kmers[now][..lengths[now]]);
                now = 1 - now;
                shard.add_hashes(&kmers[now][..lengths[now]]);
                lengths[now] = 0;
            }
        }
        shard.expect(&mut kmers[now][..lengths[now]]);
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
