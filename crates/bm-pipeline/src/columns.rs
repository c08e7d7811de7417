//! The columns of the table of scores. Text output, Parquet schema, reading and help all use this
//! one list.

use bm_quality::ModelPackage;

/// A column of the table of scores. Names and order are a contract.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Column {
    /// Name of the read.
    Read,
    /// Number of bases.
    Length,
    /// Probability that the read passes.
    Probability,
    /// Expected errors of the read.
    ExpectedErrors,
    /// Expected errors by the reported qualities.
    PhredExpectedErrors,
    /// Mean of the reported Phred scores.
    MeanPhred,
    /// Expected errors by the network alone, without k-mers.
    ExpectedErrorsPrior,
    /// Fraction of bases covered by k-mers.
    Evaluable,
    /// Number of the mate in its pair.
    Mate,
    /// Probability that the pair passes.
    PairProbability,
    /// First base to keep, from 0.
    KeepFrom,
    /// Base before which what is to be kept ends.
    KeepTo,
    /// Number of bases at the end that are adapter.
    AdapterBases,
    /// Verdict on the read.
    Verdict,
    /// Reasons why the read is not kept.
    Reason,
}

/// The type of the fields of a column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FieldKind {
    /// Text.
    Text,
    /// A whole number.
    Whole,
    /// A number that may be missing.
    Number,
}

/// Properties of a run that decide which columns its table has.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Known {
    /// Whether the model expects a number of errors.
    pub errors: bool,
    /// Whether k-mers are looked up.
    pub kmers: bool,
    /// Whether there are pairs.
    pub pairs: bool,
    /// Whether reads are trimmed.
    pub trims: bool,
}

impl Known {
    /// Returns the properties for a model, for single reads or pairs, trimmed or not.
    pub fn by(package: &ModelPackage, pairs: bool, trims: bool) -> Self {
        let errors = package.facts().counts_errors();
        Self { errors, kmers: package.has_evidence(), pairs, trims }
    }
}

impl Column {
    /// All columns, in their order.
    pub const ALL: [Self; 15] = [
        Self::Read,
        Self::Length,
        Self::Probability,
        Self::ExpectedErrors,
        Self::PhredExpectedErrors,
        Self::MeanPhred,
        Self::ExpectedErrorsPrior,
        Self::Evaluable,
        Self::Mate,
        Self::PairProbability,
        Self::KeepFrom,
        Self::KeepTo,
        Self::AdapterBases,
        Self::Verdict,
        Self::Reason,
    ];

    /// Returns the columns of a table, in their order.
    pub fn of(known: Known) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |column| column.is_in(known))
    }

    /// Returns the column of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name() == name)
    }

    /// Returns the column's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Length => "length",
            Self::Probability => "probability",
            Self::ExpectedErrors => "expected_errors",
            Self::PhredExpectedErrors => "phred_expected_errors",
            Self::MeanPhred => "mean_phred",
            Self::ExpectedErrorsPrior => "expected_errors_prior",
            Self::Evaluable => "evaluable",
            Self::Mate => "mate",
            Self::PairProbability => "pair_probability",
            Self::KeepFrom => "keep_from",
            Self::KeepTo => "keep_to",
            Self::AdapterBases => "adapter_bases",
            Self::Verdict => "verdict",
            Self::Reason => "reason",
        }
    }

    /// Returns what the column holds, for the help.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Read => "name of the read",
            Self::Length => "its number of bases",
            Self::Probability => "probability that it passes, 0 to 1",
            Self::ExpectedErrors => "errors that the model expects in it",
            Self::PhredExpectedErrors => "errors that its qualities report",
            Self::MeanPhred => "mean of its Phred scores",
            Self::ExpectedErrorsPrior => "errors that the network alone expects",
            Self::Evaluable => "fraction of its bases that k-mers cover",
            Self::Mate => "1 or 2; 0 for a single read",
            Self::PairProbability => "probability of the pair, scored as one read",
            Self::KeepFrom => "the first base to keep, from 0",
            Self::KeepTo => "the base before which that ends",
            Self::AdapterBases => "how many bases at its end are adapter",
            Self::Verdict => "pass, fail or unscored",
            Self::Reason => "why it is not kept: flags whose limit it misses; - if it is kept",
        }
    }

    /// Returns the condition under which a table has the column, for the help; empty if always.
    pub const fn condition(self) -> &'static str {
        match self {
            Self::ExpectedErrors => "models that count errors",
            Self::ExpectedErrorsPrior | Self::Evaluable => "with k-mer evidence",
            Self::Mate | Self::PairProbability => "pairs",
            Self::KeepFrom | Self::KeepTo | Self::AdapterBases => "with --trim or --cut",
            _ => "",
        }
    }

    /// Returns the type of the fields.
    pub const fn kind(self) -> FieldKind {
        match self {
            Self::Read | Self::Verdict | Self::Reason => FieldKind::Text,
            Self::Length | Self::Mate | Self::KeepFrom | Self::KeepTo | Self::AdapterBases => {
                FieldKind::Whole
            }
            _ => FieldKind::Number,
        }
    }

    const fn is_in(self, known: Known) -> bool {
        match self {
            Self::ExpectedErrors => known.errors,
            Self::ExpectedErrorsPrior | Self::Evaluable => known.kmers,
            Self::Mate | Self::PairProbability => known.pairs,
            Self::KeepFrom | Self::KeepTo | Self::AdapterBases => known.trims,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_their_names() {
        for column in Column::ALL {
            assert_eq!(Column::from_name(column.name()), Some(column));
        }
        assert_eq!(Column::from_name("score"), None);
    }

    #[test]
    fn the_columns_depend_on_the_run() {
        let names = |known| Column::of(known).map(Column::name).collect::<Vec<_>>().join(" ");
        assert_eq!(
            names(Known::default()),
            "read length probability phred_expected_errors mean_phred verdict reason"
        );
        let all = Known { errors: true, kmers: true, pairs: true, trims: true };
        assert_eq!(Column::of(all).count(), Column::ALL.len());
        let always = |column: &Column| column.condition().is_empty();
        assert!(Column::of(Known::default()).eq(Column::ALL.into_iter().filter(always)));
    }
}
