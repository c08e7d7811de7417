//! Bytes as the text of a compressed output: what an independent inflater reads is the text, and no memory of
//! blocks before changes a byte.

use std::io::Read;

use bm_io::{Format, Tools};
use flate2::read::MultiGzDecoder;

/// Compresses a text in blocks of BGZF, as FASTQ at level 1 and as other text, and reads it back.
///
/// # Panics
///
/// If the text that is read back is another one, or if a block depends on the blocks before it.
pub fn check(text: &[u8]) {
    let format = Format::Gzip;
    // A cut in the middle of a record, and text as long as a block and longer: real blocks have both.
    let long = text.repeat((format.block() / text.len().max(1)).min(64) + 1);
    // An output without text has no blocks.
    for text in [text, &text[text.len() / 3..], &long].into_iter().filter(|it| !it.is_empty()) {
        let mut tools = Tools::default();
        let (mut stored, mut all) = (Vec::new(), Vec::new());
        for block in text.chunks(format.block()) {
            format.compress(1, block, &mut tools, &mut stored).unwrap();
            let mut alone = Vec::new();
            format.compress(1, block, &mut Tools::default(), &mut alone).unwrap();
            assert!(stored == alone, "a block depends on those before it");
            all.extend_from_slice(&stored);
        }
        let mut found = Vec::new();
        MultiGzDecoder::new(&all[..]).read_to_end(&mut found).unwrap();
        assert!(found == text, "{} bytes come back as {}", text.len(), found.len());
    }
}
