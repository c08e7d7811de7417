//! The k-mers of a part of a run with their counts: written, read back, and merged to the index of
//! the whole run.

use std::io::{self, BufRead, Write};
use std::ops::Range;

use crate::index::{Index, MAX_LEVEL, is_sampled, read_u32};
use crate::kmer::{LONGEST, SHORTEST};
use crate::share::SHARDS;
use crate::table::{COUNT, COUNT_BITS, MAX_COUNT};
use crate::{Counter, KmerError, Share};

impl Counter {
    /// Writes all k-mers with their counts, those seen once only if the counter
    /// [keeps](Counter::keeping_singletons) them: k, level, the range of shards that are here, and each
    /// of these shards: its number of k-mers, and for each, in rising order of the hashes, the
    /// difference from the one before and the count, less one, as variable-length numbers (LEB128).
    /// Other numbers have four bytes; all are little-endian.
    ///
    /// # Errors
    ///
    /// The error of the output.
    pub fn write_counts(mut self, output: &mut impl Write) -> io::Result<()> {
        self.flush_all();
        let (k, level) = (self.k(), self.level());
        let shards = self.shard_numbers();
        let fewest = if self.keeps_singletons() { 1 } else { 2 };
        for number in [k, level as usize, shards.start, shards.end] {
            output.write_all(&(number as u32).to_le_bytes())?;
        }
        let mut text = Vec::new();
        for cells in self.into_sorted() {
            let stays = |cell: &u64| cell & COUNT >= fewest && is_sampled(*cell, level);
            let cells = || cells.iter().filter(|cell| stays(cell));
            text.clear();
            let mut before = 0;
            for cell in cells() {
                let hash = cell >> COUNT_BITS;
                write_number(&mut text, hash - before);
                write_number(&mut text, (cell & COUNT) - 1);
                before = hash;
            }
            output.write_all(&(cells().count() as u32).to_le_bytes())?;
            output.write_all(&text)?;
        }
        Ok(())
    }
}

fn write_number(text: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        text.push(number as u8 | 0x80);
        number >>= 7;
    }
    text.push(number as u8);
}

/// Most bytes of a variable-length number.
const LONGEST_NUMBER: usize = 10;

/// Returns the variable-length number at the start of some bytes, and its length; `None` if it does not
/// end there.
#[inline(always)]
fn number_in(bytes: &[u8]) -> Result<Option<(u64, usize)>, KmerError> {
    let mut number = 0;
    for (at, byte) in bytes.iter().take(LONGEST_NUMBER).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            return Ok(Some((number, at + 1)));
        }
    }
    if bytes.len() < LONGEST_NUMBER {
        return Ok(None);
    }
    Err(KmerError::Content("a number of more than ten bytes".to_owned()))
}

/// Returns the cell of the k-mer at the start of some bytes, which comes after the one with the upper bits
/// of hash `before`, and the number of its bytes; `None` if there are too few.
#[inline(always)]
fn cell_in(bytes: &[u8], before: Option<u64>) -> Result<Option<(u64, usize)>, KmerError> {
    let Some((step, first)) = number_in(bytes)? else { return Ok(None) };
    let Some((more, second)) = number_in(&bytes[first..])? else { return Ok(None) };
    let hash = before.unwrap_or(0).checked_add(step);
    match hash.filter(|hash| *hash >> (u64::BITS - COUNT_BITS) == 0) {
        Some(hash) if (step > 0 || before.is_none()) && more < u64::from(MAX_COUNT) => {
            Ok(Some((hash << COUNT_BITS | (more + 1), first + second)))
        }
        _ => Err(KmerError::Content(
            "k-mers that do not rise, or with counts that are too high".to_owned(),
        )),
    }
}

/// The k-mers of a part of a run, read shard by shard from what [`Counter::write_counts`] wrote.
#[derive(Debug)]
pub struct Counts<R> {
    input: R,
    k: usize,
    level: u32,
    shards: Range<usize>,
    next: usize,
}

impl<R: BufRead> Counts<R> {
    /// Reads the head.
    ///
    /// # Errors
    ///
    /// [`KmerError::Content`] if it is broken, [`KmerError::Read`] if the input fails.
    pub fn open(mut input: R) -> Result<Self, KmerError> {
        let mut number = || read_u32(&mut input);
        let (k, level, first, end) = (number()? as usize, number()?, number()?, number()?);
        let shards = first as usize..end as usize;
        let is_right = (SHORTEST..=LONGEST).contains(&k)
            && k % 2 == 1
            && level <= MAX_LEVEL
            && shards.start < shards.end
            && shards.end <= SHARDS;
        if !is_right {
            return Err(KmerError::Content(format!(
                "k-mers of {k} bases, one in 2^{level}, in shards {first} to {end}: expected an odd \
                 number from {SHORTEST} to {LONGEST}, at most 2^{MAX_LEVEL}, and shards below {SHARDS}"
            )));
        }
        Ok(Self { input, k, level, next: shards.start, shards })
    }

    /// Returns the length of the k-mers.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Returns whether these are the k-mers of a share.
    pub fn are_of(&self, share: Share) -> bool {
        self.shards == share.shards()
    }

    /// Returns the input behind the last shard.
    pub fn into_input(self) -> R {
        self.input
    }

    /// Appends the cells of a shard, if it is here: the upper bits of a hash and the count. Shards
    /// come in order.
    fn read_shard(&mut self, number: usize, cells: &mut Vec<u64>) -> Result<(), KmerError> {
        if number != self.next || number >= self.shards.end {
            return Ok(());
        }
        self.next += 1;
        let kmers = read_u32(&mut self.input)?;
        // The list grows with what is read: the number may be wrong.
        let (mut left, mut hash) = (kmers, None);
        // The two numbers of a k-mer may be in two buffers.
        let mut joined = Vec::new();
        while left > 0 {
            let buffer = self.input.fill_buf().map_err(KmerError::Read)?;
            let mut used = 0;
            while left > 0
                && joined.is_empty()
                && let Some((cell, bytes)) = cell_in(&buffer[used..], hash)?
            {
                hash = Some(cell >> COUNT_BITS);
                cells.push(cell);
                used += bytes;
                left -= 1;
            }
            if left > 0 {
                if buffer.is_empty() {
                    return Err(KmerError::Content("the k-mers end too early".to_owned()));
                }
                // One byte more until the two numbers are there.
                if used < buffer.len() {
                    joined.push(buffer[used]);
                    used += 1;
                }
                if let Some((cell, _)) = cell_in(&joined, hash)? {
                    hash = Some(cell >> COUNT_BITS);
                    cells.push(cell);
                    joined.clear();
                    left -= 1;
                }
            }
            self.input.consume(used);
        }
        Ok(())
    }
}

/// How many k-mers the parts of a run have together at least twice: what is to be known before an index
/// is made of them.
#[derive(Clone, Copy, Debug)]
pub struct Survey {
    k: usize,
    /// The number of k-mers that are left at each level, up to [`MAX_LEVEL`].
    kmers: [u64; MAX_LEVEL as usize + 1],
    /// The lowest level that all parts have.
    level: u32,
}

impl Survey {
    /// Reads all parts; `None` without parts.
    ///
    /// # Errors
    ///
    /// [`KmerError::Content`] if a part is broken, or parts have k-mers of different lengths;
    /// [`KmerError::Read`] if an input fails.
    pub fn of<R: BufRead>(parts: &mut [Counts<R>]) -> Result<Option<Self>, KmerError> {
        let Some(first) = parts.first() else { return Ok(None) };
        let k = first.k;
        if let Some(other) = parts.iter().find(|part| part.k != k) {
            return Err(KmerError::Content(format!(
                "k-mers of {} bases, where another part has {k}",
                other.k
            )));
        }
        let level = parts.iter().map(|part| part.level).max().unwrap_or(0);
        let mut kmers = [0; MAX_LEVEL as usize + 1];
        each(parts, |hash, _| {
            let mut level = 0;
            while level <= MAX_LEVEL && is_sampled(hash, level) {
                kmers[level as usize] += 1;
                level += 1;
            }
        })?;
        Ok(Some(Self { k, kmers, level }))
    }

    /// Returns the index of the same parts, opened again, in at most this many bytes: if the k-mers do
    /// not fit, every second one is dropped, by its hash, as often as needed. The result depends
    /// neither on the order of the parts nor on their number.
    ///
    /// # Errors
    ///
    /// As [`Survey::of`], and [`KmerError::Content`] if the parts have changed.
    pub fn index<R: BufRead>(
        self,
        parts: &mut [Counts<R>],
        bytes: usize,
    ) -> Result<Index, KmerError> {
        let left = |level: u32| self.kmers[level as usize] as usize;
        let fits = |level: &u32| Index::bytes_for(left(*level)) <= bytes;
        let level = (self.level..MAX_LEVEL).find(fits).unwrap_or(MAX_LEVEL);
        let mut index = Index::new(self.k, level, left(level));
        let mut more = 0_u64;
        each(parts, |hash, count| {
            if !is_sampled(hash, level) {
            } else if index.kmers() < left(level) as u64 {
                index.insert(hash, count);
            } else {
                more += 1;
            }
        })?;
        if more > 0 || index.kmers() < left(level) as u64 {
            return Err(KmerError::Content("k-mers have changed while they were read".to_owned()));
        }
        Ok(index)
    }
}

/// Calls `take` with the upper bits of the hash and the count of every k-mer that all parts have
/// together at least twice, shard by shard, in rising order.
fn each<R: BufRead>(
    parts: &mut [Counts<R>],
    mut take: impl FnMut(u64, u32),
) -> Result<(), KmerError> {
    let mut cells = Vec::new();
    for number in 0..SHARDS {
        cells.clear();
        for part in &mut *parts {
            part.read_shard(number, &mut cells)?;
        }
        // Stable, as this sort is fast where there are rising stretches: one for each part.
        cells.sort();
        for group in cells.chunk_by(|a, b| a >> COUNT_BITS == b >> COUNT_BITS) {
            let count: u64 = group.iter().map(|cell| cell & COUNT).sum();
            if count > 1 {
                take(group[0] & !COUNT, count.min(COUNT) as u32);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;
    use crate::kmer::mix;

    fn read(number: u64, genome: u64) -> Vec<u8> {
        let start = mix(number) % genome;
        let base = |place: u64| b"ACGT"[(mix(place + 99) & 3) as usize];
        let mut read: Vec<u8> = (start..start + 80).map(base).collect();
        if mix(number + 7).is_multiple_of(3) {
            read[(mix(number + 8) % 80) as usize] = b'A';
        }
        read
    }

    fn written<'a>(reads: impl Iterator<Item = &'a Vec<u8>>, bytes: usize) -> Vec<u8> {
        let mut counter = Counter::new(21, bytes).keeping_singletons();
        reads.for_each(|read| counter.observe(read));
        text_of(counter)
    }

    fn text_of(counter: Counter) -> Vec<u8> {
        let mut text = Vec::new();
        counter.write_counts(&mut text).expect("memory does not fail");
        text
    }

    fn merged(parts: &[Vec<u8>], bytes: usize) -> Index {
        // A number may begin in one buffer and end in the next one.
        let open = |part| Counts::open(BufReader::with_capacity(7, part)).expect("as written");
        let open = || parts.iter().map(|part| open(&part[..])).collect::<Vec<_>>();
        let survey = Survey::of(&mut open()).expect("as written").expect("a part");
        survey.index(&mut open(), bytes).expect("as written")
    }

    fn bytes_of(index: &Index) -> Vec<u8> {
        let mut bytes = Vec::new();
        index.write(&mut bytes).expect("memory does not fail");
        bytes
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn parts_in_any_order_give_the_index_of_the_whole(
            seed in any::<u32>(),
            parts in 1usize..8,
            genome in prop::sample::select(vec![100u64, 3_000, 60_000]),
        ) {
            let reads: Vec<_> = (0..2_000).map(|n| read(u64::from(seed) * 4_000 + n, genome)).collect();
            let mut whole = Counter::new(21, 64 << 20);
            reads.iter().for_each(|read| whole.observe(read));
            let whole = bytes_of(&whole.finish());
            let mut files: Vec<Vec<u8>> = (0..parts)
                .map(|part| written(reads.iter().skip(part).step_by(parts), 64 << 20))
                .collect();
            prop_assert!(bytes_of(&merged(&files, 64 << 20)) == whole);
            files.reverse();
            prop_assert!(bytes_of(&merged(&files, 64 << 20)) == whole);
            // Each part in shares of the k-mers, too.
            let shares = |part| (1..=3).map(move |number| (part, Share::new(number, 3)));
            let files: Vec<Vec<u8>> = (0..parts)
                .flat_map(shares)
                .map(|(part, share)| {
                    let mut counter = Counter::of_share(21, 64 << 20, share.expect("a share"));
                    counter = counter.keeping_singletons();
                    let mut split = counter.split(2);
                    for read in reads.iter().skip(part).step_by(parts) {
                        split.iter_mut().for_each(|counter| counter.observe(read));
                    }
                    text_of(Counter::join(split).expect("parts"))
                })
                .collect();
            prop_assert!(bytes_of(&merged(&files, 64 << 20)) == whole);
        }

        #[test]
        fn broken_counts_are_errors(at in any::<prop::sample::Index>(), flip in 1u8..) {
            let reads: Vec<_> = (0..60).map(|number| read(number, 500)).collect();
            let mut text = written(reads.iter(), 1 << 20);
            let place = at.index(text.len());
            text[place] ^= flip;
            // An error or other counts, but neither a panic nor more memory than the text is worth.
            let survey = |text: &[u8]| Survey::of(&mut [Counts::open(text)?]);
            if let Ok(Some(survey)) = survey(&text) {
                    let counts = Counts::open(&text[..]).expect("as before");
                    survey.index(&mut [counts], 1 << 20).expect("as before");
                    // Parts that are others now.
                    text[place] ^= flip;
                    if let Ok(counts) = Counts::open(&text[..]) {
                        let _ = survey.index(&mut [counts], 1 << 20);
                    }
                }
            let counts = Counts::open(&text[..place]);
            prop_assert!(counts.and_then(|counts| Survey::of(&mut [counts])).is_err());
        }
    }

    #[test]
    fn an_index_without_room_has_a_part_of_the_kmers() {
        let reads: Vec<_> = (0..4_000).map(|number| read(number, 20_000)).collect();
        let file = [written(reads.iter(), 64 << 20)];
        let (all, few) = (merged(&file, 64 << 20), merged(&file, 100_000));
        assert!(few.level() > 0 && few.bytes() <= 100_000, "{few:?}");
        assert!(few.kmers() as f64 > 0.3 * all.kmers() as f64 * few.fraction());
    }

    #[test]
    fn a_part_without_room_has_a_sample_of_all_kmers_those_seen_once_too() {
        let reads: Vec<_> = (0..4_000).map(|number| read(number, 3_000)).collect();
        let few = merged(&[written(reads.iter(), 300_000)], 64 << 20);
        let all = merged(&[written(reads.iter(), 64 << 20)], 64 << 20);
        assert!(few.level() > 0, "{}", few.level());
        let reads = reads.iter().flat_map(|read| {
            let codes: Vec<u8> = read.iter().map(|base| bm_reads::base::code(*base)).collect();
            let mut hashes = crate::Hashes::default();
            hashes.fill(&codes, 21);
            (0..60).filter_map(move |at| hashes.at(at)).collect::<Vec<_>>()
        });
        let mut sampled = 0;
        for hash in reads.filter(|hash| is_sampled(*hash, few.level())) {
            sampled += 1;
            assert_eq!(few.count(hash), all.count(hash));
        }
        assert!(sampled > 1_000);
    }

    #[test]
    fn parts_of_different_kmers_are_refused() {
        let text = text_of(Counter::new(23, 1 << 20));
        let other = written([].into_iter(), 1 << 20);
        let mut parts = [&text, &other].map(|text| Counts::open(&text[..]).expect("as written"));
        let error = Survey::of(&mut parts).expect_err("k-mers of two lengths");
        assert!(error.to_string().contains("k-mers of 21 bases, where another part has 23"));
    }
}
