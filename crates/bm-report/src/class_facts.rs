//! The classes that the reads of a run come from, in its report.

use bm_pipeline::{ClassCounts, ClassTotal, ClassTotals, Wanted};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The classes that reads come from, and what became of these.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ClassFacts {
    /// The file of the classes, or the name of those that are shipped.
    pub file: String,
    /// Classes whose reads are not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Classes whose reads alone are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Lowest probability of a read of these classes, if there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_probability: Option<f32>,
    /// Where the error probabilities of bases come from.
    pub error_probabilities: ErrorProbabilities,
    /// Counts of all classes, and of none at last.
    pub counts: Vec<ClassCountFacts>,
}

/// Where the error probabilities of bases come from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorProbabilities {
    /// What scored the reads: the model, or the reported qualities where it does not apply.
    Model,
    /// The reported qualities.
    ReportedErrors,
}

/// What was counted of one class.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ClassCountFacts {
    /// The name of the class, or `none`.
    pub class: String,
    /// The reads for which it is the most probable one.
    #[serde(flatten)]
    pub counts: ClassCounts,
    /// The fraction of the reads, or pairs, that come from it; not known of merged reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abundance: Option<AbundanceFacts>,
}

/// A fraction of the reads, or pairs, with a 95 % interval.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct AbundanceFacts {
    /// Fraction of all reads, or pairs.
    pub fraction: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl ClassFacts {
    pub(crate) fn of(totals: &ClassTotals, errors: ErrorProbabilities) -> Self {
        let screen = &totals.screen;
        let named = |wanted| match screen.wanted() == wanted {
            true => screen.named().map(str::to_owned).collect(),
            false => Vec::new(),
        };
        let abundance = |class: &ClassTotal| {
            let of = class.abundance;
            AbundanceFacts { fraction: of.fraction, low: of.low, high: of.high }
        };
        let fact = |class: &ClassTotal| ClassCountFacts {
            class: class.name.clone(),
            counts: class.counts,
            abundance: (totals.units > 0).then(|| abundance(class)),
        };
        Self {
            file: screen.classes().name().to_owned(),
            remove: named(Wanted::Others),
            only: named(Wanted::Named),
            min_probability: (screen.wanted() != Wanted::All).then(|| screen.min_probability()),
            error_probabilities: errors,
            counts: totals.classes.iter().map(fact).collect(),
        }
    }

    /// Returns whether reads are removed for their class.
    pub(crate) fn removes(&self) -> bool {
        self.min_probability.is_some()
    }

    /// Adds the counts of another part of the run. Abundances are not sums.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.counts.iter_mut().zip(&other.counts) {
            ours.counts.add(&theirs.counts);
        }
    }

    /// Leaves out what is not known of several parts together.
    pub(crate) fn of_parts(mut self) -> Self {
        self.counts.iter_mut().for_each(|class| class.abundance = None);
        self
    }

    /// Returns what must be the same in all parts of a run.
    pub(crate) fn common(&self) -> Value {
        let Self { file, remove, only, min_probability, error_probabilities, counts } = self;
        let names: Vec<&String> = counts.iter().map(|class| &class.class).collect();
        json!({"file": file, "remove": remove, "only": only, "min_probability": min_probability,
            "error_probabilities": error_probabilities, "names": names})
    }
}
