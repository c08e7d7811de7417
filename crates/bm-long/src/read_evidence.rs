//! K-mers of a run of long reads, with the scale of its qualities, and the file.

use std::io::{self, Read, Write};

use bm_kmers::{Index, read_u32, read_u64};

use crate::{LongError, Scale};

/// First bytes of the file.
const MAGIC: &[u8; 8] = b"bm-long\n";

/// Version of what k-mers say of a read: of all constants of this crate.
const VERSION: u32 = 1;

/// Limits of the numbers of a scale, far beyond those of any run.
const MOST: f64 = 1e3;

/// The k-mers of a run of long reads, and what the run says of its reported qualities.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadEvidence {
    index: Index,
    scale: Scale,
}

impl ReadEvidence {
    /// First bytes of the file, which tell it from other files of evidence.
    pub const MAGIC: [u8; 8] = *MAGIC;
    /// Version of the file format.
    pub const FORMAT: u32 = 1;

    /// Returns the evidence of an index and of the scale that was fitted with it.
    pub fn new(index: Index, scale: Scale) -> Self {
        Self { index, scale }
    }

    /// Returns the index of k-mers.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Returns what the run says of its reported qualities.
    pub fn scale(&self) -> &Scale {
        &self.scale
    }

    /// Writes the file: magic, format, version of the constants, the five numbers of the scale in the
    /// order of its fields, the index; all numbers little-endian.
    ///
    /// # Errors
    ///
    /// The error of the output.
    pub fn write(&self, output: &mut impl Write) -> io::Result<()> {
        output.write_all(MAGIC)?;
        output.write_all(&Self::FORMAT.to_le_bytes())?;
        output.write_all(&VERSION.to_le_bytes())?;
        let Scale { centre, shift, slope, noise, share } = self.scale;
        for number in [centre, shift, slope, noise, share] {
            output.write_all(&number.to_le_bytes())?;
        }
        self.index.write(output)
    }

    /// Returns the evidence read from a file of `bytes` bytes.
    ///
    /// # Errors
    ///
    /// [`LongError::Content`] if the file is damaged, or of another format or version;
    /// [`LongError::Read`] if the input fails.
    pub fn read(input: &mut impl Read, bytes: u64) -> Result<Self, LongError> {
        let content = |text: String| LongError::Content(text);
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => content("not evidence of long reads".to_owned()),
            _ => LongError::Read(error),
        })?;
        if magic != *MAGIC {
            return Err(content("not evidence of long reads".to_owned()));
        }
        let (format, version) = (read_u32(input)?, read_u32(input)?);
        if (format, version) != (Self::FORMAT, VERSION) {
            return Err(content(format!(
                "format {format} of version {version}, expected {} of version {VERSION}; learn the run \
                 again",
                Self::FORMAT
            )));
        }
        let mut number = || read_u64(input).map(f64::from_bits);
        let scale = Scale {
            centre: number()?,
            shift: number()?,
            slope: number()?,
            noise: number()?,
            share: number()?,
        };
        let Scale { centre, shift, slope, noise, share } = scale;
        let is_number = [centre, shift].iter().all(|number| number.abs() < MOST)
            && (0.0..MOST).contains(&slope)
            && (f64::MIN_POSITIVE..MOST).contains(&noise)
            && (0.0..=1.0).contains(&share);
        if !is_number {
            return Err(content(format!("{scale:?}, expected finite numbers")));
        }
        let index = Index::read(input, bytes)?;
        match input.read(&mut [0]) {
            Ok(0) => Ok(Self { index, scale }),
            Ok(_) => Err(content("more data after the end of the index".to_owned())),
            Err(error) => Err(LongError::Read(error)),
        }
    }
}
