//! Reads zstd, bzip2 and xz: streams of any number of frames, verified by their own checksums.

use std::fmt::{self, Display};
use std::io::{self, BufRead, ErrorKind, Read};

use bzip2::bufread::MultiBzDecoder;
use lzma_rust2::XzReader;
use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode;

/// Largest memory that an xz file may request, in KiB: somewhat more than `xz -9` needs.
const XZ_MEMORY: u32 = 256 << 10;

/// Largest window that a zstd file may request, as a power of two: that of `zstd --long`.
const ZSTD_WINDOW: u32 = 27;

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
            Self::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(stored)?;
                decoder.window_log_max(ZSTD_WINDOW)?;
                Box::new(decoder)
            }
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
            kind => io::Error::new(kind, self.format.explained(&error)),
        })
    }
}

impl StreamFormat {
    /// Returns what is wrong with a file whose decompressor returned this error, and what to do. Not
    /// every file that cannot be read is damaged.
    fn explained(self, error: &io::Error) -> String {
        let zstd = error.get_ref().and_then(|error| error.downcast_ref::<zstd::Error>());
        let is_zstd = |code| zstd.is_some_and(|error| error.is(code));
        if is_zstd(ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge) {
            let most = (1_u64 << ZSTD_WINDOW) >> 20;
            return format!(
                "the zstd file needs a window of more than {most} MiB, the most that bm gives; \
                 compress it again: zstd -d --long=31 -c FILE | zstd -o NEW.zst"
            );
        }
        if is_zstd(ZSTD_ErrorCode::ZSTD_error_dictionary_wrong) {
            return "the zstd file was compressed with a dictionary, which bm does not read; \
                    compress it again: zstd -d -D DICTIONARY -c FILE | zstd -o NEW.zst"
                .to_owned();
        }
        match error.kind() {
            ErrorKind::UnexpectedEof => {
                format!("the {self} file is truncated; copy or download it again")
            }
            ErrorKind::OutOfMemory if matches!(self, Self::Xz) => {
                let most = XZ_MEMORY >> 10;
                format!(
                    "the xz file needs more than {most} MiB of memory, the most that bm gives; \
                     compress it again: xz -dc FILE | xz -6 > NEW.xz"
                )
            }
            ErrorKind::OutOfMemory => {
                format!("there is not enough memory to decompress the {self} file")
            }
            _ if is_zstd(ZSTD_ErrorCode::ZSTD_error_memory_allocation) => {
                format!("there is not enough memory to decompress the {self} file")
            }
            ErrorKind::Unsupported => format!(
                "the {self} file is damaged, or needs something that bm does not read ({error}); \
                 decompress it with {self} and compress it again"
            ),
            _ => format!(
                "the {self} file is damaged, or something else follows it ({error}); copy or \
                 download it again"
            ),
        }
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

    #[test]
    fn files_that_need_more_memory_than_there_is_are_not_called_damaged() {
        // A zstd frame with a window of 2 GiB, and one with a dictionary; each with a block of text.
        let magic = [0x28, 0xb5, 0x2f, 0xfd];
        let block = [1 + (4 << 3), 0, 0, b'@', b'r', b'\n', b'A'];
        let window = [&magic[..], &[0, (31 - 10) << 3], &block].concat();
        let dictionary = [&magic[..], &[1, 0, 77], &block].concat();
        // The dictionary size of an xz block, after the headers of the stream and the block.
        let mut xz = STORED[2].to_vec();
        xz[12 + 4] = 36;
        let header = 4 * (usize::from(xz[12]) + 1) - 4;
        let mut sum = flate2::Crc::new();
        sum.update(&xz[12..12 + header]);
        xz[12 + header..12 + header + 4].copy_from_slice(&sum.sum().to_le_bytes());
        for (stored, expected) in [
            (window, "needs a window of more than 128 MiB"),
            (dictionary, "was compressed with a dictionary"),
            (xz, "needs more than 256 MiB of memory"),
        ] {
            let message = read(&stored).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(message.contains("compress it again: "), "{message}");
        }
    }

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
