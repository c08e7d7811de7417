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
                known: rows.chain(bm_encode::code_encodings().map(ToString::to_string)).collect::<Vec<_>>().join(", "),
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

    /// Reads the facts off a manifest.
    pub(crate) fn from_manifest(package: &str, manifest: &Manifest) -> Result<(Self, InputEncoder), QualityError> {
        let refused = |reason: String| QualityError::Manifest { package: package.to_owned(), reason };
        let encoder = InputEncoder::find(package, &manifest.encoding)?;
        let rule = match (encoder, &manifest.window, &manifest.read_rule) {
            (InputEncoder::Rows(encoder), Some(window), None) => window_rule(encoder, window.length, &window.rule),
            (InputEncoder::Codes(_), None, Some(rule)) => error_rule(rule),
            (InputEncoder::Rows(_), ..) => Err(format!("expected a window and no read_rule for {}", manifest.encoding)),
            (InputEncoder::Codes(_), ..) => Err(format!("expected a read_rule and no window for {}", manifest.encoding)),
        };
        let facts = Self {
            id: manifest.id.clone(),
            version: manifest.version,
            label: manifest.label.definition.clone(),
            encoding: manifest.encoding.clone(),
            rule: rule.map_err(refused)?,
            threshold: Threshold::new(manifest.thresholds.default).map_err(|error| refused(error.to_string()))?,
            domain: manifest.domain.as_ref().map(|domain| Domain {
                min_quality_values: domain.min_quality_values,
                max_phred: domain.max_phred,
                max_median_length: domain.max_median_length,
            }),
        };
        Ok((facts, encoder))
    }

    /// Reads the facts off the file itself: they are in its ONNX metadata too.
    pub(crate) fn from_metadata(file: &ModelFile) -> Result<(Self, InputEncoder), QualityError> {
        let refused = |reason: String| QualityError::Manifest { package: file.name().to_owned(), reason };
        let entry = |key: &'static str| {
            file.metadata(key)
                .ok_or_else(|| refused(format!("no metadata `{key}`; expected a model of bm, or a package with a manifest")))
        };
        fn parse<T: FromStr>(key: &str, value: &str) -> Result<T, String> {
            value.parse().map_err(|_| format!("metadata `{key}` is `{value}`, expected a number"))
        }
        let number = |key| parse(key, entry(key)?).map_err(refused);
        let whole = |key| parse(key, entry(key)?).map_err(refused);
        let encoding = EncodingEntry {
            id: entry("bm.encoding")?.to_owned(),
            version: parse("bm.encoding_version", entry("bm.encoding_version")?).map_err(refused)?,
        };
        let encoder = InputEncoder::find(file.name(), &encoding)?;
        let rule = match encoder {
            InputEncoder::Rows(encoder) => window_rule(encoder, whole("bm.window_length")?, entry("bm.window_rule")?),
            InputEncoder::Codes(_) => error_rule(&ReadRuleEntry {
                name: entry("bm.read_rule")?.to_owned(),
                mean_scale: number("bm.mean_scale")?,
                dispersion: number("bm.dispersion")?,
                max_error_rate: number("bm.max_error_rate")?,
            }),
        };
        let facts = Self {
            id: entry("bm.id")?.to_owned(),
            version: parse("bm.version", entry("bm.version")?).map_err(refused)?,
            label: entry("bm.label")?.to_owned(),
            encoding,
            rule: rule.map_err(refused)?,
            threshold: parse("bm.threshold", entry("bm.threshold")?)
                .and_then(|value| Threshold::new(value).map_err(|error| error.to_string()))
                .map_err(refused)?,
            domain: match file.metadata("bm.domain_max_phred") {
                None => None,
                Some(max_phred) => Some(Domain {
                    min_quality_values: parse("bm.domain_min_quality_values", entry("bm.domain_min_quality_values")?)
                        .map_err(refused)?,
                    max_phred: parse("bm.domain_max_phred", max_phred).map_err(refused)?,
                    max_median_length: parse("bm.domain_max_median_length", entry("bm.domain_max_median_length")?)
                        .map_err(refused)?,
                }),
            },
        };
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
        write!(f, "{id} version {version}, {encoding}, {rule}, threshold {}, {label}", threshold.get())?;
        domain.map_or(Ok(()), |domain| write!(f, ", {domain}"))
    }
}

impl fmt::Display for ReadRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Windows(rule) => write!(f, "{} over {} bases", rule.combination.name(), rule.length),
            Self::Errors(rule) => rule.fmt(f),
        }
    }
}

fn window_rule(encoder: &dyn Encoder, length: usize, rule: &str) -> Result<ReadRule, String> {
    let expected = encoder.encoding().window;
    if length != expected {
        return Err(format!("a window of {length} bases, the encoding {} has {expected}", encoder.encoding()));
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
