//! The k-mers that a run has more than once, to be asked.

use std::io::{self, Read, Write};

use crate::KmerError;
use crate::kmer::{LONGEST, SHORTEST};
use crate::memory::prefetch;

/// Cells that are looked at together.
const CELLS: usize = 8;

/// A cell is twenty bits of the hash and twelve of the count: the place in the table says the first
/// bits of the hash, so two k-mers that meet are taken for one once in some 100,000 times.
const COUNT_BITS: u32 = 12;
const COUNT: u32 = (1 << COUNT_BITS) - 1;
const REST: u64 = (1 << (32 - COUNT_BITS)) - 1;

/// Share of the cells that is taken.
const LOAD: f64 = 0.6;

/// Most times that the number of k-mers was halved: beyond, a read has none left.
pub(crate) const MOST_LEVELS: u32 = 12;

/// Bits of the hash that say whether a k-mer is sampled: those that neither the place in the table
/// nor the cell has.
const SAMPLED_BITS: u32 = 32;

/// Returns whether a k-mer is among one in 2^level.
#[inline(always)]
pub fn is_sampled(hash: u64, level: u32) -> bool {
    hash >> SAMPLED_BITS & ((1 << level) - 1) == 0
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(align(32))]
struct Line([u32; CELLS]);

/// The k-mers that a run has at least twice, and how often.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Index {
    k: usize,
    level: u32,
    kmers: u64,
    lines: Vec<Line>,
}

impl Index {
    pub(crate) fn new(k: usize, level: u32, kmers: usize) -> Self {
        let lines = (kmers as f64 / LOAD / CELLS as f64).ceil() as usize + 1;
        Self { k, level, kmers: 0, lines: vec![Line::default(); lines] }
    }

    /// Returns the length of the k-mers.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Returns the number of k-mers.
    pub fn kmers(&self) -> u64 {
        self.kmers
    }

    /// Returns the share of all k-mers that is looked at.
    pub fn share(&self) -> f64 {
        0.5f64.powi(self.level as i32)
    }

    /// Returns how many bytes it takes in memory.
    pub fn bytes(&self) -> usize {
        self.lines.len() * size_of::<Line>()
    }

    /// Returns how many times the number of k-mers that are looked at was halved.
    pub fn level(&self) -> u32 {
        self.level
    }

    #[inline(always)]
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.lines.len() as u128) >> 64) as usize
    }

    pub(crate) fn insert(&mut self, hash: u64, count: u32) {
        let cell = ((hash >> COUNT_BITS & REST) as u32) << COUNT_BITS | count.min(COUNT);
        let mut at = self.home(hash);
        loop {
            if let Some(free) = self.lines[at].0.iter_mut().find(|cell| **cell == 0) {
                *free = cell;
                self.kmers += 1;
                return;
            }
            at = if at + 1 == self.lines.len() { 0 } else { at + 1 };
        }
    }

    /// Says that a k-mer will be asked for.
    #[inline(always)]
    pub fn expect(&self, hash: u64) {
        if let Some(line) = self.lines.get(self.home(hash)) {
            prefetch(line);
        }
    }

    /// Returns how often the run has a k-mer, up to 4,095; 0 if less than twice.
    #[inline(always)]
    pub fn count(&self, hash: u64) -> u32 {
        let rest = (hash >> COUNT_BITS & REST) as u32;
        let mut at = self.home(hash);
        // A file may say that every line is full.
        for _ in 0..self.lines.len() {
            let cells = &self.lines[at].0;
            // Without a way out of the loop it is a few vector instructions.
            let found = cells.iter().fold(0, |found, cell| {
                if cell >> COUNT_BITS == rest { found | cell & COUNT } else { found }
            });
            if found != 0 || cells[CELLS - 1] == 0 {
                return found;
            }
            at = if at + 1 == self.lines.len() { 0 } else { at + 1 };
        }
        0
    }

    /// Writes the index: k, level, number of lines and of k-mers, how many cells of each line are
    /// taken, and these cells.
    ///
    /// # Errors
    ///
    /// What the output says.
    pub fn write(&self, output: &mut impl Write) -> io::Result<()> {
        output.write_all(&(self.k as u32).to_le_bytes())?;
        output.write_all(&self.level.to_le_bytes())?;
        output.write_all(&(self.lines.len() as u64).to_le_bytes())?;
        output.write_all(&self.kmers.to_le_bytes())?;
        let taken = |line: &Line| line.0.iter().filter(|cell| **cell != 0).count();
        for line in &self.lines {
            output.write_all(&[taken(line) as u8])?;
        }
        for line in &self.lines {
            for cell in &line.0[..taken(line)] {
                output.write_all(&cell.to_le_bytes())?;
            }
        }
        Ok(())
    }

    /// Reads an index of a file that has `most` bytes left at most.
    ///
    /// # Errors
    ///
    /// A [`KmerError`] if it is broken.
    pub fn read(input: &mut impl Read, most: u64) -> Result<Self, KmerError> {
        let (k, level) = (read_u32(input)? as usize, read_u32(input)?);
        let (lines, kmers) = (read_u64(input)?, read_u64(input)?);
        if !(SHORTEST..=LONGEST).contains(&k) || k.is_multiple_of(2) {
            return Err(KmerError::Content(format!(
                "k-mers of {k} bases, expected {SHORTEST} to {LONGEST}, and odd"
            )));
        }
        if level > MOST_LEVELS {
            return Err(KmerError::Content(format!(
                "one in 2^{level} k-mers, expected at most one in 2^{MOST_LEVELS}"
            )));
        }
        // So a header that lies cannot ask for more memory than the file makes plausible.
        if lines == 0
            || lines > most
            || kmers > most / 4
            || kmers > lines.saturating_mul(CELLS as u64)
        {
            return Err(KmerError::Content(format!(
                "{kmers} k-mers in {lines} lines, which is not what the file holds"
            )));
        }
        let mut taken = vec![0; lines as usize];
        read_exact(input, &mut taken)?;
        let sum: u64 = taken.iter().map(|taken| u64::from(*taken)).sum();
        if taken.iter().any(|taken| usize::from(*taken) > CELLS) || sum != kmers {
            return Err(KmerError::Content(format!(
                "lines with {sum} k-mers, the header says {kmers}"
            )));
        }
        let mut index = Self { k, level, kmers, lines: vec![Line::default(); lines as usize] };
        let mut bytes = [0; 4 * CELLS];
        for (line, taken) in index.lines.iter_mut().zip(taken) {
            let bytes = &mut bytes[..4 * usize::from(taken)];
            read_exact(input, bytes)?;
            for (cell, bytes) in line.0.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *cell = u32::from_le_bytes(*bytes);
                if *cell & COUNT < 2 {
                    return Err(KmerError::Content(
                        "a k-mer that was seen less than twice".to_owned(),
                    ));
                }
            }
        }
        Ok(index)
    }
}

/// Reads a number of four bytes, the lowest first.
///
/// # Errors
///
/// A [`KmerError`] if the input fails or ends.
pub fn read_u32(input: &mut impl Read) -> Result<u32, KmerError> {
    let mut bytes = [0; 4];
    read_exact(input, &mut bytes).map(|()| u32::from_le_bytes(bytes))
}

/// Reads a number of eight bytes, the lowest first.
///
/// # Errors
///
/// A [`KmerError`] if the input fails or ends.
pub fn read_u64(input: &mut impl Read) -> Result<u64, KmerError> {
    let mut bytes = [0; 8];
    read_exact(input, &mut bytes).map(|()| u64::from_le_bytes(bytes))
}

fn read_exact(input: &mut impl Read, bytes: &mut [u8]) -> Result<(), KmerError> {
    input.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => KmerError::Content("it ends too early".to_owned()),
        _ => KmerError::Read(error),
    })
}
