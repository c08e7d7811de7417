//! A row of a table of scores that is read back: its columns, and whether they agree.
//!
//! Tables pass through many hands. A row that `bm score` cannot have written is refused: a missing
//! number beside one that needs it, or a number out of range, would otherwise decide about reads.

use std::error::Error;
use std::ops::RangeInclusive;

use bm_quality::{Prediction, Probability, Score, Verdict};
use bm_reads::{Phred, ReadError};

use crate::columns::Column;
use crate::fate::{BaseRange, Fate};
use crate::reasons::{Reason, Reasons};

/// Most bases of a read, or of two mates together.
pub(crate) const MOST_BASES: usize = u32::MAX as usize;

/// How far a number of errors may exceed the number of bases by rounding.
const ROUNDING: f32 = 1.0 + 1e-4;

/// The place of each column of a table.
pub(crate) struct Columns {
    count: usize,
    pub(crate) read: usize,
    length: usize,
    probability: usize,
    pub(crate) expected_errors: Option<usize>,
    phred_expected_errors: Option<usize>,
    mean_phred: Option<usize>,
    expected_errors_prior: Option<usize>,
    evaluable: Option<usize>,
    pub(crate) mate: Option<usize>,
    pub(crate) pair_probability: Option<usize>,
    keep: Option<[usize; 2]>,
    verdict: usize,
    reason: usize,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) length: usize,
    pub(crate) prediction: Prediction,
    /// The number of the mate, 1 or 2, in tables of pairs; `None` for single reads.
    pub(crate) mate: Option<u8>,
    /// The probability of the pair, in the rows of both mates.
    pub(crate) pair_probability: Option<Probability>,
    /// The verdict on the read when it was scored.
    pub(crate) fate: Fate,
}

/// A fault in a line of a table.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Fault {
    what: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    fn of<T>(what: impl Into<String>) -> Result<T, Self> {
        Err(Self { what: what.into(), source: None })
    }

    fn from<E: Error + Send + Sync + 'static>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        move |source| Self { what: what.into(), source: Some(Box::new(source)) }
    }
}

impl Columns {
    /// Returns the places of the columns that the first line of a table names.
    pub(crate) fn of(header: &str) -> Result<Self, Fault> {
        if header.starts_with("PAR1") {
            return Fault::of(
                "is Parquet, which is not read here; score to a name that ends in .tsv or .tsv.gz",
            );
        }
        let names: Vec<_> = header.split('\t').collect();
        for column in Column::ALL {
            if names.iter().filter(|name| **name == column.name()).count() > 1 {
                return Fault::of(format!("has the column {} twice", column.name()));
            }
        }
        let find = |column: Column| names.iter().position(|name| *name == column.name());
        let keep = match (find(Column::KeepFrom), find(Column::KeepTo)) {
            (Some(from), Some(to)) => Some([from, to]),
            (None, None) => None,
            _ => return Fault::of("has one of the columns keep_from and keep_to, expected both"),
        };
        let need = |column: Column| match find(column) {
            Some(place) => Ok(place),
            None => Fault::of(format!(
                "has no column {} in its first line; expected a table of `bm score`",
                column.name()
            )),
        };
        Ok(Self {
            count: names.len(),
            read: need(Column::Read)?,
            length: need(Column::Length)?,
            probability: need(Column::Probability)?,
            expected_errors: find(Column::ExpectedErrors),
            phred_expected_errors: find(Column::PhredExpectedErrors),
            mean_phred: find(Column::MeanPhred),
            expected_errors_prior: find(Column::ExpectedErrorsPrior),
            evaluable: find(Column::Evaluable),
            mate: find(Column::Mate),
            pair_probability: find(Column::PairProbability),
            keep,
            verdict: need(Column::Verdict)?,
            reason: need(Column::Reason)?,
        })
    }
}

impl Row {
    /// Returns the row in a line.
    pub(crate) fn parse(line: &[u8], columns: &Columns) -> Result<Self, Fault> {
        let fields = Fields { line, columns };
        let count = line.iter().filter(|byte| **byte == b'\t').count() + 1;
        if count != columns.count {
            let expected = columns.count;
            return Fault::of(format!("{count} columns, expected {expected} as in the first line"));
        }
        let length = fields.length()?;
        let keep = fields.keep(length)?;
        let most = length as f32 * ROUNDING;
        let probability = fields.number(Column::Probability, columns.probability, 0.0..=1.0)?;
        let probability = probability.and_then(Probability::new);
        let is_scored = probability.is_some();
        // A read has all of these numbers, or none.
        let beside = |column, place: Option<usize>, range| -> Result<Option<f32>, Fault> {
            let Some(place) = place else { return Ok(None) };
            let value = fields.number(column, place, range)?;
            if value.is_some() != is_scored {
                return Fault::of(format!(
                    "{} {} beside probability {}, expected two numbers or twice nan",
                    column.name(),
                    fields.text(place)?,
                    fields.text(columns.probability)?
                ));
            }
            Ok(value)
        };
        let expected_errors = beside(Column::ExpectedErrors, columns.expected_errors, 0.0..=most)?;
        beside(Column::ExpectedErrorsPrior, columns.expected_errors_prior, 0.0..=most)?;
        beside(Column::Evaluable, columns.evaluable, 0.0..=1.0)?;
        fields.reported(length)?;
        let prediction = match probability {
            Some(probability) => {
                Prediction::Scored(Score { probability, expected_errors, support: None })
            }
            None if keep.of(length).is_empty() => Prediction::Unscored(ReadError::EmptyRead),
            None => Prediction::Unscored(ReadError::NoKnownBase),
        };
        let mate = match columns.mate.map(|place| fields.text(place)).transpose()? {
            None => None,
            Some("1") => Some(1),
            Some("2") => Some(2),
            // A single read beside pairs.
            Some("0") => None,
            Some(other) => return Fault::of(format!("expected mate 0, 1 or 2, found {other}")),
        };
        let pair_probability = match columns.pair_probability {
            Some(place) => fields.number(Column::PairProbability, place, 0.0..=1.0)?,
            None => None,
        };
        let pair_probability = pair_probability.and_then(Probability::new);
        let fate = Fate { keep, ..fields.fate(is_scored, mate.is_some())? };
        Ok(Self { length, prediction, mate, pair_probability, fate })
    }

    /// Checks that two rows that follow each other are of the mates of a pair, and agree.
    pub(crate) fn check_mates(&self, other: &Self) -> Result<(), Fault> {
        if (self.mate, other.mate) != (Some(1), Some(2)) {
            return Fault::of(
                "expected the rows of mate 1 and mate 2, one after the other; a row is missing, or \
                 they were sorted",
            );
        }
        let shown = |probability: Option<Probability>| {
            probability
                .map_or_else(|| "nan".to_owned(), |probability| probability.get().to_string())
        };
        if self.pair_probability != other.pair_probability {
            return Fault::of(format!(
                "pair_probability {}, but {} in the row of the other mate",
                shown(other.pair_probability),
                shown(self.pair_probability)
            ));
        }
        let is_scored = |row: &Self| row.prediction.probability().is_some();
        // Where one mate alone is judged, the other one may have no probability.
        match (self.pair_probability.is_some(), is_scored(self), is_scored(other)) {
            (false, true, true) => {
                return Fault::of("pair_probability nan, but both mates have a probability");
            }
            (true, false, false) => {
                return Fault::of("the pair has a probability, but neither mate has one");
            }
            _ => {}
        }
        let passes = |row: &Self| row.fate.verdict == Verdict::Pass;
        // A mate without a probability is kept only where the other one passes by its own.
        if [(self, other), (other, self)]
            .iter()
            .any(|(row, mate)| passes(row) && !is_scored(row) && !(passes(mate) && is_scored(mate)))
        {
            return Fault::of("verdict pass, but neither mate that passes has a probability");
        }
        match self.length.checked_add(other.length) {
            Some(bases) if bases <= MOST_BASES => Ok(()),
            _ => Fault::of(format!("a pair of more than {MOST_BASES} bases")),
        }
    }
}

/// The fields of a line.
struct Fields<'a> {
    line: &'a [u8],
    columns: &'a Columns,
}

impl<'a> Fields<'a> {
    fn text(&self, place: usize) -> Result<&'a str, Fault> {
        std::str::from_utf8(field(self.line, place)).map_err(Fault::from("not text"))
    }

    /// Returns a number in a range; `None` for `nan`.
    fn number(
        &self,
        column: Column,
        place: usize,
        range: RangeInclusive<f32>,
    ) -> Result<Option<f32>, Fault> {
        let (name, text) = (column.name(), self.text(place)?);
        let value: f32 =
            text.parse().map_err(Fault::from(format!("expected a number, found {text}")))?;
        if value.is_nan() {
            return Ok(None);
        }
        if !range.contains(&value) {
            let (least, most) = range.into_inner();
            return Fault::of(match column {
                Column::Probability | Column::PairProbability => {
                    format!("expected a probability, found {text}")
                }
                _ => format!("{name}: expected a number from {least} to {most:.0}, found {text}"),
            });
        }
        Ok(Some(value))
    }

    fn whole(&self, place: usize, what: &str) -> Result<u64, Fault> {
        let text = self.text(place)?;
        text.parse().map_err(Fault::from(format!("expected {what}, found {text}")))
    }

    /// Returns which bases of a read of this length are to be kept.
    fn keep(&self, length: usize) -> Result<BaseRange, Fault> {
        let Some([from, to]) = self.columns.keep else { return Ok(BaseRange::WHOLE) };
        let (from, to) = (self.whole(from, "a position")?, self.whole(to, "a position")?);
        if from > to || to > length as u64 {
            return Fault::of(format!(
                "keep_from {from} and keep_to {to} of {length} bases, expected a part of them"
            ));
        }
        Ok(BaseRange::new(from as usize, to as usize))
    }

    fn length(&self) -> Result<usize, Fault> {
        let length = self.whole(self.columns.length, "a length")?;
        match usize::try_from(length) {
            Ok(length) if length <= MOST_BASES => Ok(length),
            _ => Fault::of(format!("a length of {length} bases, expected at most {MOST_BASES}")),
        }
    }

    /// Checks the columns of the reported qualities.
    fn reported(&self, length: usize) -> Result<(), Fault> {
        let most = length as f32 * ROUNDING;
        for (column, place, range, may_lack) in [
            (Column::PhredExpectedErrors, self.columns.phred_expected_errors, 0.0..=most, false),
            (
                Column::MeanPhred,
                self.columns.mean_phred,
                0.0..=f32::from(Phred::MAX.get()),
                length == 0,
            ),
        ] {
            let Some(place) = place else { continue };
            if self.number(column, place, range)?.is_none() && !may_lack {
                return Fault::of(format!("{} nan of {length} bases", column.name()));
            }
        }
        Ok(())
    }

    /// Returns the earlier verdict.
    fn fate(&self, is_scored: bool, has_mate: bool) -> Result<Fate, Fault> {
        let (verdict, reason) = (self.text(self.columns.verdict)?, self.text(self.columns.reason)?);
        let reasons = match reason {
            "-" => Reasons::NONE,
            names => {
                let named = |name| match Reason::from_name(name) {
                    Some(reason) => Ok(reason),
                    None => Fault::of(format!("{name} is no reason")),
                };
                names.split(',').map(named).collect::<Result<Reasons, _>>()?
            }
        };
        // A mate may be kept for the other one's sake.
        let (verdict, agrees) = match verdict {
            "pass" => (Verdict::Pass, is_scored || has_mate),
            "fail" => (Verdict::Fail, is_scored),
            "unscored" => (Verdict::Unscored, !is_scored),
            other => {
                return Fault::of(format!("expected pass, fail or unscored, found {other}"));
            }
        };
        if !agrees {
            return Fault::of(format!(
                "verdict {verdict} beside probability {}",
                self.text(self.columns.probability)?
            ));
        }
        if reasons.is_empty() != (verdict == Verdict::Pass) {
            return Fault::of("a read that passes has no reason, and every other one has");
        }
        Ok(Fate { verdict, reasons, ..Fate::KEPT })
    }
}

/// Returns a field of a line; empty if there are fewer fields.
pub(crate) fn field(line: &[u8], column: usize) -> &[u8] {
    line.split(|byte| *byte == b'\t').nth(column).unwrap_or_default()
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SINGLE: &str = "read\tlength\tprobability\texpected_errors\tphred_expected_errors\t\
        mean_phred\texpected_errors_prior\tevaluable\tverdict\treason";
    const PAIR: &str = "read\tlength\tprobability\texpected_errors\tmate\tpair_probability\t\
        verdict\treason";

    fn parse(header: &str, line: &str) -> Result<Row, String> {
        let columns = Columns::of(header).map_err(|fault| fault.to_string())?;
        Row::parse(line.as_bytes(), &columns).map_err(|fault| fault.to_string())
    }

    #[test]
    fn rows_of_bm_score_are_read() {
        for line in [
            "r\t100\t0.9\t0.5\t0.4\t37.5\t0.6\t0.99\tpass\t-",
            "r\t100\t0\t100\t100\t0\t100\t0\tfail\tthreshold",
            "r\t0\tnan\tnan\t0\tnan\tnan\tnan\tunscored\tempty",
            "r\t4\tnan\tnan\t2\t2\tnan\tnan\tunscored\tonly_n",
        ] {
            let row = parse(SINGLE, line);
            assert!(row.is_ok(), "{line}: {row:?}");
        }
    }

    #[test]
    fn numbers_out_of_range_and_contradictions_are_refused() {
        for (line, expected) in [
            (
                "r\t100\t0.9\tnan\t0.4\t37\t0.6\t0.9\tpass\t-",
                "expected_errors nan beside probability 0.9",
            ),
            (
                "r\t100\t0.9\t-0.5\t0.4\t37\t0.6\t0.9\tpass\t-",
                "expected_errors: expected a number from 0",
            ),
            (
                "r\t100\t0.9\tinf\t0.4\t37\t0.6\t0.9\tpass\t-",
                "expected_errors: expected a number from 0",
            ),
            ("r\t100\t0.9\t101\t0.4\t37\t0.6\t0.9\tpass\t-", "from 0 to 100, found 101"),
            ("r\t100\t1.1\t0.5\t0.4\t37\t0.6\t0.9\tpass\t-", "expected a probability, found 1.1"),
            ("r\t100\tinf\t0.5\t0.4\t37\t0.6\t0.9\tpass\t-", "expected a probability, found inf"),
            (
                "r\t100\tnan\t0.5\t0.4\t37\tnan\tnan\tunscored\tonly_n",
                "expected_errors 0.5 beside probability nan",
            ),
            (
                "r\t100\t0.9\t0.5\tnan\t37\t0.6\t0.9\tpass\t-",
                "phred_expected_errors nan of 100 bases",
            ),
            ("r\t100\t0.9\t0.5\t-1\t37\t0.6\t0.9\tpass\t-", "phred_expected_errors: expected"),
            ("r\t100\t0.9\t0.5\t0.4\t94\t0.6\t0.9\tpass\t-", "mean_phred: expected"),
            ("r\t100\t0.9\t0.5\t0.4\tnan\t0.6\t0.9\tpass\t-", "mean_phred nan of 100 bases"),
            ("r\t100\t0.9\t0.5\t0.4\t37\tnan\t0.9\tpass\t-", "expected_errors_prior nan beside"),
            (
                "r\t100\t0.9\t0.5\t0.4\t37\t0.6\t1.5\tpass\t-",
                "evaluable: expected a number from 0 to 1",
            ),
            (
                "r\t100\t0.9\t0.5\t0.4\t37\t0.6\t0.9\tunscored\tonly_n",
                "verdict unscored beside probability 0.9",
            ),
            ("r\t100\tnan\tnan\t0.4\t37\tnan\tnan\tpass\t-", "verdict pass beside probability nan"),
            (
                "r\t100\tnan\tnan\t0.4\t37\tnan\tnan\tfail\tthreshold",
                "verdict fail beside probability nan",
            ),
            ("r\t4294967296\t0.9\t0.5\t0.4\t37\t0.6\t0.9\tpass\t-", "at most 4294967295"),
            ("r\t18446744073709551616\t0.9\t0.5\t0.4\t37\t0.6\t0.9\tpass\t-", "expected a length"),
            ("r\t-1\t0.9\t0.5\t0.4\t37\t0.6\t0.9\tpass\t-", "expected a length, found -1"),
        ] {
            let message = parse(SINGLE, line).unwrap_err();
            assert!(message.contains(expected), "{line}: {message}");
        }
        let twice = format!("{SINGLE}\tprobability");
        assert!(parse(&twice, "").unwrap_err().contains("has the column probability twice"));
    }

    #[test]
    fn the_part_to_keep_lies_in_the_read() {
        let header = "read\tlength\tprobability\tkeep_from\tkeep_to\tverdict\treason";
        let row = parse(header, "r\t100\t0.9\t3\t80\tpass\t-").unwrap();
        assert_eq!(row.fate.keep.of(100), 3..80);
        let row = parse(header, "r\t100\tnan\t7\t7\tunscored\tno_insert").unwrap();
        assert_eq!(row.prediction, Prediction::Unscored(ReadError::EmptyRead));
        for (part, expected) in [
            ("81\t80", "keep_from 81 and keep_to 80 of 100 bases"),
            ("0\t101", "keep_to 101 of 100 bases"),
            ("-1\t80", "expected a position, found -1"),
            ("0\tnan", "expected a position, found nan"),
        ] {
            let message = parse(header, &format!("r\t100\t0.9\t{part}\tpass\t-")).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
        let message = parse(&header.replace("\tkeep_to", ""), "").unwrap_err();
        assert!(message.contains("expected both"), "{message}");
    }

    #[test]
    fn rows_of_mates_agree() {
        let check = |one: &str, other: &str| {
            let row = |line: &str| parse(PAIR, line).unwrap();
            row(one).check_mates(&row(other)).map_err(|fault| fault.to_string())
        };
        let one = "r\t100\t0.9\t0.5\t1\t0.8\tpass\t-";
        assert_eq!(check(one, "r\t90\t0.7\t0.9\t2\t0.8\tpass\t-"), Ok(()));
        // As `--pair any` keeps mates.
        let unscored = "r\t90\tnan\tnan\t2\tnan\tpass\t-";
        assert_eq!(check("r\t100\t0.9\t0.5\t1\tnan\tpass\t-", unscored), Ok(()));
        let huge = "r\t4294967200\t0.9\t0.5\t2\t0.8\tpass\t-";
        for (one, other, expected) in [
            (one, "r\t90\t0.7\t0.9\t2\t0.7\tpass\t-", "pair_probability 0.7, but 0.8"),
            (one, "r\t90\t0.7\t0.9\t2\tnan\tpass\t-", "pair_probability nan, but 0.8"),
            (one, "r\t90\t0.7\t0.9\t1\t0.8\tpass\t-", "expected the rows of mate 1 and mate 2"),
            (
                "r\t100\t0.9\t0.5\t1\tnan\tpass\t-",
                "r\t90\t0.7\t0.9\t2\tnan\tpass\t-",
                "both mates have a probability",
            ),
            ("r\t90\tnan\tnan\t1\tnan\tpass\t-", unscored, "neither mate that passes"),
            (
                "r\t90\tnan\tnan\t1\t0.8\tunscored\tonly_n",
                "r\t90\tnan\tnan\t2\t0.8\tunscored\tonly_n",
                "neither mate has one",
            ),
            (one, huge, "a pair of more than 4294967295 bases"),
        ] {
            let message = check(one, other).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
        let message = parse(PAIR, "r\t90\t0.7\t0.9\t3\t0.8\tpass\t-").unwrap_err();
        assert!(message.contains("expected mate 0, 1 or 2, found 3"), "{message}");
    }
}
