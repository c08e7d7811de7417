//! The file of an index of classes. All numbers are little-endian.
//!
//! Magic and version; names; patterns and level; sequences and bases; sets of classes; for each
//! pattern its seeds. What a file states is checked before memory is taken, and what a look-up
//! relies on is checked before it is used.

use std::io::{self, Read, Write};

use crate::ClassError;
use crate::index::{ClassIndex, MOST_CLASSES, MOST_LEVEL, MOST_PATTERNS};
use crate::names::is_name;
use crate::pattern::Pattern;
use crate::sets::Sets;
use crate::table::{MOST_BITS, Place, Table};
use crate::text::{Sequence, Text};

const MAGIC: &[u8; 8] = b"bm-class";
const VERSION: u32 = 1;

/// Longest name of a class, in bytes.
const LONGEST_NAME: u64 = 1 << 16;

impl ClassIndex {
    /// Writes the index.
    ///
    /// # Errors
    ///
    /// The error of the output.
    pub fn write(&self, output: &mut impl Write) -> io::Result<()> {
        let mut output = Numbers(output);
        output.0.write_all(MAGIC)?;
        output.u32(VERSION)?;
        output.u64(self.names.len() as u64)?;
        for name in &self.names {
            output.u64(name.len() as u64)?;
            output.0.write_all(name.as_bytes())?;
        }
        output.u32(self.level)?;
        output.u32(self.patterns.len() as u32)?;
        for pattern in &self.patterns {
            output.u32(pattern.span() as u32)?;
            output.u64(pattern.mask())?;
        }
        output.u64(self.text.sequences.len() as u64)?;
        for Sequence { start: _, length, class } in &self.text.sequences {
            output.u32(*length)?;
            output.u16(*class)?;
        }
        for word in &self.text.words {
            output.u64(*word)?;
        }
        output.u64(self.sets.sets.len() as u64)?;
        for set in &self.sets.sets {
            output.u64(set.len() as u64)?;
            for class in set {
                output.u16(*class)?;
            }
        }
        self.tables.iter().try_for_each(|table| output.table(table))
    }

    /// Returns the index read from a file of `bytes` bytes.
    ///
    /// # Errors
    ///
    /// [`ClassError::Content`] if the file is no index, of another version, or damaged;
    /// [`ClassError::Read`] if the input fails.
    pub fn read(input: &mut impl Read, bytes: u64) -> Result<Self, ClassError> {
        let mut input = Fields { input, left: bytes };
        if input.array::<8>().ok().as_ref() != Some(MAGIC) {
            return Err(content("the file does not begin like one"));
        }
        let version = input.u32()?;
        if version != VERSION {
            return Err(content(&format!("version {version}, expected {VERSION}; make it again")));
        }
        let names = input.names()?;
        let (level, patterns) = input.patterns()?;
        let text = input.text(names.len())?;
        let sets = input.sets(names.len())?;
        let table = |pattern| input.table(pattern, &text, &sets);
        let tables = patterns.iter().map(table).collect::<Result<_, _>>()?;
        if input.left > 0 || input.input.read(&mut [0]).map_err(ClassError::Read)? > 0 {
            return Err(content("more data after the last seed"));
        }
        Ok(Self { names, patterns, level, text, tables, sets })
    }
}

fn content(text: &str) -> ClassError {
    ClassError::Content(text.to_owned())
}

/// Writes numbers.
struct Numbers<'a, W>(&'a mut W);

impl<W: Write> Numbers<'_, W> {
    fn u16(&mut self, number: u16) -> io::Result<()> {
        self.0.write_all(&number.to_le_bytes())
    }

    fn u32(&mut self, number: u32) -> io::Result<()> {
        self.0.write_all(&number.to_le_bytes())
    }

    fn u64(&mut self, number: u64) -> io::Result<()> {
        self.0.write_all(&number.to_le_bytes())
    }

    /// The number of seeds; the bits of the hash that choose a bucket; the size of each bucket, 255 for
    /// one of that size or more, and then its size; keys; places with their sets and strands.
    fn table(&mut self, table: &Table) -> io::Result<()> {
        self.u64(table.keys.len() as u64)?;
        self.u32(table.bits)?;
        for pair in table.starts.windows(2) {
            let size = pair[1] - pair[0];
            self.0.write_all(&[size.min(255) as u8])?;
            if size >= 255 {
                self.u32(size)?;
            }
        }
        table.keys.iter().try_for_each(|key| self.u32(*key))?;
        for place in &table.places {
            self.u32(place.at)?;
            self.u16(place.set)?;
            self.0.write_all(&[u8::from(place.is_forward)])?;
        }
        Ok(())
    }
}

/// Reads numbers, and knows how many bytes are left.
struct Fields<'a, R> {
    input: &'a mut R,
    left: u64,
}

impl<R: Read> Fields<'_, R> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], ClassError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), ClassError> {
        self.left = self
            .left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| content("the file ends too early"))?;
        self.input.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => content("the file ends too early"),
            _ => ClassError::Read(error),
        })
    }

    fn u16(&mut self) -> Result<u16, ClassError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, ClassError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, ClassError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Returns a number of items, of which the file can hold so many of `bytes` bytes each.
    fn count(&mut self, bytes: u64, what: &str) -> Result<usize, ClassError> {
        let count = self.u64()?;
        let fits = count.checked_mul(bytes).is_some_and(|bytes| bytes <= self.left);
        match usize::try_from(count) {
            Ok(count) if fits => Ok(count),
            _ => Err(content(&format!("{count} {what}, more than the file holds"))),
        }
    }

    fn names(&mut self) -> Result<Vec<String>, ClassError> {
        let count = self.count(8, "classes")?;
        if count == 0 || count > MOST_CLASSES {
            return Err(content(&format!("{count} classes, expected 1 to {MOST_CLASSES}")));
        }
        let mut names = Vec::new();
        for _ in 0..count {
            let length = self.count(1, "bytes of a name")?;
            if length as u64 > LONGEST_NAME {
                return Err(content(&format!("a name of {length} bytes")));
            }
            let mut name = vec![0; length];
            self.fill(&mut name)?;
            let name = String::from_utf8(name).map_err(|_| content("a name that is not UTF-8"))?;
            if !is_name(&name) {
                return Err(content("a name that no class can have"));
            }
            names.push(name);
        }
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(content("two classes of one name"));
        }
        Ok(names)
    }

    fn patterns(&mut self) -> Result<(u32, Vec<Pattern>), ClassError> {
        let (level, count) = (self.u32()?, self.u32()?);
        if level > MOST_LEVEL || count == 0 || count as usize > MOST_PATTERNS {
            return Err(content(&format!(
                "one in 2^{level} seeds of {count} patterns, expected at most one in 2^{MOST_LEVEL} \
                 and 1 to {MOST_PATTERNS} patterns"
            )));
        }
        let mut patterns = Vec::new();
        for _ in 0..count {
            let (span, mask) = (self.u32()?, self.u64()?);
            let pattern = Pattern::of(span, mask);
            patterns.push(pattern.ok_or_else(|| content("a pattern that is not symmetric"))?);
        }
        Ok((level, patterns))
    }

    fn text(&mut self, classes: usize) -> Result<Text, ClassError> {
        let count = self.count(6, "sequences")?;
        let mut text = Text::default();
        let (mut bases, mut last) = (0u32, 0);
        for _ in 0..count {
            let (length, class) = (self.u32()?, self.u16()?);
            let end = bases.checked_add(length);
            let (Some(end), true) = (end, length > 0 && class >= last) else {
                return Err(content("sequences that are empty, too long or not in order"));
            };
            if usize::from(class) >= classes {
                return Err(content(&format!("a sequence of class {class}, of {classes}")));
            }
            text.sequences.push(Sequence { start: bases, length, class });
            (bases, last) = (end, class);
        }
        text.bases = bases as usize;
        let words = text.bases.div_ceil(32);
        if words == 0 || words as u64 > self.left / 8 {
            return Err(content(&format!("{bases} bases, more than the file holds, or none")));
        }
        text.words = self.many(words, u64::from_le_bytes)?;
        Ok(text)
    }

    /// Returns so many numbers, of which the caller knows that the file can hold them.
    fn many<T, const N: usize>(
        &mut self,
        count: usize,
        of: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, ClassError> {
        let mut numbers = Vec::new();
        numbers
            .try_reserve_exact(count)
            .map_err(|_| content("the index takes more memory than there is"))?;
        let mut bytes = vec![0; N * 4096];
        while numbers.len() < count {
            let now = (count - numbers.len()).min(4096);
            let bytes = &mut bytes[..N * now];
            self.fill(bytes)?;
            numbers.extend(bytes.as_chunks::<N>().0.iter().map(|bytes| of(*bytes)));
        }
        Ok(numbers)
    }

    fn sets(&mut self, classes: usize) -> Result<Sets, ClassError> {
        let count = self.count(12, "sets of classes")?;
        if !Sets::can_be(count as u64) {
            return Err(content(&format!("{count} sets of classes, expected at most 65,535")));
        }
        let mut sets = Sets::default();
        for _ in 0..count {
            let size = self.count(2, "classes of a set")?;
            let set = self.many(size, u16::from_le_bytes)?;
            let is_known = set.iter().all(|class| usize::from(*class) < classes);
            if size < 2 || !is_known || set.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(content("a set of classes that are unknown or not in order"));
            }
            sets.push(set);
        }
        Ok(sets)
    }

    fn table(&mut self, pattern: &Pattern, text: &Text, sets: &Sets) -> Result<Table, ClassError> {
        let seeds = self.count(11, "seeds")?;
        let bits = self.u32()?;
        let fits = (1..=MOST_BITS).contains(&bits) && 1 << bits <= self.left;
        if seeds > text.bases || !fits {
            return Err(content(&format!(
                "{seeds} seeds in 2^{bits} buckets, of {} bases: more than there can be",
                text.bases
            )));
        }
        let mut starts = Vec::new();
        let mut start = 0u32;
        starts.push(start);
        for _ in 0..1usize << bits {
            let size = match self.array::<1>()? {
                [255] => self.u32()?,
                [size] => u32::from(size),
            };
            let end = start.checked_add(size).filter(|end| *end as usize <= seeds);
            start = end.ok_or_else(|| content("more seeds in the buckets than in the header"))?;
            starts.push(start);
        }
        if start as usize != seeds {
            return Err(content("fewer seeds in the buckets than in the header"));
        }
        let keys = self.many(seeds, u32::from_le_bytes)?;
        let places = self.many(seeds, |[a, b, c, d, e, f, strand]: [u8; 7]| Place {
            at: u32::from_le_bytes([a, b, c, d]),
            set: u16::from_le_bytes([e, f]),
            is_forward: strand != 0,
        })?;
        let is_inside = |place: &Place| {
            let end = place.at as usize + pattern.span();
            usize::from(place.set) <= sets.sets.len()
                && text.sequence_at(place.at).is_some_and(|sequence| end <= sequence.end())
        };
        if !places.iter().all(is_inside) {
            return Err(content("a seed outside the sequences, or of an unknown set"));
        }
        Ok(Table { bits, starts, keys, places })
    }
}
