//! Adapters, barcodes and tails at the ends of reads, by k-mers that many reads have there and
//! hardly any elsewhere.

use std::ops::Range;

use bm_kmers::kmer::Window;
use bm_reads::base;

/// Length of the k-mers.
const K: usize = 17;

/// Bases at an end in which k-mers are looked for.
const WINDOW: usize = 150;

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

/// An end is at most this part of a read.
const PART: usize = 4;

/// What most reads of a run have at their ends and is not of the sample: adapters, barcodes, tails.
///
/// Of a run whose reads all begin at one place, such as one amplicon, the first bases are taken for
/// an end as well: nothing tells them from an adapter.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ends {
    start: End,
    end: End,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct End {
    /// Hashes of its k-mers, sorted; empty if the run has no such end.
    kmers: Vec<u64>,
    /// Bases, in the reads with one of the k-mers.
    median: usize,
}

impl Ends {
    /// Returns the ends of a run, from the letters of its first reads, in the order of the run.
    pub fn find(reads: &[&[u8]]) -> Self {
        let long: Vec<&[u8]> =
            reads.iter().copied().filter(|read| read.len() >= 2 * WINDOW).take(READS).collect();
        let [start, end] = [Side::Start, Side::End].map(|side| End::find(side, reads, &long));
        Self { start, end }
    }

    /// Returns the median lengths of both ends, in bases; 0 for an end that the run has not.
    pub fn lengths(&self) -> [usize; 2] {
        [self.start.median, self.end.median]
    }

    /// Returns the bases of a read, given as letters, that are of the sample.
    pub fn sample(&self, sequence: &[u8]) -> Range<usize> {
        let end = sequence.len() - self.end.length(Side::End, sequence);
        self.start.length(Side::Start, sequence).min(end)..end
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
        let mut end = Self { kmers, median: 0 };
        let mut lengths: Vec<usize> =
            reads.iter().filter_map(|read| end.found(side, read)).collect();
        if (lengths.len() as f64) < SHOWN * reads.len() as f64 || lengths.is_empty() {
            return Self::default();
        }
        let middle = lengths.len() / 2;
        end.median = *lengths.select_nth_unstable(middle).1;
        end
    }

    /// Returns the bases from the end of a read up to the far end of its innermost k-mer; `None`
    /// without any.
    fn found(&self, side: Side, sequence: &[u8]) -> Option<usize> {
        if self.kmers.is_empty() {
            return None;
        }
        let window = side.of(sequence, WINDOW.min(sequence.len() / PART));
        let mut of_end = kmers(window).filter(|(_, hash)| self.kmers.binary_search(hash).is_ok());
        match side {
            Side::Start => of_end.last().map(|(start, _)| start + K),
            Side::End => of_end.next().map(|(start, _)| window.len() - start),
        }
    }

    /// Returns the bases at this end of a read that are not of the sample.
    fn length(&self, side: Side, sequence: &[u8]) -> usize {
        self.found(side, sequence).unwrap_or(self.median).min(sequence.len() / PART)
    }
}

/// Returns how often the reads have each of these k-mers, given sorted, apart from their ends.
fn count_inside(sorted: &[u64], long: &[&[u8]]) -> Vec<usize> {
    let mut counts = vec![0; sorted.len()];
    // Nearly all k-mers of the reads are none of these, and a flag by a part of the hash says so.
    let part = |hash: u64| hash as u16 as usize;
    let mut flags = vec![false; 1 << u16::BITS];
    sorted.iter().for_each(|hash| flags[part(*hash)] = true);
    for read in long {
        for (_, hash) in kmers(&read[WINDOW..read.len() - WINDOW]) {
            if flags[part(hash)]
                && let Ok(at) = sorted.binary_search(&hash)
            {
                counts[at] += 1;
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
