//! A table of scores as Parquet, the format of data frames
//! (<https://parquet.apache.org/docs/file-format>).
//!
//! There is one definition of the table, that of the text: what is written here is that text, and
//! its columns become columns. Numbers that are missing are null. Names of reads are text there, so
//! a byte that is no UTF-8 is shown as U+FFFD.

use std::io::{self, Write};
use std::sync::Arc;

use anyhow::Result;
use parquet::basic::{Compression as Codec, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

/// Rows that are kept together: they wait in memory until they are so many.
const ROWS: usize = 1 << 16;

/// A writer of the text of a table.
pub(crate) struct ParquetTable<W: Write + Send> {
    /// Until the first line is there, which names the columns.
    start: Option<(W, u8)>,
    writer: Option<SerializedFileWriter<W>>,
    columns: Vec<Column>,
    rows: usize,
    /// A line that is not whole.
    rest: Vec<u8>,
}

/// The values of a column.
enum Column {
    Text(Vec<ByteArray>),
    Whole(Vec<i32>),
    /// Those that are there, and for each row whether one is.
    Number(Vec<f32>, Vec<i16>),
}

impl Column {
    /// Returns the column for what is called so in the table.
    fn of(name: &str) -> Self {
        match name {
            "read" | "verdict" | "reason" => Self::Text(Vec::new()),
            "length" | "mate" => Self::Whole(Vec::new()),
            _ => Self::Number(Vec::new(), Vec::new()),
        }
    }

    fn schema(&self, name: &str) -> Result<Type> {
        let (physical, repetition, logical) = match self {
            Self::Text(_) => {
                (Physical::BYTE_ARRAY, Repetition::REQUIRED, Some(LogicalType::String))
            }
            Self::Whole(_) => (Physical::INT32, Repetition::REQUIRED, None),
            Self::Number(..) => (Physical::FLOAT, Repetition::OPTIONAL, None),
        };
        Ok(Type::primitive_type_builder(name, physical)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .build()?)
    }

    /// Adds a value as the table shows it.
    fn push(&mut self, field: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(field);
        let not_a_number = || io::Error::other(format!("{text} is no number; this is a bug in bm"));
        match self {
            Self::Text(values) => values.push(ByteArray::from(&*text)),
            Self::Whole(values) => values.push(text.parse().map_err(|_| not_a_number())?),
            Self::Number(values, levels) => {
                let value: f32 = text.parse().map_err(|_| not_a_number())?;
                levels.push(i16::from(!value.is_nan()));
                values.extend((!value.is_nan()).then_some(value));
            }
        }
        Ok(())
    }

    /// Writes the values and removes them.
    fn write(
        &mut self,
        writer: &mut ColumnWriter<'_>,
    ) -> Result<(), parquet::errors::ParquetError> {
        match (self, writer) {
            (Self::Text(values), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(values, None, None)?;
                values.clear();
            }
            (Self::Whole(values), ColumnWriter::Int32ColumnWriter(writer)) => {
                writer.write_batch(values, None, None)?;
                values.clear();
            }
            (Self::Number(values, levels), ColumnWriter::FloatColumnWriter(writer)) => {
                writer.write_batch(values, Some(levels), None)?;
                values.clear();
                levels.clear();
            }
            _ => {
                return Err(parquet::errors::ParquetError::General(
                    "a column of another type".to_owned(),
                ));
            }
        }
        Ok(())
    }
}

impl<W: Write + Send> ParquetTable<W> {
    /// Returns a writer that compresses with zstd at `level`.
    pub(crate) fn new(inner: W, level: u8) -> Self {
        Self {
            start: Some((inner, level)),
            writer: None,
            columns: Vec::new(),
            rows: 0,
            rest: Vec::new(),
        }
    }

    /// Writes out the last rows and what tells where all are; returns the stream.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.group()?;
        match (self.writer, self.start) {
            (Some(writer), _) => writer.into_inner().map_err(cause),
            (None, Some((inner, _))) => Ok(inner),
            (None, None) => Err(io::Error::other("the table failed before")),
        }
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        if let Some((inner, level)) = self.start.take() {
            return self
                .begin(inner, level, &String::from_utf8_lossy(line))
                .map_err(io::Error::other);
        }
        for (column, field) in self.columns.iter_mut().zip(line.split(|byte| *byte == b'\t')) {
            column.push(field)?;
        }
        self.rows += 1;
        if self.rows == ROWS { self.group() } else { Ok(()) }
    }

    fn begin(&mut self, inner: W, level: u8, header: &str) -> Result<()> {
        let names: Vec<_> = header.split('\t').collect();
        self.columns = names.iter().map(|name| Column::of(name)).collect();
        let fields =
            self.columns.iter().zip(names).map(|(column, name)| column.schema(name).map(Arc::new));
        let schema = Type::group_type_builder("scores")
            .with_fields(fields.collect::<Result<_>>()?)
            .build()?;
        let properties = WriterProperties::builder()
            .set_created_by(format!("bm {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Codec::ZSTD(ZstdLevel::try_new(level.into())?))
            .build();
        self.writer =
            Some(SerializedFileWriter::new(inner, Arc::new(schema), Arc::new(properties))?);
        Ok(())
    }

    /// Writes out the rows that wait.
    fn group(&mut self) -> io::Result<()> {
        let Some(writer) = self.writer.as_mut().filter(|_| self.rows > 0) else { return Ok(()) };
        let mut group = writer.next_row_group().map_err(cause)?;
        for column in &mut self.columns {
            let Some(mut writer) = group.next_column().map_err(cause)? else { break };
            column.write(writer.untyped()).map_err(cause)?;
            writer.close().map_err(cause)?;
        }
        group.close().map_err(cause)?;
        self.rows = 0;
        Ok(())
    }
}

impl<W: Write + Send> Write for ParquetTable<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut rest = buf;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let mut line = std::mem::take(&mut self.rest);
            line.extend_from_slice(&rest[..end]);
            self.line(&line)?;
            line.clear();
            self.rest = line;
            rest = &rest[end + 1..];
        }
        self.rest.extend_from_slice(rest);
        Ok(buf.len())
    }

    /// Rows wait until they are many.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the system's own error, where there is one.
fn cause(error: parquet::errors::ParquetError) -> io::Error {
    match error {
        parquet::errors::ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

#[cfg(test)]
// A test says by panicking that it failed.
#[allow(clippy::unwrap_used)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;

    use super::*;

    fn table(text: &[u8], piece: usize) -> Vec<u8> {
        let mut table = ParquetTable::new(Vec::new(), 3);
        text.chunks(piece).for_each(|piece| table.write_all(piece).unwrap());
        table.finish().unwrap()
    }

    #[test]
    fn rows_come_back_whatever_the_pieces_they_were_written_in() {
        let mut text = b"read\tlength\tprobability\tverdict\n".to_vec();
        let count = ROWS + 10;
        for i in 0..count {
            let p =
                if i % 7 == 0 { "nan".to_owned() } else { (i as f32 / count as f32).to_string() };
            text.extend(format!("r{i}\t{}\t{p}\tpass\n", i % 300).into_bytes());
        }
        let stored = table(&text, text.len());
        assert!(stored == table(&text, 1_000), "pieces change the file");
        let reader = SerializedFileReader::new(bytes::Bytes::from(stored)).unwrap();
        assert_eq!(
            (reader.num_row_groups(), reader.metadata().file_metadata().num_rows()),
            (2, count as i64)
        );
        for (i, row) in reader.get_row_iter(None).unwrap().enumerate() {
            let row = row.unwrap();
            assert_eq!(row.get_string(0).unwrap(), &format!("r{i}"));
            assert_eq!(row.get_int(1).unwrap(), (i % 300) as i32);
            match row.get_float(2) {
                Ok(p) => assert_eq!(p.to_bits(), (i as f32 / count as f32).to_bits()),
                Err(_) => assert_eq!(i % 7, 0, "null"),
            }
            assert_eq!(row.get_string(3).unwrap(), "pass");
        }
    }

    #[test]
    fn a_table_without_rows_has_its_columns() {
        let reader =
            SerializedFileReader::new(bytes::Bytes::from(table(b"read\tlength\tprobability\n", 5)))
                .unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
        assert_eq!(reader.metadata().file_metadata().schema().get_fields().len(), 3);
    }
}
