//! Which bases of a sample are learned from.

use bm_encode::{BaseQualityPlace, CodeEncoder};

use bm_kmers::kmer::mix;
use bm_reads::{Phred, ReadRef, base};

use crate::labels::{Label, Labels};
use crate::network::{Example, Network, Scores, Surroundings, Tables};
use crate::sample::{Kept, RunSample};
use crate::standing::standing;

/// Most wrong bases that are learned from, and most right ones.
const MOST_WRONG: f64 = 200_000.0;
const MOST_RIGHT: f64 = 600_000.0;

/// Most that a quality may say for its base to be looked at more often than others.
const REPORTED: f64 = 0.3;

/// Parts that the reads of a run are in, to learn from some and to judge by the others.
pub(crate) const FOLDS: u64 = 4;

/// Makes what is drawn independent of which reads are kept.
const READ_SALT: u64 = 0x9e37_79b9_7f4a_7c15;
const BASE_SALT: u64 = 0xd1b5_4a32_d192_ed03;

/// Returns the part that the reads of a template are in.
pub(crate) fn fold_of(template: u64) -> u64 {
    mix(template ^ READ_SALT) % FOLDS
}

/// Codes of the reads of a sample, one read at a time.
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
        self.sequence.extend(sample.bases[bases.clone()].iter().map(|code| base::letter(*code)));
        self.quality_scores.clear();
        self.quality_scores.extend(sample.scores[bases].iter().map(|score| score + Phred::OFFSET));
        self.codes.clear();
        let read =
            ReadRef { name: b"", sequence: &self.sequence, quality_scores: &self.quality_scores };
        // A sample holds nothing that an encoder refuses.
        if BaseQualityPlace.encode_into(read, &mut self.codes).is_err() {
            self.codes.clear();
        }
        &self.codes
    }
}

/// Returns the bases to learn from: wrong ones, and right ones, half of them drawn evenly, half
/// where errors are reported. Weights undo the choice, and that of reads; their mean is 1. Also
/// returns how many bases they stand for. Reads of the part `without` are left out.
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
    let (mut wrong, mut right, mut doubt) = (0.0f64, 0.0f64, 0.0f64);
    let taught = |read: &Kept| without != Some(fold_of(read.template));
    for read in sample.reads.iter().filter(|read| taught(read)) {
        for at in read.start..read.start + read.length {
            match labels.of_bases()[at] {
                Label::Wrong => wrong += 1.0,
                Label::Right => {
                    right += 1.0;
                    doubt += reported[usize::from(sample.scores[at])];
                }
                Label::Unknown => {}
            }
        }
    }
    let of_wrong = (MOST_WRONG / wrong).min(1.0);
    let mut examples = Vec::new();
    let (mut codes, scores) = (Codes::default(), Scores::new());
    for (index, read) in sample.reads.iter().enumerate() {
        if !taught(read) {
            continue;
        }
        let codes = codes.of(sample, index);
        let stands_for = standing(
            &labels.of_bases()[read.start..read.start + codes.len()],
            sample.kmers_an_anchor(),
        );
        for i in 0..codes.len() {
            let at = read.start + i;
            let chance = match labels.of_bases()[at] {
                Label::Unknown => continue,
                Label::Wrong => of_wrong,
                Label::Right => (MOST_RIGHT
                    * (0.5 / right
                        + 0.5 * reported[usize::from(sample.scores[at])] / doubt.max(1e-9)))
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
                    weight: (stands_for / chance) as f32,
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

/// Returns the bases that mates contradict each other about: each as wrong and as right, with the
/// weight that a network gives that.
///
/// One of two bases is wrong, so P(the first is) = p (1 − q) / (p (1 − q) + q (1 − p)) where p and
/// q are the probabilities of errors.
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
        if here.is_empty() || without == Some(fold_of(read.template)) {
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
            for (around, share) in
                pair.into_iter().zip([odds[0] / (odds[0] + odds[1]), odds[1] / (odds[0] + odds[1])])
            {
                let log_odds = scores.log_odds(&around);
                examples.push(Example { around, log_odds, wrong: true, weight: share });
                examples.push(Example { around, log_odds, wrong: false, weight: 1.0 - share });
            }
        }
    }
    examples
}
