//! Applies the k-mer evidence of a run to the error probabilities of a read.

use std::ops::Range;
use std::sync::Arc;

use bm_evidence::{PreparedRead, ReadSupport};
use bm_long::{LongRead, ReadEvidence};
use bm_reads::PlacedRead;

use super::sum::sum;
use crate::failed_cycles::FailedCycles;
use crate::{KmerEvidence, KmerSupport};

/// The evidence of a run's k-mers, with the memory of one worker.
pub(super) struct KmerScorer {
    evidence: Arc<KmerEvidence>,
    /// Whether the k-mers show the error rate of a read, as its qualities do not.
    rates_reads: bool,
    support: ReadSupport,
    /// The read that the evidence is applied to, and the next one.
    prepared: [PreparedRead; 2],
    long_read: LongRead,
    /// The network's output for one read, before the evidence.
    prior: Vec<f32>,
}

impl KmerScorer {
    pub(super) fn new(evidence: Arc<KmerEvidence>, rates_reads: bool) -> Self {
        Self {
            evidence,
            rates_reads,
            support: ReadSupport::default(),
            prepared: Default::default(),
            long_read: LongRead::default(),
            prior: Vec::new(),
        }
    }

    /// Gives memory back that a very long read took.
    pub(super) fn shrink_to(&mut self, bases: usize) {
        self.prior.shrink_to(bases);
        self.prepared.iter_mut().for_each(|read| read.shrink_to(bases));
        self.support.shrink_to(bases);
        self.long_read.shrink_to(bases);
    }

    /// Prepares the first read of several.
    pub(super) fn begin(&mut self, first: &PlacedRead<'_>) {
        if let KmerEvidence::Bases(evidence) = &*self.evidence {
            evidence.prepare(&mut self.prepared[0], first.read.sequence);
        }
    }

    /// Returns the expected errors of a read, whose prior error probabilities of its bases add up to
    /// `prior`, and how k-mers support it; the probabilities become posterior ones. Also prepares the
    /// next read. [`KmerScorer::prior_of`] is known afterwards if `keeps_prior`.
    pub(super) fn apply(
        &mut self,
        [read, next]: [Option<&PlacedRead<'_>>; 2],
        prior: f64,
        keeps_prior: bool,
        failed_cycles: &FailedCycles,
        bases: &mut [f32],
    ) -> (Option<f64>, KmerSupport) {
        let Self { evidence, rates_reads, support, prepared, long_read, prior: before } = self;
        before.clear();
        if keeps_prior || *rates_reads {
            before.extend_from_slice(bases);
        }
        let length = bases.len().max(1) as f64;
        let (expected_errors, evaluable) = match &**evidence {
            KmerEvidence::Bases(evidence) => {
                if let Some(next) = next {
                    evidence.prepare(&mut prepared[1], next.read.sequence);
                }
                let mut apply = |bases: &mut [f32]| {
                    let failed = read.into_iter().flat_map(|read| failed_cycles.of(read));
                    evidence.apply(support, &prepared[0], failed.map(|(at, _)| at), bases)
                };
                let mut known = apply(bases);
                if *rates_reads {
                    let times = times(prior, sum(bases).unwrap_or(prior));
                    for (p, prior) in bases.iter_mut().zip(&*before) {
                        *p = prior * times / (prior * times + (1.0 - prior));
                    }
                    known = apply(bases);
                }
                prepared.swap(0, 1);
                (sum(bases), known as f64 / length)
            }
            KmerEvidence::Reads(evidence) => {
                let sequence = read.map_or(&[][..], |placed| placed.read.sequence);
                let (errors, evaluable) = rate_read(long_read, evidence, sequence, prior, bases);
                (Some(errors), evaluable)
            }
        };
        let support =
            KmerSupport { expected_errors_prior: prior as f32, evaluable: evaluable as f32 };
        (expected_errors, support)
    }

    /// Returns the sum of the probabilities of some bases before the evidence was applied.
    pub(super) fn prior_of(&self, part: Range<usize>) -> Option<f64> {
        self.prior.get(part).and_then(sum)
    }
}

/// Returns the expected errors of a long read, and the fraction of its k-mers that could be tested. The
/// probabilities of all bases change alike: nothing is known of single ones.
fn rate_read(
    long_read: &mut LongRead,
    evidence: &ReadEvidence,
    sequence: &[u8],
    prior: f64,
    bases: &mut [f32],
) -> (f64, f64) {
    let support = long_read.look_up(evidence.index(), sequence, bases);
    let rate = long_read.error_rate(evidence.scale(), &support, bases);
    let expected_errors = rate.min(1.0) * bases.len() as f64;
    let times = if prior > 0.0 { (expected_errors / prior) as f32 } else { 1.0 };
    bases.iter_mut().for_each(|p| *p = (*p * times).min(1.0));
    (expected_errors, support.evaluable())
}

/// Returns by how much the odds of an error rise in a read with as many errors as k-mers show.
///
/// Error rates of reads differ more than tenfold. Where qualities do not show them, the rate of a read
/// is taken as drawn from an exponential distribution with the mean of the `prior` errors. Given the
/// `posterior` errors, its mean is (1 + posterior) / (1 + prior) times as high: the mean of a gamma
/// distribution of shape 1 after these observations.
fn times(prior: f64, posterior: f64) -> f32 {
    ((1.0 + posterior) / (1.0 + prior)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_a_read_follows_the_errors_that_were_found() {
        assert_eq!([times(0.5, 0.5), times(0.0, 0.0)], [1.0, 1.0]);
        assert!((times(0.25, 4.0) - 4.0).abs() < 1e-6 && (times(0.25, 0.0) - 0.8).abs() < 1e-6);
    }
}
