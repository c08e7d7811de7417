//! Writes the blocks of deflate (RFC 1951).

use super::huffman::Code;
use super::matches::{Found, Step};
use super::symbols::{distance_symbol, length_symbol};

/// Longest code of a letter or a length: four of them and the bits of a byte that is not full fit a word.
const LONGEST: usize = 14;
/// The order of the lengths of the code of lengths.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// The symbol of the end of a block.
const END: usize = 256;
/// Most bytes of a stored block.
const MOST_STORED: usize = 65_535;

/// Bits that are written to bytes, the first one lowest.
struct Bits<'a> {
    out: &'a mut [u8],
    /// Bytes that are written.
    end: usize,
    word: u64,
    count: u32,
}

impl Bits<'_> {
    #[inline(always)]
    fn put(&mut self, bits: u64, count: u32) {
        self.word |= bits << self.count;
        self.count += count;
    }

    /// Writes the whole bytes: 56 bits have room afterwards. There must be fewer than 64 bits.
    #[inline(always)]
    fn flush(&mut self) {
        if let Some(bytes) = self.out.get_mut(self.end..).and_then(<[u8]>::first_chunk_mut) {
            *bytes = self.word.to_le_bytes();
        }
        self.end += (self.count / 8) as usize;
        self.word >>= self.count & 56;
        self.count &= 7;
    }

    fn align(&mut self) {
        self.count = self.count.next_multiple_of(8);
        self.flush();
    }
}

/// Writes `text` as one block, with the matches in it.
pub(super) fn write(
    text: &[u8],
    found: &Found,
    is_last: bool,
    buffer: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    let mut letters = found.letters;
    letters[END] = 1;
    let letters_code = Code::new(&letters, LONGEST);
    let distances_code = Code::new(&found.distances, LONGEST);
    let lengths = CodeLengths::new(&letters_code, &distances_code);
    // The longest codes, and the head of the block. It is not made smaller: zeros take time.
    let most = buffer.len().max(4 * text.len() + 1024);
    buffer.resize(most, 0);
    let mut bits = Bits { out: buffer, end: 0, word: 0, count: 0 };
    bits.put(u64::from(is_last) | 2 << 1, 3);
    lengths.write(&mut bits);
    write_steps(text, found, &letters_code, &distances_code, &mut bits);
    if is_last {
        bits.align();
    } else {
        // An empty stored block ends at a byte, where the next block can begin.
        bits.put(0, 3);
        bits.align();
        bits.put(0xffff_0000, 32);
        bits.flush();
    }
    let written = bits.end;
    if written > text.len() + 5 * text.len().div_ceil(MOST_STORED) {
        store(text, is_last, out);
    } else {
        out.extend_from_slice(&buffer[..written]);
    }
}

fn store(text: &[u8], is_last: bool, out: &mut Vec<u8>) {
    let mut rest = text;
    loop {
        let (part, others) = rest.split_at(rest.len().min(MOST_STORED));
        rest = others;
        out.push(u8::from(is_last && rest.is_empty()));
        let length = part.len() as u16;
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(part);
        if rest.is_empty() {
            return;
        }
    }
}

fn write_steps(text: &[u8], found: &Found, letters: &Code, distances: &Code, bits: &mut Bits<'_>) {
    let one =
        |symbol: usize| u32::from(letters.bits[symbol]) | u32::from(letters.lengths[symbol]) << 16;
    let singles: [u32; 256] = std::array::from_fn(one);
    let lengths: [(u32, u32); 259] = std::array::from_fn(|length| {
        if length < 3 {
            return (0, 0);
        }
        let (symbol, extra, count) = length_symbol(length as u32);
        let code = u32::from(letters.lengths[symbol]);
        (u32::from(letters.bits[symbol]) | extra << code, code + count)
    });
    let distances_of: [(u16, u8); 32] =
        std::array::from_fn(|symbol| (distances.bits[symbol], distances.lengths[symbol]));
    let quads = quads(&singles);
    let mut at = 0;
    for Step { letters: run, is_bases, length, distance } in &found.steps {
        let end = at + usize::from(*run);
        let mut rest = text.get(at..end).unwrap_or_default();
        if let (true, Some(quads)) = (is_bases, &quads) {
            let (eights, others) = rest.as_chunks::<8>();
            for eight in eights {
                // Bits 1 and 2 of the letters, four times two bits in the lowest byte of each half.
                let mut word = (u64::from_le_bytes(*eight) >> 1) & 0x0303_0303_0303_0303;
                word |= word >> 6;
                word |= word >> 12;
                let one = quads[(word & 0xff) as usize];
                let other = quads[(word >> 32 & 0xff) as usize];
                bits.put(one & CODE, (one >> 32) as u32);
                bits.put(other & CODE, (other >> 32) as u32);
                bits.flush();
            }
            rest = others;
        }
        for letter in rest {
            let single = singles[usize::from(*letter)];
            bits.put(u64::from(single & 0xffff), single >> 16);
            if bits.count > 56 - LONGEST as u32 {
                bits.flush();
            }
        }
        bits.flush();
        at = end;
        if *length > 0 {
            let (code, count) = lengths[usize::from(*length).min(258)];
            bits.put(u64::from(code), count);
            let (symbol, extra, count) = distance_symbol(u32::from(*distance));
            let (code, length_of_code) = distances_of[symbol];
            bits.put(u64::from(code), u32::from(length_of_code));
            bits.put(u64::from(extra), count);
            bits.flush();
            at += usize::from(*length);
        }
    }
    let end = one(END);
    bits.put(u64::from(end & 0xffff), end >> 16);
    bits.flush();
}

/// The bits of a code in [`quads`].
const CODE: u64 = u32::MAX as u64;

/// Returns the codes of four bases at once, by bits 1 and 2 of their letters, and behind 32 bits their
/// length; `None` if eight bases are too long for a word.
fn quads(singles: &[u32; 256]) -> Option<[u64; 256]> {
    let bases = [b'A', b'C', b'T', b'G'].map(|base| singles[usize::from(base)]);
    let quads = std::array::from_fn(|place| {
        let (mut bits, mut count) = (0, 0);
        for number in 0..4 {
            let single = bases[(place >> (2 * number)) & 3];
            bits |= u64::from(single & 0xffff) << count;
            count += single >> 16;
        }
        bits | u64::from(count) << 32
    });
    bases.iter().all(|base| base >> 16 <= 7).then_some(quads)
}

/// The lengths of both codes, as a block begins with them.
struct CodeLengths {
    counts: [usize; 2],
    /// Symbols of the code of lengths, with their extra bits and the number of these.
    symbols: Vec<(u8, u8, u8)>,
    code: Code,
}

impl CodeLengths {
    fn new(letters: &Code, distances: &Code) -> Self {
        let used = |code: &Code, least: usize, most: usize| {
            (least..=most)
                .rev()
                .find(|count| *count == least || code.lengths[count - 1] > 0)
                .unwrap_or(least)
        };
        let counts = [used(letters, 257, 286), used(distances, 1, 30)];
        let all = [&letters.lengths[..counts[0]], &distances.lengths[..counts[1]]].concat();
        let mut symbols = Vec::new();
        for same in all.chunk_by(|one, other| one == other) {
            let (length, mut left) = (same[0], same.len());
            if length > 0 {
                symbols.push((length, 0, 0));
                left -= 1;
            }
            while left > 0 {
                let (symbol, least, most, extra) = match (length, left) {
                    (_, ..3) => (length, 1, 1, 0),
                    (0, ..11) => (17, 3, 10, 3),
                    (0, _) => (18, 11, 138, 7),
                    _ => (16, 3, 6, 2),
                };
                let count = left.min(most);
                symbols.push((symbol, (count - least) as u8, extra));
                left -= count;
            }
        }
        let mut frequencies = [0; 19];
        symbols.iter().for_each(|(symbol, ..)| frequencies[usize::from(*symbol)] += 1);
        Self { counts, symbols, code: Code::new(&frequencies, 7) }
    }

    fn write(&self, bits: &mut Bits<'_>) {
        let sent =
            (4..=19).rev().find(|n| *n == 4 || self.code.lengths[ORDER[n - 1]] > 0).unwrap_or(4);
        bits.put(self.counts[0] as u64 - 257, 5);
        bits.put(self.counts[1] as u64 - 1, 5);
        bits.put(sent as u64 - 4, 4);
        bits.flush();
        for symbol in &ORDER[..sent] {
            bits.put(u64::from(self.code.lengths[*symbol]), 3);
            bits.flush();
        }
        for (symbol, extra, count) in &self.symbols {
            let symbol = usize::from(*symbol);
            bits.put(u64::from(self.code.bits[symbol]), u32::from(self.code.lengths[symbol]));
            bits.put(u64::from(*extra), u32::from(*count));
            bits.flush();
        }
    }
}
