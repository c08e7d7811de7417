//! An array of numpy whose rows are written as they come (format 1.0 of `.npy`,
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).
//!
//! The file begins with the number of rows, which is known last. A file gets its beginning anew at the
//! end; of a stream, the rows wait in a temporary file.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use bm_io::{IoError, Output};
use npyz::{AutoSerialize, WriterBuilder};

use crate::PipelineError;

/// Rows of `f32` on their way to a `.npy` file.
pub(super) struct NpyRows {
    output: Output,
    dimensions: usize,
    /// Where rows wait, if the output is a stream.
    waiting: Option<BufWriter<File>>,
    bytes: Vec<u8>,
}

impl NpyRows {
    /// Starts an array with so many values in a row.
    pub(super) fn new(mut output: Output, dimensions: usize) -> Result<Self, PipelineError> {
        let waiting = if output.can_begin_anew() {
            output.write_text(&header(0, dimensions)?)?;
            None
        } else {
            Some(BufWriter::new(output.spool().map_err(no_spool)?))
        };
        Ok(Self { output, dimensions, waiting, bytes: Vec::new() })
    }

    /// Appends rows.
    pub(super) fn append(&mut self, values: &[f32]) -> Result<(), PipelineError> {
        self.bytes.clear();
        self.bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        match &mut self.waiting {
            Some(waiting) => waiting.write_all(&self.bytes).map_err(no_spool),
            None => Ok(self.output.write_text(&self.bytes)?),
        }
    }

    /// Writes the number of rows; returns the output.
    pub(super) fn finish(self, rows: u64) -> Result<Output, PipelineError> {
        let Self { mut output, dimensions, waiting, .. } = self;
        let header = header(rows, dimensions)?;
        let Some(waiting) = waiting else {
            output.begin_anew(&header)?;
            return Ok(output);
        };
        let mut rows = waiting.into_inner().map_err(|error| no_spool(error.into_error()))?;
        rows.seek(SeekFrom::Start(0)).map_err(no_spool)?;
        output.write_text(&header)?;
        io::copy(&mut rows, &mut output)
            .map_err(|source| IoError::System { what: output.name(), source })?;
        Ok(output)
    }
}

/// Returns the beginning of the file. It has the same length for any number of rows.
fn header(rows: u64, dimensions: usize) -> Result<Vec<u8>, PipelineError> {
    let mut header = Vec::new();
    let shape = [rows, dimensions as u64];
    npyz::WriteOptions::new_header_only()
        .dtype(f32::default_dtype())
        .shape(&shape)
        .writer(&mut header)
        .write_header_only()
        .map(drop)
        .map_err(PipelineError::at("the beginning of the array"))?;
    Ok(header)
}

fn no_spool(source: io::Error) -> PipelineError {
    PipelineError::at("the temporary file of the array")(source)
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_has_one_length_for_any_number_of_rows() {
        let length = header(0, 64).unwrap().len();
        for rows in [1, 10, 123_456_789, u64::MAX / 64] {
            assert_eq!(header(rows, 64).unwrap().len(), length, "{rows} rows");
        }
    }
}
