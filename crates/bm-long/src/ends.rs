//! Adapters, barcodes and tails at the ends of reads, by k-mers that many reads have there and
//! hardly any elsewhere.

use std::ops::Range;

use bm_kmers::kmer::Window;
use bm_reads::base;

/// Length of the k-mers.
const K: usize = 17;

/// Bases at an end in which k-mers are looked for.
const WINDOW: usize = 200;

/// Most reads that are looked at.
const READS: usize = 2000;

/// Least fraction of the reads that have the same k-mer at the end, and their least number. Each of
/// some barcodes is that frequent; primers of tiled amplicons are not, and are of the sample.
const LEAST: f64 = 0.05;
const FEWEST: usize = 10;

/// Largest ratio of a k-mer's number elsewhere to that at the end.
const ELSEWHERE: f64 = 0.3;

/// Least fraction of the reads with such a k-mer. Below, the run has no such end.
const SHOWN: f64 = 0.5;

/// Bases of an end that does not fill the window, and the fraction of the reads that may have k-mers beyond.
/// Where more have, reads begin at few places, such as those of one transcript or of some amplicons, and
/// nothing tells an adapter from the sample.
const LONGEST: usize = WINDOW - 30;
const FILLED: f64 = 0.1;

/// An end is at most this part of a read.
const PART: usize = 4;

/// Most bases between k-mers of one adapter inside a read, and the fewest bases and k-mers of it. A genome
/// has no such stretch by chance, and where reads have an error in ten bases, an adapter and a barcode of a
/// hundred bases have a dozen right k-mers.
const APART: usize = 100;
const LEAST_BASES: usize = 24;
const LEAST_KMERS: usize = 3;

/// What most reads of a run have at their ends and is not of the sample: adapters, barcodes, tails.
///
/// Of a run whose reads all begin at one place, such as one amplicon, nothing tells an adapter from the
/// first bases of the sample, so nothing is an end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ends {
    start: End,
    end: End,
    /// The k-mers of both.
    known: Known,
}

/// A set of k-mers.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    /// Their hashes, sorted.
    hashes: Vec<u64>,
    /// Whether a k-mer has a hash with this lowest part. Nearly all k-mers of reads have none of them.
    flags: Vec<bool>,
}

impl Known {
    fn of(mut hashes: Vec<u64>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        let mut flags = vec![false; if hashes.is_empty() { 0 } else { 1 << u16::BITS }];
        hashes.iter().for_each(|hash| flags[part(*hash)] = true);
        Self { hashes, flags }
    }

    fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Returns the place of a k-mer among the sorted hashes.
    fn place(&self, hash: u64) -> Option<usize> {
        let may_be = self.flags.get(part(hash)).copied().unwrap_or(false);
        if may_be { self.hashes.binary_search(&hash).ok() } else { None }
    }
}

/// Returns the lowest part of a hash.
fn part(hash: u64) -> usize {
    hash as u16 as usize
}

#[derive(Clone, Debug, Default, PartialEq)]
struct End {
    /// Its k-mers; empty if the run has no such end.
    kmers: Known,
    /// Of each k-mer, bases of the end beyond it.
    beyond: Vec<usize>,
    /// Bases, in the reads with one of the k-mers.
    median: usize,
    /// Fraction of the reads with one of the k-mers.
    share: f64,
}

impl Ends {
    /// Returns the ends of a run, from the letters of its first reads, in the order of the run.
    pub fn find(reads: &[&[u8]]) -> Self {
        let long: Vec<&[u8]> =
            reads.iter().copied().filter(|read| read.len() >= 2 * WINDOW).take(READS).collect();
        let [start, end] = [Side::Start, Side::End].map(|side| End::find(side, reads, &long));
        let known = Known::of([&start.kmers.hashes[..], &end.kmers.hashes].concat());
        Self { start, end, known }
    }

    /// Returns the median lengths of both ends, in bases; 0 for an end that the run has not.
    pub fn lengths(&self) -> [usize; 2] {
        [self.start.median, self.end.median]
    }

    /// Returns the fractions of the reads with such a start and end; 0 for an end that the run has not.
    pub fn shares(&self) -> [f64; 2] {
        [self.start.share, self.end.share]
    }

    /// Returns whether the run has neither such a start nor such an end.
    pub fn is_empty(&self) -> bool {
        self.start.kmers.is_empty() && self.end.kmers.is_empty()
    }

    /// Returns the bases of a read, given as letters, that are of the sample.
    pub fn sample(&self, sequence: &[u8]) -> Range<usize> {
        let end = sequence.len() - self.end.length(Side::End, sequence);
        self.start.length(Side::Start, sequence).min(end)..end
    }

    /// Returns the pieces of a read, given as letters, on both sides of each adapter inside it: two
    /// molecules were read as one. None if there is no adapter inside.
    pub fn pieces(&self, sequence: &[u8]) -> Vec<Range<usize>> {
        let mut pieces = Vec::new();
        if self.known.is_empty() || sequence.len() < 2 * WINDOW + LEAST_BASES {
            return pieces;
        }
        let of_ends = kmers(sequence).filter(|(_, hash)| self.known.place(*hash).is_some());
        let mut adapters: Vec<(Range<usize>, usize)> = Vec::new();
        for (start, _) in of_ends {
            match adapters.last_mut().filter(|(adapter, _)| start <= adapter.end + APART) {
                Some((adapter, number)) => {
                    adapter.end = start + K;
                    *number += 1;
                }
                None => adapters.push((start..start + K, 1)),
            }
        }
        let is_inside = |(adapter, number): &(Range<usize>, usize)| {
            adapter.start >= WINDOW
                && adapter.end + WINDOW <= sequence.len()
                && adapter.len() >= LEAST_BASES
                && *number >= LEAST_KMERS
        };
        let mut from = 0;
        for (adapter, _) in adapters.into_iter().filter(is_inside) {
            pieces.push(from..adapter.start);
            from = adapter.end;
        }
        if from > 0 {
            pieces.push(from..sequence.len());
        }
        pieces
    }
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Start,
    End,
}

impl Side {
    /// Returns the outermost bases.
    fn of(self, sequence: &[u8], bases: usize) -> &[u8] {
        let bases = bases.min(sequence.len());
        match self {
            Self::Start => &sequence[..bases],
            Self::End => &sequence[sequence.len() - bases..],
        }
    }
}

impl End {
    fn find(side: Side, reads: &[&[u8]], long: &[&[u8]]) -> Self {
        let mut hashes = Vec::new();
        for read in long {
            let mut of_read: Vec<u64> =
                kmers(side.of(read, WINDOW)).map(|(_, hash)| hash).collect();
            of_read.sort_unstable();
            of_read.dedup();
            hashes.extend(of_read);
        }
        hashes.sort_unstable();
        let least = (LEAST * long.len() as f64).max(FEWEST as f64);
        let frequent = hashes.chunk_by(|a, b| a == b).filter(|group| group.len() as f64 >= least);
        let (kmers_there, many): (Vec<u64>, Vec<usize>) =
            frequent.map(|group| (group[0], group.len())).unzip();
        let elsewhere = count_inside(&kmers_there, long);
        let is_of_end = |at: &usize| elsewhere[*at] as f64 <= ELSEWHERE * many[*at] as f64;
        let kmers = (0..many.len()).filter(is_of_end).map(|at| kmers_there[at]).collect();
        let mut end = Self { kmers: Known::of(kmers), ..Self::default() };
        match end.bases_beyond(side, long) {
            Some(beyond) => end.beyond = beyond,
            None => return Self::default(),
        }
        let mut lengths: Vec<usize> =
            reads.iter().filter_map(|read| end.found(side, read)).collect();
        end.share = lengths.len() as f64 / reads.len().max(1) as f64;
        if end.share < SHOWN || lengths.is_empty() {
            return Self::default();
        }
        let middle = lengths.len() / 2;
        end.median = *lengths.select_nth_unstable(middle).1;
        end
    }

    /// Returns, of each k-mer, how many bases of the end lie beyond it in most reads; in the others, errors
    /// hide the last k-mers. `None` if the k-mers fill the window.
    fn bases_beyond(&self, side: Side, reads: &[&[u8]]) -> Option<Vec<usize>> {
        let mut beyond: Vec<Vec<usize>> = vec![Vec::new(); self.kmers.hashes.len()];
        let (mut with, mut filled) = (0_u32, 0_u32);
        for read in reads {
            let of_read: Vec<_> = self.in_window(side, side.of(read, WINDOW)).collect();
            let Some(innermost) = of_read.iter().map(|(bases, _)| *bases).max() else { continue };
            of_read.iter().for_each(|(bases, kmer)| beyond[*kmer].push(innermost - bases));
            with += 1;
            filled += u32::from(innermost > LONGEST);
        }
        let median = |mut bases: Vec<usize>| {
            let middle = bases.len().saturating_sub(1) / 2;
            if bases.is_empty() { 0 } else { *bases.select_nth_unstable(middle).1 }
        };
        let fills = f64::from(filled) > FILLED * f64::from(with);
        (!fills).then(|| beyond.into_iter().map(median).collect())
    }

    /// Returns the k-mers of the end in a window at the end of a read: the bases from the end of the read up
    /// to the far end of each, and its place among the k-mers.
    fn in_window<'a>(
        &'a self,
        side: Side,
        window: &'a [u8],
    ) -> impl Iterator<Item = (usize, usize)> + 'a {
        kmers(window).filter_map(move |(start, hash)| {
            let kmer = self.kmers.place(hash)?;
            let bases = match side {
                Side::Start => start + K,
                Side::End => window.len() - start,
            };
            Some((bases, kmer))
        })
    }

    /// Returns how many bases at the end of a read are of this end, by its innermost k-mer and what usually
    /// lies beyond it; `None` without any.
    fn found(&self, side: Side, sequence: &[u8]) -> Option<usize> {
        if self.kmers.is_empty() {
            return None;
        }
        let window = side.of(sequence, WINDOW.min(sequence.len() / PART));
        let innermost = self.in_window(side, window).max_by_key(|(bases, _)| *bases);
        innermost.map(|(bases, kmer)| bases + self.beyond[kmer])
    }

    /// Returns the bases at this end of a read that are not of the sample.
    fn length(&self, side: Side, sequence: &[u8]) -> usize {
        self.found(side, sequence).unwrap_or(self.median).min(sequence.len() / PART)
    }
}

/// Returns how often the reads have each of these k-mers, given sorted, apart from their ends.
fn count_inside(sorted: &[u64], long: &[&[u8]]) -> Vec<usize> {
    let mut counts = vec![0; sorted.len()];
    let known = Known::of(sorted.to_vec());
    for read in long {
        for (_, hash) in kmers(&read[WINDOW..read.len() - WINDOW]) {
            if let Some(place) = known.place(hash) {
                counts[place] += 1;
            }
        }
    }
    counts
}

/// Returns the hashes of the k-mers without an unknown base, with their first bases.
fn kmers(sequence: &[u8]) -> impl Iterator<Item = (usize, u64)> {
    let (mut window, mut known) = (Window::new(K), 0);
    sequence.iter().enumerate().filter_map(move |(at, letter)| {
        let code = base::code(*letter);
        if code >= base::UNKNOWN {
            known = 0;
            return None;
        }
        window.push(code);
        known += 1;
        (known >= K).then(|| (at + 1 - K, window.hash()))
    })
}
