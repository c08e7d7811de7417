//! Models of bases: the network returns the probability of an error for every base.

use std::sync::Arc;

use bm_encode::{AnyEncoder, CodeEncoder};
use bm_infer::{Alphabet, Filling, InferError, ModelFile, SequenceSession, SequencesRef};
use bm_reads::{PlacedRead, ReadError};

use super::interface::{Block, ChoosePart, Kind, ScoreReads, ScorerParts};
use super::kmer_scorer::KmerScorer;
use super::sum::sum;
use crate::failed_cycles::FailedCycles;
use crate::{ErrorRule, Prediction, Probability, QualityError, ReadRuleEntry, Score, metadata};

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
    evidence: Option<KmerScorer>,
    /// Whether failed cycles and evidence are left out.
    ignores_run: bool,
    /// Codes of the reads to run next.
    codes: Vec<u16>,
    /// Number of codes of each of these reads.
    lengths: Vec<usize>,
    /// The engine's output for these reads, if the caller does not want it.
    output: Vec<f32>,
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
        let evidence = evidence.map(|it| KmerScorer::new(it, !parts.telling_qualities));
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
            codes: Vec::new(),
            lengths: Vec::new(),
            output: Vec::new(),
            scores: Vec::new(),
            refused: Vec::new(),
        })
    }

    /// Gives memory back that a very long read took.
    fn shrink(&mut self) {
        self.output.clear();
        self.output.shrink_to(KEPT);
        self.codes.shrink_to(KEPT);
        self.evidence.iter_mut().for_each(|evidence| evidence.shrink_to(KEPT));
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
        let mut evidence = self.evidence.as_mut().filter(|_| !self.ignores_run);
        if let (Some(evidence), Some((_, first))) = (&mut evidence, waiting.first()) {
            evidence.begin(first);
        }
        for (i, length) in self.lengths.drain(..).enumerate() {
            let (bases, others) = rest.split_at_mut(length);
            rest = others;
            if let Some((_, read)) = waiting.get(i).filter(|_| !self.ignores_run) {
                self.failed_cycles.apply(read, bases);
            }
            let mut expected_errors = sum(bases);
            let mut support = None;
            if let (Some(prior), Some(evidence)) = (expected_errors, &mut evidence) {
                let reads = [i, i + 1].map(|i| waiting.get(i).map(|(_, placed)| placed));
                let (posterior, of_kmers) =
                    evidence.apply(reads, prior, choose.is_some(), &self.failed_cycles, bases);
                (expected_errors, support) = (posterior, Some(of_kmers));
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
                    if let (Some(support), Some(evidence)) = (&mut support, &evidence) {
                        let prior = evidence.prior_of(part.clone());
                        support.expected_errors_prior = prior.unwrap_or_default() as f32;
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
