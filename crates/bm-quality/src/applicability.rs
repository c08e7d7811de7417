//! Whether a model applies to a run, and what scores the run's reads.

use std::fmt;

use bm_long::Traits;
use bm_reads::ReadRef;

use crate::{ErrorRule, Facts, LongReads, Misfit};

/// Whether a model applies to a run, by the run's first reads, and what scores the run's reads.
///
/// A model that does not apply is replaced by the errors that the qualities report, if it counts
/// errors. Use the same first reads for all workers, so that all of them score alike.
///
/// ```
/// use std::sync::Arc;
///
/// use bm_quality::{Applicability, ModelPackage, ReadRef, ScoredBy, backend::Embedded};
///
/// // All bases have the same quality, as in files whose qualities were thrown away.
/// let read = ReadRef { name: b"r", sequence: &[b'A'; 100], quality_scores: &[b'?'; 100] };
/// let first_reads = vec![read; 100];
/// let package = Arc::new(ModelPackage::embedded("read-error")?);
/// let applicability = Applicability::of(package.facts(), first_reads);
/// assert_eq!(applicability.scored_by(), ScoredBy::ReportedErrors);
/// assert_eq!(
///     applicability.to_string(),
///     "every base has quality 30, so the qualities carry no information"
/// );
/// let engine = Embedded::new();
/// let workers: Result<Vec<_>, _> =
///     (0..4).map(|_| applicability.open(Arc::clone(&package), &engine)).collect();
/// assert_eq!(workers?.len(), 4);
/// # Ok::<(), bm_quality::QualityError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Applicability {
    misfits: Vec<Misfit>,
    other_reasons: Vec<String>,
    /// The rule for reported errors, if they can replace the model.
    replacement: Option<ErrorRule>,
    long_reads: Option<LongReads>,
}

/// What scores the reads of a run.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ScoredBy {
    /// The network of the model.
    Model,
    /// The sum of the error probabilities that the qualities report.
    ReportedErrors,
}

impl ScoredBy {
    /// Returns the word that reports use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::ReportedErrors => "reported-errors",
        }
    }
}

impl fmt::Display for ScoredBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Applicability {
    /// Compares the first reads of a run with the model's [`Domain`](crate::Domain).
    ///
    /// Some hundred reads are enough. A model without a domain applies to every run, and reads of
    /// fewer than 5,000 bases together are too few to find a misfit.
    ///
    /// If reads are longer than those that the model was trained on, or like Nanopore's, reported errors
    /// replace it with a limit of their own: [`Applicability::long_reads`].
    pub fn of<'a>(facts: &Facts, first_reads: impl IntoIterator<Item = ReadRef<'a>>) -> Self {
        let reads: Vec<_> = first_reads.into_iter().collect();
        let misfits = facts.domain.map(|domain| domain.misfits(reads.iter().copied()));
        let misfits = misfits.unwrap_or_default();
        let mut replacement = facts.rule.for_reported_errors();
        // Reads like Nanopore's may be as short as others, and have gaps all the same.
        let is_long = misfits.iter().any(|misfit| matches!(misfit, Misfit::LongReads { .. }))
            || !misfits.is_empty() && Traits::of(reads.iter().copied()).are_long();
        let long_reads =
            replacement.filter(|_| is_long).map(|_| LongReads::of(reads.iter().copied()));
        if let (Some(rule), Some(long)) = (&mut replacement, long_reads) {
            *rule = rule.with_max_error_rate(long.max_error_rate).unwrap_or(*rule);
        }
        Self { misfits, other_reasons: Vec::new(), replacement, long_reads }
    }

    /// Returns that the model applies, without a check: for a model that was made for the run.
    pub fn certain() -> Self {
        Self { misfits: Vec::new(), other_reasons: Vec::new(), replacement: None, long_reads: None }
    }

    /// Adds the limit for long reads, for a model that was made for the run and scores by reported
    /// qualities.
    pub fn with_long_reads(self, long_reads: Option<LongReads>) -> Self {
        Self { long_reads, ..self }
    }

    /// Adds a reason, found by other means, why the model does not apply: one clause, lower case.
    pub fn with_reason(mut self, reason: impl fmt::Display) -> Self {
        self.other_reasons.push(reason.to_string());
        self
    }

    /// Keeps the model in use even if it does not apply: for a model that the user asked for by
    /// name. The reasons stay.
    pub fn keeping_model(self) -> Self {
        Self { replacement: None, long_reads: None, ..self }
    }

    /// Returns whether the model applies: whether there are no reasons against it.
    pub fn applies(&self) -> bool {
        self.misfits.is_empty() && self.other_reasons.is_empty()
    }

    /// Returns what scores the reads.
    pub fn scored_by(&self) -> ScoredBy {
        if self.replacement.is_some() && !self.applies() {
            ScoredBy::ReportedErrors
        } else {
            ScoredBy::Model
        }
    }

    /// Returns the rule by which reported errors score the reads, if they do.
    pub(crate) fn reported_rule(&self) -> Option<ErrorRule> {
        self.replacement.filter(|_| !self.applies())
    }

    /// Returns the limit for the reads, if they are long and their reported qualities score them.
    /// Probabilities are those of at most this error rate, and a read should pass if it expects no
    /// more errors.
    pub fn long_reads(&self) -> Option<LongReads> {
        self.long_reads
    }

    /// Returns how the reads differ from the model's domain.
    pub fn misfits(&self) -> &[Misfit] {
        &self.misfits
    }

    /// Returns why the model does not apply, one clause per reason: the misfits, then the reasons
    /// that were added.
    pub fn reasons(&self) -> impl Iterator<Item = String> {
        self.misfits.iter().map(ToString::to_string).chain(self.other_reasons.iter().cloned())
    }
}

impl fmt::Display for Applicability {
    /// The reasons why the model does not apply, separated by semicolons; nothing if it applies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reasons().collect::<Vec<_>>().join("; "))
    }
}
