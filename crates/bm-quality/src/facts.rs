//! The facts needed to use a model, from its manifest or from the metadata of its file.

use std::fmt;

use bm_encode::{AnyEncoder, Encodings};
use bm_infer::ModelFile;

use crate::metadata::{number, text};
use crate::{Domain, EncodingEntry, Manifest, QualityError, ReadRule, Threshold};

/// The facts needed to use a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The model's id.
    pub id: String,
    /// The model's version.
    pub version: u32,
    /// The label: the statement about a read whose probability the model predicts.
    pub label: String,
    /// The encoding that the model was trained on.
    pub encoding: EncodingEntry,
    /// How the network's outputs become the probability of a read.
    pub rule: ReadRule,
    /// The default threshold.
    pub threshold: Threshold,
    /// The runs that the model applies to, if it states them.
    pub domain: Option<Domain>,
}

impl Facts {
    /// Returns whether the model counts errors: whether its predictions have expected errors.
    pub fn counts_errors(&self) -> bool {
        self.rule.counts_errors()
    }

    /// Returns the facts as ONNX metadata. [`ModelPackage`](crate::ModelPackage) opens a bare model
    /// file that has them.
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
        all.extend(rule.metadata());
        if let Some(domain) = domain {
            all.extend([
                ("bm.domain_min_quality_values", domain.min_quality_values.to_string()),
                ("bm.domain_max_phred", domain.max_phred.to_string()),
                ("bm.domain_max_median_length", domain.max_median_length.to_string()),
            ]);
        }
        all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// Checks that id and label are text without control characters: they are printed in summaries
    /// and reports, and the id in the descriptions of records.
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

    /// Returns the facts in a manifest, and the encoder of its encoding.
    pub(crate) fn from_manifest(
        package: &str,
        manifest: &Manifest,
        encodings: &Encodings,
    ) -> Result<(Self, AnyEncoder), QualityError> {
        let refused =
            |reason: String| QualityError::Manifest { package: package.to_owned(), reason };
        let encoder = find(encodings, package, &manifest.encoding)?;
        let facts = Self {
            id: manifest.id.clone(),
            version: manifest.version,
            label: manifest.label.definition.clone(),
            encoding: manifest.encoding.clone(),
            rule: manifest.rule.rule(&encoder).map_err(refused)?,
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

    /// Returns the facts in the metadata of a model file, and the encoder of its encoding.
    pub(crate) fn from_metadata(
        file: &ModelFile,
        encodings: &Encodings,
    ) -> Result<(Self, AnyEncoder), QualityError> {
        let refused =
            |reason: String| QualityError::Manifest { package: file.name().to_owned(), reason };
        let encoding = EncodingEntry {
            id: text(file, "bm.encoding")?.to_owned(),
            version: number(file, "bm.encoding_version")?,
        };
        let encoder = find(encodings, file.name(), &encoding)?;
        let rule = ReadRule::from_metadata(file, &encoder)?;
        let facts = Self {
            id: text(file, "bm.id")?.to_owned(),
            version: number(file, "bm.version")?,
            label: text(file, "bm.label")?.to_owned(),
            encoding,
            rule,
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

/// Returns the encoder of the encoding that a model names.
fn find(
    encodings: &Encodings,
    package: &str,
    encoding: &EncodingEntry,
) -> Result<AnyEncoder, QualityError> {
    encodings.find(&encoding.id, encoding.version).cloned().ok_or_else(|| {
        QualityError::UnknownEncoding {
            package: package.to_owned(),
            encoding: encoding.to_string(),
            known: encodings.to_string(),
        }
    })
}
