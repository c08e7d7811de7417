//! Reads the table of scores back.

use std::io::BufRead;
use std::path::Path;

use bm_io::{IoError, StoredEnd, Tasks, TextInput, open_text};
use bm_quality::{Prediction, Score};
use bm_reads::ReadError;

use crate::PipelineError;
use crate::fate::Fate;
use crate::reasons::Reasons;
use crate::score_row::{Columns, Row, field};
use crate::templates::TemplateBatch;

/// An open table of scores, read row by row.
pub struct ScoreTable {
    lines: Lines,
    columns: Box<Columns>,
    end: StoredEnd,
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

impl ScoreTable {
    /// Opens a table, which may be compressed; `-` is stdin.
    ///
    /// # Errors
    ///
    /// If the table cannot be opened, or lacks a required column.
    pub fn open(path: &Path, tasks: &Tasks) -> Result<Self, PipelineError> {
        let TextInput { name, text: rows, end } = open_text(path, "table of scores", tasks)?;
        let mut lines = Lines { name, rows, line: Vec::new(), number: 0 };
        lines.advance()?;
        let columns = Columns::of(&String::from_utf8_lossy(&lines.line))
            .map_err(PipelineError::at(lines.name.clone()))?;
        Ok(Self { lines, columns: Box::new(columns), end })
    }

    /// Returns whether the compressed table had its end, as far as it was read.
    pub fn end(&self) -> &StoredEnd {
        &self.end
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
        Row::parse(&self.lines.line, &self.columns)
            .map(Some)
            .map_err(|fault| PipelineError::at(self.place())(fault))
    }

    /// Reads the row of the second mate, which follows that of the first; `None` at the end.
    pub(crate) fn row_of_mate(&mut self, first: &Row) -> Result<Option<Row>, PipelineError> {
        let Some(second) = self.row()? else { return Ok(None) };
        first.check_mates(&second).map_err(|fault| PipelineError::at(self.place())(fault))?;
        Ok(Some(second))
    }

    /// Returns the table and the number of the last line read.
    fn place(&self) -> String {
        format!("{}: line {}", self.lines.name, self.lines.number)
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
            let mut first: Option<Row> = None;
            for mate in template.mates() {
                let (read, length) = (mate.record.name(), mate.record.sequence.len());
                let row = match &first {
                    Some(first) => self.row_of_mate(first)?,
                    None => self.row()?,
                };
                let Some(row) = row else {
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
                predictions[mate.index] = row.prediction.clone();
                earlier[mate.index] = row.fate;
                first = Some(row);
            }
            if templates.layout().has_pairs() {
                joints.push(match first.and_then(|row| row.pair_probability) {
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
