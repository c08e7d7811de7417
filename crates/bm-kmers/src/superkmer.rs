//! Super-k-mers: stretches of a read whose k-mers share their minimizer.
//!
//! The minimizer of a k-mer is the m-mer with the lowest hash, over both strands. All copies of a
//! k-mer have the same minimizer, and neighbours in a read mostly do. Splitting k-mers by minimizer
//! (Roberts et al. 2004; Li et al. 2013) therefore keeps equal k-mers together, and a stretch of
//! several k-mers takes hardly more memory than one k-mer.

use bm_reads::base::{UNKNOWN, code};
use pulp::{Arch, Simd, WithSimd};

use crate::kmer::LONGEST;
use crate::packed::{BLOCK, Packed, ROOM, WORD, join};

/// Bases of a minimizer: few enough that a k-mer has several m-mers, many enough that no minimizer
/// is in too many k-mers.
const M: usize = 12;

/// Most k-mers of a super-k-mer.
const MAX_KMERS: usize = 30;

/// Bits of a super-k-mer that hold its length.
const LENGTH_BITS: u32 = u8::BITS;

/// A stretch of a read: the number of bases in the lowest byte, above it two bits per base, the
/// last base lowest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SuperKmer(u128);

impl SuperKmer {
    /// Most bytes of a stored super-k-mer.
    pub(crate) const MAX_BYTES: usize = size_of::<u128>();

    /// Most k-mers of a super-k-mer.
    pub(crate) const MAX_KMERS: usize = MAX_KMERS;

    fn length(self) -> usize {
        usize::from(self.0 as u8)
    }

    /// Returns its size when stored, in bytes.
    #[inline(always)]
    fn bytes(self) -> usize {
        1 + self.length().div_ceil(4)
    }

    /// Stores it at the start of `bytes`, which must have [`SuperKmer::MAX_BYTES`]; returns its
    /// size.
    #[inline(always)]
    pub(crate) fn write(self, bytes: &mut [u8]) -> usize {
        bytes[..Self::MAX_BYTES].copy_from_slice(&self.0.to_le_bytes());
        self.bytes()
    }

    /// Returns the super-k-mer stored at the start of `bytes`, and its size.
    #[inline(always)]
    pub(crate) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let read = Self(u128::from_le_bytes(*bytes.first_chunk()?));
        Some((read, read.bytes()))
    }

    /// Writes its k-mers, each as the lower of its two strands, to the start of `kmers`, which must
    /// be long enough; returns their number.
    #[inline(always)]
    pub(crate) fn kmers(self, k: usize, kmers: &mut [u64]) -> usize {
        let length = self.length();
        // Bits above the bases may belong to the next super-k-mer; the shifts below drop them.
        let bases = self.0 >> LENGTH_BITS;
        let count = (length + 1).saturating_sub(k);
        let (mask, shift) = ((1 << (2 * k)) - 1, 2 * (k - 1));
        let mut forward = (bases >> (2 * length.saturating_sub(k))) as u64 & mask;
        let mut backward = reverse_complement(bases, length) as u64 & mask;
        for (at, kmer) in kmers[..count].iter_mut().enumerate() {
            *kmer = forward.min(backward);
            // After the last k-mer there is no next base: any bits will do.
            let next = bases as u64 >> (2 * (count.saturating_sub(2 + at))) & 3;
            forward = (forward << 2 | next) & mask;
            backward = backward >> 2 | (3 - next) << shift;
        }
        count
    }
}

/// Returns the reverse complement of the last `length` bases.
#[inline(always)]
fn reverse_complement(bases: u128, length: usize) -> u128 {
    // Reversing all bits also swaps the two bits of each base.
    const FIRST_BITS: u128 = u128::MAX / 3;
    let bits = bases.reverse_bits();
    !((bits & FIRST_BITS) << 1 | bits >> 1 & FIRST_BITS) >> (u128::BITS - 2 * length as u32)
}

/// Cuts reads into super-k-mers.
#[derive(Clone, Debug)]
pub(crate) struct Cutter {
    k: usize,
    packed: Packed,
    /// The hash of the m-mer at each base; later that of the minimizer of the k-mer there.
    hashes: [u32; ROOM],
    /// Ends of the stretches, as numbers of k-mers.
    ends: [u16; BLOCK + 1],
}

impl Cutter {
    pub(crate) fn new(k: usize) -> Self {
        Self { k, packed: Packed::new(), hashes: [0; ROOM], ends: [0; BLOCK + 1] }
    }

    /// Calls `take` with each super-k-mer of a read and the hash of its minimizer, 32 evenly
    /// distributed bits. Unknown bases split the read.
    #[inline]
    pub(crate) fn cut(&mut self, sequence: &[u8], mut take: impl FnMut(u32, SuperKmer)) {
        for known in sequence.split(|base| code(*base) >= UNKNOWN) {
            let mut rest = known;
            while rest.len() >= self.k {
                let kmers = (rest.len() + 1 - self.k).min(BLOCK);
                let sequence = &rest[..kmers + self.k - 1];
                Arch::new().dispatch(Block { cutter: self, sequence });
                self.cut_block(kmers, &mut take);
                rest = &rest[kmers..];
            }
        }
    }

    #[inline]
    fn cut_block(&mut self, kmers: usize, take: &mut impl FnMut(u32, SuperKmer)) {
        let Self { k, packed, hashes, ends } = self;
        // Stretches end where the next k-mer has another minimizer. That is hard to predict, so the
        // loop has no branch.
        let mut count = 0;
        for (end, pair) in (1..).zip(hashes[..kmers].windows(2)) {
            ends[count] = end;
            count += usize::from(pair[0] != pair[1]);
        }
        ends[count] = kmers as u16;
        let mut start = 0;
        for end in &ends[..=count] {
            let end = usize::from(*end);
            let minimizer = hashes[start].wrapping_mul(0x9e37_79b9);
            while start < end {
                let kmers = (end - start).min(MAX_KMERS);
                let length = kmers + *k - 1;
                let words =
                    [0, WORD, 2 * WORD, 3 * WORD].map(|at| u128::from(packed.forward[start + at]));
                let all = words[0] << 96 | words[1] << 64 | words[2] << 32 | words[3];
                let stretch =
                    all >> (u128::BITS - 2 * length as u32) << LENGTH_BITS | length as u128;
                take(minimizer, SuperKmer(stretch));
                start += kmers;
            }
        }
    }
}

/// Arguments for packing the bases of a block and finding its minimizers.
struct Block<'a> {
    cutter: &'a mut Cutter,
    sequence: &'a [u8],
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Cutter { k, packed, hashes, .. } = self.cutter;
        packed.fill(self.sequence.iter().map(
            #[inline(always)]
            |base| known_code(*base),
        ));
        let length = self.sequence.len().min(BLOCK + LONGEST);
        let mers = packed.forward.iter().zip(&packed.backward);
        for (hash, (forward, backward)) in hashes[..length].iter_mut().zip(mers) {
            *hash = scatter((forward >> (2 * (WORD - M))).min(backward & ((1 << (2 * M)) - 1)));
        }
        minima(hashes, length, *k - M + 1);
    }
}

/// Replaces each value by the lowest of the `window` values from it on; `window` is 4 to 31.
#[inline(always)]
fn minima(values: &mut [u32; ROOM], length: usize, window: usize) {
    join::<1>(values, length, low);
    join::<2>(values, length, low);
    if window >= 8 {
        join::<4>(values, length, low);
    }
    if window >= 16 {
        join::<8>(values, length, low);
    }
    // Each value is now the lowest of 4, 8 or 16 values. Two such ranges cover the window.
    let places = window.saturating_sub(if window >= 16 {
        16
    } else if window >= 8 {
        8
    } else {
        4
    });
    macro_rules! rest {
        ($($constant:literal)*) => {
            match places {
                $($constant => join::<$constant>(values, length, low),)*
                _ => {}
            }
        };
    }
    rest!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
}

#[inline(always)]
fn low(one: u32, next: u32) -> u32 {
    one.min(next)
}

/// Returns a hash of 32 bits, a bijection: an order of m-mers that does not start with poly-A.
#[inline(always)]
fn scatter(mut x: u32) -> u32 {
    x = (x ^ 0x5bd1_e995).wrapping_mul(0x85eb_ca6b);
    (x ^ x >> 15).wrapping_mul(0xc2b2_ae35)
}

/// Returns the [`code`] of a known base, without a table.
#[inline(always)]
fn known_code(base: u8) -> u32 {
    u32::from((base >> 1 ^ base >> 2) & 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kmer::{self, SHORTEST, mix};

    /// Reads of all lengths around those of a block, with unknown bases and repeats.
    fn reads() -> impl Iterator<Item = Vec<u8>> {
        let lengths = (0..100).chain([BLOCK - 1, BLOCK, BLOCK + 30, BLOCK + 31, 3 * BLOCK + 7]);
        lengths.flat_map(|length| {
            let draw = move |i: u64, seed: u64| kmer::mix(seed << 32 | i) as usize;
            let plain = (0..length as u64).map(|i| b"ACGTUacgtu"[draw(i, 1) % 10]).collect();
            let unknown = (0..length as u64)
                .map(|i| if draw(i, 2) % 40 == 0 { b'N' } else { b"ACGT"[draw(i, 3) % 4] })
                .collect();
            let repeat = (0..length).map(|i| b"AAAAAACAAT"[i % 10]).collect();
            [plain, unknown, repeat, vec![b'T'; length]]
        })
    }

    fn hashes(piece: SuperKmer, k: usize) -> Vec<u64> {
        let mut kmers = vec![0; MAX_KMERS];
        let count = piece.kmers(k, &mut kmers);
        kmers[..count].iter().map(|kmer| mix(*kmer)).collect()
    }

    #[test]
    fn the_kmers_of_the_super_kmers_are_those_of_the_read_in_order() {
        for k in (SHORTEST..=LONGEST).step_by(2) {
            let mut cutter = Cutter::new(k);
            for read in reads() {
                let (mut expected, mut found, mut pieces) = (Vec::new(), Vec::new(), 0);
                kmer::each(read.iter().map(|base| code(*base)), k, |_, hash| expected.push(hash));
                cutter.cut(&read, |_, piece| {
                    found.extend(hashes(piece, k));
                    pieces += 1;
                });
                assert!(found == expected, "k {k}, {}", String::from_utf8_lossy(&read));
                assert!(pieces <= expected.len());
            }
        }
    }

    #[test]
    fn equal_kmers_have_the_same_minimizer_on_both_strands() {
        let mut of = std::collections::HashMap::new();
        for k in [17, 19, 21, 27, 31] {
            of.clear();
            let mut cutter = Cutter::new(k);
            for read in reads() {
                let back: Vec<u8> =
                    read.iter().rev().map(|base| b"TGCAN"[usize::from(code(*base))]).collect();
                for read in [&read, &back] {
                    cutter.cut(read, |minimizer, piece| {
                        for hash in hashes(piece, k) {
                            assert_eq!(*of.entry(hash).or_insert(minimizer), minimizer);
                        }
                    });
                }
            }
        }
    }

    #[test]
    fn known_bases_have_the_codes_of_the_table() {
        for base in 0..=u8::MAX {
            assert!(code(base) == UNKNOWN || known_code(base) == u32::from(code(base)), "{base}");
        }
    }

    #[test]
    fn minimizers_are_evenly_distributed_and_super_kmers_have_several_kmers() {
        let read: Vec<u8> = (0..200_000).map(|i| b"ACGT"[kmer::mix(i) as usize % 4]).collect();
        for (k, at_least) in [(17, 3.2), (21, 5.0), (31, 9.5)] {
            let (mut kmers, mut pieces) = ([0_u32; 16], 0);
            Cutter::new(k).cut(&read, |minimizer, piece| {
                pieces += 1;
                kmers[(minimizer >> 28) as usize] += hashes(piece, k).len() as u32;
            });
            let all: u32 = kmers.iter().sum();
            assert!(
                f64::from(all) > at_least * f64::from(pieces),
                "k {k}: {}",
                f64::from(all) / f64::from(pieces)
            );
            let even = all as usize / kmers.len();
            assert!(
                kmers
                    .iter()
                    .all(|count| (even * 9 / 10..even * 11 / 10).contains(&(*count as usize))),
                "k {k}: {kmers:?}"
            );
        }
    }
}
