//! The bases of a sample to learn from.

use bm_encode::{BaseQualityPlace, CodeEncoder};
use bm_kmers::kmer::mix;
use bm_reads::{Phred, ReadRef, base};

use crate::labels::{Label, Labels};
use crate::network::{Example, Network, Scores, Surroundings, Tables};
use crate::read_weight::read_weight;
use crate::sample::{Kept, RunSample};

/// Most wrong and most right bases to learn from.
const MOST_WRONG: f64 = 200_000.0;
const MOST_RIGHT: f64 = 600_000.0;

/// Reported error probabilities are capped at this value where right bases are drawn.
const REPORTED: f64 = 0.3;

/// Folds of the reads of a run: some to learn from, the others to test.
pub(crate) const FOLDS: u64 = 4;

/// Makes random choices independent of the hashes that decide which reads are kept.
const READ_SALT: u64 = 0x9e37_79b9_7f4a_7c15;
const BASE_SALT: u64 = 0xd1b5_4a32_d192_ed03;

/// Returns the fold of a template's reads, by its key.
pub(crate) fn fold_of(key: u64) -> u64 {
    mix(key ^ READ_SALT) % FOLDS
}

/// The codes of one read of a sample at a time.
#[derive(Default)]
pub(crate) struct Codes {
    sequence: Vec<u8>,
    quality_scores: Vec<u8>,
    codes: Vec<u16>,
}

impl Codes {
    /// Returns the codes of a kept read.
    pub(crate) fn of(&mut self, sample: &RunSample, read: usize) -> &[u16] {
        let kept = sample.reads[read];
        let bases = kept.start..kept.start + kept.length;
        self.sequence.clear();
        self.sequence.extend(sample.codes(bases.clone()).map(base::letter));
        self.quality_scores.clear();
        self.quality_scores.extend(sample.scores[bases].iter().map(|score| score + Phred::OFFSET));
        self.codes.clear();
        let read =
            ReadRef { name: b"", sequence: &self.sequence, quality_scores: &self.quality_scores };
        // A sample holds only reads that can be encoded.
        if BaseQualityPlace.encode_into(read, &mut self.codes).is_err() {
            self.codes.clear();
        }
        &self.codes
    }
}

/// Returns the examples, and the number of bases that they represent.
///
/// Wrong bases are taken, and right bases drawn: half of them evenly, half in proportion to the
/// reported error probability. Weights undo the selection of bases and of reads; their mean is 1.
/// Reads of the fold `without` are left out.
pub(crate) fn choose(
    sample: &RunSample,
    labels: &Labels,
    start: &Network,
    seed: u64,
    without: Option<u64>,
) -> (Vec<Example>, f64) {
    let reported: [f64; 256] = std::array::from_fn(|score| {
        Phred::new(score as u8).map_or(0.0, Phred::error_probability).min(REPORTED)
    });
    let (mut wrong, mut right, mut expected) = (0.0f64, 0.0f64, 0.0f64);
    let is_used = |read: &Kept| without != Some(fold_of(read.key));
    for read in sample.reads.iter().filter(|read| is_used(read)) {
        for at in read.start..read.start + read.length {
            match labels.of_bases()[at] {
                Label::Wrong => wrong += 1.0,
                Label::Right => {
                    right += 1.0;
                    expected += reported[usize::from(sample.scores[at])];
                }
                Label::Unknown => {}
            }
        }
    }
    let of_wrong = (MOST_WRONG / wrong).min(1.0);
    let mut examples = Vec::new();
    let (mut codes, scores) = (Codes::default(), Scores::new());
    for (index, read) in sample.reads.iter().enumerate() {
        if !is_used(read) {
            continue;
        }
        let codes = codes.of(sample, index);
        let of_read = read_weight(
            &labels.of_bases()[read.start..read.start + codes.len()],
            sample.kmers_per_anchor(),
        );
        for i in 0..codes.len() {
            let at = read.start + i;
            let chance = match labels.of_bases()[at] {
                Label::Unknown => continue,
                Label::Wrong => of_wrong,
                Label::Right => (MOST_RIGHT
                    * (0.5 / right
                        + 0.5 * reported[usize::from(sample.scores[at])] / expected.max(1e-9)))
                .min(1.0),
            };
            let draw = mix(at as u64 ^ BASE_SALT ^ seed.rotate_left(32)) >> 11;
            if (draw as f64) < chance * (1u64 << 53) as f64 {
                let wrong = labels.of_bases()[at] == Label::Wrong;
                let around = Surroundings::of(codes, i);
                examples.push(Example {
                    around,
                    log_odds: scores.log_odds(&around),
                    wrong,
                    weight: (of_read / chance) as f32,
                });
            }
        }
    }
    let disputes = disputed(sample, labels, start, without);
    let bases = wrong + right + disputes.len() as f64;
    examples.extend(disputes);
    let mean = examples.iter().map(|example| f64::from(example.weight)).sum::<f64>()
        / (examples.len().max(1) as f64);
    examples
        .iter_mut()
        .for_each(|example| example.weight = (f64::from(example.weight) / mean) as f32);
    (examples, bases)
}

/// Returns the bases about which mates disagree: each once as wrong and once as right, weighted
/// with the probabilities by a network.
///
/// One of two bases is wrong, so P(the first is wrong) = p (1 − q) / (p (1 − q) + q (1 − p)) where
/// p and q are their error probabilities.
fn disputed(
    sample: &RunSample,
    labels: &Labels,
    network: &Network,
    without: Option<u64>,
) -> Vec<Example> {
    let scores = Scores::new();
    let tables = Tables::of(network, &scores);
    let (mut ours, mut theirs) = (Codes::default(), Codes::default());
    let mut examples = Vec::new();
    let mut disputes = labels.disputes();
    for (index, read) in sample.reads.iter().enumerate().filter(|(_, read)| read.has_mate) {
        let mine =
            disputes.iter().take_while(|dispute| dispute.first < read.start + read.length).count();
        let (here, rest) = disputes.split_at(mine);
        disputes = rest;
        if here.is_empty() || without == Some(fold_of(read.key)) {
            continue;
        }
        let (ours, theirs, mate) =
            (ours.of(sample, index), theirs.of(sample, index + 1), sample.reads[index + 1]);
        for dispute in here {
            let pair = [
                Surroundings::of(ours, dispute.first - read.start),
                Surroundings::of(theirs, dispute.second - mate.start),
            ];
            let odds = pair.map(|around| tables.logit(&around, &scores).exp());
            for (around, weight) in
                pair.into_iter().zip([odds[0] / (odds[0] + odds[1]), odds[1] / (odds[0] + odds[1])])
            {
                let log_odds = scores.log_odds(&around);
                examples.push(Example { around, log_odds, wrong: true, weight });
                examples.push(Example { around, log_odds, wrong: false, weight: 1.0 - weight });
            }
        }
    }
    examples
}
