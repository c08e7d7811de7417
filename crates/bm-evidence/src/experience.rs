//! What earlier runs, whose errors are known, taught of the statements.

use serde::{Deserialize, Serialize};

use crate::{BaseSupport, EvidenceError};

/// How often wrong bases get a statement, and how often right ones do, in reads of several depths:
/// how many reads a typical k-mer of the read is in. By the depth of the read and not of the run,
/// so that reads of a rare genome in a deep run are judged as those of a shallow run.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Experience {
    /// [`Experience::FORMAT`].
    pub format: u32,
    /// [`BaseSupport::VERSION`] of the statements.
    pub statements: u32,
    /// Where each range of depths begins, rising; the first one has all below the second, too.
    pub depths: Vec<f64>,
    /// Where all k-mers of the run are looked at.
    pub all: Vec<Frequency>,
    /// Where a share of them is.
    pub some: Vec<Frequency>,
}

/// How often a statement is made, in each range of depths.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Frequency {
    /// Number of the statement.
    pub statement: u16,
    /// P(statement | the base is wrong).
    pub wrong: Vec<f64>,
    /// P(statement | the base is right).
    pub right: Vec<f64>,
}

/// Frequencies of each statement, by its number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frequencies {
    pub(crate) wrong: Vec<f64>,
    pub(crate) right: Vec<f64>,
}

impl Experience {
    /// The format.
    pub const FORMAT: u32 = 1;

    /// Reads JSON.
    ///
    /// # Errors
    ///
    /// If it is of another format, or not consistent.
    pub fn from_json(text: &str) -> Result<Self, EvidenceError> {
        let experience: Self = serde_json::from_str(text)
            .map_err(|error| EvidenceError::Content(format!("experience: {error}")))?;
        experience
            .check()
            .map_err(|reason| EvidenceError::Content(format!("experience: {reason}")))?;
        Ok(experience)
    }

    fn check(&self) -> Result<(), String> {
        let Self { format, statements, depths, .. } = self;
        if *format != Self::FORMAT || *statements != BaseSupport::VERSION {
            let expected = format!("{} and {}", Self::FORMAT, BaseSupport::VERSION);
            return Err(format!(
                "of format {format} for statements of version {statements}, expected {expected}"
            ));
        }
        if depths.is_empty()
            || !depths.is_sorted_by(|low, high| low < high)
            || !depths.iter().all(|depth| depth.is_finite() && *depth > 0.0)
        {
            return Err(format!("the depths {depths:?}, expected rising numbers"));
        }
        for frequency in self.all.iter().chain(&self.some) {
            let Frequency { statement, wrong, right } = frequency;
            let fine = |values: &Vec<f64>| {
                values.len() == depths.len()
                    && values.iter().all(|value| (0.0..=1.0).contains(value))
            };
            if BaseSupport::new(*statement).is_none() || !fine(wrong) || !fine(right) {
                return Err(format!("what it says of statement {statement}"));
            }
        }
        Ok(())
    }

    /// Returns the frequencies in reads of the range of depths with that number.
    pub(crate) fn at(&self, range: usize, all: bool) -> Frequencies {
        let mut at = Frequencies {
            wrong: vec![0.0; BaseSupport::COUNT],
            right: vec![0.0; BaseSupport::COUNT],
        };
        for frequency in if all { &self.all } else { &self.some } {
            at.wrong[usize::from(frequency.statement)] = frequency.wrong[range];
            at.right[usize::from(frequency.statement)] = frequency.right[range];
        }
        at
    }
}

/// Returns in which range of depths a read is, given where each range but the first begins.
#[inline(always)]
pub(crate) fn range(depths: &[f64], depth: u32) -> usize {
    depths.iter().skip(1).take_while(|border| f64::from(depth) >= **border).count()
}
