//! Reads that are made up, always the same ones.

use bm_reads::ReadRef;

/// The seed of all reads.
pub(crate) const SEED: u64 = 0x5eed;

/// Made-up reads of one length.
///
/// Bases are random. Qualities resemble those of Illumina instruments: most reads are good, some are
/// bad throughout, and qualities fall towards the end.
pub(crate) struct Reads {
    bases: usize,
    sequences: Vec<u8>,
    quality_scores: Vec<u8>,
}

impl Reads {
    /// Returns `count` reads of `bases` bases.
    pub(crate) fn new(count: usize, bases: usize) -> Self {
        // A linear congruential generator (Knuth, MMIX).
        let mut state = SEED;
        let mut next = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 24) as f32
        };
        let mut sequences = Vec::with_capacity(count * bases);
        let mut quality_scores = Vec::with_capacity(count * bases);
        for _ in 0..count {
            let start = if next() < 0.85 { 37.0 } else { 18.0 + 14.0 * next() };
            let fall = 20.0 * next().powi(3) + 2.0;
            for position in 0..bases {
                let base = if next() < 0.001 { b'N' } else { b"ACGT"[(4.0 * next()) as usize % 4] };
                let along = position as f32 / bases as f32;
                let quality = start - fall * along * along - 6.0 * next() * next();
                sequences.push(base);
                quality_scores
                    .push(33 + if base == b'N' { 2 } else { quality.clamp(2.0, 41.0) as u8 });
            }
        }
        Self { bases, sequences, quality_scores }
    }

    /// Returns the length of the reads.
    pub(crate) fn bases(&self) -> usize {
        self.bases
    }

    /// Returns the first reads.
    pub(crate) fn first(&self, count: usize) -> impl Iterator<Item = ReadRef<'_>> + Clone {
        let parts = self.sequences.chunks_exact(self.bases);
        parts.zip(self.quality_scores.chunks_exact(self.bases)).take(count).map(
            |(sequence, quality_scores)| ReadRef { name: b"made-up", sequence, quality_scores },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_the_same_every_time_and_look_real() {
        let (reads, again) = (Reads::new(2000, 150), Reads::new(2000, 150));
        assert!(reads.sequences == again.sequences && reads.quality_scores == again.quality_scores);
        assert_eq!(reads.first(7).count(), 7);
        assert_eq!(reads.first(9000).count(), 2000);
        let (mut good, mut bad) = (0, 0);
        for read in reads.first(2000) {
            assert!(read.check_scorable().is_ok());
            let mean = read.quality_scores.iter().map(|q| f32::from(q - 33)).sum::<f32>() / 150.0;
            good += usize::from(mean > 30.0);
            bad += usize::from(mean < 25.0);
        }
        assert!(good > 1400 && bad > 40, "{good} {bad}");
    }
}
