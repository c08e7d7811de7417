//! How many long reads, and how many bases in them, have at least a mean quality and at least a length.

use bm_quality::{Prediction, Verdict};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decide::ScoredTemplate;
use crate::fate::Decision;

/// Lowest mean qualities of the rows, Phred: −10·log10 of the errors per base that are expected in a read.
/// The first row has all reads, those that cannot be scored among them.
pub const QUALITIES: [u8; 8] = [0, 7, 10, 12, 15, 20, 25, 30];

/// Fewest bases of the columns.
pub const LENGTHS: [u64; 7] = [0, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000];

/// A number for each of [`QUALITIES`] and each of [`LENGTHS`].
pub type Cells = [[u64; LENGTHS.len()]; QUALITIES.len()];

/// Reads, and bases in them, by mean quality and length. Each cell has all reads that are at least as good
/// and at least as long as its row and its column say.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Yield {
    /// Reads.
    pub reads: Cells,
    /// Bases in these reads.
    pub bases: Cells,
}

/// What all reads of a run yield, and those that are kept.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Yields {
    /// All reads, by their length in the input.
    pub before: Yield,
    /// Kept reads, by the length that is left.
    pub after: Yield,
}

impl Yield {
    /// Adds a read of this length, with a prediction that is for `judged` of its bases.
    fn add(&mut self, prediction: &Prediction, judged: usize, length: u64) {
        let errors = prediction.expected_errors().map(f64::from);
        // As `Criteria` compares: expected errors are rounded to a float.
        let has = |quality: u8| {
            let most = 10f64.powf(-f64::from(quality) / 10.0) * judged as f64;
            errors.is_some_and(|errors| errors <= most * (1.0 + f64::from(f32::EPSILON)))
        };
        let long_enough = LENGTHS.iter().take_while(|least| length >= **least).count();
        for (row, quality) in QUALITIES.into_iter().enumerate() {
            if quality > 0 && !has(quality) {
                break;
            }
            for column in 0..long_enough {
                self.reads[row][column] += 1;
                self.bases[row][column] = self.bases[row][column].saturating_add(length);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        for (ours, theirs) in [(&mut self.reads, &other.reads), (&mut self.bases, &other.bases)] {
            let cells = ours.iter_mut().flatten().zip(theirs.iter().flatten());
            cells.for_each(|(ours, theirs)| *ours = ours.saturating_add(*theirs));
        }
    }

    /// Refuses numbers that increase with quality or length.
    fn check(&self) -> Result<(), String> {
        for (name, cells) in [("reads", &self.reads), ("bases", &self.bases)] {
            let of_row = |row: &[u64; LENGTHS.len()]| row.windows(2).any(|it| it[1] > it[0]);
            let of_rows = |rows: &[[u64; LENGTHS.len()]]| {
                rows[0].iter().zip(&rows[1]).any(|(all, better)| better > all)
            };
            if cells.iter().any(of_row) || cells.windows(2).any(of_rows) {
                return Err(format!("yield: {name} increase with quality or length"));
            }
        }
        Ok(())
    }
}

impl Yields {
    /// Adds the reads of a template.
    pub(crate) fn add(&mut self, scored: &ScoredTemplate<'_>, decision: &Decision) {
        for (mate, fate) in scored.template.mates().iter().zip(decision.fates()) {
            let length = mate.record.sequence.len();
            let (prediction, judged) = (scored.prediction(mate), scored.judged_part(mate).len());
            self.before.add(prediction, judged, length as u64);
            if fate.verdict == Verdict::Pass {
                self.after.add(prediction, judged, fate.bases_kept(length) as u64);
            }
        }
    }

    /// Adds what other reads yield.
    pub fn merge(&mut self, other: &Self) {
        self.before.merge(&other.before);
        self.after.merge(&other.after);
    }
}

/// How a report has it: with the names of rows and columns.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Named {
    qualities: Vec<u8>,
    lengths: Vec<u64>,
    before: Yield,
    after: Yield,
}

impl Serialize for Yields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { before, after } = *self;
        Named { qualities: QUALITIES.into(), lengths: LENGTHS.into(), before, after }
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Yields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Named { qualities, lengths, before, after } = Named::deserialize(deserializer)?;
        if qualities != QUALITIES || lengths != LENGTHS {
            return Err(D::Error::custom("yield: other qualities or lengths"));
        }
        before.check().and_then(|()| after.check()).map_err(D::Error::custom)?;
        Ok(Self { before, after })
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use bm_quality::{Probability, Score};
    use bm_reads::ReadError;
    use serde_json::json;

    use super::*;

    fn scored(errors: f32) -> Prediction {
        let probability = Probability::new(1.0).unwrap();
        Prediction::Scored(Score { probability, expected_errors: Some(errors), support: None })
    }

    fn yields() -> Yields {
        let mut yields = Yields::default();
        // Q10 exactly, Q19.9, Q30, and none.
        yields.before.add(&scored(100.0), 1_000, 1_000);
        yields.before.add(&scored(102.4), 10_000, 10_000);
        yields.before.add(&scored(0.5), 500, 999);
        yields.before.add(&Prediction::Unscored(ReadError::NoKnownBase), 7_000, 7_000);
        yields.after.add(&scored(0.5), 500, 500);
        yields
    }

    #[test]
    fn a_cell_has_the_reads_that_are_good_and_long_enough() {
        let Yields { before, after } = yields();
        let row = |quality: u8| QUALITIES.iter().position(|it| *it == quality).unwrap();
        assert_eq!(before.reads[row(0)], [4, 3, 2, 1, 0, 0, 0]);
        assert_eq!(before.reads[row(10)], [3, 2, 1, 1, 0, 0, 0]);
        assert_eq!(before.reads[row(12)], [2, 1, 1, 1, 0, 0, 0]);
        assert_eq!(before.reads[row(20)], [1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(before.reads[row(30)], [1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(before.bases[row(10)], [11_999, 11_000, 10_000, 10_000, 0, 0, 0]);
        assert_eq!((after.reads[row(30)][0], after.bases[row(30)][0]), (1, 500));
    }

    #[test]
    fn parts_add_up_and_are_read_back() {
        let (one, mut sum) = (yields(), Yields::default());
        sum.merge(&one);
        assert_eq!(sum, one);
        sum.merge(&one);
        assert_eq!(sum.before.reads[0][0], 8);
        let value = serde_json::to_value(sum).unwrap();
        assert_eq!(value["qualities"][1], 7);
        assert_eq!(serde_json::from_value::<Yields>(value.clone()).unwrap(), sum);
        for (place, other) in [
            ("/qualities/1", json!(8)),
            ("/before/reads/1/0", json!(9)),
            ("/after/bases/0/1", json!(5_000)),
            ("/before/reads/0", json!([1])),
        ] {
            let mut value = value.clone();
            *value.pointer_mut(place).unwrap() = other;
            assert!(serde_json::from_value::<Yields>(value).is_err(), "{place}");
        }
    }
}
