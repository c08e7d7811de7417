//! What the sample itself is likely to have next, by the words of the run.

use bm_reads::Phred;
use bm_reads::base::{UNKNOWN, code};

use crate::adapter::{SCORES, error_probability};

/// Length of a word, in bases: one base, and the eleven before it.
const K: usize = 12;
const MASK: usize = (1 << (2 * K)) - 1;

/// The last bases of each read are not counted: the adapter's first bases would vouch for
/// themselves.
pub(crate) const UNCOUNTED: usize = K;

/// Weight of the bases' frequencies beside the counts, in reads.
const PRIOR: f32 = 1.0;

/// Smallest probability of a base: a genome may go on in a way that was not yet seen.
const LEAST: f32 = 0.003;

/// The frequencies of bases, and how often the run has each word of twelve bases on either strand.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    frequencies: [f32; 4],
    /// By the number of the word: two bits per base, the first base highest. Empty before words are
    /// counted.
    counts: Vec<u16>,
    /// Error probability by Phred score.
    errors: [f32; SCORES],
}

impl Sample {
    /// Returns what is known of a sample with these numbers of A, C, G and T, before words are
    /// counted.
    pub(crate) fn new(bases: [u64; 4]) -> Self {
        let all = bases.iter().sum::<u64>() as f32 + 4.0;
        Self {
            frequencies: bases.map(|count| (count as f32 + 1.0) / all),
            counts: Vec::new(),
            errors: std::array::from_fn(|score| error_probability(score as u8) as f32),
        }
    }

    /// Returns ln of the frequency of a base; ln 0.25 for an unknown one.
    pub(crate) fn frequency_log(&self, code: u8) -> f32 {
        self.frequencies.get(usize::from(code)).map_or(0.25, |p| *p).ln()
    }

    /// Forgets all words.
    pub(crate) fn clear(&mut self) {
        self.counts.clear();
        self.counts.resize(MASK + 1, 0);
    }

    /// Counts the words of a part of a read, on both strands.
    pub(crate) fn count(&mut self, sequence: &[u8]) {
        let (mut word, mut other, mut known) = (0, 0, 0);
        for letter in sequence {
            let code = code(*letter);
            word = (word << 2 | usize::from(code & 3)) & MASK;
            other = other >> 2 | usize::from(3 - (code & 3)) << (2 * (K - 1));
            known = if code < UNKNOWN { known + 1 } else { 0 };
            if known >= K {
                for word in [word, other] {
                    self.counts[word] = self.counts[word].saturating_add(1);
                }
            }
        }
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

    /// Returns how often the run has a base of a read, and how often any base, before those that
    /// follow it in the read.
    pub(crate) fn before(&self, sequence: &[u8], at: usize) -> [f32; 2] {
        let base = usize::from(code(sequence[at]));
        let following = sequence.get(at + 1..at + K).unwrap_or_default();
        let is_known = base < 4 && following.iter().all(|letter| code(*letter) < UNKNOWN);
        if following.is_empty() || !is_known {
            return [0.0; 2];
        }
        let fold = |word, letter: &u8| word << 2 | usize::from(code(*letter));
        let context = following.iter().fold(0, fold);
        let count = |base: usize| f32::from(self.counts[base << (2 * (K - 1)) | context]);
        [count(base), (0..4).map(count).sum()]
    }

    /// Returns the error probability of a base by its quality.
    pub(crate) fn error(&self, quality_score: u8) -> f32 {
        let score = quality_score.saturating_sub(Phred::OFFSET);
        self.errors[usize::from(score).min(SCORES - 1)]
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
        let (mut context, mut known) = (0, 0);
        for letter in &sequence[from.saturating_sub(K)..from] {
            push(&mut context, &mut known, code(*letter));
        }
        for at in from..to {
            let code = code(sequence[at]);
            if code >= UNKNOWN {
                push(&mut context, &mut known, code);
                logs.push(0.25f32.ln());
                continue;
            }
            let frequency = self.frequencies[usize::from(code)];
            let mut p = frequency;
            if known >= K - 1 && !self.counts.is_empty() {
                let first = context << 2 & MASK;
                let own = u32::from(at < counted);
                let counts = &self.counts[first..first + 4];
                let after = counts.iter().map(|count| u32::from(*count)).sum::<u32>();
                // Where many molecules end at one place, the word before it is seen, and none after.
                let before = if known >= K { u32::from(self.counts[context]) } else { 0 };
                let all = after.max(before).saturating_sub(own);
                let this = u32::from(counts[usize::from(code)]).saturating_sub(own) as f32;
                p = (this + PRIOR * frequency) / (all as f32 + PRIOR);
            }
            let error = self.error(scores[at]);
            let p = (1.0 - error) * p + error * 0.25;
            logs.push(p.max(LEAST).ln());
            push(&mut context, &mut known, code);
        }
    }
}

fn push(context: &mut usize, known: &mut usize, code: u8) {
    *context = (*context << 2 | usize::from(code & 3)) & MASK;
    *known = if code < UNKNOWN { *known + 1 } else { 0 };
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENOME: &[u8] = b"ACGGTCATTGCAGGACTTACCGATGGCATTCAGGACCTGATCGGAT";

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
            sample.count(GENOME);
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
        sample.count(GENOME);
        assert!(logs(&sample, GENOME, 0)[20] > 0.6);
        assert!((logs(&sample, GENOME, GENOME.len())[20] - 0.25).abs() < 0.01);
    }

    #[test]
    fn what_is_forgotten_says_nothing() {
        let mut sample = Sample::new([100; 4]);
        sample.clear();
        let codes: Vec<u8> = GENOME.iter().map(|base| code(*base)).collect();
        let poly = [b'G'; 30];
        for _ in 0..50 {
            sample.count(GENOME);
            sample.count(&poly);
        }
        sample.forget(&codes[15..32]);
        sample.forget_simple_words();
        let found = logs(&sample, GENOME, 0);
        assert!((found[28] - 0.25).abs() < 0.01 && found[13] > 0.9);
        assert!((logs(&sample, &poly, 0)[20] - 0.25).abs() < 0.01);
    }
}
