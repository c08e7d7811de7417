//! The table of `bm score`, read back.

use std::io::BufRead;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use bm_quality::{Prediction, Probability, Score, Verdict};
use bm_reads::ReadError;

use crate::decide::Fate;
use crate::input;
use crate::reasons::{Reason, Reasons};
use crate::source::{Layout, Records};
use crate::work::Tasks;

/// A table that is open, row by row.
pub(crate) struct ScoreTable {
    lines: Lines,
    columns: Columns,
}

/// The lines of a table.
struct Lines {
    /// What messages call the table.
    name: String,
    rows: Box<dyn BufRead + Send>,
    /// The line that was read last, and its number, from 1.
    line: Vec<u8>,
    number: u64,
}

/// Where a table has what.
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

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) length: usize,
    pub(crate) prediction: Prediction,
    /// That of the pair, which its two rows have both.
    pub(crate) pair_probability: Option<Probability>,
    /// What became of the read when it was scored.
    pub(crate) fate: Fate,
}

impl ScoreTable {
    /// Opens a table, which may be compressed; `-` is stdin.
    pub(crate) fn open(path: &Path, tasks: &Tasks) -> Result<Self> {
        let (name, rows) = input::text(path, "table of scores", tasks)?;
        let mut lines = Lines { name, rows, line: Vec::new(), number: 0 };
        lines.advance()?;
        let columns = Columns::of(&String::from_utf8_lossy(&lines.line))
            .with_context(|| lines.name.clone())?;
        Ok(Self { lines, columns })
    }

    /// Returns what messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.lines.name
    }

    /// Returns whether the rows are of pairs, mate after mate.
    pub(crate) fn has_pairs(&self) -> bool {
        self.columns.mate.is_some() && self.columns.pair_probability.is_some()
    }

    /// Returns whether errors are expected in its reads.
    pub(crate) fn counts_errors(&self) -> bool {
        self.columns.expected_errors.is_some()
    }

    /// Reads the next row; nothing at the end.
    pub(crate) fn row(&mut self) -> Result<Option<Row>> {
        if !self.lines.advance()? {
            return Ok(None);
        }
        self.parsed()
            .map(Some)
            .with_context(|| format!("{}: line {}", self.lines.name, self.lines.number))
    }

    /// Reads the rows of `records`: what was said of each, of each pair, and what became of it.
    ///
    /// # Errors
    ///
    /// If a row is of another read.
    pub(crate) fn rows_of(
        &mut self,
        records: &Records,
        predictions: &mut Vec<Prediction>,
        joints: &mut Vec<Prediction>,
        given: &mut Vec<Fate>,
    ) -> Result<()> {
        let unknown = Fate::lost(Reasons::NONE, &Prediction::Unscored(ReadError::EmptyRead));
        predictions.resize(records.len(), Prediction::Unscored(ReadError::EmptyRead));
        given.resize(records.len(), unknown);
        for template in records.templates() {
            let mut errors = Some(0.0);
            let mut probability = None;
            for mate in template.mates() {
                let (read, length) = (mate.record.name(), mate.record.sequence.len());
                let Some(row) = self.row()? else {
                    bail!(
                        "{}: ends before the read {}; is it of other files?",
                        self.lines.name,
                        read.escape_ascii()
                    );
                };
                let named = field(&self.lines.line, self.columns.read);
                if named != read || row.length != length {
                    bail!(
                        "{}: line {} is of {} with {} bases, expected {} with {length}; is it of other files, or in another order?",
                        self.lines.name,
                        self.lines.number,
                        named.escape_ascii(),
                        row.length,
                        read.escape_ascii()
                    );
                }
                errors = errors
                    .zip(row.prediction.expected_errors())
                    .map(|(sum, errors)| sum + f64::from(errors));
                probability = row.pair_probability;
                predictions[mate.index] = row.prediction;
                given[mate.index] = row.fate;
            }
            if records.layout() != Layout::Single {
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
    pub(crate) fn check_end(&mut self) -> Result<()> {
        if self.lines.advance()? {
            let read = field(&self.lines.line, self.columns.read).escape_ascii();
            bail!(
                "{}: line {} is of {read}, but the reads have ended; is it of other files?",
                self.lines.name,
                self.lines.number
            );
        }
        Ok(())
    }

    fn parsed(&self) -> Result<Row> {
        let columns = &self.columns;
        let count = self.lines.line.iter().filter(|byte| **byte == b'\t').count() + 1;
        ensure!(
            count == columns.count,
            "{count} columns, expected {} as in the first line",
            columns.count
        );
        let text =
            |column| std::str::from_utf8(field(&self.lines.line, column)).context("not text");
        let number = |column| -> Result<f32> {
            let text = text(column)?;
            text.parse().with_context(|| format!("expected a number, found {text}"))
        };
        let probability = |column| -> Result<Option<Probability>> {
            let value = number(column)?;
            ensure!(
                value.is_nan() || Probability::new(value).is_some(),
                "expected a probability, found {value}"
            );
            Ok(Probability::new(value))
        };
        let length = text(columns.length)?;
        let length: usize =
            length.parse().with_context(|| format!("expected a length, found {length}"))?;
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
            other => bail!("expected pass, fail or unscored, found {other}"),
        };
        let reasons = match text(columns.reason)? {
            "-" => Reasons::NONE,
            names => {
                let named = |name| {
                    Reason::ALL
                        .into_iter()
                        .find(|reason| reason.name() == name)
                        .with_context(|| format!("{name} is no reason"))
                };
                names.split(',').map(named).collect::<Result<Reasons>>()?
            }
        };
        ensure!(
            reasons.is_empty() == (verdict == Verdict::Pass),
            "a read that passes has no reason, and every other one has"
        );
        let pair_probability = columns.pair_probability.map(probability).transpose()?.flatten();
        Ok(Row {
            length,
            prediction,
            pair_probability,
            fate: Fate { verdict, reasons, alone: false },
        })
    }
}

impl Lines {
    /// Reads the next line; returns whether there is one.
    fn advance(&mut self) -> Result<bool> {
        /// Longest line: a read's name may have 64 kB.
        const LONGEST: u64 = 1 << 20;
        self.line.clear();
        let mut rows = std::io::Read::take(&mut self.rows, LONGEST);
        let bytes = rows.read_until(b'\n', &mut self.line).with_context(|| self.name.clone())?;
        if bytes == 0 {
            return Ok(false);
        }
        self.number += 1;
        if self.line.pop_if(|last| *last == b'\n').is_none() {
            bail!(
                "{}: line {} has no end: the table is cut off, or none of `bm score`",
                self.name,
                self.number
            );
        }
        self.line.pop_if(|last| *last == b'\r');
        Ok(true)
    }
}

impl Columns {
    fn of(header: &str) -> Result<Self> {
        ensure!(
            !header.starts_with("PAR1"),
            "is Parquet, which is not read here; score to a name that ends in .tsv or .tsv.gz"
        );
        let names: Vec<_> = header.split('\t').collect();
        let find = |name: &str| names.iter().position(|column| *column == name);
        let need = |name: &str| {
            find(name).with_context(|| {
                format!("has no column {name} in its first line; expected a table of `bm score`")
            })
        };
        Ok(Self {
            count: names.len(),
            read: need("read")?,
            length: need("length")?,
            probability: need("probability")?,
            expected_errors: find("expected_errors"),
            mate: find("mate"),
            pair_probability: find("pair_probability"),
            verdict: need("verdict")?,
            reason: need("reason")?,
        })
    }
}

/// Returns a field of a line; nothing if it has not so many.
fn field(line: &[u8], column: usize) -> &[u8] {
    line.split(|byte| *byte == b'\t').nth(column).unwrap_or_default()
}
