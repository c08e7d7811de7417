//! The bases of a library at one end of a run's reads: how many of them a read has, by the run's words
//! of twelve bases and by the places of the sample at which its reads begin.

use bm_reads::ReadRef;
use bm_reads::base::UNKNOWN;

use crate::molecules::MoleculeEnds;
use crate::overlay::{MOST, Oriented};
use crate::sample::{K, Sample};

/// Rounds of expectation and maximisation.
const ROUNDS: usize = 20;

/// All reads have as many bases that are not of the sample if this part of them has.
const ALL: f32 = 0.97;

/// The same where words do not tell which reads have fewer.
const NEARLY_ALL: f32 = 0.8;

/// A base of a read is the run's if at least this part of what the run has before the same bases is.
const SUPPORTED: f32 = 0.1;

/// Part of the bases that the run has not before those that follow, and its weight in observations,
/// before that is counted.
const UNSEEN: f32 = 0.05;
const UNSEEN_WEIGHT: f32 = 20.0;

/// Steps by which words are told apart that were seen more or less often.
const STEPS: usize = 8;

/// Letters at an end of a read that tell how many of them are not of the sample.
const LETTERS: usize = MOST + 2 * K;

/// The sample as the ends of reads need it.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    /// Words of the parts of reads that are of the sample.
    pub(crate) sample: Sample,
    /// Where these parts begin.
    pub(crate) starts: MoleculeEnds,
}

/// The bases at one end of the reads of one mate.
#[derive(Clone, Debug)]
pub(crate) struct End {
    /// Share of the reads with each number of them.
    pub(crate) shares: Vec<f32>,
    /// Share of the reads with a junction behind any number of bases, for each.
    junctions: f32,
    /// Frequencies of A, C, G and T at each place, among them and in all reads.
    bases: Vec<[[f32; 4]; 2]>,
    unseen: Unseen,
    /// Bases of the sample that are damaged in reads that have no others.
    pub(crate) damaged: usize,
}

/// The letters at one end of a read, on the strand that begins there, and their qualities.
pub(crate) struct Letters {
    number: usize,
    letters: [u8; LETTERS],
    quality_scores: [u8; LETTERS],
    from_end: bool,
}

impl Letters {
    pub(crate) fn of(read: ReadRef<'_>, from_end: bool) -> Self {
        let number = read.len().min(LETTERS);
        let (letters, quality_scores) = ([b'N'; LETTERS], [0; LETTERS]);
        let mut letters = Self { number, letters, quality_scores, from_end };
        let oriented = Oriented::new(read, from_end);
        for place in 0..number {
            letters.letters[place] = bm_reads::base::letter(oriented.code(place));
            letters.quality_scores[place] = oriented.quality_score(place);
        }
        letters
    }
}

/// The first bases of some letters, and what the run has there.
#[derive(Clone, Copy)]
struct First {
    bases: usize,
    codes: [u8; MOST],
    /// How often the run has each base, and any base, before those that follow, and which number of bases
    /// it never has there.
    counts: [[f32; 3]; MOST],
    errors: [f32; MOST],
    /// Of A, C, G and T in the sample.
    frequencies: [f32; 4],
    /// ln of the factor by which reads begin more often at each place of the sample than elsewhere.
    starts: [f32; MOST + 1],
}

impl Words {
    /// Returns how often the run has each base before those that follow one in a read; the read itself
    /// may have been counted, and does not count.
    fn each_before(&self, sequence: &[u8], at: usize) -> [f32; 4] {
        let mut counts = self.sample.each_before(sequence, at);
        if let Some(own) = counts.get_mut(usize::from(bm_reads::base::code(sequence[at]))) {
            *own = (*own - 1.0).max(0.0);
        }
        counts
    }

    /// Returns ln of the factor by which reads begin more often with these bases than elsewhere.
    fn start_log(&self, sequence: &[u8]) -> f32 {
        let [first, _] = Sample::outer_words(sequence);
        first.map_or(0.0, |word| self.starts.log_behind(&self.sample, word, true))
    }
}

impl First {
    fn of(letters: &Letters, most: usize, words: &Words) -> Self {
        let bases = most.min(letters.number);
        let mut first = Self {
            bases,
            codes: [UNKNOWN; MOST],
            counts: [[0.0; 3]; MOST],
            errors: [0.0; MOST],
            frequencies: words.sample.frequencies(),
            starts: [0.0; MOST + 1],
        };
        let mut sequence = letters.letters;
        let sequence = &mut sequence[..letters.number];
        if !letters.from_end {
            for (place, start) in first.starts.iter_mut().enumerate().take(bases + 1) {
                *start = words.start_log(&sequence[place..]);
            }
        }
        // From further inside, so that an error there hides nothing.
        for place in (0..(bases + K).min(letters.number)).rev() {
            let code = bm_reads::base::code(sequence[place]);
            let counts = words.each_before(sequence, place);
            let all = counts.iter().sum::<f32>();
            let own = counts.get(usize::from(code)).copied().unwrap_or(0.0);
            if place < bases {
                first.codes[place] = code;
                first.errors[place] = words.sample.error(letters.quality_scores[place]);
                let others = counts.iter().filter(|count| **count == 0.0).count();
                first.counts[place] = [own, all, others as f32];
            }
            // What the run has goes on beside a base that it has not.
            if own < SUPPORTED * all {
                let most = (0..4u8)
                    .max_by(|a, b| counts[usize::from(*a)].total_cmp(&counts[usize::from(*b)]));
                sequence[place] = bm_reads::base::letter(most.unwrap_or(UNKNOWN));
            }
        }
        first
    }

    /// Returns the number of places at which the run has bases before those that follow, more than once:
    /// once may be by chance.
    fn known_places(&self) -> usize {
        self.counts[..self.bases].iter().filter(|[_, all, _]| *all > 1.0).count()
    }

    /// Returns the code of a place, if it is known.
    fn code(&self, place: usize) -> Option<usize> {
        Some(usize::from(self.codes[place])).filter(|code| *code < usize::from(UNKNOWN))
    }
}

impl End {
    /// Returns the end of reads that have each number of bases in these shares.
    pub(crate) fn of(shares: Vec<f32>, junctions: f32) -> Self {
        let bases = vec![[[0.25; 4]; 2]; shares.len() - 1];
        Self { shares, junctions, bases, unseen: Unseen::default(), damaged: 0 }
    }

    /// Returns the end of reads of which all have so many bases that are not of the sample.
    pub(crate) fn of_all(bases: usize) -> Self {
        let mut shares = vec![0.0; bases + 1];
        shares[bases] = 1.0;
        Self::of(shares, 0.0)
    }

    /// Returns the number of bases that are not of the sample if all reads have as many.
    pub(crate) fn number_of_all(&self) -> Option<usize> {
        self.shares.iter().position(|share| *share >= ALL)
    }

    /// Returns the number of bases that are not of the sample in most reads, if nearly all have as many.
    pub(crate) fn number_of_most(&self) -> Option<usize> {
        let (shares, most) = (&self.shares[1..], NEARLY_ALL);
        shares.iter().position(|share| *share >= most).map(|place| place + 1)
    }

    /// Learns which bases there are from reads.
    pub(crate) fn learn(&mut self, reads: &[Letters], words: &Words) {
        self.unseen = Unseen::of(reads, words);
        let most = self.most();
        // Where words know nothing, reads with another composition would look like those with more bases.
        let known: Vec<First> = reads
            .iter()
            .map(|read| First::of(read, most, words))
            .filter(|first| 2 * first.known_places() > first.bases)
            .collect();
        for _ in 0..ROUNDS {
            let mut bases = vec![[[1.0f32; 4]; 2]; most];
            for first in &known {
                let of_read = self.of_first(first);
                let mut before = 0.0;
                for place in (0..first.bases).rev() {
                    before += of_read[place + 1];
                    if let Some(code) = first.code(place) {
                        bases[place][0][code] += before;
                        bases[place][1][code] += 1.0;
                    }
                }
            }
            for bases in bases.iter_mut().flatten() {
                let all = bases.iter().sum::<f32>();
                bases.iter_mut().for_each(|frequency| *frequency /= all);
            }
            self.bases = bases;
        }
    }

    /// Returns the most bases that may not be of the sample.
    pub(crate) fn most(&self) -> usize {
        self.bases.len()
    }

    /// Fills `p` with P(number of bases that are not of the sample, or damaged).
    pub(crate) fn posterior(
        &self,
        read: ReadRef<'_>,
        from_end: bool,
        words: Option<&Words>,
        p: &mut Vec<f32>,
    ) {
        self.undamaged(read, from_end, words, p);
        let damaged = self.damaged.min(read.len());
        p.resize(p.len().max(damaged + 1), 0.0);
        p[damaged] += p[..damaged].iter().sum::<f32>();
        p[..damaged].fill(0.0);
    }

    fn undamaged(
        &self,
        read: ReadRef<'_>,
        from_end: bool,
        words: Option<&Words>,
        p: &mut Vec<f32>,
    ) {
        let most = self.most().min(read.len());
        if let (None, Some(words)) = (self.number_of_all(), words) {
            let first = First::of(&Letters::of(read, from_end), self.most(), words);
            p.extend_from_slice(&self.of_first(&first)[..=most]);
            return;
        }
        p.extend_from_slice(&self.shares[..=most]);
        // A read that is shorter has no other bases.
        p[most] += self.shares[most + 1..].iter().sum::<f32>();
    }

    /// Returns the most probable number of bases of a read that are not of the sample, and its
    /// probability.
    pub(crate) fn most_probable(&self, letters: &Letters, words: Option<&Words>) -> (usize, f32) {
        match (self.number_of_all(), words) {
            (None, Some(words)) => {
                let p = self.of_first(&First::of(letters, self.most(), words));
                let most = (0..=self.most()).max_by(|a, b| p[*a].total_cmp(&p[*b])).unwrap_or(0);
                (most, p[most])
            }
            (all, _) => (all.unwrap_or(0), 1.0),
        }
    }

    /// Returns P(number of bases that are not of the sample).
    fn of_first(&self, first: &First) -> [f32; MOST + 1] {
        let mut shares = [0.0f64; MOST + 1];
        let (mut ratio, mut of_junction, mut junctions) = (1.0f64, 1.0f64, 0.0f64);
        shares[0] = f64::from(self.shares[0]);
        for place in 0..first.bases {
            if let Some(code) = first.code(place) {
                let [before, any] = self.bases[place].map(|bases| bases[code]);
                let p = self.unseen.p(first.counts[place], any);
                let error = first.errors[place];
                let p = (1.0 - error) * p + error * 0.25;
                ratio *= f64::from(before / p);
                of_junction *= f64::from(first.frequencies[code] / p);
            }
            shares[place + 1] = f64::from(self.shares[place + 1]) * ratio;
            junctions += f64::from(self.junctions) * of_junction;
        }
        for (share, start) in shares.iter_mut().zip(first.starts) {
            *share *= f64::from(start).exp();
        }
        // The bases before a junction are of elsewhere in the sample.
        shares[0] += junctions;
        let all = shares.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        shares.map(|share| (share / all) as f32)
    }
}

/// How often reads have a base that the run has not before those that follow, by how often it has any.
#[derive(Clone, Debug, Default)]
struct Unseen([f32; STEPS]);

impl Unseen {
    /// Counts such bases behind those that may not be of the sample.
    fn of(reads: &[Letters], words: &Words) -> Self {
        let mut seen = [[UNSEEN * UNSEEN_WEIGHT, UNSEEN_WEIGHT]; STEPS];
        for read in reads {
            let letters = &read.letters[..read.number];
            for place in MOST..(MOST + K).min(read.number) {
                let code = usize::from(bm_reads::base::code(letters[place]));
                let counts = words.each_before(letters, place);
                let all = counts.iter().sum::<f32>();
                if let Some(own) = counts.get(code)
                    && all > 0.0
                {
                    let [new, number] = &mut seen[step(all)];
                    *new += f32::from(u8::from(*own == 0.0));
                    *number += 1.0;
                }
            }
        }
        Self(seen.map(|[new, all]| new / all))
    }

    /// Returns P(base | sample), by the counts of [`First`]; by its frequency where nothing is known.
    fn p(&self, [own, all, others]: [f32; 3], frequency: f32) -> f32 {
        let unseen = self.0[step(all)];
        if all == 0.0 {
            frequency
        } else if own > 0.0 {
            (1.0 - unseen) * own / all
        } else {
            unseen / others
        }
    }
}

/// Returns the step of a number of words.
fn step(words: f32) -> usize {
    ((words as u32).max(1).ilog2() as usize).min(STEPS - 1)
}
