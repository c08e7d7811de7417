//! What the sample itself is likely to have next, by the words of the run.

use bm_reads::base::{UNKNOWN, code};
use bm_reads::{Phred, ReadRef};

use crate::adapter::{SCORES, error_probability};

/// Length of a word, in bases: one base, and the eleven before it.
pub(crate) const K: usize = 12;
pub(crate) const MASK: usize = (1 << (2 * K)) - 1;

/// The words that begin with the same eleven bases are a row.
const ROW_MASK: usize = MASK >> 2;

/// Bases whose rows are fetched together.
const BLOCK: usize = 16;

/// The last bases of each read are not counted: the adapter's first bases would vouch for
/// themselves.
pub(crate) const UNCOUNTED: usize = K;

/// Smallest probability of a base.
const LEAST: f32 = 1e-6;

/// Weight of the bases' frequencies where reads end behind a word, in reads.
const PRIOR: f32 = 1.0;

/// Before it is learned, a base that was not yet seen behind other bases that were is about as likely
/// as this after the first one, and half as likely at each further step of [`step`]. Weight in
/// observations.
const FIRST_UNSEEN: f32 = 0.4;
const UNSEEN_WEIGHT: f32 = 20.0;
const LEAST_UNSEEN: f32 = 1e-3;

/// Weight of the reported error probabilities beside those of the run, in observations.
const REPORTED_WEIGHT: f32 = 50.0;

/// Steps by which words are told apart that were seen more or less often.
const STEPS: usize = 13;

/// Steps by which errors are counted: where fewer words were seen, what is new may be right; where
/// more were, errors were seen before.
const ERROR_STEPS: std::ops::Range<usize> = 8..11;

/// Rounds of expectation and maximisation.
const ROUNDS: usize = 10;

/// The frequencies of bases, and how often the run has each word of twelve bases on either strand.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    frequencies: [f32; 4],
    /// ln P(base | sample) by Phred score and base, the last one unknown, where no words are counted.
    without_words: [[f32; UNKNOWN as usize + 1]; SCORES],
    /// By the number of the word: two bits per base, the first base highest. Empty before words are
    /// counted.
    counts: Vec<u16>,
    /// P(the next base was not yet seen behind the eleven before it), but for errors, by how often
    /// any base was: see [`step`].
    unseen: [f32; STEPS],
    /// Error probability by Phred score.
    errors: [f32; SCORES],
}

/// Bits of the number of a word by which words are counted in one part of the table.
const LOW_BITS: u32 = u16::BITS;

/// Words that are to be counted, apart by their highest bits: counting goes from one part of the
/// table to the next, each of which is in the processor's cache.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    low_bits: Vec<Vec<u16>>,
}

impl Words {
    /// Returns room for the words of this many bases.
    pub(crate) fn of_bases(bases: usize) -> Self {
        let parts = 1 << (Sample::WORD_BITS - LOW_BITS);
        // Both strands, and some more: not all parts are alike.
        Self { low_bits: (0..parts).map(|_| Vec::with_capacity(5 * bases / parts / 2)).collect() }
    }

    /// Adds the words of a part of a read, on both strands.
    pub(crate) fn add(&mut self, sequence: &[u8]) {
        let (mut word, mut other, mut known) = (0, 0, 0);
        for letter in sequence {
            let code = code(*letter);
            word = (word << 2 | usize::from(code & 3)) & MASK;
            other = other >> 2 | usize::from(3 - (code & 3)) << (2 * (K - 1));
            known = if code < UNKNOWN { known + 1 } else { 0 };
            if known >= K {
                for word in [word, other] {
                    self.low_bits[word >> LOW_BITS].push(word as u16);
                }
            }
        }
    }
}

/// How often the next base was not yet seen, by how often any was and by Phred score.
#[derive(Clone, Debug)]
pub(crate) struct Surprises {
    counts: Vec<[[u32; 2]; SCORES]>,
}

impl Default for Surprises {
    fn default() -> Self {
        Self { counts: vec![[[0; 2]; SCORES]; STEPS] }
    }
}

/// Returns the step of a number of words: 0 for none, one for each up to 8, then by doubling.
fn step(words: u32) -> usize {
    let doubled = (words / 8).max(1).ilog2() as usize;
    (words.min(8) as usize + doubled).min(STEPS - 1)
}

impl Sample {
    /// Bits of the number of a word.
    pub(crate) const WORD_BITS: u32 = 2 * K as u32;

    /// Returns what is known of a sample with these numbers of A, C, G and T, before words are
    /// counted.
    pub(crate) fn new(bases: [u64; 4]) -> Self {
        let all = bases.iter().sum::<u64>() as f32 + 4.0;
        let frequencies = bases.map(|count| (count as f32 + 1.0) / all);
        let without_words = |score: usize| {
            let error = error_probability(score as u8) as f32;
            let log = |p: f32| ((1.0 - error) * p + error * 0.25).max(LEAST).ln();
            let [a, c, g, t] = frequencies.map(log);
            [a, c, g, t, 0.25f32.ln()]
        };
        Self {
            frequencies,
            without_words: std::array::from_fn(without_words),
            counts: Vec::new(),
            unseen: std::array::from_fn(|step| FIRST_UNSEEN / (1 << step) as f32 * 2.0),
            errors: std::array::from_fn(|score| error_probability(score as u8) as f32),
        }
    }

    /// Returns ln of the frequency of a base; ln 0.25 for an unknown one.
    pub(crate) fn frequency_log(&self, code: u8) -> f32 {
        self.frequencies.get(usize::from(code)).map_or(0.25, |p| *p).ln()
    }

    /// Returns the frequencies of A, C, G and T.
    pub(crate) fn frequencies(&self) -> [f32; 4] {
        self.frequencies
    }

    /// Returns whether words were counted.
    pub(crate) fn has_words(&self) -> bool {
        !self.counts.is_empty()
    }

    /// Forgets all words.
    pub(crate) fn clear(&mut self) {
        self.counts.clear();
        self.counts.resize(MASK + 1, 0);
    }

    /// Adds the words that were gathered.
    pub(crate) fn count(&mut self, words: &Words) {
        for (counts, low) in self.counts.chunks_exact_mut(1 << LOW_BITS).zip(&words.low_bits) {
            for low in low {
                let count = &mut counts[usize::from(*low)];
                *count = count.saturating_add(1);
            }
        }
    }

    /// Calls `f` with each word that occurs at least so many times.
    pub(crate) fn words_with(&self, least: u16, f: impl FnMut(usize)) {
        let is_frequent = |(_, count): &(usize, &u16)| **count >= least;
        self.counts.iter().enumerate().filter(is_frequent).map(|(word, _)| word).for_each(f);
    }

    /// Forgets what words of few letters say.
    pub(crate) fn forget_simple_words(&mut self) {
        for base in 0..4 {
            let word = (0..K).fold(0, |word, _| word << 2 | base);
            self.forget_near(word);
        }
    }

    /// Forgets what words of a sequence say, and words with one base changed.
    pub(crate) fn forget(&mut self, codes: &[u8]) {
        for window in codes.windows(K) {
            if window.iter().all(|code| *code < UNKNOWN) {
                let word = window.iter().fold(0, |word, code| word << 2 | usize::from(*code));
                let fold = |word, code: &u8| word << 2 | usize::from(3 - code);
                self.forget_near(word);
                self.forget_near(window.iter().rev().fold(0, fold));
            }
        }
    }

    fn forget_near(&mut self, word: usize) {
        let Some(count) = self.counts.get_mut(word) else { return };
        *count = 0;
        for place in 0..K {
            for base in 0..4 {
                self.counts[word & !(3 << (2 * place)) | base << (2 * place)] = 0;
            }
        }
    }

    /// Adds what the words say of a base of a read, which counted its own.
    pub(crate) fn observe(&self, read: ReadRef<'_>, at: usize, surprises: &mut Surprises) {
        let Some(from) = at.checked_sub(K - 1) else { return };
        let fold = |word: Option<usize>, letter: &u8| {
            let code = code(*letter);
            (code < UNKNOWN).then_some(word? << 2 | usize::from(code))
        };
        if let Some(word) = read.sequence[from..=at].iter().fold(Some(0), fold) {
            let first = word & !3;
            let all = self.counts[first..first + 4].iter().map(|n| u32::from(*n)).sum::<u32>();
            let is_new = self.counts[word] <= 1;
            let score = read.quality_scores[at].saturating_sub(Phred::OFFSET);
            let counts = &mut surprises.counts[step(all.saturating_sub(1))];
            counts[usize::from(score).min(SCORES - 1)][usize::from(is_new)] += 1;
        }
    }

    /// Returns how often a word was counted.
    pub(crate) fn times(&self, word: u32) -> u16 {
        self.counts.get(word as usize).copied().unwrap_or(0)
    }

    /// Returns the word that begins a sequence, on the other strand, and the one that ends it.
    pub(crate) fn outer_words(sequence: &[u8]) -> [Option<u32>; 2] {
        let first = word_of(sequence, K).map(|word| {
            // The complement of each base, in reverse order.
            (0..K as u32).fold(0, |other, base| other << 2 | (3 - (word >> (2 * base) & 3)))
        });
        [first, word_of(sequence, sequence.len())]
    }

    /// Learns how likely bases are that were not yet seen, and the errors of the run.
    pub(crate) fn learn(&mut self, surprises: &Surprises) {
        let reported = self.errors;
        for _ in 0..ROUNDS {
            let mut unseen = [[0.0f32; 2]; STEPS];
            let mut errors = [[0.0f32; 2]; SCORES];
            for (step, counts) in surprises.counts.iter().enumerate().skip(1) {
                for (score, [seen, new]) in counts.iter().enumerate() {
                    let (seen, new) = (*seen as f32, *new as f32);
                    let by_error = 0.75 * self.errors[score];
                    let right = (1.0 - self.errors[score]) * self.unseen[step];
                    let wrong = new * by_error / (by_error + right);
                    unseen[step][0] += new - wrong;
                    unseen[step][1] += seen + new - wrong;
                    if ERROR_STEPS.contains(&step) {
                        errors[score][0] += wrong / 0.75;
                        errors[score][1] += seen + new;
                    }
                }
            }
            let mut before = 2.0 * FIRST_UNSEEN;
            for (unseen, [new, all]) in self.unseen.iter_mut().zip(unseen).skip(1) {
                let prior = (0.5 * before).max(LEAST_UNSEEN);
                *unseen = (new + UNSEEN_WEIGHT * prior) / (all + UNSEEN_WEIGHT);
                before = *unseen;
            }
            for (score, [wrong, all]) in errors.into_iter().enumerate() {
                self.errors[score] =
                    (wrong + REPORTED_WEIGHT * reported[score]) / (all + REPORTED_WEIGHT);
            }
        }
    }

    /// Returns how often the run has each base before those that follow one in a read.
    pub(crate) fn each_before(&self, sequence: &[u8], at: usize) -> [f32; 4] {
        let following = sequence.get(at + 1..at + K).unwrap_or_default();
        let is_known = following.iter().all(|letter| code(*letter) < UNKNOWN);
        if following.is_empty() || !is_known {
            return [0.0; 4];
        }
        let fold = |word, letter: &u8| word << 2 | usize::from(code(*letter));
        let context = following.iter().fold(0, fold);
        std::array::from_fn(|base| f32::from(self.counts[base << (2 * (K - 1)) | context]))
    }

    /// Returns the error probability of a base by its quality.
    pub(crate) fn error(&self, quality_score: u8) -> f32 {
        let score = quality_score.saturating_sub(Phred::OFFSET);
        self.errors[usize::from(score).min(SCORES - 1)]
    }

    /// Returns the frequency of all bases that have no counts, and of this one.
    fn frequency_of_unseen(&self, counts: &[u16], code: u8) -> f32 {
        let is_unseen = |base: usize| counts[base] == 0 || base == usize::from(code);
        (0..4).filter(|base| is_unseen(*base)).map(|base| self.frequencies[base]).sum()
    }

    /// Fills `logs` with ln P(base | sample) of bases `from..to` of a read. Words that the read
    /// itself `counted` up to a base do not vouch for it.
    pub(crate) fn logs(
        &self,
        sequence: &[u8],
        scores: &[u8],
        from: usize,
        to: usize,
        counted: usize,
        logs: &mut Vec<f32>,
    ) {
        logs.clear();
        if self.counts.is_empty() {
            let log = |at: usize| {
                let score = scores[at].saturating_sub(Phred::OFFSET);
                self.without_words[usize::from(score).min(SCORES - 1)]
                    [usize::from(code(sequence[at]))]
            };
            logs.extend((from..to).map(log));
            return;
        }
        let (mut context, mut known) = (0, 0);
        for letter in &sequence[from.saturating_sub(K)..from] {
            push(&mut context, &mut known, code(*letter));
        }
        // The word before the first base; those before the others are in the row of the base before.
        let mut before = match self.counts.get(context) {
            Some(count) if known >= K => *count,
            _ => 0,
        };
        let mut rows = [[0u16; 4]; BLOCK];
        for start in (from..to).step_by(BLOCK) {
            let bases = start..to.min(start + BLOCK);
            // All rows are fetched before the first one is needed.
            for (row, letter) in rows.iter_mut().zip(&sequence[bases.clone()]) {
                *row = [0; 4];
                if known >= K - 1
                    && let Some(counts) = self.counts.as_chunks::<4>().0.get(context & ROW_MASK)
                {
                    *row = *counts;
                }
                push(&mut context, &mut known, code(*letter));
            }
            for (row, at) in rows.iter().zip(bases) {
                let code = code(sequence[at]);
                let Some(frequency) = self.frequencies.get(usize::from(code)).copied() else {
                    logs.push(0.25f32.ln());
                    before = 0;
                    continue;
                };
                let p = self.next(*row, before, code, frequency, at < counted);
                before = row[usize::from(code)];
                let error = self.error(scores[at]);
                let p = (1.0 - error) * p + error * 0.25;
                logs.push(p.max(LEAST).ln());
            }
        }
    }

    /// Returns P(base | sample) but for errors, by how often each base was counted behind the eleven
    /// before it, and how often the word of the twelve before it.
    fn next(&self, row: [u16; 4], before: u16, code: u8, frequency: f32, is_counted: bool) -> f32 {
        let own = u32::from(is_counted);
        let without_own = |count: u32| count.saturating_sub(own);
        let this = without_own(u32::from(row[usize::from(code)]));
        let after = without_own(row.iter().map(|count| u32::from(*count)).sum());
        // Where many molecules end at one place, the word before it is seen, and none after.
        let before = without_own(u32::from(before));
        if after == 0 {
            return PRIOR * frequency / (before as f32 + PRIOR);
        }
        let unseen = self.unseen[step(after)];
        if this > 0 {
            (1.0 - unseen) * this as f32 / after.max(before) as f32
        } else {
            unseen * frequency / self.frequency_of_unseen(&row, code)
        }
    }
}

/// Returns the number of the word before a place of a sequence, if there is one of known bases.
pub(crate) fn word_of(sequence: &[u8], at: usize) -> Option<u32> {
    let letters = sequence.get(at.checked_sub(K)?..at)?;
    letters.iter().try_fold(0, |word, letter| {
        let code = code(*letter);
        (code < UNKNOWN).then_some(word << 2 | u32::from(code))
    })
}

fn push(context: &mut usize, known: &mut usize, code: u8) {
    *context = (*context << 2 | usize::from(code & 3)) & MASK;
    *known = if code < UNKNOWN { *known + 1 } else { 0 };
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENOME: &[u8] = b"ACGGTCATTGCAGGACTTACCGATGGCATTCAGGACCTGATCGGAT";

    fn count(sample: &mut Sample, sequence: &[u8]) {
        let mut words = Words::of_bases(sequence.len());
        words.add(sequence);
        sample.count(&words);
    }

    fn logs(sample: &Sample, sequence: &[u8], counted: usize) -> Vec<f32> {
        let mut logs = Vec::new();
        sample.logs(sequence, &vec![b'I'; sequence.len()], 0, sequence.len(), counted, &mut logs);
        logs.iter().map(|log| log.exp()).collect()
    }

    #[test]
    fn words_say_what_comes_next_on_either_strand() {
        let mut sample = Sample::new([100, 50, 50, 100]);
        assert!((logs(&sample, GENOME, 0)[0] - 1.0 / 3.0).abs() < 0.01, "A without words");
        sample.clear();
        for _ in 0..9 {
            count(&mut sample, GENOME);
        }
        let found = logs(&sample, GENOME, 0);
        assert!(found[..K - 1].iter().all(|p| *p < 0.34));
        assert!(found[K - 1..].iter().all(|p| *p > 0.9), "{found:?}");
        let other: Vec<u8> =
            GENOME.iter().rev().map(|base| bm_reads::base::complement(*base)).collect();
        assert!(logs(&sample, &other, 0)[K - 1..].iter().all(|p| *p > 0.9));
        let mut wrong = GENOME.to_vec();
        wrong[30] = if wrong[30] == b'A' { b'C' } else { b'A' };
        assert!(logs(&sample, &wrong, 0)[30] < 0.05);
    }

    #[test]
    fn a_read_does_not_vouch_for_itself() {
        let mut sample = Sample::new([100; 4]);
        sample.clear();
        count(&mut sample, GENOME);
        assert!(logs(&sample, GENOME, 0)[20] > 0.55);
        assert!((logs(&sample, GENOME, GENOME.len())[20] - 0.25).abs() < 0.01);
    }

    #[test]
    fn what_is_forgotten_says_nothing() {
        let mut sample = Sample::new([100; 4]);
        sample.clear();
        let codes: Vec<u8> = GENOME.iter().map(|base| code(*base)).collect();
        let poly = [b'G'; 30];
        for _ in 0..50 {
            count(&mut sample, GENOME);
            count(&mut sample, &poly);
        }
        sample.forget(&codes[15..32]);
        sample.forget_simple_words();
        let found = logs(&sample, GENOME, 0);
        assert!((found[28] - 0.25).abs() < 0.01 && found[13] > 0.9);
        assert!((logs(&sample, &poly, 0)[20] - 0.25).abs() < 0.01);
    }

    #[test]
    fn what_was_not_seen_is_as_likely_as_the_run_shows() {
        use crate::testing::{Random, template};

        let mut random = Random(3);
        let genome = random.bases(3000);
        let mut sample = Sample::new([1; 4]);
        sample.clear();
        let scores = [[b'I'; 100], [b'#'; 100]];
        let reads: Vec<(Vec<u8>, &[u8; 100])> = (0..800)
            .map(|number| {
                let start = random.below(genome.len() - 100);
                let mut read = genome[start..start + 100].to_vec();
                // Half of the reads have scores of 2, and any base in every twentieth place.
                if number % 2 == 1 {
                    for _ in 0..5 {
                        read[random.below(100)] = random.bases(1)[0];
                    }
                }
                (read, &scores[number % 2])
            })
            .collect();
        reads.iter().for_each(|(read, _)| count(&mut sample, read));
        let mut surprises = Surprises::default();
        for (read, scores) in &reads {
            (0..100).for_each(|at| sample.observe(template(read, *scores)[0], at, &mut surprises));
        }
        sample.learn(&surprises);
        assert!((sample.error(b'#') - 0.05).abs() < 0.025, "{}", sample.error(b'#'));
        assert!(sample.error(b'I') < 2e-3);
        assert!(sample.unseen[9] < 2e-3 && sample.unseen[1] > 0.01, "{:?}", sample.unseen);
    }
}
