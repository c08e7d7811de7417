//! Models of bases: the network returns the probability of an error for every base.

use std::sync::Arc;

use bm_encode::{AnyEncoder, CodeEncoder};
use bm_evidence::{Evidence, PreparedRead, ReadSupport};
use bm_infer::{Alphabet, Filling, InferError, ModelFile, SequenceSession, SequencesRef};
use bm_reads::{PlacedRead, ReadError};
use pulp::{Arch, Simd, WithSimd};

use super::interface::{Block, ChoosePart, Kind, ScoreReads, ScorerParts};
use crate::failed_cycles::FailedCycles;
use crate::{
    ErrorRule, KmerSupport, Prediction, Probability, QualityError, ReadRuleEntry, Score, metadata,
};

/// Keys of the metadata.
const RULE_KEY: &str = "bm.read_rule";
const MEAN_SCALE_KEY: &str = "bm.mean_scale";
const DISPERSION_KEY: &str = "bm.dispersion";
const MAX_ERROR_RATE_KEY: &str = "bm.max_error_rate";

impl Kind for ErrorRule {
    type Entry = ReadRuleEntry;
    type Scorer = BaseScorer;

    const COUNTS_ERRORS: bool = true;

    fn takes(encoder: &AnyEncoder) -> bool {
        matches!(encoder, AnyEncoder::Codes(_))
    }

    fn from_entry(entry: &ReadRuleEntry, _: &AnyEncoder) -> Result<Self, String> {
        if entry.name != Self::NAME {
            return Err(format!("the read rule {}, there is: {}", entry.name, Self::NAME));
        }
        Self::new(entry.mean_scale, entry.dispersion, entry.max_error_rate)
    }

    fn to_entry(self) -> ReadRuleEntry {
        self.entry()
    }

    fn entry_from_metadata(file: &ModelFile) -> Result<ReadRuleEntry, QualityError> {
        Ok(ReadRuleEntry {
            name: metadata::text(file, RULE_KEY)?.to_owned(),
            mean_scale: metadata::number(file, MEAN_SCALE_KEY)?,
            dispersion: metadata::number(file, DISPERSION_KEY)?,
            max_error_rate: metadata::number(file, MAX_ERROR_RATE_KEY)?,
        })
    }

    fn metadata(self) -> Vec<(&'static str, String)> {
        let ReadRuleEntry { name, mean_scale, dispersion, max_error_rate } = self.entry();
        vec![
            (RULE_KEY, name),
            (MEAN_SCALE_KEY, mean_scale.to_string()),
            (DISPERSION_KEY, dispersion.to_string()),
            (MAX_ERROR_RATE_KEY, max_error_rate.to_string()),
        ]
    }

    fn scorer(self, parts: &ScorerParts<'_>) -> Result<BaseScorer, QualityError> {
        match parts.encoder {
            AnyEncoder::Codes(encoder) => BaseScorer::new(self, Arc::clone(encoder), parts),
            _ => Err(parts.encoder_refused(self)),
        }
    }

    fn pair_probability(
        self,
        expected_errors: Option<f64>,
        total_bases: usize,
    ) -> Option<Probability> {
        expected_errors.and_then(|errors| self.probability(errors, total_bases))
    }

    /// Takes the sum of reported error probabilities as it is, with the same highest error rate.
    fn for_reported_errors(self) -> Option<ErrorRule> {
        Some(self.unscaled())
    }
}

/// Bases per run of the engine; a longer read has a run of its own.
const BATCH: usize = 1 << 15;

/// Blocks per run of an engine that takes blocks of one shape: only the last one is not full.
const BLOCKS: usize = 64;

/// Bases whose buffers are kept for the next call, after a very long read enlarged them.
const KEPT: usize = 1 << 20;

/// Partial sums of a read's probabilities: enough that no addition waits for the one before it.
const SUMS: usize = 8;

/// A network that rates bases, with the memory of one worker.
pub(crate) struct BaseScorer {
    rule: ErrorRule,
    encoder: Arc<dyn CodeEncoder>,
    session: Box<dyn SequenceSession>,
    /// The cycles of the run that failed.
    failed_cycles: FailedCycles,
    /// Bases per run of the engine.
    batch: usize,
    /// Evidence of the run's k-mers, if the package has it.
    evidence: Option<Arc<Evidence>>,
    /// Whether failed cycles and evidence are left out.
    ignores_run: bool,
    /// Whether the k-mers show the error rate of a read, as its qualities do not.
    rates_reads: bool,
    support: ReadSupport,
    /// The read that the evidence is applied to, and the next one.
    prepared: [PreparedRead; 2],
    /// Codes of the reads to run next.
    codes: Vec<u16>,
    /// Number of codes of each of these reads.
    lengths: Vec<usize>,
    /// The engine's output for these reads, if the caller does not want it.
    output: Vec<f32>,
    /// The network's output for one read, before the evidence.
    prior: Vec<f32>,
    /// Scores of the call's reads that are scored, in order; `None` if nothing of a read is chosen.
    scores: Vec<Option<Score>>,
    /// For every read of the call: why it has no score, if it has none.
    refused: Vec<Option<ReadError>>,
}

impl BaseScorer {
    fn new(
        rule: ErrorRule,
        encoder: Arc<dyn CodeEncoder>,
        parts: &ScorerParts<'_>,
    ) -> Result<Self, QualityError> {
        let evidence = (parts.evidence)()?;
        let alphabet = Alphabet::new(encoder.encoding().channels, encoder.vectors())?;
        let session = parts.backend.load_sequences(parts.file, &alphabet)?;
        let block = session.signature().batch;
        Ok(Self {
            rule,
            encoder,
            session,
            failed_cycles: parts.failed_cycles.clone(),
            batch: block.map_or(BATCH, |block| BATCH.max(block.saturating_mul(BLOCKS))),
            evidence,
            ignores_run: false,
            rates_reads: !parts.telling_qualities,
            support: ReadSupport::default(),
            prepared: Default::default(),
            codes: Vec::new(),
            lengths: Vec::new(),
            output: Vec::new(),
            prior: Vec::new(),
            scores: Vec::new(),
            refused: Vec::new(),
        })
    }

    /// Gives memory back that a very long read took.
    fn shrink(&mut self) {
        self.output.clear();
        self.output.shrink_to(KEPT);
        self.codes.shrink_to(KEPT);
        self.prior.shrink_to(KEPT);
        self.prepared.iter_mut().for_each(|read| read.shrink_to(KEPT));
        self.support.shrink_to(KEPT);
    }

    /// Runs the engine on the waiting reads and sums up the error probabilities of their bases, which it
    /// appends to `probabilities`.
    fn run(
        &mut self,
        waiting: &mut Vec<(usize, PlacedRead<'_>)>,
        probabilities: Option<&mut Vec<f32>>,
        mut choose: Option<&mut ChoosePart<'_>>,
    ) -> Result<(), QualityError> {
        // Probabilities that are wanted are computed where they are to be.
        let output = match probabilities {
            Some(wanted) => wanted,
            None => {
                self.output.clear();
                &mut self.output
            }
        };
        let start = output.len();
        self.session.append(SequencesRef::new(&self.codes, &self.lengths)?, output)?;
        let mut rest = output.get_mut(start..).unwrap_or_default();
        let evidence = self.evidence.as_deref().filter(|_| !self.ignores_run);
        if let (Some(evidence), Some((_, first))) = (evidence, waiting.first()) {
            evidence.prepare(&mut self.prepared[0], first.read.sequence);
        }
        for (i, length) in self.lengths.drain(..).enumerate() {
            let (bases, others) = rest.split_at_mut(length);
            rest = others;
            if let Some((_, read)) = waiting.get(i).filter(|_| !self.ignores_run) {
                self.failed_cycles.apply(read, bases);
            }
            let mut expected_errors = sum(bases);
            let mut support = None;
            if let (Some(prior), Some(evidence)) = (expected_errors, evidence) {
                if choose.is_some() || self.rates_reads {
                    self.prior.clear();
                    self.prior.extend_from_slice(bases);
                }
                let [prepared, next] = &mut self.prepared;
                if let Some((_, next_one)) = waiting.get(i + 1) {
                    evidence.prepare(next, next_one.read.sequence);
                }
                let placed = waiting.get(i).map(|(_, placed)| placed);
                let mut apply = |bases: &mut [f32]| {
                    let failed = placed.into_iter().flat_map(|read| self.failed_cycles.of(read));
                    let failed = failed.map(|(at, _)| at);
                    evidence.apply(&mut self.support, prepared, failed, bases)
                };
                let mut known = apply(bases);
                if self.rates_reads {
                    let times = times(prior, sum(bases).unwrap_or(prior));
                    for (p, prior) in bases.iter_mut().zip(&self.prior) {
                        *p = prior * times / (prior * times + (1.0 - prior));
                    }
                    known = apply(bases);
                }
                std::mem::swap(prepared, next);
                support = Some(KmerSupport {
                    expected_errors_prior: prior as f32,
                    evaluable: known as f32 / length.max(1) as f32,
                });
                expected_errors = sum(bases);
            }
            let mut length = length;
            if let (Some(choose), Some(_), Some((number, _))) =
                (&mut choose, expected_errors, waiting.get(i))
            {
                let part = choose(*number, bases);
                if part.is_empty() {
                    self.scores.push(None);
                    continue;
                }
                if part.len() < length {
                    expected_errors = bases.get(part.clone()).and_then(sum);
                    if let (Some(support), Some(prior)) =
                        (&mut support, self.prior.get(part.clone()))
                    {
                        support.expected_errors_prior = sum(prior).unwrap_or_default() as f32;
                    }
                    length = part.len();
                }
            }
            let probability =
                expected_errors.and_then(|errors| self.rule.probability(errors, length));
            let (Some(errors), Some(probability)) = (expected_errors, probability) else {
                return Err(QualityError::Infer(InferError::OutputMismatch {
                    backend: self.session.backend(),
                    expected: "a probability from 0 to 1 for every base".to_owned(),
                    actual: bases
                        .iter()
                        .find(|p| !(0.0..=1.0).contains(*p))
                        .map_or_else(String::new, ToString::to_string),
                }));
            };
            let expected_errors = Some(errors as f32);
            self.scores.push(Some(Score { probability, expected_errors, support }));
        }
        waiting.clear();
        self.codes.clear();
        Ok(())
    }
}

impl ScoreReads for BaseScorer {
    fn score<'a>(
        &mut self,
        reads: impl Iterator<Item = PlacedRead<'a>> + Clone,
        predictions: &mut Vec<Prediction>,
        mut probabilities: Option<&mut Vec<f32>>,
        mut choose: Option<&mut ChoosePart<'_>>,
    ) -> Result<(), QualityError> {
        self.codes.clear();
        self.lengths.clear();
        self.scores.clear();
        self.refused.clear();
        // The reads of the codes that are to run next.
        let mut waiting = Vec::new();
        for (number, placed) in reads.enumerate() {
            let read = placed.read;
            let scorable = read.check_scorable();
            if scorable.is_ok() {
                if self.codes.len() + read.len() > self.batch {
                    let probabilities = probabilities.as_deref_mut();
                    self.run(&mut waiting, probabilities, choose.as_deref_mut())?;
                }
                self.encoder.encode_into(read, &mut self.codes)?;
                self.lengths.push(read.len());
                waiting.push((number, placed));
            }
            self.refused.push(scorable.err());
        }
        self.run(&mut waiting, probabilities, choose)?;
        self.shrink();

        let mut scores = self.scores.iter();
        predictions.extend(self.refused.drain(..).map(|refused| {
            match refused {
                Some(reason) => Prediction::Unscored(reason),
                None => scores
                    .next()
                    .and_then(|score| *score)
                    .map_or(Prediction::Unscored(ReadError::EmptyRead), Prediction::Scored),
            }
        }));
        Ok(())
    }

    fn ignore_run(&mut self, ignores: bool) {
        self.ignores_run = ignores;
    }

    fn filling(&self) -> Option<Filling> {
        self.session.filling()
    }

    fn block(&self) -> Option<Block> {
        self.session.signature().batch.map(Block::Bases)
    }
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

/// Returns the sum of probabilities, always added in the same order; `None` if a value is not a
/// probability.
fn sum(probabilities: &[f32]) -> Option<f64> {
    Arch::new().dispatch(Sum(probabilities))
}

/// [`sum`], in loops that compile to the vector instructions of the machine.
struct Sum<'a>(&'a [f32]);

impl WithSimd for Sum<'_> {
    type Output = Option<f64>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Option<f64> {
        // Two loops, the first without an early exit.
        let is_wrong = |p: &f32| u32::from(!(0.0..=1.0).contains(p));
        let wrong = self.0.iter().fold(0, |wrong, p| wrong | is_wrong(p));
        let (whole, rest) = self.0.as_chunks::<SUMS>();
        let mut sums = [0.0; SUMS];
        for values in whole {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += f64::from(*value);
            }
        }
        let rest: f64 = rest.iter().map(|value| f64::from(*value)).sum();
        (wrong == 0).then_some(sums.iter().sum::<f64>() + rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_a_read_follows_the_errors_that_were_found() {
        assert_eq!([times(0.5, 0.5), times(0.0, 0.0)], [1.0, 1.0]);
        assert!((times(0.25, 4.0) - 4.0).abs() < 1e-6 && (times(0.25, 0.0) - 0.8).abs() < 1e-6);
    }

    #[test]
    fn sums_include_all_values_and_refuse_values_that_are_no_probability() {
        for length in [0, 1, 7, 8, 9, 150, 1001] {
            let values: Vec<f32> = (0..length).map(|i| (i as f32 * 0.37).fract()).collect();
            let expected: f64 = values.iter().map(|value| f64::from(*value)).sum();
            assert!(sum(&values).is_some_and(|found| (found - expected).abs() < 1e-9), "{length}");
        }
        for wrong in [f32::NAN, -0.1, 1.1, f32::INFINITY] {
            assert_eq!(sum(&[0.5, 0.5, wrong, 0.5]), None);
        }
    }
}
