//! Distributions as a report has them: columns of equal length, a value per bin.

use bm_profile::{ExactSum, bin};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::survey::{BINS, Errors, Level, Survey};

/// The columns of a [`Survey`].
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Columns {
    probabilities: LevelColumns,
    places: [ErrorColumns; 2],
    qualities: ErrorColumns,
    lengths: LengthColumns,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct LevelColumns {
    reads: Vec<u64>,
    discarded: Vec<u64>,
    bases: Vec<u64>,
    expected_errors: Vec<ExactSum>,
    bad: Vec<ExactSum>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ErrorColumns {
    bases: Vec<u64>,
    expected: Vec<ExactSum>,
    reported: Vec<ExactSum>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct LengthColumns {
    reads: Vec<u64>,
    kept: Vec<u64>,
}

/// Returns a column of rows.
fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// Refuses columns whose lengths differ, or are not `allowed`.
fn check(name: &str, lengths: &[usize], allowed: impl Fn(usize) -> bool) -> Result<(), String> {
    let first = lengths.first().copied().unwrap_or_default();
    if let Some(other) = lengths.iter().find(|length| **length != first) {
        return Err(format!("{name}: columns of {first} and {other} values"));
    }
    if allowed(first) { Ok(()) } else { Err(format!("{name}: columns of {first} values")) }
}

/// Returns whether a distribution over positions or lengths can have this many bins.
fn is_possible(bins: usize) -> bool {
    bins <= bin(usize::MAX) + 1
}

impl Serialize for Survey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Columns::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Survey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Columns::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

impl From<&Survey> for Columns {
    fn from(survey: &Survey) -> Self {
        let Survey { probabilities, places, qualities, lengths } = survey;
        Self {
            probabilities: LevelColumns {
                reads: column(probabilities, |level| level.reads),
                discarded: column(probabilities, |level| level.discarded),
                bases: column(probabilities, |level| level.bases),
                expected_errors: column(probabilities, |level| level.expected_errors),
                bad: column(probabilities, |level| level.bad),
            },
            places: places.each_ref().map(|rows| ErrorColumns::of(rows)),
            qualities: ErrorColumns::of(qualities),
            lengths: LengthColumns {
                reads: column(lengths, |[reads, _]| *reads),
                kept: column(lengths, |[_, kept]| *kept),
            },
        }
    }
}

impl TryFrom<Columns> for Survey {
    type Error = String;

    fn try_from(columns: Columns) -> Result<Self, String> {
        let Columns { probabilities: levels, places: [first, second], qualities, lengths } =
            columns;
        let of_levels = [
            levels.reads.len(),
            levels.discarded.len(),
            levels.bases.len(),
            levels.expected_errors.len(),
            levels.bad.len(),
        ];
        check("probabilities", &of_levels, |bins| bins == BINS)?;
        check("lengths", &[lengths.reads.len(), lengths.kept.len()], is_possible)?;
        let scores = Self::default().qualities.len();
        let most = |i: usize| levels.reads[i] as f64;
        let wrong = (0..BINS)
            .find(|i| levels.discarded[*i] > levels.reads[*i] || levels.bad[*i].get() > most(*i));
        if let Some(i) = wrong {
            return Err(format!(
                "probabilities: bin {i} has more discarded or bad reads than reads"
            ));
        }
        let level = |i: usize| Level {
            reads: levels.reads[i],
            discarded: levels.discarded[i],
            bases: levels.bases[i],
            expected_errors: levels.expected_errors[i],
            bad: levels.bad[i],
        };
        Ok(Self {
            probabilities: (0..BINS).map(level).collect(),
            places: [first.rows("places", is_possible)?, second.rows("places", is_possible)?],
            qualities: qualities.rows("qualities", |rows| rows == scores)?,
            lengths: lengths.reads.into_iter().zip(lengths.kept).map(Into::into).collect(),
        })
    }
}

impl ErrorColumns {
    fn of(rows: &[Errors]) -> Self {
        Self {
            bases: column(rows, |errors| errors.bases),
            expected: column(rows, |errors| errors.expected),
            reported: column(rows, |errors| errors.reported),
        }
    }

    fn rows(self, name: &str, allowed: impl Fn(usize) -> bool) -> Result<Vec<Errors>, String> {
        let Self { bases, expected, reported } = self;
        check(name, &[bases.len(), expected.len(), reported.len()], allowed)?;
        let most = |i: usize| bases[i] as f64;
        let wrong = |i: &usize| expected[*i].get() > most(*i) || reported[*i].get() > most(*i);
        if let Some(i) = (0..bases.len()).find(wrong) {
            return Err(format!("{name}: bin {i} has more errors than bases"));
        }
        let rows = bases.into_iter().zip(expected).zip(reported);
        Ok(rows.map(|((bases, expected), reported)| Errors { bases, expected, reported }).collect())
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn survey() -> Survey {
        let mut survey = Survey::default();
        survey.probabilities[99].reads = 7;
        survey.probabilities[99].bad.add(0.1);
        survey.places[1] = vec![Errors::default(), Errors { bases: 3, ..Errors::default() }];
        survey.qualities[37].bases = 1;
        survey.qualities[37].expected.add(1e-4);
        survey.lengths = vec![[0, 0], [5, 2]];
        survey
    }

    #[test]
    fn distributions_are_read_back_as_they_are_written() {
        for survey in [survey(), Survey::default()] {
            let text = serde_json::to_string(&survey).unwrap();
            assert_eq!(serde_json::from_str::<Survey>(&text).unwrap(), survey);
        }
    }

    #[test]
    fn columns_of_wrong_lengths_are_refused() {
        let whole = serde_json::to_value(survey()).unwrap();
        for (place, value, expected) in [
            ("/probabilities/reads", json!([1]), "probabilities: columns of 1 and 100 values"),
            ("/qualities/expected", json!([]), "qualities: columns of 94 and 0 values"),
            ("/places/1/bases", json!([1]), "places: columns of 1 and 2 values"),
            ("/lengths/kept", json!([]), "lengths: columns of 2 and 0 values"),
            ("/qualities/expected/37", json!("1.1"), "bin 37 has more errors than bases"),
            ("/probabilities/discarded/99", json!(8), "bin 99 has more discarded or bad reads"),
            ("/lengths", json!({"reads": vec![0; 9999], "kept": vec![0; 9999]}), "of 9999 values"),
            ("/places", json!([]), "invalid length 0"),
            ("/lengths/kept", Value::Null, "invalid type: null"),
        ] {
            let mut other = whole.clone();
            *other.pointer_mut(place).unwrap() = value;
            let error = serde_json::from_value::<Survey>(other).unwrap_err().to_string();
            assert!(error.contains(expected), "{place}: {error}");
        }
    }
}
