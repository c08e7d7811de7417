//! The measured error rate of each reported quality, by the labels: the run's own table.

use bm_reads::Phred;

use crate::examples::fold_of;
use crate::labels::{Label, Labels};
use crate::network::{KNOTS, Network, Scores};
use crate::sample::RunSample;

/// Weight of the reported error rate: this many labelled bases, or as many as are expected to have
/// [`PRIOR_WRONG`] errors if these are fewer. A low quality says little of how many bases are wrong.
const PRIOR: f64 = 200.0;
const PRIOR_WRONG: f64 = 5.0;

const SCORES: usize = 94;

/// The error rate of each reported quality, as log-odds.
#[derive(Clone, Debug)]
pub(crate) struct Calibration {
    logits: [f32; SCORES],
    /// Number of labelled bases of each quality.
    bases: [f64; SCORES],
}

impl Calibration {
    /// Returns the error rates measured in the reads of all folds, or of all but one.
    pub(crate) fn of(sample: &RunSample, labels: &Labels, without: Option<u64>) -> Self {
        let (mut bases, mut wrong) = ([0.0; SCORES], [0.0; SCORES]);
        let is_used = |key| without != Some(fold_of(key));
        for read in sample.reads.iter().filter(|read| is_used(read.key)) {
            for at in read.start..read.start + read.length {
                let label = labels.of_bases()[at];
                let score = usize::from(sample.scores[at]);
                bases[score] += f64::from(u8::from(label != Label::Unknown));
                wrong[score] += f64::from(u8::from(label == Label::Wrong));
            }
        }
        let logits = std::array::from_fn(|score| {
            let reported =
                Phred::new(score as u8).map_or(0.75, Phred::error_probability).clamp(1e-5, 0.75);
            let prior = PRIOR.min(PRIOR_WRONG / reported);
            let measured = (wrong[score] + prior * reported) / (bases[score] + prior);
            (measured / (1.0 - measured)).ln() as f32
        });
        Self { logits, bases }
    }

    /// Returns the log-odds of an error at a reported quality, as a Phred score.
    pub(crate) fn logit(&self, score: u8) -> f32 {
        self.logits[usize::from(score).min(SCORES - 1)]
    }

    /// Returns the table as a network: exact where the run has up to [`KNOTS`] quality values, else a
    /// line between that many of them.
    pub(crate) fn network(&self, scores: &Scores) -> Network {
        let reported = scores.of_each();
        let correction = |score: usize| f64::from(self.logits[score]) - f64::from(reported[score]);
        let seen: Vec<usize> = (0..SCORES).filter(|score| self.bases[*score] > 0.0).collect();
        let knots: Vec<(u8, f64)> = self
            .knots(&seen, correction)
            .into_iter()
            .map(|at| (at as u8, correction(at)))
            .collect();
        let most = knots.iter().max_by(|a, b| {
            let bases = |knot: &(u8, f64)| self.bases[usize::from(knot.0)];
            bases(a).total_cmp(&bases(b))
        });
        Network::between(&knots, most.map_or(0, |knot| knot.0))
    }

    /// Returns which of the qualities that were `seen`, in rising order, the lines go through: all of
    /// them, or those without which the error is largest. Knots are dropped one by one, each time the
    /// one that changes the corrections of the bases the least.
    fn knots(&self, seen: &[usize], correction: impl Fn(usize) -> f64) -> Vec<usize> {
        let mut knots = seen.to_vec();
        while knots.len() > KNOTS {
            let loss = |dropped: usize| {
                let (low, high) = match (dropped.checked_sub(1), knots.get(dropped + 1)) {
                    (Some(before), Some(high)) => (knots[before], *high),
                    // Beyond the last knot, the correction is that of the knot.
                    (None, Some(high)) => (knots[dropped], *high),
                    (Some(before), None) => (knots[before], knots[dropped]),
                    (None, None) => return f64::INFINITY,
                };
                let (at_low, at_high) = match dropped {
                    0 => (correction(high), correction(high)),
                    last if last + 1 == knots.len() => (correction(low), correction(low)),
                    _ => (correction(low), correction(high)),
                };
                let seen = seen.iter().filter(|score| (low..=high).contains(*score));
                seen.map(|score| {
                    let along = (score - low) as f64 / (high - low) as f64;
                    let line = at_low + along * (at_high - at_low);
                    self.cost(*score) * (line - correction(*score)).powi(2)
                })
                .sum::<f64>()
            };
            let least = (0..knots.len()).min_by(|a, b| loss(*a).total_cmp(&loss(*b)));
            knots.remove(least.unwrap_or(0));
        }
        knots
    }

    /// Returns what a squared difference in log-odds costs at a quality, in nats: half of n p (1 − p).
    fn cost(&self, score: usize) -> f64 {
        let odds = f64::from(self.logits[score]).exp();
        0.5 * self.bases[score] * odds / (1.0 + odds).powi(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Surroundings, Tables, sigmoid};
    use bm_encode::{BaseQualityPlace, CodeEncoder};
    use bm_reads::ReadRef;

    /// Returns a table of these qualities, numbers of bases and error rates.
    fn table(rates: &[(usize, f64, f64)]) -> Calibration {
        let mut table = Calibration { logits: [0.0; SCORES], bases: [0.0; SCORES] };
        for (score, bases, rate) in rates {
            table.bases[*score] = *bases;
            table.logits[*score] = (rate / (1.0 - rate)).ln() as f32;
        }
        table
    }

    /// Returns the error probability that a network gives each base of a read.
    fn probabilities(network: &Network, sequence: &[u8], quality_scores: &[u8]) -> Vec<f64> {
        let (scores, mut codes) = (Scores::new(), Vec::new());
        let read = ReadRef { name: b"", sequence, quality_scores };
        BaseQualityPlace.encode_into(read, &mut codes).expect("a read");
        let tables = Tables::of(network, &scores);
        let at = |at| f64::from(sigmoid(tables.logit(&Surroundings::of(&codes, at), &scores)));
        (0..codes.len()).map(at).collect()
    }

    fn largest_difference(rates: &[(usize, f64, f64)]) -> f64 {
        let network = table(rates).network(&Scores::new());
        let mut largest: f64 = 0.0;
        for (score, _, rate) in rates {
            let byte = Phred::OFFSET + *score as u8;
            for p in probabilities(&network, b"ACGTACGTTT", &[byte; 10]) {
                largest = largest.max((p / rate).ln().abs());
            }
        }
        largest
    }

    #[test]
    fn a_run_of_few_quality_values_has_its_table_as_the_network() {
        let rates: [(usize, f64, f64); 7] = [
            (2, 900.0, 0.21),
            (3, 1e3, 0.004),
            (12, 4e5, 0.02),
            (22, 9e5, 0.003),
            (27, 8e3, 0.05),
            (37, 5e7, 0.0004),
            (41, 5e6, 0.0001),
        ];
        for count in 1..=rates.len() {
            for from in 0..=rates.len() - count {
                let rates = &rates[from..from + count];
                let largest = largest_difference(rates);
                assert!(largest < 1e-4, "{rates:?}: {largest}");
            }
        }
    }

    #[test]
    fn a_run_of_many_quality_values_has_its_table_nearly_as_the_network() {
        // The qualities are 3 too high, more so at the top, and Q2 means something else.
        let rate = |score: usize| match score {
            2 => 0.09,
            score => 10f64.powf(-0.1 * (score as f64 - 3.0).min(30.0)),
        };
        let scores = std::iter::once(2).chain(6..42);
        let rates: Vec<_> = scores.map(|score| (score, 1e3 * score as f64, rate(score))).collect();
        let largest = largest_difference(&rates);
        assert!(largest < 0.1, "{largest}");
    }

    #[test]
    fn qualities_that_were_not_seen_and_unknown_bases_are_corrected_as_the_nearest_one() {
        let network = table(&[(30, 1e6, 0.01)]).network(&Scores::new());
        let probabilities = probabilities(&network, b"ANA", b"??I");
        let odds = |p: f64| p / (1.0 - p);
        let times = odds(0.01) / odds(1e-3);
        assert!((odds(probabilities[0]) / odds(0.01) - 1.0).abs() < 1e-3);
        // N counts as Q2.
        let unknown = odds(10f64.powf(-0.2)) * times;
        assert!((odds(probabilities[1]) / unknown - 1.0).abs() < 1e-3, "{probabilities:?}");
        assert!((odds(probabilities[2]) / (1e-4 * times) - 1.0).abs() < 1e-2, "{probabilities:?}");
    }

    #[test]
    fn without_labels_the_table_is_the_reported_qualities() {
        let none = table(&[]).network(&Scores::new());
        assert_eq!(none, Network::reported());
    }
}
