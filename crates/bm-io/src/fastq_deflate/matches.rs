//! Finds what repeats in FASTQ. A name is compared with the name before it, in place. Bases are looked up
//! sixteen at a time and at few places, because a short repeat of bases costs more than the bases. Quality
//! scores are looked up eight at a time.

use std::ops::Range;

use memchr::memchr;

use super::symbols::{distance_symbol, length_symbol};

/// Bytes of text that positions of 16 bits can tell apart.
pub(super) const MOST_TEXT: usize = 65_535;
/// The text, and zeros behind it that words may reach into: no position of 16 bits is outside.
type Text = [u8; MOST_TEXT + 1 + WORD];
/// Where words were last.
type Table = [u16; 1 << PLACE_BITS];
/// Greatest distance of a match.
const FAR: usize = 32_768;
/// Longest match.
const LONGEST: usize = 258;
/// Bits of the places of the tables.
const PLACE_BITS: u32 = 13;
/// Bases that are looked up, and the distances between the places that are entered and looked up. They have
/// no common divisor: a repeat of some length has one that is both.
const WORD: usize = 16;
const ENTERED: usize = 8;
const LOOKED_UP: usize = 7;
const BASES: [u8; 4] = [b'A', b'C', b'G', b'T'];
/// Lookups of quality scores without a match after which every second place is looked up; after twice as
/// many, every third, and so on.
const PATIENCE: usize = 4;
/// Spreads the bits of a word (the golden ratio).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The symbols of lengths, less 256.
const LENGTH_SYMBOLS: [u8; LONGEST + 1] = {
    let mut symbols = [0; LONGEST + 1];
    let mut length = 3;
    while length <= LONGEST {
        symbols[length] = (length_symbol(length as u32).0 - 256) as u8;
        length += 1;
    }
    symbols
};

/// Letters as they are, and a match behind them unless its length is 0.
pub(super) struct Step {
    pub(super) letters: u16,
    /// Whether all of the letters are A, C, G or T.
    pub(super) is_bases: bool,
    pub(super) length: u16,
    pub(super) distance: u16,
}

/// The matches in a text, and how often each symbol occurs.
pub(super) struct Found {
    pub(super) steps: Vec<Step>,
    pub(super) letters: [u32; 288],
    pub(super) distances: [u32; 32],
}

/// Memory for the search.
pub(super) struct Finder {
    text: Box<Text>,
    bases: Box<Table>,
    scores: Box<Table>,
    pub(super) found: Found,
}

impl Default for Finder {
    fn default() -> Self {
        let table = || Box::new([0; 1 << PLACE_BITS]);
        let found = Found { steps: Vec::new(), letters: [0; 288], distances: [0; 32] };
        Self { text: Box::new([0; MOST_TEXT + 1 + WORD]), bases: table(), scores: table(), found }
    }
}

/// The first bytes of the lines of a record: of the name (`@`), the bases, the line `+` and the scores, and
/// the end of the record.
#[derive(Clone, Copy)]
struct Record {
    name: usize,
    bases: usize,
    plus: usize,
    scores: usize,
    end: usize,
}

impl Record {
    /// Returns the record that begins here, if it is whole.
    fn at(text: &[u8], name: usize) -> Option<Self> {
        if text.get(name) != Some(&b'@') {
            return None;
        }
        let bases = next_line(text, name)?;
        let plus = next_line(text, bases)?;
        if text.get(plus) != Some(&b'+') {
            return None;
        }
        let scores = next_line(text, plus)?;
        let end = scores + plus - bases;
        (text.get(end - 1) == Some(&b'\n')).then_some(Self { name, bases, plus, scores, end })
    }

    /// Returns the first whole record that begins here or with one of the next lines: a block begins anywhere
    /// in a record.
    fn behind(text: &[u8], at: usize) -> Option<Self> {
        let mut begin = Some(at);
        (0..5).find_map(|_| {
            let here = begin?;
            begin = next_line(text, here);
            Self::at(text, here)
        })
    }
}

/// Returns whether a text has a whole record of FASTQ near its start.
pub(crate) fn has_record(text: &[u8]) -> bool {
    Record::behind(text, 0).is_some()
}

fn next_line(text: &[u8], from: usize) -> Option<usize> {
    Some(from + memchr(b'\n', text.get(from..)?)? + 1)
}

impl Finder {
    /// Finds the matches in at most [`MOST_TEXT`] bytes.
    pub(super) fn find(&mut self, text: &[u8]) {
        self.text[..text.len()].copy_from_slice(text);
        self.text[text.len()..].fill(0);
        self.bases.fill(0);
        self.scores.fill(0);
        self.found.steps.clear();
        self.found.letters.fill(0);
        self.found.distances.fill(0);
        let mut steps = Steps { text, words: &self.text, done: 0, found: &mut self.found };
        let mut at = 0;
        let mut last: Option<Record> = None;
        while let Some(record) = Record::behind(text, at) {
            steps.scores(&mut self.scores, at..record.name);
            match last {
                Some(last) => steps.name(&mut self.scores, last, record),
                None => steps.scores(&mut self.scores, record.name..record.bases),
            }
            steps.bases(&mut self.bases, record.bases..record.plus - 1);
            let from = match last {
                // `+` and what agrees behind it.
                Some(last) if record.scores - record.plus == 2 => {
                    steps.repeat(last.plus - 1, record.plus - 1, record.end)
                }
                // The name once more, in most such files.
                _ => steps.repeat(record.name + 1, record.plus + 1, record.scores),
            };
            steps.scores(&mut self.scores, from..record.end - 1);
            at = record.end - 1;
            last = Some(record);
            if text.len() <= record.end {
                break;
            }
            // The end of the line goes with the next name.
            at += 1;
        }
        steps.scores(&mut self.scores, at..text.len());
        steps.finish();
    }
}

/// Steps in the making.
struct Steps<'a> {
    text: &'a [u8],
    /// The same text.
    words: &'a Text,
    /// The text before this is in steps.
    done: usize,
    found: &'a mut Found,
}

impl Steps<'_> {
    /// Adds a match at `at` to the text `distance` before it, and counts the letters before it.
    #[inline(always)]
    fn add_and_count(&mut self, at: usize, length: usize, distance: usize) {
        for letter in &self.text[self.done..at] {
            self.found.letters[usize::from(*letter)] += 1;
        }
        self.add(at, length, distance, false);
    }

    /// Adds a match at `at` to the text `distance` before it; the letters before it are counted.
    #[inline(always)]
    fn add(&mut self, at: usize, length: usize, distance: usize, is_bases: bool) {
        let letters = &self.text[self.done..at];
        if length <= LONGEST {
            self.push(letters.len(), length, distance, is_bases);
            self.done = at + length;
            return;
        }
        let mut left = length;
        let mut run = letters.len();
        while left > 0 {
            // No rest is shorter than a match can be.
            let part =
                if left > LONGEST && left < LONGEST + 3 { LONGEST - 3 } else { left.min(LONGEST) };
            self.push(run, part, distance, is_bases);
            run = 0;
            left -= part;
        }
        self.done = at + length;
    }

    #[inline(always)]
    fn push(&mut self, letters: usize, length: usize, distance: usize, is_bases: bool) {
        self.found.letters[usize::from(LENGTH_SYMBOLS[length.min(LONGEST)]) + 256] += 1;
        self.found.distances[distance_symbol(distance as u32).0] += 1;
        let (letters, length, distance) = (letters as u16, length as u16, distance as u16);
        self.found.steps.push(Step { letters, is_bases, length, distance });
    }

    /// Ends a run of letters.
    fn cut(&mut self, at: usize) {
        for letter in &self.text[self.done..at] {
            self.found.letters[usize::from(*letter)] += 1;
        }
        self.cut_counted(at, false);
    }

    /// Ends a run of letters that are counted.
    fn cut_counted(&mut self, at: usize, is_bases: bool) {
        let letters = (at - self.done) as u16;
        if letters > 0 {
            self.found.steps.push(Step { letters, is_bases, length: 0, distance: 0 });
            self.done = at;
        }
    }

    fn finish(&mut self) {
        self.cut(self.text.len());
    }

    /// Returns how many bytes agree, up to `end`.
    #[inline(always)]
    fn agreement(&self, before: usize, at: usize, end: usize) -> usize {
        let most = end - at;
        let (one, other) = (&self.text[before..before + most], &self.text[at..end]);
        let (eights, _) = one.as_chunks::<8>();
        let (others, _) = other.as_chunks::<8>();
        for (number, (one, other)) in eights.iter().zip(others).enumerate() {
            let differ = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
            if differ != 0 {
                return 8 * number + (differ.trailing_zeros() / 8) as usize;
            }
        }
        let whole = 8 * eights.len();
        whole + one[whole..].iter().zip(&other[whole..]).take_while(|(a, b)| a == b).count()
    }

    /// Adds what repeats here of an earlier place, if it is worth it; returns its end.
    fn repeat(&mut self, before: usize, at: usize, end: usize) -> usize {
        if at - before > FAR {
            return at;
        }
        let length = self.agreement(before, at, end);
        if length < 4 {
            return at;
        }
        self.add_and_count(at, length, at - before);
        at + length
    }

    /// Returns how many bytes before these places agree.
    fn agreement_before(&self, one: usize, other: usize, most: usize) -> usize {
        let (ones, others) = (&self.text[one - most..one], &self.text[other - most..other]);
        let (_, ones) = ones.as_rchunks::<8>();
        let (_, others) = others.as_rchunks::<8>();
        let mut alike = 0;
        for (one, other) in ones.iter().rev().zip(others.iter().rev()) {
            let differ = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
            if differ != 0 {
                return alike + (differ.leading_zeros() / 8) as usize;
            }
            alike += 8;
        }
        (alike..most).take_while(|n| self.text[one - 1 - n] == self.text[other - 1 - n]).count()
            + alike
    }

    /// A name, as far as it is that of the last record, from its beginning and from its end.
    fn name(&mut self, table: &mut Table, last: Record, record: Record) {
        let at = self.repeat(last.name, record.name, record.bases);
        let most = (record.bases - at).min(last.bases - last.name);
        let alike = self.agreement_before(record.bases, last.bases, most);
        self.scores(table, at..record.bases - alike);
        if alike >= 4 && record.bases - last.bases <= FAR {
            self.add_and_count(record.bases - alike, alike, record.bases - last.bases);
        }
    }

    fn bases(&mut self, table: &mut Table, line: Range<usize>) {
        self.cut(line.start);
        let words = self.words;
        let word = |at: usize| {
            let at = usize::from(at as u16);
            u128::from_le_bytes(*words[at..at + WORD].first_chunk().unwrap_or(&[0; WORD]))
        };
        let place = |word: u128| {
            let word = word as u64 ^ (word >> 61) as u64;
            (word.wrapping_mul(SPREAD) >> (u64::BITS - PLACE_BITS)) as usize
        };
        let mut at = line.start;
        while at + WORD <= line.end {
            let bases = word(at);
            let before = usize::from(table[place(bases)]);
            if before < at && at - before <= FAR && word(before) == bases {
                let back = self.agreement_before(before, at, (at - self.done).min(before));
                let ahead = WORD + self.agreement(before + WORD, at + WORD, line.end);
                let is_bases = self.count_letters(at - back);
                self.add(at - back, back + ahead, at - before, is_bases);
                at += ahead;
            } else {
                at += LOOKED_UP;
            }
        }
        for at in (line.start..(line.end + 1).saturating_sub(WORD)).step_by(ENTERED) {
            table[place(word(at))] = at as u16;
        }
        let is_bases = self.count_letters(line.end);
        self.cut_counted(line.end, is_bases);
    }

    /// Counts the letters that are in no step yet, up to `end`; returns whether they are all A, C, G or T.
    fn count_letters(&mut self, end: usize) -> bool {
        let letters = &self.text[self.done..end];
        let is_bases = self.count_bases(letters);
        if !is_bases {
            letters.iter().for_each(|letter| self.found.letters[usize::from(*letter)] += 1);
        }
        is_bases
    }

    /// Counts the letters if they are all A, C, G or T; returns whether they are.
    fn count_bases(&mut self, letters: &[u8]) -> bool {
        let mut counts = [0_u32; 4];
        // No part's count is over 255.
        for part in letters.chunks(16 * 255) {
            let mut sums = [[0_u8; 16]; 4];
            let mut count = |letters: [u8; 16]| {
                for (sums, base) in sums.iter_mut().zip(BASES) {
                    sums.iter_mut()
                        .zip(letters)
                        .for_each(|(sum, letter)| *sum += u8::from(letter == base));
                }
            };
            let (whole, rest) = part.as_chunks::<16>();
            whole.iter().for_each(|letters| count(*letters));
            let mut last = [0; 16];
            last[..rest.len()].copy_from_slice(rest);
            count(last);
            for (count, sums) in counts.iter_mut().zip(sums) {
                *count += sums.iter().map(|sum| u32::from(*sum)).sum::<u32>();
            }
        }
        if counts.iter().sum::<u32>() as usize != letters.len() {
            return false;
        }
        for (base, count) in BASES.into_iter().zip(counts) {
            self.found.letters[usize::from(base)] += count;
        }
        true
    }

    fn scores(&mut self, table: &mut Table, part: Range<usize>) {
        let words = self.words;
        let word = |at: usize| {
            let at = usize::from(at as u16);
            u64::from_le_bytes(*words[at..at + 8].first_chunk().unwrap_or(&[0; 8]))
        };
        let place = |word: u64| (word.wrapping_mul(SPREAD) >> (u64::BITS - PLACE_BITS)) as usize;
        let (mut at, mut misses) = (part.start, 0);
        while at + 8 <= part.end {
            let here = word(at);
            let entry = &mut table[place(here)];
            let before = usize::from(std::mem::replace(entry, at as u16));
            let mut best = (0, 0);
            if before < at && at - before <= FAR && word(before) == here {
                best = (8 + self.agreement(before + 8, at + 8, part.end), at - before);
            }
            // A run: each byte is the one before it. Its distance is short, so it may be shorter.
            if at > 0 && here == here << 8 | u64::from(words[usize::from(at as u16 - 1)]) {
                let length = 8 + self.agreement(at + 7, at + 8, part.end);
                if length + 3 >= best.0 {
                    best = (length, 1);
                }
            }
            let (length, distance) = best;
            if length > 0 {
                misses = 0;
                self.add_and_count(at, length, distance);
                at += length;
            } else {
                misses += 1;
                at += 1 + misses / PATIENCE;
            }
        }
    }
}
