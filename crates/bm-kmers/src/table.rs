//! Exact counts of hashes, as long as there is room.

use crate::memory::prefetch;

/// Bits of a cell that hold the count; the others are the upper ones of the hash.
const COUNT_BITS: u32 = 12;
const COUNT: u64 = MOST as u64;

/// A count that says "so many or more".
pub(crate) const MOST: u32 = (1 << COUNT_BITS) - 1;

/// Share of the cells that may be taken.
const LOAD: f64 = 0.8;

/// Cells that are looked at together.
const CELLS: usize = 8;

/// Cells are taken from the first on; an empty one is 0.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Line([u64; CELLS]);

impl Line {
    /// Returns the first cell of which something holds.
    #[inline(always)]
    fn find(&self, holds: impl Fn(u64) -> bool) -> Option<usize> {
        // Without a way out of the loop it is a few vector instructions.
        let found = (0..CELLS).fold(0_u32, |found, i| found | u32::from(holds(self.0[i])) << i);
        (found != 0).then_some(found.trailing_zeros() as usize % CELLS)
    }
}

/// A hash table of counts that grows: open addressing by lines, linear probing.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    lines: Vec<Line>,
    taken: usize,
    /// Hashes that there is room for.
    room: usize,
}

impl Table {
    /// Bytes of a line.
    pub(crate) const LINE_BYTES: usize = size_of::<Line>();

    pub(crate) fn new(lines: usize) -> Self {
        let lines = lines.max(1);
        Self {
            lines: vec![Line::default(); lines],
            taken: 0,
            room: (LOAD * (lines * CELLS) as f64) as usize,
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

    /// Returns how many hashes there is room for.
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    #[inline(always)]
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.lines.len() as u128) >> 64) as usize
    }

    /// Says that a hash will be counted.
    #[inline(always)]
    pub(crate) fn expect(&self, hash: u64) {
        if let Some(line) = self.lines.get(self.home(hash)) {
            prefetch(line);
        }
    }

    /// Counts a hash so many times more. There must be room.
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
                line.0[i] = key | u64::from(more.min(MOST));
                self.taken += 1;
                return;
            }
            at = if at + 1 == self.lines.len() { 0 } else { at + 1 };
        }
    }

    /// Returns the number of hashes with a count.
    pub(crate) fn with_count(&self, count: u32) -> usize {
        self.lines
            .iter()
            .flat_map(|line| &line.0)
            .filter(|cell| **cell != 0 && Self::parts(**cell).1 == count)
            .count()
    }

    /// Returns the hashes that are to be `kept`, without their lowest [`COUNT_BITS`] bits, with
    /// their counts; in the memory that they were in.
    pub(crate) fn into_kept(self, kept: impl Fn(u64, u32) -> bool) -> Kept {
        let Self { mut lines, .. } = self;
        let mut count = 0;
        for at in 0..lines.len() {
            for cell in lines[at].0 {
                let (hash, times) = Self::parts(cell);
                if cell != 0 && kept(hash, times) {
                    lines[count / CELLS].0[count % CELLS] = cell;
                    count += 1;
                }
            }
        }
        lines.truncate(count.div_ceil(CELLS));
        lines.shrink_to_fit();
        Kept { lines, count }
    }

    /// Returns hash and count of what is one of the other.
    fn parts(cell: u64) -> (u64, u32) {
        (cell & !COUNT, (cell & COUNT) as u32)
    }

    /// Moves to so many lines what `stays`.
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

/// What was kept of a table.
pub(crate) struct Kept {
    lines: Vec<Line>,
    count: usize,
}

impl Kept {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Returns hashes and counts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u32)> {
        self.lines.iter().flat_map(|line| line.0).take(self.count).map(Table::parts)
    }
}
