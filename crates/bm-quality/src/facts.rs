//! What one must know of a model to use it, from its manifest or from the metadata of its file.

use std::fmt;
use std::str::FromStr;

use bm_encode::{CodeEncoder, Encoder};
use bm_infer::ModelFile;

use crate::manifest::{EncodingEntry, ReadRuleEntry};
use crate::{Combination, Domain, ErrorRule, Manifest, QualityError, Threshold, WindowRule};

/// What one must know of a model to use it.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The model's id.
    pub id: String,
    /// The model's version.
    pub version: u32,
    /// What the probability is the probability of.
    pub label: String,
    /// The encoding that the model was trained on.
    pub encoding: EncodingEntry,
    /// How reads of any length are judged.
    pub rule: ReadRule,
    /// The probability from which on a read passes, where the user names none.
    pub threshold: Threshold,
    /// Where the model applies, if it says.
    pub domain: Option<Domain>,
}

/// How the network's answers become one for the read.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ReadRule {
    /// The network judges windows of one length.
    Windows(WindowRule),
    /// The network tells the probability of an error for every base.
    Errors(ErrorRule),
}

/// What makes the network's input of a read.
#[derive(Clone, Copy)]
pub(crate) enum InputEncoder {
    /// A row of features a window.
    Rows(&'static dyn Encoder),
    /// A code a base.
    Codes(&'static dyn CodeEncoder),
}

impl InputEncoder {
    fn find(package: &str, encoding: &EncodingEntry) -> Result<Self, QualityError> {
        let EncodingEntry { id, version } = encoding;
        let rows = bm_encode::find(id, *version).map(Self::Rows);
        rows.or_else(|| bm_encode::find_codes(id, *version).map(Self::Codes)).ok_or_else(|| {
            let rows = bm_encode::encodings().map(ToString::to_string);
            QualityError::UnknownEncoding {
                package: package.to_owned(),
                encoding: encoding.to_string(),
                known: rows
                    .chain(bm_encode::code_encodings().map(ToString::to_string))
                    .collect::<Vec<_>>()
                    .join(", "),
            }
        })
    }

    /// Features that the network takes at a time.
    fn features(self) -> usize {
        match self {
            Self::Rows(encoder) => encoder.encoding().features,
            Self::Codes(encoder) => encoder.encoding().channels,
        }
    }
}

impl Facts {
    /// Returns whether the model counts errors: whether its predictions have expected errors.
    pub fn counts_errors(&self) -> bool {
        matches!(self.rule, ReadRule::Errors(_))
    }

    /// Returns the facts as ONNX metadata, which [`crate::ModelPackage`] reads back.
    pub fn metadata(&self) -> Vec<(String, String)> {
        let Self { id, version, label, encoding, rule, threshold, domain } = self;
        let mut all = vec![
            ("bm.id", id.clone()),
            ("bm.version", version.to_string()),
            ("bm.encoding", encoding.id.clone()),
            ("bm.encoding_version", encoding.version.to_string()),
            ("bm.threshold", threshold.get().to_string()),
            ("bm.label", label.clone()),
        ];
        match rule {
            ReadRule::Windows(rule) => all.extend([
                ("bm.window_length", rule.length.to_string()),
                ("bm.window_rule", rule.combination.name().to_owned()),
            ]),
            ReadRule::Errors(rule) => {
                let ReadRuleEntry { name, mean_scale, dispersion, max_error_rate } = rule.entry();
                all.extend([
                    ("bm.read_rule", name),
                    ("bm.mean_scale", mean_scale.to_string()),
                    ("bm.dispersion", dispersion.to_string()),
                    ("bm.max_error_rate", max_error_rate.to_string()),
                ]);
            }
        }
        if let Some(domain) = domain {
            all.extend([
                ("bm.domain_min_quality_values", domain.min_quality_values.to_string()),
                ("bm.domain_max_phred", domain.max_phred.to_string()),
                ("bm.domain_max_median_length", domain.max_median_length.to_string()),
            ]);
        }
        all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// Checks that the words for people are words, and nothing that a terminal obeys: they stand in
    /// summaries and reports, and the id in the descriptions of records.
    fn check_words(&self) -> Result<(), String> {
        const LONGEST: usize = 1_000;
        for (what, words) in [("id", &self.id), ("label", &self.label)] {
            if words.chars().any(char::is_control)
                || !(1..=LONGEST).contains(&words.chars().count())
            {
                return Err(format!(
                    "its {what} is `{words}`, expected 1 to {LONGEST} characters of text"
                ));
            }
        }
        Ok(())
    }

    /// Reads the facts off a manifest.
    pub(crate) fn from_manifest(
        package: &str,
        manifest: &Manifest,
    ) -> Result<(Self, InputEncoder), QualityError> {
        let refused =
            |reason: String| QualityError::Manifest { package: package.to_owned(), reason };
        let encoder = InputEncoder::find(package, &manifest.encoding)?;
        let rule = match (encoder, &manifest.window, &manifest.read_rule) {
            (InputEncoder::Rows(encoder), Some(window), None) => {
                window_rule(encoder, window.length, &window.rule)
            }
            (InputEncoder::Codes(_), None, Some(rule)) => error_rule(rule),
            (InputEncoder::Rows(_), ..) => {
                Err(format!("expected a window and no read_rule for {}", manifest.encoding))
            }
            (InputEncoder::Codes(_), ..) => {
                Err(format!("expected a read_rule and no window for {}", manifest.encoding))
            }
        };
        let facts = Self {
            id: manifest.id.clone(),
            version: manifest.version,
            label: manifest.label.definition.clone(),
            encoding: manifest.encoding.clone(),
            rule: rule.map_err(refused)?,
            threshold: Threshold::new(manifest.thresholds.default)
                .map_err(|error| refused(error.to_string()))?,
            domain: manifest.domain.as_ref().map(|domain| Domain {
                min_quality_values: domain.min_quality_values,
                max_phred: domain.max_phred,
                max_median_length: domain.max_median_length,
            }),
        };
        facts.check_words().map_err(refused)?;
        Ok((facts, encoder))
    }

    /// Reads the facts off the file itself: they are in its ONNX metadata too.
    pub(crate) fn from_metadata(file: &ModelFile) -> Result<(Self, InputEncoder), QualityError> {
        let refused =
            |reason: String| QualityError::Manifest { package: file.name().to_owned(), reason };
        let encoding = EncodingEntry {
            id: entry(file, "bm.encoding")?.to_owned(),
            version: number(file, "bm.encoding_version")?,
        };
        let encoder = InputEncoder::find(file.name(), &encoding)?;
        let rule = match encoder {
            InputEncoder::Rows(encoder) => window_rule(
                encoder,
                number(file, "bm.window_length")?,
                entry(file, "bm.window_rule")?,
            ),
            InputEncoder::Codes(_) => error_rule(&ReadRuleEntry {
                name: entry(file, "bm.read_rule")?.to_owned(),
                mean_scale: number(file, "bm.mean_scale")?,
                dispersion: number(file, "bm.dispersion")?,
                max_error_rate: number(file, "bm.max_error_rate")?,
            }),
        };
        let facts = Self {
            id: entry(file, "bm.id")?.to_owned(),
            version: number(file, "bm.version")?,
            label: entry(file, "bm.label")?.to_owned(),
            encoding,
            rule: rule.map_err(refused)?,
            threshold: Threshold::new(number(file, "bm.threshold")?)
                .map_err(|error| refused(error.to_string()))?,
            domain: match file.metadata("bm.domain_max_phred") {
                None => None,
                Some(_) => Some(Domain {
                    min_quality_values: number(file, "bm.domain_min_quality_values")?,
                    max_phred: number(file, "bm.domain_max_phred")?,
                    max_median_length: number(file, "bm.domain_max_median_length")?,
                }),
            },
        };
        facts.check_words().map_err(refused)?;
        let signature = file.signature();
        let features = encoder.features();
        if signature.features != features || signature.outputs != 1 {
            return Err(refused(format!(
                "maps {} features to {} numbers, expected {features} (encoding {}) to 1",
                signature.features, signature.outputs, facts.encoding
            )));
        }
        Ok((facts, encoder))
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, version, label, encoding, rule, threshold, domain } = self;
        write!(
            f,
            "{id} version {version}, {encoding}, {rule}, threshold {}, {label}",
            threshold.get()
        )?;
        domain.map_or(Ok(()), |domain| write!(f, ", {domain}"))
    }
}

impl fmt::Display for ReadRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Windows(rule) => {
                write!(f, "{} over {} bases", rule.combination.name(), rule.length)
            }
            Self::Errors(rule) => rule.fmt(f),
        }
    }
}

/// Returns a text of the file's metadata.
fn entry<'a>(file: &'a ModelFile, key: &str) -> Result<&'a str, QualityError> {
    file.metadata(key).ok_or_else(|| QualityError::Manifest {
        package: file.name().to_owned(),
        reason: format!(
            "no metadata `{key}`; expected a model of bm, or a package with a manifest"
        ),
    })
}

/// Returns a number of the file's metadata.
fn number<T: FromStr>(file: &ModelFile, key: &str) -> Result<T, QualityError> {
    let value = entry(file, key)?;
    value.parse().map_err(|_| QualityError::Manifest {
        package: file.name().to_owned(),
        reason: format!("metadata `{key}` is `{value}`, expected a number"),
    })
}

fn window_rule(encoder: &dyn Encoder, length: usize, rule: &str) -> Result<ReadRule, String> {
    let expected = encoder.encoding().window;
    if length != expected {
        return Err(format!(
            "a window of {length} bases, the encoding {} has {expected}",
            encoder.encoding()
        ));
    }
    let combination = Combination::from_name(rule).ok_or_else(|| {
        let known: Vec<_> = Combination::ALL.iter().map(|rule| rule.name()).collect();
        format!("the window rule {rule}, there are: {}", known.join(", "))
    })?;
    Ok(ReadRule::Windows(WindowRule { length, combination }))
}

fn error_rule(entry: &ReadRuleEntry) -> Result<ReadRule, String> {
    if entry.name != ErrorRule::NAME {
        return Err(format!("the read rule {}, there is: {}", entry.name, ErrorRule::NAME));
    }
    ErrorRule::new(entry.mean_scale, entry.dispersion, entry.max_error_rate).map(ReadRule::Errors)
}
