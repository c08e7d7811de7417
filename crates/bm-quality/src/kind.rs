//! The kinds of models: one file per kind beside this one, and the registry that lists them.
//!
//! A kind defines how its rule is written in manifests and in the metadata of model files, which
//! encoders its networks take, and how it scores reads and pairs. To add a kind, write a file that
//! implements [`Kind`] and add its line to the registry at the end of this file.

mod base_errors;
mod interface;
mod kmer_scorer;
mod reported;
mod sum;
mod windows;

use std::borrow::Cow;
use std::fmt;

use bm_encode::AnyEncoder;
use bm_infer::{Filling, ModelFile};
use bm_reads::PlacedRead;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

pub use self::interface::ChoosePart;
use self::interface::Kind;
pub(crate) use self::interface::{Block, ScoreReads, ScorerParts};
use self::reported::ReportedErrors;
pub use self::windows::{Combination, WindowEntry, WindowRule};
use crate::{ErrorRule, Prediction, Probability, QualityError, ReadRuleEntry};

/// Makes the types that know all kinds, from one line per kind.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident($rule:ty), in manifests $key:ident: $entry:ty;)+) => {
        /// How the network's outputs become the probability of a read; one variant per kind of
        /// model.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum ReadRule {
            $($(#[$doc])* $kind($rule),)+
        }

        /// The entry of the rule in a manifest; one field per kind of model, one of them given.
        #[derive(Clone, Debug, Default, Serialize)]
        #[non_exhaustive]
        pub struct RuleEntries {
            $($(#[$doc])*
            #[serde(skip_serializing_if = "Option::is_none")]
            pub $key: Option<$entry>,)+
        }

        /// What scores reads: one variant per kind of model, and one without a model.
        pub(crate) enum Scorer {
            $($kind(Box<<$rule as Kind>::Scorer>),)+
            Reported(ReportedErrors),
        }

        $(impl From<$rule> for ReadRule {
            fn from(rule: $rule) -> Self {
                Self::$kind(rule)
            }
        })+

        impl ReadRule {
            /// Returns whether predictions have expected errors.
            pub fn counts_errors(&self) -> bool {
                match self {
                    $(Self::$kind(_) => <$rule>::COUNTS_ERRORS,)+
                }
            }

            /// Returns the entry of the rule in a manifest.
            pub fn entries(&self) -> RuleEntries {
                match *self {
                    $(Self::$kind(rule) => RuleEntries {
                        $key: Some(rule.to_entry()),
                        ..RuleEntries::default()
                    },)+
                }
            }

            /// Returns the rule as metadata of a model file: keys and values.
            pub(crate) fn metadata(&self) -> Vec<(&'static str, String)> {
                match *self {
                    $(Self::$kind(rule) => Kind::metadata(rule),)+
                }
            }

            /// Reads the rule from the metadata of a model file: the first one that is there, of
            /// those that take the encoder.
            pub(crate) fn from_metadata(
                file: &ModelFile,
                encoder: &AnyEncoder,
            ) -> Result<Self, QualityError> {
                let refused =
                    |reason| QualityError::Manifest { package: file.name().to_owned(), reason };
                let mut missing = None;
                $(if <$rule>::takes(encoder) {
                    match <$rule>::entry_from_metadata(file) {
                        Ok(entry) => {
                            return <$rule>::from_entry(&entry, encoder)
                                .map(Self::$kind)
                                .map_err(refused);
                        }
                        Err(error) => missing = missing.or(Some(error)),
                    }
                })+
                Err(missing.unwrap_or_else(|| refused(format!("no model takes {encoder}"))))
            }

            /// Prepares the model of a package to score reads by this rule, for one worker.
            pub(crate) fn scorer(&self, parts: &ScorerParts<'_>) -> Result<Scorer, QualityError> {
                match *self {
                    $(Self::$kind(rule) => rule.scorer(parts).map(Box::new).map(Scorer::$kind),)+
                }
            }

            /// Returns the probability of a pair; `None` where the mates' probabilities are to be
            /// averaged.
            pub(crate) fn pair_probability(
                &self,
                expected_errors: Option<f64>,
                total_bases: usize,
            ) -> Option<Probability> {
                match *self {
                    $(Self::$kind(rule) => {
                        Kind::pair_probability(rule, expected_errors, total_bases)
                    })+
                }
            }

            /// Returns the rule that scores reads by reported qualities where the model does not
            /// apply, if the kind has one.
            pub(crate) fn for_reported_errors(&self) -> Option<ErrorRule> {
                match *self {
                    $(Self::$kind(rule) => Kind::for_reported_errors(rule),)+
                }
            }
        }

        impl fmt::Display for ReadRule {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$kind(rule) => fmt::Display::fmt(rule, f),)+
                }
            }
        }

        impl RuleEntries {
            /// Returns the rule, for a model on the encoding of `encoder`.
            ///
            /// # Errors
            ///
            /// In words, unless exactly one entry is given, of a kind that takes the encoder.
            pub(crate) fn rule(&self, encoder: &AnyEncoder) -> Result<ReadRule, String> {
                let given = [$(self.$key.is_some()),+].into_iter().filter(|given| *given).count();
                $(if let (Some(entry), true, 1) = (&self.$key, <$rule>::takes(encoder), given) {
                    return <$rule>::from_entry(entry, encoder).map(ReadRule::$kind);
                })+
                let keys = [$((stringify!($key), <$rule>::takes(encoder))),+];
                let list = |wanted: bool| {
                    let keys = keys.iter().filter(|(_, takes)| *takes == wanted);
                    keys.map(|(key, _)| *key).collect::<Vec<_>>().join(" or ")
                };
                Err(format!("expected a {} and no {} for {encoder}", list(true), list(false)))
            }
        }

        // Not derived: an error names the key.
        impl<'de> Deserialize<'de> for RuleEntries {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Keys;

                impl<'de> Visitor<'de> for Keys {
                    type Value = RuleEntries;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a manifest")
                    }

                    fn visit_map<A: MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<RuleEntries, A::Error> {
                        let mut entries = RuleEntries::default();
                        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                            match &*key {
                                $(stringify!($key) => {
                                    let entry = map.next_value().map_err(|error| {
                                        A::Error::custom(format_args!("{key}: {error}"))
                                    })?;
                                    if entries.$key.is_some() {
                                        return Err(A::Error::duplicate_field(stringify!($key)));
                                    }
                                    entries.$key = entry;
                                })+
                                _ => drop(map.next_value::<IgnoredAny>()?),
                            }
                        }
                        Ok(entries)
                    }
                }

                deserializer.deserialize_map(Keys)
            }
        }

        impl ScoreReads for Scorer {
            fn score<'a>(
                &mut self,
                reads: impl Iterator<Item = PlacedRead<'a>> + Clone,
                predictions: &mut Vec<Prediction>,
                bases: Option<&mut Vec<f32>>,
                choose: Option<&mut ChoosePart<'_>>,
            ) -> Result<(), QualityError> {
                match self {
                    $(Self::$kind(scorer) => scorer.score(reads, predictions, bases, choose),)+
                    Self::Reported(scorer) => scorer.score(reads, predictions, bases, choose),
                }
            }

            fn ignore_run(&mut self, ignores: bool) {
                match self {
                    $(Self::$kind(scorer) => scorer.ignore_run(ignores),)+
                    Self::Reported(scorer) => scorer.ignore_run(ignores),
                }
            }

            fn block(&self) -> Option<Block> {
                match self {
                    $(Self::$kind(scorer) => scorer.block(),)+
                    Self::Reported(scorer) => scorer.block(),
                }
            }

            fn filling(&self) -> Option<Filling> {
                match self {
                    $(Self::$kind(scorer) => scorer.filling(),)+
                    Self::Reported(scorer) => scorer.filling(),
                }
            }
        }
    };
}

kinds! {
    /// The network scores windows of one length.
    Windows(WindowRule), in manifests window: WindowEntry;
    /// The network returns the probability of an error for every base.
    Errors(ErrorRule), in manifests read_rule: ReadRuleEntry;
}

impl Scorer {
    /// Returns what scores reads by their reported qualities.
    pub(crate) fn reported(rule: ErrorRule) -> Self {
        Self::Reported(ReportedErrors::new(rule))
    }
}
