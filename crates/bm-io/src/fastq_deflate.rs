//! Deflates FASTQ, by its lines. Libraries that know nothing of it take every repeat of a few letters,
//! which for bases costs more than the bases, and look up places where nothing can repeat: libdeflate's
//! fastest level takes half as long again or more, for more bytes on most runs (`research/compression`).

mod huffman;
mod matches;
mod symbols;
mod writer;

use matches::{Finder, MOST_TEXT};

pub(crate) use matches::has_record;

/// Compresses text to raw deflate, with memory that is used again.
#[derive(Default)]
pub(crate) struct Encoder {
    finder: Finder,
    buffer: Vec<u8>,
}

impl Encoder {
    /// Appends raw deflate of the text to `out`. Text that is not FASTQ is deflated, too, but others do
    /// it better.
    pub(crate) fn compress(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let parts = text.len().div_ceil(MOST_TEXT).max(1);
        for number in 0..parts {
            let start = number * MOST_TEXT;
            let part = &text[start..text.len().min(start + MOST_TEXT)];
            self.finder.find(part);
            writer::write(part, &self.finder.found, number + 1 == parts, &mut self.buffer, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Returns the text by two inflaters that share nothing.
    fn inflated(stored: &[u8], length: usize) -> [Vec<u8>; 2] {
        let mut one = Vec::new();
        flate2::read::DeflateDecoder::new(stored).read_to_end(&mut one).expect("deflate");
        let mut other = vec![0; length];
        let count = libdeflater::Decompressor::new().deflate_decompress(stored, &mut other);
        assert_eq!(count, Ok(length));
        [one, other]
    }

    fn check(text: &[u8]) {
        // The memory of a text before must not matter.
        let mut encoder = Encoder::default();
        let mut stored = Vec::new();
        for _ in 0..2 {
            stored.clear();
            encoder.compress(text, &mut stored);
            for found in inflated(&stored, text.len()) {
                assert!(found == text, "{} bytes", text.len());
            }
            encoder.compress(
                b"@other\nGATTACAGATTACAGATTACA\n+\nFFFFFFFFFFFFFFFFFFFFF\n",
                &mut Vec::new(),
            );
        }
        let mut again = Vec::new();
        Encoder::default().compress(text, &mut again);
        assert!(stored == again);
    }

    /// Records of a few genomes, names and kinds of scores; some break the rules of FASTQ.
    fn records() -> impl Strategy<Value = Vec<u8>> {
        let record = (0..4_u8, 0..90_usize, 0..300_usize, 0..60_u8, any::<u64>());
        (vec(record, 0..600), 0..500_usize).prop_map(|(records, cut)| {
            let mut text = Vec::new();
            for (kind, from, length, number, seed) in records {
                let mut state = seed | 1;
                let mut random = |most: u64| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state % most
                };
                let genome = |at: usize| b"ACGT"[(at * at / 7 + at / 3) % 4];
                let other = |at: usize| if at.is_multiple_of(29) { b'N' } else { b'G' };
                text.extend_from_slice(
                    format!("@run:{kind}:{}:{number} 1:N:0", random(9999)).as_bytes(),
                );
                text.push(b'\n');
                text.extend(
                    (from..from + length).map(|at| if kind == 3 { other(at) } else { genome(at) }),
                );
                text.extend_from_slice(if number == 7 { b"\nplus\n" } else { b"\n+\n" });
                let most = [1, 3, 40, 90][usize::from(kind)];
                text.extend(
                    (0..length + usize::from(number == 9)).map(|_| b'!' + random(most) as u8),
                );
                text.push(b'\n');
            }
            text.split_off(cut.min(text.len()))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn records_come_back(text in records()) {
            check(&text);
        }

        #[test]
        fn any_bytes_come_back(
            bytes in vec(any::<u8>(), 0..3000),
            letters in 1..=255_u8,
            times in 1..80_usize,
        ) {
            let part: Vec<u8> = bytes.iter().map(|byte| byte % letters).collect();
            check(&part.repeat(times));
        }

        #[test]
        fn runs_of_every_length_come_back(lengths in vec((0..6_u8, 1..1500_usize), 0..120)) {
            let letter = |number: u8| b"ACGTF\n"[usize::from(number)];
            let runs = lengths.iter().map(|(number, n)| vec![letter(*number); *n]);
            check(&runs.collect::<Vec<_>>().concat());
        }
    }

    #[test]
    fn few_letters_and_noise_come_back() {
        check(b"");
        check(b"A");
        let fibonacci: Vec<u8> = (0..22_u8)
            .scan((1_usize, 1), |(a, b), letter| {
                (*a, *b) = (*b, *a + *b);
                Some(vec![letter * 7; *a])
            })
            .flatten()
            .collect();
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 33
        };
        // Frequencies that grow so fast that codes without a limit would be too long.
        let mixed: Vec<u8> =
            (0..60_000).map(|_| fibonacci[random() as usize % fibonacci.len()]).collect();
        check(&mixed);
        let noise: Vec<u8> = (0..140_000).map(|_| random() as u8).collect();
        check(&noise);
        let mut stored = Vec::new();
        Encoder::default().compress(&noise, &mut stored);
        assert!(stored.len() <= noise.len() + 64);
    }
}
