//! K-mers: windows of a read, with one hash for both strands.

use bm_reads::base::UNKNOWN;

/// Shortest and longest k-mer.
pub const SHORTEST: usize = 17;
/// See [`SHORTEST`].
pub const LONGEST: usize = 31;

/// Returns a hash of 64 bits: the finaliser of MurmurHash3 (Appleby 2011), a bijection.
#[inline(always)]
pub const fn mix(mut x: u64) -> u64 {
    x = (x ^ x >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    x = (x ^ x >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ x >> 33
}

/// Returns the reverse complement of a k-mer.
#[inline(always)]
fn reverse_complement(kmer: u64, k: usize) -> u64 {
    // Reversing all bits also swaps the two bits of each base.
    const FIRST_BITS: u64 = u64::MAX / 3;
    let bits = kmer.reverse_bits();
    !((bits & FIRST_BITS) << 1 | bits >> 1 & FIRST_BITS) >> (u64::BITS - 2 * k as u32)
}

/// The last `k` bases of a read, on both strands.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    forward: u64,
    backward: u64,
    mask: u64,
    shift: u32,
}

impl Window {
    /// Returns an empty window of `k` bases.
    #[inline(always)]
    pub fn new(k: usize) -> Self {
        Self { forward: 0, backward: 0, mask: (1 << (2 * k)) - 1, shift: 2 * (k as u32 - 1) }
    }

    /// Returns the window with the bases of a k-mer, two bits per base.
    #[inline(always)]
    pub fn of(k: usize, kmer: u64) -> Self {
        Self { forward: kmer, backward: reverse_complement(kmer, k), ..Self::new(k) }
    }

    /// Returns the window of the other strand.
    #[inline(always)]
    pub fn reverse_complement(self) -> Self {
        Self { forward: self.backward, backward: self.forward, ..self }
    }

    /// Appends a base, code 0 to 3, and drops the first one.
    #[inline(always)]
    pub fn push(&mut self, code: u8) {
        self.forward = (self.forward << 2 | u64::from(code)) & self.mask;
        self.backward = self.backward >> 2 | u64::from(3 - code) << self.shift;
    }

    /// Returns the window after one more base.
    #[inline(always)]
    pub fn then(mut self, code: u8) -> Self {
        self.push(code);
        self
    }

    /// Returns the hash of the k-mer, the same on both strands.
    #[inline(always)]
    pub fn hash(self) -> u64 {
        mix(self.forward.min(self.backward))
    }
}

/// Calls `take` for each k-mer without an unknown base, from first to last, with the position of
/// its last base and its hash.
#[inline(always)]
pub(crate) fn each(codes: impl Iterator<Item = u8>, k: usize, mut take: impl FnMut(usize, u64)) {
    let (mut window, mut known) = (Window::new(k), 0);
    for (at, code) in codes.enumerate() {
        if code >= UNKNOWN {
            known = 0;
            continue;
        }
        window.push(code);
        known += 1;
        if known >= k {
            take(at, window.hash());
        }
    }
}

/// A k-mer is this many bases longer than log4 of the genome size: a random k-mer then occurs in
/// the genome with probability 4^-7.
const BASES_BEYOND_GENOME: f64 = 7.0;

/// A k-mer is at most the median read length divided by this.
const KMERS_PER_READ: usize = 2;

/// Most errors that a k-mer has on average.
const ERRORS: f64 = 1.2;

/// Returns the length of k-mers that suits a run, from the base codes of its first reads and their
/// reported error rate.
///
/// K-mers must be long enough not to occur by chance. The genome size is estimated from the
/// fraction of k-mers that several of the reads share. They must be short enough that a read holds
/// several, and that most have no error. The length is odd, from [`SHORTEST`] to [`LONGEST`].
pub fn length_for<'a>(reads: impl Iterator<Item = &'a [u8]>, error_rate: f64) -> usize {
    let (mut hashes, mut lengths) = (Vec::new(), Vec::new());
    for (number, read) in reads.enumerate() {
        lengths.push(read.len());
        each(read.iter().copied(), LONGEST, |_, hash| hashes.push((hash, number)));
    }
    hashes.sort_unstable();
    let of_several = |group: &&[(u64, usize)]| {
        group.first().map(|first| first.1) != group.last().map(|last| last.1)
    };
    let shared: usize = hashes.chunk_by(|a, b| a.0 == b.0).filter(of_several).map(<[_]>::len).sum();
    let middle = lengths.len() / 2;
    let median = if lengths.is_empty() { 0 } else { *lengths.select_nth_unstable(middle).1 };
    let by_genome = if shared == 0 {
        LONGEST as f64
    } else {
        let all = hashes.len() as f64;
        (all * all / shared as f64).log2() / 2.0 + BASES_BEYOND_GENOME
    };
    let by_errors = ERRORS / error_rate.max(1e-3);
    let length = by_genome.min(by_errors).min((median / KMERS_PER_READ) as f64);
    // Odd, so that no k-mer is its own reverse complement.
    (length.ceil() as usize | 1).clamp(SHORTEST, LONGEST)
}
