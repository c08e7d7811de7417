//! Models of windows: the network takes one length, and longer reads are cut into windows.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bm_encode::{AnyEncoder, Encoder, FeatureBatch};
use bm_infer::{Filling, InferError, ModelFile, Session, TensorRef};
use bm_reads::{PlacedRead, ReadError, ReadRef};
use serde::{Deserialize, Serialize};

use super::interface::{Block, ChoosePart, Kind, ScoreReads, ScorerParts};
use super::reported::reported;
use crate::probability::mean_logit;
use crate::{Prediction, Probability, QualityError, Score, metadata};

/// Keys of the metadata.
const LENGTH_KEY: &str = "bm.window_length";
const RULE_KEY: &str = "bm.window_rule";

/// How a network that takes a fixed number of bases scores a read of any length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WindowRule {
    /// Bases per window.
    pub length: usize,
    /// How the windows' probabilities become one.
    pub combination: Combination,
}

/// How the probabilities of a read's windows become one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Combination {
    /// The mean of the windows' logits, weighted by bases: every base has weight 1, split evenly
    /// among the windows that cover it.
    ///
    /// A window's logit is trained to be linear in the mean of its bases, so a mean over bases is
    /// the logit of the whole read. Splitting the weight keeps a base in two windows from counting
    /// twice.
    BaseWeightedMeanLogit,
}

impl Combination {
    /// All rules.
    pub const ALL: [Combination; 1] = [Combination::BaseWeightedMeanLogit];

    /// Returns the rule's name in manifests.
    pub const fn name(self) -> &'static str {
        match self {
            Combination::BaseWeightedMeanLogit => "base-weighted-mean-logit",
        }
    }

    /// Returns the rule of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

impl WindowRule {
    /// Returns the number of windows of a read of `bases`: none if the read is empty, one if it
    /// fits.
    pub fn count(&self, bases: usize) -> usize {
        bases.div_ceil(self.length)
    }

    /// Returns the windows of a read of `bases`, one after the other from the first base; the last
    /// one ends at the end of the read.
    pub fn windows(&self, bases: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let WindowRule { length, .. } = *self;
        let last = bases.saturating_sub(length);
        (0..self.count(bases)).map(move |i| {
            let start = (i * length).min(last);
            start..bases.min(start + length)
        })
    }

    /// Returns a read's probability from those of its windows, in the order of
    /// [`WindowRule::windows`].
    ///
    /// The probability of a read of one window is that of the window, to the bit. `None` if there
    /// is no window, or not one probability per window.
    pub fn combine(&self, bases: usize, windows: &[Probability]) -> Option<Probability> {
        if windows.len() != self.count(bases) {
            return None;
        }
        match (windows, self.combination) {
            ([], _) => None,
            ([only], _) => Some(*only),
            (_, Combination::BaseWeightedMeanLogit) => {
                // Only the last two windows can overlap, so all others have their full length as
                // weight.
                let shared = windows.len() * self.length - bases;
                let edge = (self.length - shared) as f64 + shared as f64 / 2.0;
                let split = windows.len() - 2;
                let weight = |i| if i < split { self.length as f64 } else { edge };
                mean_logit(windows.iter().enumerate().map(|(i, p)| (*p, weight(i))), bases)
            }
        }
    }
}

impl fmt::Display for WindowRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} over {} bases", self.combination.name(), self.length)
    }
}

/// A window rule as manifests write it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct WindowEntry {
    /// Bases per window.
    pub length: usize,
    /// Name of the rule that combines windows.
    pub rule: String,
}

impl Kind for WindowRule {
    type Entry = WindowEntry;
    type Scorer = WindowScorer;

    const COUNTS_ERRORS: bool = false;

    fn takes(encoder: &AnyEncoder) -> bool {
        matches!(encoder, AnyEncoder::Rows(_))
    }

    fn from_entry(entry: &WindowEntry, encoder: &AnyEncoder) -> Result<Self, String> {
        let AnyEncoder::Rows(rows) = encoder else {
            return Err(format!("a window rule for {encoder}, which makes no windows"));
        };
        let (length, expected) = (entry.length, rows.encoding().window);
        if length != expected {
            return Err(format!(
                "a window of {length} bases, the encoding {encoder} has {expected}"
            ));
        }
        if length == 0 || rows.encoding().features == 0 {
            return Err(format!(
                "the encoding {encoder} has {length} bases and {} features per row, expected 1 or \
                 more of both",
                rows.encoding().features
            ));
        }
        let combination = Combination::from_name(&entry.rule).ok_or_else(|| {
            let known: Vec<_> = Combination::ALL.iter().map(|rule| rule.name()).collect();
            format!("the window rule {}, there are: {}", entry.rule, known.join(", "))
        })?;
        Ok(Self { length, combination })
    }

    fn to_entry(self) -> WindowEntry {
        WindowEntry { length: self.length, rule: self.combination.name().to_owned() }
    }

    fn entry_from_metadata(file: &ModelFile) -> Result<WindowEntry, QualityError> {
        Ok(WindowEntry {
            length: metadata::number(file, LENGTH_KEY)?,
            rule: metadata::text(file, RULE_KEY)?.to_owned(),
        })
    }

    fn metadata(self) -> Vec<(&'static str, String)> {
        let WindowEntry { length, rule } = self.to_entry();
        vec![(LENGTH_KEY, length.to_string()), (RULE_KEY, rule)]
    }

    fn scorer(self, parts: &ScorerParts<'_>) -> Result<WindowScorer, QualityError> {
        match parts.encoder {
            AnyEncoder::Rows(encoder) => {
                let session = parts.backend.load(parts.file)?;
                Ok(WindowScorer::new(self, Arc::clone(encoder), session))
            }
            _ => Err(parts.encoder_refused(self)),
        }
    }
}

/// Windows that go through the engine together: enough for its full speed, few enough to stay in
/// the cache. A file for one number of windows decides for itself.
const BATCH: usize = 256;

/// A network that scores windows, with the memory of one worker.
pub(crate) struct WindowScorer {
    rule: WindowRule,
    encoder: Arc<dyn Encoder>,
    session: Box<dyn Session>,
    /// Windows per run of the engine.
    batch: usize,
    /// Windows to run next.
    features: FeatureBatch,
    /// The engine's output for these windows.
    output: Vec<f32>,
    /// Probabilities of the windows of all reads of the call, in order.
    windows: Vec<Probability>,
    /// For every read of the call: the number of its windows and scored bases, or why it has no score.
    reads: Vec<Result<(usize, usize), ReadError>>,
    /// Reported error probabilities of one read.
    reported: Vec<f32>,
}

impl WindowScorer {
    fn new(rule: WindowRule, encoder: Arc<dyn Encoder>, session: Box<dyn Session>) -> Self {
        let batch = session.signature().batch.unwrap_or(BATCH);
        Self {
            rule,
            batch,
            features: FeatureBatch::with_capacity(encoder.encoding(), batch),
            encoder,
            session,
            output: Vec::new(),
            windows: Vec::new(),
            reads: Vec::new(),
            reported: Vec::new(),
        }
    }

    /// Queues the windows of one read, number `number` of the call, for the engine; returns their
    /// number and that of the bases.
    fn encode(
        &mut self,
        number: usize,
        mut read: ReadRef<'_>,
        choose: Option<&mut ChoosePart<'_>>,
    ) -> Result<Result<(usize, usize), ReadError>, QualityError> {
        // All checks of a read come before its first window is queued, so that none is left
        // behind.
        if let Err(reason) = read.check_scorable() {
            return Ok(Err(reason));
        }
        if let Some(choose) = choose {
            self.reported.clear();
            self.reported.extend(reported(read));
            let part = choose(number, &self.reported);
            read = read.window(part.start, part.len());
            if let Err(reason) = read.check_scorable() {
                return Ok(Err(reason));
            }
        }
        for window in self.rule.windows(read.len()) {
            if self.features.rows() == self.batch {
                self.run()?;
            }
            self.features.push(self.encoder.as_ref(), read.window(window.start, window.len()))?;
        }
        Ok(Ok((self.rule.count(read.len()), read.len())))
    }

    /// Runs the engine on the queued windows.
    fn run(&mut self) -> Result<(), QualityError> {
        let input = TensorRef::new(self.features.shape(), self.features.as_slice())?;
        self.session.run(input, &mut self.output)?;
        for (row, value) in self.output.iter().enumerate() {
            self.windows.push(Probability::new(*value).ok_or_else(|| {
                InferError::OutputMismatch {
                    backend: self.session.backend(),
                    expected: "a probability from 0 to 1".to_owned(),
                    actual: format!("{value} in row {row}"),
                }
            })?);
        }
        self.features.clear();
        Ok(())
    }
}

impl ScoreReads for WindowScorer {
    fn score<'a>(
        &mut self,
        reads: impl Iterator<Item = PlacedRead<'a>> + Clone,
        predictions: &mut Vec<Prediction>,
        _: Option<&mut Vec<f32>>,
        mut choose: Option<&mut ChoosePart<'_>>,
    ) -> Result<(), QualityError> {
        self.features.clear();
        self.windows.clear();
        self.reads.clear();
        for (number, PlacedRead { read, .. }) in reads.enumerate() {
            let windows = self.encode(number, read, choose.as_deref_mut())?;
            self.reads.push(windows);
        }
        self.run()?;

        let mut rest = self.windows.as_slice();
        for outcome in self.reads.drain(..) {
            predictions.push(match outcome {
                Err(reason) => Prediction::Unscored(reason),
                Ok((count, bases)) => {
                    let (windows, others) = rest.split_at(count);
                    rest = others;
                    match self.rule.combine(bases, windows) {
                        Some(probability) => Prediction::Scored(Score {
                            probability,
                            expected_errors: None,
                            support: None,
                        }),
                        None => Prediction::Unscored(ReadError::EmptyRead),
                    }
                }
            });
        }
        Ok(())
    }

    fn filling(&self) -> Option<Filling> {
        self.session.filling()
    }

    fn block(&self) -> Option<Block> {
        let windows = self.session.signature().batch?;
        Some(Block::Windows { windows, length: self.rule.length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probability::{logit, sigmoid};

    const RULE: WindowRule =
        WindowRule { length: 150, combination: Combination::BaseWeightedMeanLogit };

    fn probabilities(values: &[f32]) -> Vec<Probability> {
        values.iter().filter_map(|p| Probability::new(*p)).collect()
    }

    #[test]
    fn windows_start_at_the_first_base_and_end_at_the_last() {
        let windows = |bases| {
            RULE.windows(bases).map(|window| (window.start, window.end)).collect::<Vec<_>>()
        };
        assert_eq!(windows(0), []);
        assert_eq!(windows(1), [(0, 1)]);
        assert_eq!(windows(150), [(0, 150)]);
        assert_eq!(windows(151), [(0, 150), (1, 151)]);
        assert_eq!(windows(300), [(0, 150), (150, 300)]);
        assert_eq!(windows(310), [(0, 150), (150, 300), (160, 310)]);
    }

    #[test]
    fn one_window_is_the_read_to_the_bit() {
        for p in [0.0, 1e-30, 0.3, 1.0] {
            assert_eq!(RULE.combine(150, &probabilities(&[p])), Probability::new(p));
        }
        assert_eq!(RULE.combine(0, &[]), None);
        assert_eq!(RULE.combine(151, &probabilities(&[0.5])), None);
    }

    #[test]
    fn every_base_has_the_same_weight() {
        // The definition, base by base, against the closed form.
        for bases in [151, 200, 299, 300, 301, 310, 449, 450, 1000] {
            let windows: Vec<_> = RULE.windows(bases).collect();
            let given: Vec<f32> =
                (0..windows.len()).map(|i| 0.05 + 0.9 * (i as f32 * 0.61).fract()).collect();
            let given = probabilities(&given);
            let mut sum = 0.0;
            for base in 0..bases {
                let covering: Vec<_> =
                    (0..windows.len()).filter(|i| windows[*i].contains(&base)).collect();
                assert!(!covering.is_empty(), "base {base} of {bases} is seen by no window");
                sum +=
                    covering.iter().map(|i| logit(given[*i])).sum::<f64>() / covering.len() as f64;
            }
            let expected = sigmoid(sum / bases as f64);
            let found = RULE.combine(bases, &given).map(|p| f64::from(p.get()));
            assert!(
                found.is_some_and(|p| (p - expected).abs() < 1e-6),
                "{bases} bases: {found:?}, expected {expected}"
            );
        }
    }

    #[test]
    fn one_extreme_window_does_not_decide_alone() {
        let sure =
            RULE.combine(600, &probabilities(&[1.0, 1e-6, 1e-6, 1e-6])).map(Probability::get);
        assert!(sure.is_some_and(|p| p < 0.5), "{sure:?}");
    }

    #[test]
    fn names_are_unambiguous() {
        for rule in Combination::ALL {
            assert_eq!(Combination::from_name(rule.name()), Some(rule));
        }
        assert_eq!(Combination::from_name("median"), None);
    }
}
