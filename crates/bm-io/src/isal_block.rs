//! BGZF blocks by ISA-L, for the fastest level: half of the time of libdeflate for 3 % more bytes
//! (`research/compression`). Its other level takes as long as libdeflate's fastest, for more bytes, so all
//! other levels stay libdeflate's.

use isal::{Codec, CompressionLevel, compress_into};

use crate::bgzf_header;

/// The level at which ISA-L makes the blocks.
pub(crate) const LEVEL: u8 = 1;

/// Most bytes of a block.
const MOST: usize = 1 << 16;

/// Bytes of gzip's own header, which ISA-L writes.
const PLAIN_HEADER: usize = 10;

/// Writes `text` as one block to `stored`, and returns whether it fits into one.
pub(crate) fn compress(text: &[u8], stored: &mut Vec<u8>) -> bool {
    stored.clear();
    stored.resize(MOST, 0);
    // ISA-L adds the checksum. The longer header takes the place of the one that it writes.
    let before = bgzf_header::LENGTH - PLAIN_HEADER;
    let gzip = compress_into(text, &mut stored[before..], CompressionLevel::One, Codec::Gzip);
    let Ok(length) = gzip else { return false };
    stored.truncate(before + length);
    match (bgzf_header::of_block(stored.len()), stored.first_chunk_mut()) {
        (Some(header), Some(first)) => *first = header,
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_block_has_its_size_and_its_text() {
        let text: Vec<u8> = (0..60_000_u32).map(|i| b"ACGT"[(i * i % 257) as usize % 4]).collect();
        for text in [&text[..], b"A", b""] {
            let mut stored = vec![1, 2, 3];
            assert!(compress(text, &mut stored));
            assert_eq!(
                crate::gzip_reader::block_size(&stored[..bgzf_header::LENGTH]),
                Some(stored.len())
            );
            let mut found = Vec::new();
            let inflated = flate2::read::GzDecoder::new(&stored[..]).read_to_end(&mut found);
            assert!(inflated.is_ok() && found == text);
        }
    }

    #[test]
    fn text_that_does_not_fit_is_refused() {
        let mut state = 1_u64;
        let mut byte = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        let noise: Vec<u8> = (0..2 * MOST).map(|_| byte()).collect();
        assert!(!compress(&noise, &mut Vec::new()));
    }
}
