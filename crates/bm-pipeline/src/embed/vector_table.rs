//! Vectors as a table of Parquet: the name of the read, its mate, and a list of numbers
//! (<https://parquet.apache.org/docs/file-format>).

use std::sync::Arc;

use bm_io::{IoError, Output};
use parquet::basic::{Compression as Codec, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, FloatType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use crate::PipelineError;
use crate::parquet_table::cause;

/// Rows per row group, which stay in memory until the group is full: 16 MB of vectors.
const ROWS: usize = 1 << 16;
/// Bytes of names after which a row group ends earlier.
const GROUP_BYTES: usize = 1 << 26;

/// Rows on their way to a Parquet file.
pub(super) struct VectorTable {
    writer: SerializedFileWriter<Output>,
    name: String,
    dimensions: usize,
    has_mates: bool,
    reads: Vec<ByteArray>,
    mates: Vec<i32>,
    values: Vec<f32>,
    /// Bytes of the names of the waiting rows.
    bytes: usize,
}

impl VectorTable {
    /// Starts a table, compressed with zstd at `level`.
    pub(super) fn new(
        output: Output,
        dimensions: usize,
        has_mates: bool,
        level: u8,
    ) -> Result<Self, PipelineError> {
        let name = output.name();
        let started = (|| {
            let properties = WriterProperties::builder()
                .set_created_by(format!("bm {}", env!("CARGO_PKG_VERSION")))
                .set_compression(Codec::ZSTD(ZstdLevel::try_new(level.into())?))
                .build();
            SerializedFileWriter::new(output, schema(has_mates)?, Arc::new(properties))
        })();
        let writer = started.map_err(|error| failed(&name, error))?;
        let (reads, mates, values) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { writer, name, dimensions, has_mates, reads, mates, values, bytes: 0 })
    }

    /// Appends the row of a read: that with this number of `vectors`.
    pub(super) fn push(
        &mut self,
        name: &[u8],
        mate: i32,
        row: usize,
        vectors: &[f32],
    ) -> Result<(), PipelineError> {
        let start = row * self.dimensions;
        let vector = vectors.get(start..start + self.dimensions).unwrap_or_default();
        self.values.extend_from_slice(vector);
        // A byte that is not UTF-8 becomes U+FFFD, as in tables of scores.
        self.reads.push(ByteArray::from(&*String::from_utf8_lossy(name)));
        self.mates.push(mate);
        self.bytes += name.len();
        if self.reads.len() < ROWS && self.bytes < GROUP_BYTES {
            return Ok(());
        }
        self.group().map_err(|error| failed(&self.name, error))
    }

    /// Writes the waiting rows.
    fn group(&mut self) -> Result<(), ParquetError> {
        let Self { writer, dimensions, reads, mates, values, .. } = self;
        if reads.is_empty() {
            return Ok(());
        }
        let mut group = writer.next_row_group()?;
        let mut column = 0;
        while let Some(mut next) = group.next_column()? {
            match (column, self.has_mates) {
                (0, _) => next.typed::<ByteArrayType>().write_batch(reads, None, None)?,
                (1, true) => next.typed::<Int32Type>().write_batch(mates, None, None)?,
                _ => {
                    // Every list has all its values; the first value of each begins a list.
                    let definition = vec![1; values.len()];
                    let repetition: Vec<i16> =
                        (0..values.len()).map(|at| i16::from(at % *dimensions != 0)).collect();
                    let (definition, repetition) = (Some(&definition[..]), Some(&repetition[..]));
                    next.typed::<FloatType>().write_batch(values, definition, repetition)?
                }
            };
            next.close()?;
            column += 1;
        }
        group.close()?;
        reads.clear();
        mates.clear();
        values.clear();
        self.bytes = 0;
        Ok(())
    }

    /// Writes the last rows and the end of the file; returns the output.
    pub(super) fn finish(mut self) -> Result<Output, PipelineError> {
        let outcome = self.group();
        let name = self.name;
        outcome.and_then(|()| self.writer.into_inner()).map_err(|error| failed(&name, error))
    }
}

/// Returns the columns: `read`, with pairs `mate`, and `embedding`, a list of numbers.
fn schema(has_mates: bool) -> Result<TypePtr, ParquetError> {
    let primitive = |name, physical, logical| {
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(logical)
            .build()
            .map(Arc::new)
    };
    let group = |name, repetition, logical, fields| {
        Type::group_type_builder(name)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .with_fields(fields)
            .build()
            .map(Arc::new)
    };
    let mut fields = vec![primitive("read", Physical::BYTE_ARRAY, Some(LogicalType::String))?];
    if has_mates {
        fields.push(primitive("mate", Physical::INT32, None)?);
    }
    let element = vec![primitive("element", Physical::FLOAT, None)?];
    let list = vec![group("list", Repetition::REPEATED, None, element)?];
    fields.push(group("embedding", Repetition::REQUIRED, Some(LogicalType::List), list)?);
    Type::group_type_builder("embeddings").with_fields(fields).build().map(Arc::new)
}

fn failed(name: &str, error: ParquetError) -> PipelineError {
    IoError::System { what: name.to_owned(), source: cause(error) }.into()
}
