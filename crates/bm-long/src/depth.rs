//! How often the run has the k-mers at a place, by the k-mers of the read there that have no error.

/// K-mers of a block. The depth of a block is that of its k-mers and of those of the blocks beside
/// it.
pub(crate) const BLOCK: usize = 128;

/// A k-mer seen less often, the read itself included, may have an error that two reads share.
pub(crate) const SEEN: u16 = 3;

/// Bins of counts: four per octave, up to 2^12.
const BINS: usize = 48;

/// The bin of counts that are not looked at.
const NO_BIN: usize = BINS;

/// Counts from here on are no counts.
const BEYOND: usize = 1 << 12;

/// The bin of each count: a table, because counts of errors lie between the others at random, and a
/// branch would be guessed wrong.
static BIN: [u8; BEYOND + 1] = {
    let mut bins = [NO_BIN as u8; BEYOND + 1];
    let mut count = SEEN as usize;
    while count < BEYOND {
        bins[count] = bin(count as u16) as u8;
        count += 1;
    }
    bins
};

/// Histograms that are filled in turn: a bin that was just written is not read again at once.
const TURNS: usize = 4;

type Histogram = [u16; BINS];

/// The local depth of each block of a read's k-mers, with a buffer to reuse for the next read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Depths {
    depths: Vec<u16>,
}

impl Depths {
    /// Replaces the depths by those of a read with these counts.
    ///
    /// A depth is the upper quartile of the counts from [`SEEN`] on in a block and the blocks
    /// beside it, rounded down to a bin; 0 if there are none. The quartile, not the median: at the
    /// edges of an amplicon, k-mers of the deeper side are right as well.
    pub(crate) fn fill(&mut self, counts: &[u16]) {
        self.depths.clear();
        let mut before = [0; BINS];
        let mut here = histogram(counts.chunks(BLOCK).next().unwrap_or_default());
        for block in 0..counts.len().div_ceil(BLOCK) {
            let next = histogram(counts.chunks(BLOCK).nth(block + 1).unwrap_or_default());
            self.depths.push(upper_quartile(&before, &here, &next));
            (before, here) = (here, next);
        }
    }

    /// Returns the local depth of each block.
    pub(crate) fn blocks(&self) -> &[u16] {
        &self.depths
    }

    /// Forgets the read, and keeps memory for a read of at most this many bases.
    pub(crate) fn shrink_to(&mut self, bases: usize) {
        self.depths.clear();
        self.depths.shrink_to(bases.div_ceil(BLOCK));
    }
}

fn histogram(counts: &[u16]) -> Histogram {
    let mut turns = [[0u16; BINS + 1]; TURNS];
    for counts in counts.chunks(TURNS) {
        for (bins, count) in turns.iter_mut().zip(counts) {
            bins[usize::from(BIN[usize::from(*count).min(BEYOND)])] += 1;
        }
    }
    std::array::from_fn(|bin| turns.iter().map(|bins| bins[bin]).sum())
}

/// Returns the bin of a count from 1 to 4,095.
const fn bin(count: u16) -> usize {
    let octave = count.ilog2();
    let quarter = (count as u32) << 2 >> octave & 3;
    (4 * octave + quarter) as usize
}

/// Returns the smallest count of a bin.
fn least(bin: usize) -> u16 {
    (((4 + bin % 4) << (bin / 4)) >> 2) as u16
}

fn upper_quartile(before: &Histogram, here: &Histogram, next: &Histogram) -> u16 {
    let all: Histogram = std::array::from_fn(|bin| before[bin] + here[bin] + next[bin]);
    let sum: u16 = all.iter().sum();
    let mut left = 3 * sum.saturating_sub(1) / 4 + 1;
    for (bin, many) in all.iter().enumerate().filter(|(_, many)| **many > 0) {
        if *many >= left {
            return least(bin);
        }
        left -= many;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::UNKNOWN;

    #[test]
    fn bins_begin_where_counts_are_rounded_down_to() {
        let mut bins: Vec<_> = (1..=4095).map(|count| (bin(count), count)).collect();
        assert!(bins.is_sorted());
        bins.dedup_by_key(|(bin, _)| *bin);
        // The first counts are too few for four bins per octave; from 4 on, each bin has its own.
        for (bin, first) in bins.iter().filter(|(_, first)| *first >= 4) {
            assert_eq!(least(*bin), *first);
        }
        assert_eq!((least(bin(3)), least(bin(4095))), (3, 3584));
    }

    #[test]
    fn depths_are_quartiles_of_sorted_counts() {
        let random = |i: usize| bm_kmers::kmer::mix(i as u64 + 1);
        for length in [0, 1, 5, 127, 128, 129, 400, 1000] {
            let count = |i: usize| match random(i) % 10 {
                0 => UNKNOWN,
                1..5 => (random(i) >> 32) as u16 % 3,
                _ => (random(i) >> 32) as u16 % (5 + 10 * (i as u16 / 200)) + 1,
            };
            let counts: Vec<u16> = (0..length).map(count).collect();
            let mut depths = Depths::default();
            depths.fill(&counts);
            for at in 0..length {
                let block = at / BLOCK * BLOCK;
                let window = &counts[block.saturating_sub(BLOCK)..(block + 2 * BLOCK).min(length)];
                let mut seen: Vec<u16> =
                    window.iter().copied().filter(|it| (SEEN..UNKNOWN).contains(it)).collect();
                seen.sort_unstable();
                let expected = seen
                    .get(3 * seen.len().saturating_sub(1) / 4)
                    .map_or(0, |count| least(bin(*count)));
                assert_eq!(depths.blocks()[at / BLOCK], expected, "{at} of {length}");
            }
        }
    }
}
