//! Support by a slow definition, which shares the index with the crate, and nothing else.

use bm_kmers::Index;
use bm_kmers::kmer::Window;
use bm_long::{LongRead, Support};
use bm_reads::base;
use proptest::prelude::*;

use crate::run::{self, Draw};

const BLOCK: usize = 128;

/// How often the run has a k-mer; `None` with an unknown base.
fn count(index: &Index, letters: &[u8]) -> Option<usize> {
    let codes = letters.iter().map(|letter| base::code(*letter));
    let is_known = codes.clone().all(|code| code < base::UNKNOWN);
    is_known.then(|| index.count(codes.fold(Window::new(index.k()), Window::then).hash()) as usize)
}

/// Rounds down to a number of four bits or fewer, of which the highest two after the first are
/// kept.
fn rounded(count: usize) -> usize {
    (0..=count).rev().find(|it| *it < 8 || it.trailing_zeros() + 3 > it.ilog2()).unwrap_or(0)
}

/// Tested and supported k-mers, and the sum of their local depths.
fn by_definition(index: &Index, read: &[u8]) -> (usize, usize, usize) {
    let mut counts: Vec<Option<usize>> =
        read.windows(index.k()).map(|kmer| count(index, kmer)).collect();
    // Every second one is looked up.
    counts.iter_mut().skip(1).step_by(2).for_each(|count| *count = None);
    let depth = |at: usize| {
        let first = at / BLOCK * BLOCK;
        let window = first.saturating_sub(BLOCK)..(first + 2 * BLOCK).min(counts.len());
        let mut seen: Vec<usize> =
            counts[window].iter().flatten().copied().filter(|count| *count >= 3).collect();
        seen.sort_unstable();
        seen.get((3 * seen.len().saturating_sub(1)) / 4).map_or(0, |count| rounded(*count))
    };
    let is_supported = |at: &usize| {
        counts[*at].is_some_and(|it| it >= 3 && depth(*at) >= 5 && 10 * it >= depth(*at))
    };
    let supported: Vec<usize> = (0..counts.len()).filter(is_supported).collect();
    let mut tested = supported.len();
    let mut depths: usize = supported.iter().map(|at| depth(*at)).sum();
    for pair in supported.windows(2).filter(|pair| pair[1] - pair[0] <= 101) {
        let between = (pair[0] + 1..pair[1]).filter(|at| counts[*at].is_some()).count();
        tested += between;
        depths += between * depth(pair[0]).min(depth(pair[1]));
    }
    (tested, supported.len(), depths)
}

fn assert_is_defined(support: &Support, index: &Index, read: &[u8]) {
    let (tested, supported, depths) = by_definition(index, read);
    assert_eq!((support.tested, support.supported), (tested, supported));
    assert!((support.depth - depths as f64 / tested.max(1) as f64).abs() < 1e-9);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn support_is_that_of_the_definition(
        seed in 0u64..1 << 20,
        k in prop::sample::select(vec![17usize, 21, 31]),
        number in 1usize..60,
        rate in 0.0f64..0.15,
        unknown in 0usize..3,
    ) {
        let mut draw = Draw::new(seed);
        let genome = run::genome(1_200, seed);
        let mut reads: Vec<Vec<u8>> = run::reads(&genome, number, 700, &mut draw, |_| rate)
            .into_iter()
            .map(|read| read.bases)
            .collect();
        // Some reads of another genome, joined to others, and some with unknown bases.
        let other = run::genome(400, seed + 1);
        for read in reads.iter_mut().step_by(5) {
            read.extend(&other);
            for _ in 0..unknown {
                let at = draw.below(read.len());
                read[at] = b'N';
            }
        }
        let index = run::counted(k, reads.iter().map(Vec::as_slice));
        let mut long_read = LongRead::default();
        for read in &reads {
            let support = long_read.look_up(&index, read, &vec![0.1; read.len()]);
            assert_is_defined(&support, &index, read);
        }
    }
}

#[test]
fn rounding_keeps_three_digits_of_binary_numbers() {
    let expected = [(0, 0), (7, 7), (9, 8), (11, 10), (15, 14), (31, 28), (100, 96), (4095, 3584)];
    for (count, least) in expected {
        assert_eq!(rounded(count), least);
    }
}
