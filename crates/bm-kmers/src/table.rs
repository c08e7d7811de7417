//! A hash table of counts.

use crate::memory::prefetch;

/// Bits of a cell that hold the count; the others are the upper ones of the hash.
pub(crate) const COUNT_BITS: u32 = 12;
pub(crate) const COUNT: u64 = MAX_COUNT as u64;

/// Highest count; it means "this many or more".
pub(crate) const MAX_COUNT: u32 = (1 << COUNT_BITS) - 1;

/// Highest fraction of cells in use.
const LOAD: f64 = 0.8;

/// Cells of a line; they are compared together, with vector instructions.
const CELLS: usize = 8;

/// Cells in one cache line, filled from the first on. An empty cell is 0.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Line([u64; CELLS]);

impl Line {
    /// Returns the first cell for which `holds` is true.
    #[inline(always)]
    fn find(&self, holds: impl Fn(u64) -> bool) -> Option<usize> {
        // A loop without an early exit compiles to a few vector instructions.
        let found = (0..CELLS).fold(0_u32, |found, i| found | u32::from(holds(self.0[i])) << i);
        (found != 0).then_some(found.trailing_zeros() as usize % CELLS)
    }
}

/// A growing hash table of counts: open addressing by lines, linear probing.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    lines: Vec<Line>,
    taken: usize,
    /// Most hashes that the lines may hold.
    capacity: usize,
}

impl Table {
    /// Bytes per line.
    pub(crate) const LINE_BYTES: usize = size_of::<Line>();

    pub(crate) fn new(lines: usize) -> Self {
        let lines = lines.max(1);
        Self {
            lines: vec![Line::default(); lines],
            taken: 0,
            capacity: (LOAD * (lines * CELLS) as f64) as usize,
        }
    }

    /// Returns the number of lines.
    pub(crate) fn lines(&self) -> usize {
        self.lines.len()
    }

    /// Returns the number of hashes.
    pub(crate) fn len(&self) -> usize {
        self.taken
    }

    /// Returns the most hashes that the table may hold before it must grow.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    #[inline(always)]
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.lines.len() as u128) >> 64) as usize
    }

    /// Brings the memory of a hash into the cache.
    #[inline(always)]
    pub(crate) fn prefetch(&self, hash: u64) {
        if let Some(line) = self.lines.get(self.home(hash)) {
            prefetch(line);
        }
    }

    /// Adds `more` to the count of a hash. The table must have a free cell.
    #[inline(always)]
    pub(crate) fn add(&mut self, hash: u64, more: u32) {
        let key = hash & !COUNT;
        let mut at = self.home(hash);
        loop {
            let line = &mut self.lines[at];
            if let Some(i) = line.find(
                #[inline(always)]
                |cell| (cell ^ key <= COUNT) & (cell != 0),
            ) {
                line.0[i] = key | ((line.0[i] & COUNT) + u64::from(more)).min(COUNT);
                return;
            }
            if let Some(i) = line.find(
                #[inline(always)]
                |cell| cell == 0,
            ) {
                line.0[i] = key | u64::from(more.min(MAX_COUNT));
                self.taken += 1;
                return;
            }
            at = if at + 1 == self.lines.len() { 0 } else { at + 1 };
        }
    }

    /// Returns the number of hashes with exactly this count.
    pub(crate) fn with_count(&self, count: u32) -> usize {
        self.counts().filter(|other| *other == count).count()
    }

    /// Returns the count of each hash.
    pub(crate) fn counts(&self) -> impl Iterator<Item = u32> {
        let cells = self.lines.iter().flat_map(|line| &line.0);
        cells.filter(|cell| **cell != 0).map(|cell| Self::parts(*cell).1)
    }

    /// Returns the hashes for which `keeps` is true, without their lowest [`COUNT_BITS`] bits, with
    /// their counts. Reuses the memory of the table.
    pub(crate) fn into_kept(self, keeps: impl Fn(u64, u32) -> bool) -> Kept {
        let Self { mut lines, .. } = self;
        let mut count = 0;
        for at in 0..lines.len() {
            for cell in lines[at].0 {
                let (hash, times) = Self::parts(cell);
                if cell != 0 && keeps(hash, times) {
                    lines[count / CELLS].0[count % CELLS] = cell;
                    count += 1;
                }
            }
        }
        lines.truncate(count.div_ceil(CELLS));
        lines.shrink_to_fit();
        Kept { lines, count }
    }

    /// Returns the hash and the count of a cell.
    pub(crate) fn parts(cell: u64) -> (u64, u32) {
        (cell & !COUNT, (cell & COUNT) as u32)
    }

    /// Moves the hashes for which `stays` is true to a table of `lines` lines.
    #[inline(always)]
    pub(crate) fn rebuild(&mut self, lines: usize, stays: impl Fn(u64, u32) -> bool) {
        let mut other = Self::new(lines);
        for line in &self.lines {
            for cell in line.0 {
                let (hash, count) = Self::parts(cell);
                if cell != 0 && stays(hash, count) {
                    other.add(hash, count);
                }
            }
        }
        *self = other;
    }
}

/// The cells kept from a table.
pub(crate) struct Kept {
    lines: Vec<Line>,
    count: usize,
}

impl Kept {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Returns the cells, sorted: by their hashes.
    pub(crate) fn sorted(self) -> Vec<u64> {
        let mut cells: Vec<u64> =
            self.lines.iter().flat_map(|line| line.0).take(self.count).collect();
        cells.sort_unstable();
        cells
    }
}
