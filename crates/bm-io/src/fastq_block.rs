//! BGZF blocks of FASTQ at the fastest level.

use crate::bgzf_header;
use crate::fastq_deflate::{Encoder, has_record};

/// The level at which FASTQ has an encoder of its own.
pub(crate) const LEVEL: u8 = 1;

/// Writes `text` as one block to `stored`; returns whether it is FASTQ and fits into one.
pub(crate) fn compress(encoder: &mut Encoder, text: &[u8], stored: &mut Vec<u8>) -> bool {
    // Before anything is deflated that libdeflate would deflate again.
    if !has_record(text) {
        return false;
    }
    stored.clear();
    stored.extend_from_slice(&[0; bgzf_header::LENGTH]);
    encoder.compress(text, stored);
    stored.extend_from_slice(&crc32fast::hash(text).to_le_bytes());
    stored.extend_from_slice(&(text.len() as u32).to_le_bytes());
    match (bgzf_header::of_block(stored.len()), stored.first_chunk_mut()) {
        (Some(header), Some(first)) => *first = header,
        _ => return false,
    }
    true
}
