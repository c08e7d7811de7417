//! Where molecules end: more of a run's molecules may end at one place of the sample than at others,
//! as copies of one molecule and molecules between primers do.

use crate::sample::{Sample, word_of};

/// Words whose numbers have the same highest bits are looked up together.
const BUCKET_BITS: u32 = 16;
const SHIFT: u32 = Sample::WORD_BITS - BUCKET_BITS;

/// How many molecules end behind each word of the sample.
#[derive(Clone, Debug, Default)]
pub(crate) struct MoleculeEnds {
    /// Words behind which molecules end, ascending, and how many.
    words: Vec<(u32, u32)>,
    /// Where the words of each bucket begin.
    buckets: Vec<u32>,
    /// In which part of the cases a molecule ends behind a word, on average.
    share: f32,
}

/// The words that end molecules, before they are counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    words: Vec<u32>,
    bases: u64,
}

impl Ends {
    /// Adds the part of a read that is of the sample; `is_end`: whether the molecule ends there.
    /// Where the read begins, the other strand ends.
    pub(crate) fn add(&mut self, part: &[u8], is_end: bool) {
        let [first, last] = Sample::outer_words(part);
        self.words.extend(first);
        self.words.extend(last.filter(|_| is_end));
        self.add_inside(part);
    }

    /// Adds a part of a molecule without its ends.
    pub(crate) fn add_inside(&mut self, part: &[u8]) {
        self.bases += 2 * part.len() as u64;
    }
}

impl MoleculeEnds {
    pub(crate) fn new(Ends { words: mut all, bases }: Ends) -> Self {
        all.sort_unstable();
        let share = all.len() as f32 / bases.max(1) as f32;
        let words: Vec<(u32, u32)> =
            all.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u32)).collect();
        let mut buckets = vec![0; (1 << BUCKET_BITS) + 1];
        words.iter().for_each(|(word, _)| buckets[(word >> SHIFT) as usize + 1] += 1);
        for bucket in 1..buckets.len() {
            buckets[bucket] += buckets[bucket - 1];
        }
        Self { words, buckets, share }
    }

    /// Returns ln of the factor by which molecules end more often before a base than elsewhere.
    /// `own`: whether the end of the read itself may have been counted.
    pub(crate) fn log(&self, sample: &Sample, sequence: &[u8], at: usize, own: bool) -> f32 {
        word_of(sequence, at).map_or(0.0, |word| self.log_behind(sample, word, own))
    }

    /// Returns ln of the factor by which molecules end more often behind a word than elsewhere.
    pub(crate) fn log_behind(&self, sample: &Sample, word: u32, own: bool) -> f32 {
        if self.share == 0.0 {
            return 0.0;
        }
        let bucket = word >> SHIFT;
        let [start, stop] =
            [bucket, bucket + 1].map(|bucket| self.buckets[bucket as usize] as usize);
        let same = self.words[start..stop].iter().find(|(other, _)| *other == word);
        let ends = same.map_or(0, |(_, ends)| ends.saturating_sub(u32::from(own))) as f32;
        // As if one more molecule had ended, among as many words as that takes on average.
        let words = (sample.times(word) as f32).max(ends);
        ((ends + 1.0) / (words * self.share + 1.0)).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Words;
    use crate::testing::Random;

    #[test]
    fn molecules_end_more_often_where_copies_of_one_end() {
        let genome = Random(4).bases(2000);
        let mut sample = Sample::new([1; 4]);
        sample.clear();
        let (mut ends, mut words) = (Ends::default(), Words::of_bases(1000));
        for number in 0..300 {
            // Molecules from anywhere to place 500, and others that end anywhere.
            let parts = [&genome[number..500], &genome[5 * number..][..200]];
            for part in parts {
                words.add(part);
                ends.add(part, true);
            }
        }
        sample.count(&words);
        let ends = MoleculeEnds::new(ends);
        let log = |at: usize| ends.log(&sample, &genome, at, false);
        assert!(log(500) > 3.0, "{}", log(500));
        assert!([450, 499, 501, 900].iter().all(|at| log(*at) < 1.0));
        assert!(ends.log(&sample, &genome, 500, true) < log(500));
        assert_eq!([ends.log(&sample, b"ACGT", 4, false), log(5)], [0.0; 2]);
        assert_eq!(MoleculeEnds::default().log(&sample, &genome, 500, false), 0.0);
    }

    #[test]
    fn the_other_strand_ends_where_a_read_begins() {
        let read = b"ACGGTCATTGCAGGACTTACCG";
        let other: Vec<u8> =
            read.iter().rev().map(|base| bm_reads::base::complement(*base)).collect();
        let [[first, last], [other_first, other_last]] =
            [&read[..], &other].map(Sample::outer_words);
        assert!(first.is_some() && first == other_last && last == other_first);
        assert_eq!(Sample::outer_words(b"ACGT"), [None; 2]);
    }
}
