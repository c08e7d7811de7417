//! Reads the table of scores back.

use std::io::BufRead;
use std::path::Path;

use bm_io::{IoError, Tasks, open_text};
use bm_quality::{Prediction, Probability, Score, Verdict};
use bm_reads::ReadError;
use thiserror::Error;

use crate::PipelineError;
use crate::columns::Column;
use crate::fate::Fate;
use crate::reasons::{Reason, Reasons};
use crate::templates::TemplateBatch;

/// An open table of scores, read row by row.
pub struct ScoreTable {
    lines: Lines,
    columns: Columns,
}

/// The lines of a table.
struct Lines {
    /// Name of the table in messages.
    name: String,
    rows: Box<dyn BufRead + Send>,
    /// The last line read, and its number, from 1.
    line: Vec<u8>,
    number: u64,
}

/// The place of each column of a table.
struct Columns {
    count: usize,
    read: usize,
    length: usize,
    probability: usize,
    expected_errors: Option<usize>,
    mate: Option<usize>,
    pair_probability: Option<usize>,
    verdict: usize,
    reason: usize,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) length: usize,
    pub(crate) prediction: Prediction,
    /// The probability of the pair, in the rows of both mates.
    pub(crate) pair_probability: Option<Probability>,
    /// The verdict on the read when it was scored.
    pub(crate) fate: Fate,
}

impl ScoreTable {
    /// Opens a table, which may be compressed; `-` is stdin.
    ///
    /// # Errors
    ///
    /// If the table cannot be opened, or lacks a required column.
    pub fn open(path: &Path, tasks: &Tasks) -> Result<Self, PipelineError> {
        let (name, rows) = open_text(path, "table of scores", tasks)?;
        let mut lines = Lines { name, rows, line: Vec::new(), number: 0 };
        lines.advance()?;
        let columns = Columns::of(&String::from_utf8_lossy(&lines.line))
            .map_err(PipelineError::at(lines.name.clone()))?;
        Ok(Self { lines, columns })
    }

    /// Returns the name of the table in messages.
    pub fn name(&self) -> &str {
        &self.lines.name
    }

    /// Returns whether the rows are those of pairs, mate after mate.
    pub fn has_pairs(&self) -> bool {
        self.columns.mate.is_some() && self.columns.pair_probability.is_some()
    }

    /// Returns whether the table has expected errors.
    pub fn counts_errors(&self) -> bool {
        self.columns.expected_errors.is_some()
    }

    /// Reads the next row; `None` at the end.
    pub(crate) fn row(&mut self) -> Result<Option<Row>, PipelineError> {
        if !self.lines.advance()? {
            return Ok(None);
        }
        let place = |lines: &Lines| format!("{}: line {}", lines.name, lines.number);
        self.parsed().map(Some).map_err(|error| PipelineError::at(place(&self.lines))(error))
    }

    /// Reads the rows of a batch: the prediction for each read and each pair, and the verdict on
    /// each read when it was scored.
    ///
    /// # Errors
    ///
    /// If a row is broken, or belongs to another read.
    pub(crate) fn rows_of(
        &mut self,
        templates: &TemplateBatch,
        predictions: &mut Vec<Prediction>,
        joints: &mut Vec<Prediction>,
        earlier: &mut Vec<Fate>,
    ) -> Result<(), PipelineError> {
        let unknown = Fate::lost(Reasons::NONE, &Prediction::Unscored(ReadError::EmptyRead));
        predictions.resize(templates.len(), Prediction::Unscored(ReadError::EmptyRead));
        earlier.resize(templates.len(), unknown);
        for template in templates.templates() {
            let mut errors = Some(0.0);
            let mut probability = None;
            for mate in template.mates() {
                let (read, length) = (mate.record.name(), mate.record.sequence.len());
                let Some(row) = self.row()? else {
                    return PipelineError::refuse(format!(
                        "{}: ends before the read {}; is it of other files?",
                        self.lines.name,
                        read.escape_ascii()
                    ));
                };
                let named = field(&self.lines.line, self.columns.read);
                if named != read || row.length != length {
                    return PipelineError::refuse(format!(
                        "{}: line {} is of {} with {} bases, expected {} with {length}; is it of \
                         other files, or in another order?",
                        self.lines.name,
                        self.lines.number,
                        named.escape_ascii(),
                        row.length,
                        read.escape_ascii()
                    ));
                }
                errors = errors
                    .zip(row.prediction.expected_errors())
                    .map(|(sum, errors)| sum + f64::from(errors));
                probability = row.pair_probability;
                predictions[mate.index] = row.prediction;
                earlier[mate.index] = row.fate;
            }
            if templates.layout().has_pairs() {
                joints.push(match probability {
                    Some(probability) => Prediction::Scored(Score {
                        probability,
                        expected_errors: errors.map(|errors| errors as f32),
                        support: None,
                    }),
                    None => Prediction::Unscored(ReadError::EmptyRead),
                });
            }
        }
        Ok(())
    }

    /// Checks that there are no rows left.
    pub(crate) fn check_end(&mut self) -> Result<(), PipelineError> {
        if self.lines.advance()? {
            let read = field(&self.lines.line, self.columns.read).escape_ascii();
            return PipelineError::refuse(format!(
                "{}: line {} is of {read}, but the reads have ended; is it of other files?",
                self.lines.name, self.lines.number
            ));
        }
        Ok(())
    }

    fn parsed(&self) -> Result<Row, Fault> {
        let columns = &self.columns;
        let count = self.lines.line.iter().filter(|byte| **byte == b'\t').count() + 1;
        if count != columns.count {
            let expected = columns.count;
            return Fault::of(format!("{count} columns, expected {expected} as in the first line"));
        }
        let text = |column| {
            std::str::from_utf8(field(&self.lines.line, column)).map_err(Fault::from("not text"))
        };
        let number = |column| -> Result<f32, Fault> {
            let text = text(column)?;
            text.parse().map_err(Fault::from(format!("expected a number, found {text}")))
        };
        let probability = |column| -> Result<Option<Probability>, Fault> {
            let value = number(column)?;
            if !value.is_nan() && Probability::new(value).is_none() {
                return Fault::of(format!("expected a probability, found {value}"));
            }
            Ok(Probability::new(value))
        };
        let length = text(columns.length)?;
        let length: usize =
            length.parse().map_err(Fault::from(format!("expected a length, found {length}")))?;
        let expected_errors = columns.expected_errors.map(number).transpose()?;
        let prediction = match probability(columns.probability)? {
            Some(probability) => {
                Prediction::Scored(Score { probability, expected_errors, support: None })
            }
            None if length == 0 => Prediction::Unscored(ReadError::EmptyRead),
            None => Prediction::Unscored(ReadError::NoKnownBase),
        };
        let verdict = match text(columns.verdict)? {
            "pass" => Verdict::Pass,
            "fail" => Verdict::Fail,
            "unscored" => Verdict::Unscored,
            other => {
                return Fault::of(format!("expected pass, fail or unscored, found {other}"));
            }
        };
        let reasons = match text(columns.reason)? {
            "-" => Reasons::NONE,
            names => {
                let named = |name| match Reason::from_name(name) {
                    Some(reason) => Ok(reason),
                    None => Fault::of(format!("{name} is no reason")),
                };
                names.split(',').map(named).collect::<Result<Reasons, _>>()?
            }
        };
        if reasons.is_empty() != (verdict == Verdict::Pass) {
            return Fault::of("a read that passes has no reason, and every other one has");
        }
        let pair_probability = columns.pair_probability.map(probability).transpose()?.flatten();
        let fate = Fate { verdict, reasons, ..Fate::KEPT };
        Ok(Row { length, prediction, pair_probability, fate })
    }
}

/// A fault in a line of a table.
#[derive(Debug, Error)]
#[error("{what}")]
struct Fault {
    what: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Fault {
    fn of<T>(what: impl Into<String>) -> Result<T, Self> {
        Err(Self { what: what.into(), source: None })
    }

    fn from<E: std::error::Error + Send + Sync + 'static>(
        what: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self { what: what.into(), source: Some(Box::new(source)) }
    }
}

impl Lines {
    /// Reads the next line; returns whether there is one.
    fn advance(&mut self) -> Result<bool, PipelineError> {
        /// Longest line, in bytes: a read's name may have 64 kB.
        const LONGEST: u64 = 1 << 20;
        self.line.clear();
        let mut rows = std::io::Read::take(&mut self.rows, LONGEST);
        let bytes =
            rows.read_until(b'\n', &mut self.line).map_err(IoError::system(self.name.clone()))?;
        if bytes == 0 {
            return Ok(false);
        }
        self.number += 1;
        if self.line.pop_if(|last| *last == b'\n').is_none() {
            return PipelineError::refuse(format!(
                "{}: line {} has no end: the table is cut off, or none of `bm score`",
                self.name, self.number
            ));
        }
        self.line.pop_if(|last| *last == b'\r');
        Ok(true)
    }
}

impl Columns {
    fn of(header: &str) -> Result<Self, Fault> {
        if header.starts_with("PAR1") {
            return Fault::of(
                "is Parquet, which is not read here; score to a name that ends in .tsv or .tsv.gz",
            );
        }
        let names: Vec<_> = header.split('\t').collect();
        let find = |column: Column| names.iter().position(|name| *name == column.name());
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
            mate: find(Column::Mate),
            pair_probability: find(Column::PairProbability),
            verdict: need(Column::Verdict)?,
            reason: need(Column::Reason)?,
        })
    }
}

/// Returns a field of a line; empty if there are fewer fields.
fn field(line: &[u8], column: usize) -> &[u8] {
    line.split(|byte| *byte == b'\t').nth(column).unwrap_or_default()
}
