//! A table of scores as Parquet, the format of data frames
//! (<https://parquet.apache.org/docs/file-format>).
//!
//! The table has one definition, its text ([`Column`]); this sink turns the text into columns.
//! Missing numbers are null. Names of reads are text in Parquet, so a byte that is not UTF-8
//! becomes U+FFFD.

use std::io::{self, Write};
use std::sync::Arc;

use bm_io::{OutputStream, Sink};
use parquet::basic::{Compression as Codec, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use crate::columns::{Column, FieldKind};

/// Rows per row group, which stay in memory until the group is full.
const ROWS: usize = 1 << 16;
/// Bytes of text after which a row group ends earlier: names may be long. Names of up to 1,000 bytes
/// do not come near it.
const GROUP_BYTES: usize = 1 << 26;

/// Converts the text of a table to Parquet.
pub(crate) struct ParquetTable<W: Write + Send> {
    /// Stream and level, until the first line names the columns.
    start: Option<(W, u8)>,
    writer: Option<SerializedFileWriter<W>>,
    columns: Vec<Values>,
    rows: usize,
    /// Bytes of text of the waiting rows.
    bytes: usize,
    /// A line that is not complete yet.
    rest: Vec<u8>,
}

/// The values of a column.
enum Values {
    Text(Vec<ByteArray>),
    Whole(Vec<i32>),
    /// The present numbers, and for each row whether it has a number.
    Number(Vec<f32>, Vec<i16>),
}

impl Values {
    /// Returns an empty list for the column of this name.
    fn of(name: &str) -> Self {
        match Column::from_name(name).map(Column::kind) {
            Some(FieldKind::Text) => Self::Text(Vec::new()),
            Some(FieldKind::Whole) => Self::Whole(Vec::new()),
            Some(FieldKind::Number) | None => Self::Number(Vec::new(), Vec::new()),
        }
    }

    fn schema(&self, name: &str) -> Result<Type, ParquetError> {
        let (physical, repetition, logical) = match self {
            Self::Text(_) => {
                (Physical::BYTE_ARRAY, Repetition::REQUIRED, Some(LogicalType::String))
            }
            Self::Whole(_) => (Physical::INT32, Repetition::REQUIRED, None),
            Self::Number(..) => (Physical::FLOAT, Repetition::OPTIONAL, None),
        };
        Type::primitive_type_builder(name, physical)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .build()
    }

    /// Adds a value from the text of the table.
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
    fn write(&mut self, writer: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
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
                return Err(ParquetError::General("a column of another type".to_owned()));
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
            bytes: 0,
            rest: Vec::new(),
        }
    }

    /// Writes the last rows and the footer; returns the stream.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub(crate) fn into_inner(mut self) -> io::Result<W> {
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
        self.bytes += line.len();
        if self.rows == ROWS || self.bytes >= GROUP_BYTES { self.group() } else { Ok(()) }
    }

    fn begin(&mut self, inner: W, level: u8, header: &str) -> Result<(), ParquetError> {
        let names: Vec<_> = header.split('\t').collect();
        self.columns = names.iter().map(|name| Values::of(name)).collect();
        let fields =
            self.columns.iter().zip(names).map(|(column, name)| column.schema(name).map(Arc::new));
        let schema = Type::group_type_builder("scores")
            .with_fields(fields.collect::<Result<_, _>>()?)
            .build()?;
        let properties = WriterProperties::builder()
            .set_created_by(format!("bm {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Codec::ZSTD(ZstdLevel::try_new(level.into())?))
            .build();
        self.writer =
            Some(SerializedFileWriter::new(inner, Arc::new(schema), Arc::new(properties))?);
        Ok(())
    }

    /// Writes the waiting rows.
    fn group(&mut self) -> io::Result<()> {
        let Some(writer) = self.writer.as_mut().filter(|_| self.rows > 0) else { return Ok(()) };
        let mut group = writer.next_row_group().map_err(cause)?;
        for column in &mut self.columns {
            let Some(mut writer) = group.next_column().map_err(cause)? else { break };
            column.write(writer.untyped()).map_err(cause)?;
            writer.close().map_err(cause)?;
        }
        group.close().map_err(cause)?;
        (self.rows, self.bytes) = (0, 0);
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

    /// Does nothing: rows stay in memory until their group is full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for ParquetTable<OutputStream> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.into_inner()?.flush()
    }
}

/// Returns the error of the operating system, if there is one.
pub(crate) fn cause(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;

    use super::*;

    fn table(text: &[u8], piece: usize) -> Vec<u8> {
        let mut table = ParquetTable::new(Vec::new(), 3);
        text.chunks(piece).for_each(|piece| table.write_all(piece).unwrap());
        table.into_inner().unwrap()
    }

    #[test]
    fn rows_are_read_back_however_the_text_is_divided() {
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
