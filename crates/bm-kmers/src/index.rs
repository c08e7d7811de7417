//! The k-mers seen at least twice: looked up, written, read back.

use std::io::{self, Read, Write};

use crate::KmerError;
use crate::kmer::{LONGEST, SHORTEST};
use crate::memory::prefetch;

/// Cells of a line; they are compared together, with vector instructions.
const CELLS: usize = 8;

/// A cell holds twenty bits of the hash and twelve of the count. The position in the table implies
/// the first bits of the hash, so a look-up finds a wrong k-mer about once in 100,000 times.
const COUNT_BITS: u32 = 12;
const COUNT: u32 = (1 << COUNT_BITS) - 1;
const REST: u64 = (1 << (32 - COUNT_BITS)) - 1;

/// Fraction of the cells in use.
const LOAD: f64 = 0.6;

/// An index that is read may have this many times the lines that its k-mers need: an empty line takes
/// a byte of the file, but 32 of the memory.
const MOST_ROOM: u64 = 4;

/// Most times that the k-mers are halved: beyond it, a read has none left.
pub(crate) const MAX_LEVEL: u32 = 12;

/// Position of the hash bits that decide whether a k-mer is sampled: bits used neither for the
/// position in the table nor in the cell.
const SAMPLED_BITS: u32 = 32;

/// Returns whether a k-mer with this hash is in the sample of one in 2^`level`.
#[inline(always)]
pub fn is_sampled(hash: u64, level: u32) -> bool {
    hash >> SAMPLED_BITS & ((1 << level) - 1) == 0
}

/// Returns the number of lines for this many k-mers.
fn lines(kmers: usize) -> usize {
    (kmers as f64 / LOAD / CELLS as f64).ceil() as usize + 1
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(align(32))]
struct Line([u32; CELLS]);

/// The k-mers that a run has at least twice, with their counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Index {
    k: usize,
    level: u32,
    kmers: u64,
    lines: Vec<Line>,
}

impl Index {
    pub(crate) fn new(k: usize, level: u32, kmers: usize) -> Self {
        Self { k, level, kmers: 0, lines: vec![Line::default(); lines(kmers)] }
    }

    /// Returns the length of the k-mers.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Returns the number of k-mers.
    pub fn kmers(&self) -> u64 {
        self.kmers
    }

    /// Returns the fraction of all distinct k-mers that were counted: 1, or less where memory was
    /// short.
    pub fn fraction(&self) -> f64 {
        0.5f64.powi(self.level as i32)
    }

    /// Returns the bytes that an index of so many k-mers takes in memory.
    pub fn bytes_for(kmers: usize) -> usize {
        lines(kmers) * size_of::<Line>()
    }

    /// Returns the bytes that the index takes in memory.
    pub fn bytes(&self) -> usize {
        self.lines.len() * size_of::<Line>()
    }

    /// Returns how many times the k-mers were halved: one in 2^level was counted.
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

    /// Brings the memory of a k-mer's count into the cache, for a look-up soon after.
    #[inline(always)]
    pub fn prefetch(&self, hash: u64) {
        if let Some(line) = self.lines.get(self.home(hash)) {
            prefetch(line);
        }
    }

    /// Returns how often the run has the k-mer with this hash, up to 4,095; 0 if less than twice.
    #[inline(always)]
    pub fn count(&self, hash: u64) -> u32 {
        let rest = (hash >> COUNT_BITS & REST) as u32;
        let mut at = self.home(hash);
        // In an index read from a file, every line may be full.
        for _ in 0..self.lines.len() {
            let cells = &self.lines[at].0;
            // A loop without an early exit compiles to a few vector instructions.
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

    /// Writes the index: k, level, number of lines, number of k-mers, the number of cells in use of
    /// each line, and these cells; all numbers little-endian.
    ///
    /// # Errors
    ///
    /// The error of the output.
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

    /// Returns the index read from an input of which at most `most` bytes are left.
    ///
    /// # Errors
    ///
    /// [`KmerError::Content`] if the index is broken, [`KmerError::Read`] if the input fails.
    pub fn read(input: &mut impl Read, most: u64) -> Result<Self, KmerError> {
        let (k, level) = (read_u32(input)? as usize, read_u32(input)?);
        let (lines, kmers) = (read_u64(input)?, read_u64(input)?);
        if !(SHORTEST..=LONGEST).contains(&k) || k.is_multiple_of(2) {
            return Err(KmerError::Content(format!(
                "k-mers of {k} bases, expected {SHORTEST} to {LONGEST}, and odd"
            )));
        }
        if level > MAX_LEVEL {
            return Err(KmerError::Content(format!(
                "one in 2^{level} k-mers, expected at most one in 2^{MAX_LEVEL}"
            )));
        }
        // A wrong header must not request more memory than the file can fill.
        if lines == 0
            || lines > most
            // As many lines as the k-mers fill: empty ones take much memory and little of the file.
            || lines > kmers / 4 + 2
            || kmers > most / 4
            || kmers > lines.saturating_mul(CELLS as u64)
            || lines > MOST_ROOM * self::lines(kmers as usize) as u64
        {
            return Err(KmerError::Content(format!(
                "the header says {kmers} k-mers in {lines} lines, more or fewer than the file holds"
            )));
        }
        let mut taken: Vec<u8> = room(lines)?;
        read_exact(input, &mut taken)?;
        let sum: u64 = taken.iter().map(|taken| u64::from(*taken)).sum();
        if taken.iter().any(|taken| usize::from(*taken) > CELLS) || sum != kmers {
            return Err(KmerError::Content(format!(
                "{sum} k-mers in the lines, the header says {kmers}"
            )));
        }
        let mut index = Self { k, level, kmers, lines: room(lines)? };
        let mut bytes = [0; 4 * CELLS];
        for (line, taken) in index.lines.iter_mut().zip(taken) {
            let bytes = &mut bytes[..4 * usize::from(taken)];
            read_exact(input, bytes)?;
            for (cell, bytes) in line.0.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *cell = u32::from_le_bytes(*bytes);
                if *cell & COUNT < 2 {
                    return Err(KmerError::Content("a k-mer with a count below 2".to_owned()));
                }
            }
        }
        Ok(index)
    }
}

/// Returns memory for this many items of a file's index, all zero.
fn room<T: Clone + Default>(count: u64) -> Result<Vec<T>, KmerError> {
    let mut items = Vec::new();
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    items
        .try_reserve_exact(count)
        .map_err(|_| KmerError::Content("the index takes more memory than there is".to_owned()))?;
    items.resize(count, T::default());
    Ok(items)
}

/// Returns the next four bytes as a little-endian number.
///
/// # Errors
///
/// [`KmerError::Content`] if the input ends, [`KmerError::Read`] if it fails.
pub fn read_u32(input: &mut impl Read) -> Result<u32, KmerError> {
    let mut bytes = [0; 4];
    read_exact(input, &mut bytes).map(|()| u32::from_le_bytes(bytes))
}

/// Returns the next eight bytes as a little-endian number.
///
/// # Errors
///
/// [`KmerError::Content`] if the input ends, [`KmerError::Read`] if it fails.
pub fn read_u64(input: &mut impl Read) -> Result<u64, KmerError> {
    let mut bytes = [0; 8];
    read_exact(input, &mut bytes).map(|()| u64::from_le_bytes(bytes))
}

fn read_exact(input: &mut impl Read, bytes: &mut [u8]) -> Result<(), KmerError> {
    input.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => KmerError::Content("the file ends too early".to_owned()),
        _ => KmerError::Read(error),
    })
}
