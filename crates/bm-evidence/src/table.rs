//! Exact counts of hashes, as long as there is room.

use std::hint::black_box;

/// Bits of a cell that hold the count; the others are the upper ones of the hash.
const COUNT_BITS: u32 = 12;
const COUNT: u64 = MOST as u64;

/// A count that says "so many or more".
pub(crate) const MOST: u32 = (1 << COUNT_BITS) - 1;

/// Share of the cells that may be taken.
const LOAD: f64 = 0.65;

/// A hash table of counts that grows: open addressing, linear probing. An empty cell is 0.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    cells: Vec<u64>,
    taken: usize,
    /// Hashes that there is room for.
    room: usize,
}

impl Table {
    /// Bytes of a cell.
    pub(crate) const CELL_BYTES: usize = size_of::<u64>();

    pub(crate) fn new(cells: usize) -> Self {
        let cells = cells.max(2);
        Self { cells: vec![0; cells], taken: 0, room: (LOAD * cells as f64) as usize }
    }

    /// Returns the number of cells.
    pub(crate) fn cells(&self) -> usize {
        self.cells.len()
    }

    /// Returns the number of hashes.
    pub(crate) fn len(&self) -> usize {
        self.taken
    }

    /// Returns how many hashes there is room for.
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    #[inline(always)]
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.cells.len() as u128) >> 64) as usize
    }

    /// Brings the cells of some hashes into the cache: without branches in between, the processor waits for all of them at once.
    #[inline(always)]
    pub(crate) fn touch(&self, hashes: &[u64]) {
        black_box(hashes.iter().fold(0, |all, hash| all ^ self.cells[self.home(*hash)]));
    }

    /// Counts a hash so many times more. There must be room.
    #[inline(always)]
    pub(crate) fn add(&mut self, hash: u64, more: u32) {
        let key = hash & !COUNT;
        let mut at = self.home(hash);
        loop {
            let cell = &mut self.cells[at];
            if *cell == 0 {
                *cell = key | u64::from(more.min(MOST));
                self.taken += 1;
                return;
            }
            if (*cell ^ key) <= COUNT {
                *cell = key | ((*cell & COUNT) + u64::from(more)).min(COUNT);
                return;
            }
            at = if at + 1 == self.cells.len() { 0 } else { at + 1 };
        }
    }

    /// Returns the hashes, without their lowest [`COUNT_BITS`] bits, and their counts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u32)> {
        self.cells.iter().filter(|cell| **cell != 0).map(|cell| Self::parts(*cell))
    }

    /// Returns hash and count of what is one of the other.
    pub(crate) fn parts(cell: u64) -> (u64, u32) {
        (cell & !COUNT, (cell & COUNT) as u32)
    }

    /// Moves to so many cells what `stays`.
    pub(crate) fn rebuild(&mut self, cells: usize, stays: impl Fn(u64, u32) -> bool) {
        let mut other = Self::new(cells);
        self.iter().filter(|(hash, count)| stays(*hash, *count)).for_each(|(hash, count)| other.add(hash, count));
        *self = other;
    }
}
