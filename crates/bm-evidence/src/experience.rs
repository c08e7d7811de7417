//! Frequencies of base support in earlier runs with known errors: the file `experience.json`.

use serde::{Deserialize, Serialize};

use crate::{BaseSupport, EvidenceError};

/// How often wrong and right bases have each kind of support, in runs with known errors.
///
/// Frequencies depend on the depth of the read ([`crate::ReadSupport::depth`]), not of the run: a
/// read of a rare genome in a deep run is treated like a read of a shallow run.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Experience {
    /// [`Experience::FORMAT`].
    pub format: u32,
    /// The [`BaseSupport::VERSION`] that the frequencies are of.
    #[serde(rename = "statements")]
    pub support_version: u32,
    /// Lowest depth of each range, rising; the first range also has all lower depths.
    pub depths: Vec<f64>,
    /// Frequencies where all k-mers of the run were counted.
    pub all: Vec<Frequency>,
    /// Frequencies where a sample of them was counted.
    pub some: Vec<Frequency>,
}

/// How often bases have one kind of support.
///
/// **Shape** of both lists: `[depth ranges]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Frequency {
    /// Number of the kind, [`BaseSupport::number`].
    #[serde(rename = "statement")]
    pub support: u16,
    /// P(support | the base is wrong).
    pub wrong: Vec<f64>,
    /// P(support | the base is right).
    pub right: Vec<f64>,
}

/// Frequencies in one depth range, by the number of the support.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frequencies {
    pub(crate) wrong: Vec<f64>,
    pub(crate) right: Vec<f64>,
}

impl Experience {
    /// Version of the file format.
    pub const FORMAT: u32 = 1;

    /// Returns the experience parsed from JSON.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::Content`] if it is of another format or version, or not consistent.
    pub fn from_json(text: &str) -> Result<Self, EvidenceError> {
        let experience: Self = serde_json::from_str(text)
            .map_err(|error| EvidenceError::Content(format!("experience: {error}")))?;
        experience
            .check()
            .map_err(|reason| EvidenceError::Content(format!("experience: {reason}")))?;
        Ok(experience)
    }

    fn check(&self) -> Result<(), String> {
        let Self { format, support_version, depths, .. } = self;
        if *format != Self::FORMAT || *support_version != BaseSupport::VERSION {
            let expected = format!("{} and {}", Self::FORMAT, BaseSupport::VERSION);
            return Err(format!(
                "format {format} for base support of version {support_version}, expected {expected}"
            ));
        }
        if depths.is_empty()
            || !depths.is_sorted_by(|low, high| low < high)
            || !depths.iter().all(|depth| depth.is_finite() && *depth > 0.0)
        {
            return Err(format!("depths {depths:?}, expected rising numbers"));
        }
        for frequency in self.all.iter().chain(&self.some) {
            let Frequency { support, wrong, right } = frequency;
            let fine = |values: &Vec<f64>| {
                values.len() == depths.len()
                    && values.iter().all(|value| (0.0..=1.0).contains(value))
            };
            if BaseSupport::new(*support).is_none() || !fine(wrong) || !fine(right) {
                return Err(format!("invalid frequencies of base support {support}"));
            }
        }
        Ok(())
    }

    /// Returns the frequencies in reads of the depth range with this number.
    pub(crate) fn at(&self, range: usize, all: bool) -> Frequencies {
        let mut at = Frequencies {
            wrong: vec![0.0; BaseSupport::COUNT],
            right: vec![0.0; BaseSupport::COUNT],
        };
        for frequency in if all { &self.all } else { &self.some } {
            at.wrong[usize::from(frequency.support)] = frequency.wrong[range];
            at.right[usize::from(frequency.support)] = frequency.right[range];
        }
        at
    }
}

/// Returns the number of the depth range that a depth is in, given the lowest depth of each range.
#[inline(always)]
pub(crate) fn range(depths: &[f64], depth: u32) -> usize {
    depths.iter().skip(1).take_while(|border| f64::from(depth) >= **border).count()
}
