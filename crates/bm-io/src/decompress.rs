//! Reads zstd, bzip2 and xz: streams of any number of frames, verified by their own checksums.

use std::fmt::{self, Display};
use std::io::{self, BufRead, ErrorKind, Read};

use bzip2::bufread::MultiBzDecoder;
use lzma_rust2::XzReader;

/// Largest memory that an xz file may request, in KiB: somewhat more than `xz -9` needs.
const XZ_MEMORY: u32 = 256 << 10;

/// A compression format that is read as a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StreamFormat {
    Zstd,
    Bzip2,
    Xz,
}

impl StreamFormat {
    /// Recognises the format of a file by its first bytes; six are enough.
    pub(crate) fn of(magic: &[u8]) -> Option<Self> {
        match magic {
            // A frame, or a skippable frame, as at the start of pzstd files.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => Some(Self::Xz),
            _ => None,
        }
    }

    /// Returns the text of a stream that is stored in this format.
    ///
    /// # Errors
    ///
    /// If there is no memory for it.
    pub(crate) fn text(
        self,
        stored: impl BufRead + Send + 'static,
    ) -> io::Result<Box<dyn Read + Send>> {
        let inner: Box<dyn Read + Send> = match self {
            Self::Zstd => Box::new(zstd::Decoder::with_buffer(stored)?),
            Self::Bzip2 => Box::new(MultiBzDecoder::new(stored)),
            Self::Xz => Box::new(XzReader::new_mem_limit(stored, true, XZ_MEMORY)),
        };
        Ok(Box::new(Text { format: self, inner }))
    }
}

impl Display for StreamFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        })
    }
}

/// A stream whose errors say what is wrong with the file.
struct Text {
    format: StreamFormat,
    inner: Box<dyn Read + Send>,
}

impl Read for Text {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf).map_err(|error| match error.kind() {
            ErrorKind::Interrupted => error,
            ErrorKind::UnexpectedEof => {
                let format = self.format;
                io::Error::new(
                    error.kind(),
                    format!("the {format} file is truncated; copy or download it again"),
                )
            }
            kind => io::Error::new(
                kind,
                format!(
                    "the {} file is damaged, or something else follows it ({error}); \
                     copy or download it again",
                    self.format
                ),
            ),
        })
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The same thousand reads in each format.
    const STORED: [&[u8]; 3] = [
        include_bytes!("../../../testdata/derived/zstd.fastq.zst"),
        include_bytes!("../../../testdata/derived/bz2.fastq.bz2"),
        include_bytes!("../../../testdata/derived/xz.fastq.xz"),
    ];

    fn read(stored: &[u8]) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        StreamFormat::of(&stored[..6])
            .unwrap()
            .text(io::Cursor::new(stored.to_vec()))?
            .read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn all_formats_hold_the_same_text_and_may_be_concatenated() {
        let text = read(STORED[0]).unwrap();
        assert_eq!(text.iter().filter(|byte| **byte == b'\n').count(), 4_000);
        for stored in STORED {
            assert!(read(stored).unwrap() == text);
            assert!(
                read(&[stored, stored].concat()).unwrap() == [text.clone(), text.clone()].concat()
            );
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_truncated() {
        for stored in STORED {
            for length in
                (6..stored.len()).step_by(stored.len() / 61).chain(stored.len() - 12..stored.len())
            {
                let error = read(&stored[..length]).unwrap_err().to_string();
                assert!(
                    error.contains("file is truncated"),
                    "{length} of {}: {error}",
                    stored.len()
                );
            }
        }
    }

    #[test]
    fn other_bytes_after_the_end_are_an_error() {
        for stored in STORED {
            for rest in [b"@r\nACGT\n+\nIIII\n".as_slice(), &[1; 40]] {
                let error = read(&[stored, rest].concat()).unwrap_err().to_string();
                assert!(error.contains("something else follows it"), "{error}");
            }
        }
    }

    #[test]
    fn a_changed_byte_never_gives_another_text() {
        for stored in STORED {
            let text = read(stored).unwrap();
            for place in (6..stored.len()).step_by(stored.len() / 97) {
                let mut changed = stored.to_vec();
                changed[place] ^= 0x10;
                assert!(
                    read(&changed).is_ok_and(|found| found == text) || read(&changed).is_err(),
                    "{place}"
                );
            }
        }
    }
}
