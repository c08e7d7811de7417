//! Files of reads that can be read from any place on: where they are cut into shards.
//!
//! Shard `i` of `n` has the records that begin between two cuts, the first records behind the bytes
//! `(i - 1) / n` and `i / n` of the file as stored. A cut depends on the file and on its own fraction
//! only, so the two shards beside it agree about it. In BGZF, the first block behind the byte is looked
//! for, and the first record in its text.
//!
//! Where a cut is wrong all the same, such as among mates whose names occur again and again, nothing is
//! lost in silence: the first shard begins with the file, and a shard that begins right and ends within a
//! record, or with more mates than there are, is refused.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bm_reads::mates::{self, Mismatch};
use bm_reads::starts::{Found, Lines, Next};

use crate::IoError;
use crate::decompress::StreamFormat;
use crate::file_state::FileState;
use crate::gzip_reader::{self, GzipReader};
use crate::path::name;
use crate::positioned::Positioned;
use crate::shard::Shard;
use crate::stored_end::StoredEnd;
use crate::tasks::{Tasks, Tools};
use crate::text::{BUFFER, Counted, InFull, Text, open_file};

/// Bytes of plain text that are read at once to find a cut.
const PIECE: u64 = 64 * 1024;

/// Bytes as stored on both sides of a fraction of a file in which a mate is looked for first, and by how
/// much more they become if it is not there.
const REACH: u64 = 1 << 20;
const FARTHER: u64 = 8;

/// A file of reads that can be read from any place on: plain text or BGZF.
pub struct DivisibleFile {
    name: String,
    file: Arc<File>,
    bytes: u64,
    is_bgzf: bool,
    lines: Lines,
}

/// A place in a file: in BGZF, a block and a byte of its text; in plain text, a byte.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Place {
    stored: u64,
    within: u64,
}

/// Between which records a file is cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Between {
    /// Any two records.
    Records,
    /// Two pairs of mates that follow each other.
    Pairs,
}

/// A shard of a file.
pub struct PartOfFile<'a> {
    pub(crate) file: &'a DivisibleFile,
    pub(crate) shard: Shard,
    from: Place,
    to: Place,
}

impl DivisibleFile {
    /// Opens a file of FASTQ or, if `is_fasta`, of FASTA.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, or cannot be read from any place on.
    pub fn open(path: &Path, is_fasta: bool) -> Result<Self, IoError> {
        let refuse = |what: &str| Err(IoError::Refused(format!("{}: --shard {what}", name(path))));
        let (file, state) = open_file(path, "FASTQ")?;
        let Some(state) = state else {
            return refuse("reads a part of a file, and a stream has no parts; give it a file");
        };
        let file = Arc::new(file);
        let mut magic = Vec::new();
        Positioned::new(&file, 0..18)
            .read_to_end(&mut magic)
            .map_err(IoError::system(format!("{}: cannot be read", name(path))))?;
        let is_bgzf = gzip_reader::block_size(&magic).is_some();
        if !is_bgzf && magic.starts_with(&gzip_reader::MAGIC) {
            return refuse(
                "cannot begin within this gzip file, which is one stream; compress it in blocks: \
                 gzip -dc FILE | bgzip > NEW.gz",
            );
        }
        if let Some(format) = StreamFormat::of(&magic) {
            return refuse(&format!(
                "cannot begin within a {format} file; compress it in blocks: \
                 {format} -dc FILE | bgzip > NEW.gz"
            ));
        }
        let lines = if is_fasta { Lines::Fasta } else { Lines::Fastq };
        Ok(Self { name: name(path), file, bytes: state.bytes(), is_bgzf, lines })
    }

    /// Returns a shard of the file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or no record can be found where it is to be cut.
    pub fn part(&self, shard: Shard, between: Between) -> Result<PartOfFile<'_>, IoError> {
        let cut = |index| self.cut(index, shard, between).map(|(place, _)| place);
        self.between(shard, cut(shard.index() - 1)?, cut(shard.index())?)
    }

    /// Returns the shard between two cuts.
    fn between(&self, shard: Shard, from: Place, to: Place) -> Result<PartOfFile<'_>, IoError> {
        if to < from {
            return Err(IoError::Refused(format!(
                "{}: shard {shard} would end before it begins: records are not in order, or names of \
                 mates occur again and again; {INTERLEAVE}",
                self.name
            )));
        }
        Ok(PartOfFile { file: self, shard, from, to })
    }

    /// Returns the shards of two files of mates: the mates of the records in the shard of the first file
    /// are looked for by their names.
    ///
    /// # Errors
    ///
    /// As [`DivisibleFile::part`], or if there is no such mate.
    pub fn parts_of_mates<'a>(
        first: &'a Self,
        second: &'a Self,
        shard: Shard,
    ) -> Result<[PartOfFile<'a>; 2], IoError> {
        let cut = |index| {
            let (ours, definition) = first.cut(index, shard, Between::Records)?;
            let theirs = match definition {
                Some(definition) => second.mate(&definition, index, shard, &first.name)?,
                None if index == 0 => Place { stored: 0, within: 0 },
                None => second.end(),
            };
            Ok::<_, IoError>([ours, theirs])
        };
        let (from, to) = (cut(shard.index() - 1)?, cut(shard.index())?);
        Ok([first.between(shard, from[0], to[0])?, second.between(shard, from[1], to[1])?])
    }

    /// Returns the place where the file ends.
    fn end(&self) -> Place {
        Place { stored: self.bytes, within: 0 }
    }

    /// Returns the byte of this fraction of the file.
    fn fraction(&self, index: u32, shard: Shard) -> u64 {
        let bytes = u128::from(self.bytes) * u128::from(index) / u128::from(shard.of());
        // Not more than the file has.
        u64::try_from(bytes).unwrap_or(self.bytes)
    }

    /// Returns the place before which the file is cut, and the definition of the record there, if the
    /// cut is behind the start of the file and before its end.
    fn cut(
        &self,
        index: u32,
        shard: Shard,
        between: Between,
    ) -> Result<(Place, Option<Vec<u8>>), IoError> {
        if index == 0 {
            return Ok((Place { stored: 0, within: 0 }, None));
        }
        if index == shard.of() {
            return Ok((self.end(), None));
        }
        let mut walk = Walk::new(self, self.border(self.fraction(index, shard))?);
        if !walk.find_first()? {
            return Ok((self.end(), None));
        }
        let mut before: Option<Vec<u8>> = None;
        loop {
            let Some((place, definition)) = walk.next()? else { return Ok((self.end(), None)) };
            let is_start = match (between, &before) {
                (Between::Records, _) => true,
                (Between::Pairs, None) => false,
                // Of two records of different templates, or of a second and a first mate, the second
                // one begins a pair.
                (Between::Pairs, Some(before)) => matches!(
                    mates::check(before, &definition),
                    Some(Mismatch::Names | Mismatch::Order)
                ),
            };
            if is_start {
                return Ok((place, Some(definition)));
            }
            before = Some(definition);
        }
    }

    /// Returns the place of the mate of a record of another file, as near as possible to this fraction
    /// of this file.
    fn mate(
        &self,
        definition: &[u8],
        index: u32,
        shard: Shard,
        other: &str,
    ) -> Result<Place, IoError> {
        let middle = self.fraction(index, shard);
        let mut reach = REACH;
        loop {
            let from = middle.saturating_sub(reach);
            let to = middle.saturating_add(reach).min(self.bytes);
            let mut walk = Walk::new(self, if from == 0 { 0 } else { self.border(from)? });
            let mut nearest: Option<Place> = None;
            let mut has_begun = from == 0 || walk.find_first()?;
            while let Some((place, found)) = if has_begun { walk.next()? } else { None } {
                let distance = |place: Place| place.stored.abs_diff(middle);
                if mates::check(definition, &found) != Some(Mismatch::Names)
                    && nearest.is_none_or(|nearest| distance(place) < distance(nearest))
                {
                    nearest = Some(place);
                }
                has_begun = place.stored <= to;
            }
            if let Some(place) = nearest {
                return Ok(place);
            }
            if from == 0 && to == self.bytes {
                let name = definition.split(|byte| matches!(byte, b' ' | b'\t')).next();
                return Err(IoError::Refused(format!(
                    "{}: has no mate of the read {} of {other}; mates must be in the same order, and \
                     none left out",
                    self.name,
                    name.unwrap_or_default().escape_ascii()
                )));
            }
            reach = reach.saturating_mul(FARTHER);
        }
    }

    /// Returns the first byte from which the file can be read: that byte itself or, in BGZF, the first
    /// block at or behind it, or the end.
    fn border(&self, from: u64) -> Result<u64, IoError> {
        if !self.is_bgzf {
            return Ok(from);
        }
        let (mut at, mut tools) = (from, Tools::default());
        while at < self.bytes {
            let stored = self.stored(at..at.saturating_add(PIECE).min(self.bytes))?;
            // The last bytes are looked at with those behind them.
            let candidates = stored.windows(gzip_reader::MAGIC.len()).enumerate();
            for (place, _) in candidates.filter(|(_, two)| *two == gzip_reader::MAGIC) {
                // The bytes of a block may look like a header; its checksum does not deceive.
                let candidate = at + place as u64;
                if self.block(candidate, &mut tools)?.is_some() {
                    return Ok(candidate);
                }
            }
            at += (stored.len() as u64).saturating_sub(1).max(1);
        }
        Ok(self.bytes)
    }

    /// Returns the whole block at a byte, its size as stored and its text; `None` if there is none.
    fn block(&self, at: u64, tools: &mut Tools) -> Result<Option<(u64, Vec<u8>)>, IoError> {
        let Some(size) = self.block_size(at)? else { return Ok(None) };
        let block = self.stored(at..at + size)?;
        if block.len() as u64 != size {
            return Ok(None);
        }
        Ok(gzip_reader::inflate(&block, tools).ok().map(|text| (size, text)))
    }

    fn block_size(&self, at: u64) -> Result<Option<u64>, IoError> {
        let header = self.stored(at..at + gzip_reader::HEADER as u64)?;
        Ok(gzip_reader::block_size(&header).map(|size| size as u64))
    }

    /// Returns the bytes of the file at these places, as far as it has them.
    fn stored(&self, range: Range<u64>) -> Result<Vec<u8>, IoError> {
        let mut stored = Vec::new();
        Positioned::new(&self.file, range)
            .read_to_end(&mut stored)
            .map_err(IoError::system(format!("{}: cannot be read", self.name)))?;
        Ok(stored)
    }

    /// Returns an error for a byte of the file at which no block begins.
    fn no_block(&self, at: u64) -> IoError {
        IoError::Refused(format!(
            "{}: byte {at} of the file begins no BGZF block, or a damaged one, so --shard cannot divide \
             the file; compress it again: gzip -dc FILE | bgzip > NEW.gz",
            self.name
        ))
    }
}

/// What to do with two files of mates that cannot be divided.
const INTERLEAVE: &str =
    "write both mates into one file, one after the other, and say --interleaved";

impl PartOfFile<'_> {
    /// Returns the number of bytes of text in the file before the part; `None` if there are more than
    /// `most`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn text_before(&self, most: u64) -> Result<Option<u64>, IoError> {
        let Self { file, from, .. } = self;
        if !file.is_bgzf {
            return Ok(Some(from.stored).filter(|before| *before <= most));
        }
        let (mut at, mut text) = (0, from.within);
        while at < from.stored && text <= most {
            let size = file.block_size(at)?.ok_or_else(|| file.no_block(at))?;
            let last = file.stored(at + size - 4..at + size)?;
            let of_block = last.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
            text += u64::from(of_block);
            at += size;
        }
        match at.cmp(&from.stored) {
            // Something that looked like a block.
            std::cmp::Ordering::Greater => Err(file.no_block(from.stored)),
            _ => Ok(Some(text).filter(|text| *text <= most)),
        }
    }

    /// Returns the size of the part as stored, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.to.stored - self.from.stored
    }

    /// Returns a copy of the file, and its state.
    pub(crate) fn state(&self) -> Result<Option<(File, FileState)>, IoError> {
        let DivisibleFile { name, file, .. } = self.file;
        let copy = file.try_clone().map_err(IoError::system(name.clone()))?;
        Ok(FileState::of(&copy, name)?.map(|state| (copy, state)))
    }

    pub(crate) fn lines(&self) -> Lines {
        self.file.lines
    }

    /// Returns the name of the part in messages.
    pub(crate) fn name(&self) -> String {
        format!("{}, shard {}", self.file.name, self.shard)
    }

    /// Returns the text of the part; `consumed` counts the bytes read from the file.
    pub(crate) fn text(&self, tasks: &Tasks, consumed: &Arc<AtomicU64>) -> Result<Text, IoError> {
        let Self { file, from, to, .. } = self;
        let end = StoredEnd::new(self.name());
        let is_last = *to == file.end();
        // The text of whole blocks, and that of the block with the cut.
        let whole =
            self.stored_text(from.stored..to.stored, is_last.then_some(&end), tasks, consumed);
        let block = if to.within > 0 {
            let size = file.block_size(to.stored)?.ok_or_else(|| file.no_block(to.stored))?;
            to.stored..to.stored + size
        } else {
            to.stored..to.stored
        };
        let cut = self.stored_text(block, None, tasks, consumed).take(to.within);
        let mut text = whole.chain(cut);
        io::copy(&mut (&mut text).take(from.within), &mut io::sink())
            .map_err(IoError::system(self.name()))?;
        let searched = if file.is_bgzf { 1 << 30 } else { 0 };
        Ok(Text { text: Box::new(text), searched, end })
    }

    /// Returns the text of these bytes of the file, whose end is noted in `end`, if they are its last
    /// ones.
    fn stored_text(
        &self,
        range: Range<u64>,
        end: Option<&StoredEnd>,
        tasks: &Tasks,
        consumed: &Arc<AtomicU64>,
    ) -> Box<dyn BufRead + Send> {
        let stored = Positioned::new(&self.file.file, range);
        let stored = Counted { inner: stored, consumed: Arc::clone(consumed) };
        if !self.file.is_bgzf {
            return Box::new(BufReader::with_capacity(BUFFER, stored));
        }
        let stored = BufReader::with_capacity(BUFFER, InFull::new(stored));
        let end = end.cloned().unwrap_or_else(|| StoredEnd::new(self.name()));
        Box::new(GzipReader::new(stored, tasks, end))
    }
}

/// The records of a file from a border on.
struct Walk<'a> {
    file: &'a DivisibleFile,
    /// The next byte to read, as stored.
    at: u64,
    text: Vec<u8>,
    /// The start in `text` of the next record.
    next: usize,
    /// Where the pieces begin in `text` and in the file; of pieces before the next record, the last one
    /// alone.
    pieces: Vec<(usize, u64)>,
    tools: Tools,
}

impl<'a> Walk<'a> {
    fn new(file: &'a DivisibleFile, border: u64) -> Self {
        let (text, pieces, tools) = (Vec::new(), Vec::new(), Tools::default());
        Self { file, at: border, text, next: 0, pieces, tools }
    }

    /// Goes to the first record behind the first line end; returns whether there is one.
    fn find_first(&mut self) -> Result<bool, IoError> {
        let border = self.at;
        loop {
            match self.file.lines.first(&self.text, self.is_at_end()) {
                Found::At(at) => {
                    self.next = at;
                    return Ok(true);
                }
                Found::Part => self.read_on()?,
                Found::End => return Ok(false),
                Found::Unknown => return Err(self.unknown(border)),
            }
        }
    }

    /// Returns the place and the definition of the next record, and goes behind it; `None` at the end of
    /// the file.
    fn next(&mut self) -> Result<Option<(Place, Vec<u8>)>, IoError> {
        loop {
            match self.file.lines.next(&self.text[self.next..], self.is_at_end()) {
                Next::Record { definition, bytes } => {
                    let found = (self.place(), definition.to_vec());
                    self.next += bytes;
                    return Ok(Some(found));
                }
                Next::Part => self.read_on()?,
                Next::End => return Ok(None),
                Next::Unknown => return Err(self.unknown(self.place().stored)),
            }
        }
    }

    /// Returns the place of the next record, whose text was read.
    fn place(&self) -> Place {
        match self.pieces.iter().rfind(|(start, _)| *start <= self.next) {
            Some((start, stored)) if self.file.is_bgzf => {
                Place { stored: *stored, within: (self.next - start) as u64 }
            }
            Some((start, stored)) => {
                Place { stored: stored + (self.next - start) as u64, within: 0 }
            }
            None => Place { stored: self.at, within: 0 },
        }
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.file.bytes
    }

    /// Reads more text, and forgets the text before the next record. The text grows by a fraction: what
    /// is looked at again is few times as long as the new text.
    fn read_on(&mut self) -> Result<(), IoError> {
        let of_next = self.pieces.iter().rposition(|(start, _)| *start <= self.next).unwrap_or(0);
        self.pieces.drain(..of_next);
        let forgotten = self.pieces.first().map_or(0, |(start, _)| *start).min(self.next);
        self.text.drain(..forgotten);
        self.next -= forgotten;
        self.pieces.iter_mut().for_each(|(start, _)| *start -= forgotten);
        let wanted = self.text.len() + (self.text.len() / 2).max(1);
        while self.text.len() < wanted && !self.is_at_end() {
            let (size, text) = if self.file.is_bgzf {
                let block = self.file.block(self.at, &mut self.tools)?;
                block.ok_or_else(|| self.file.no_block(self.at))?
            } else {
                let text = self.file.stored(self.at..self.at + PIECE)?;
                (text.len() as u64, text)
            };
            if size == 0 {
                return Err(IoError::Refused(format!(
                    "{}: became shorter while it was read; run again when nothing writes to it",
                    self.file.name
                )));
            }
            self.pieces.push((self.text.len(), self.at));
            self.text.extend_from_slice(&text);
            self.at += size;
        }
        Ok(())
    }

    fn unknown(&self, near: u64) -> IoError {
        IoError::Refused(format!(
            "{}: --shard finds no record behind byte {near} of the file: records have more than four \
             lines there, or are broken; write them with four lines (seqkit seq -w 0)",
            self.file.name
        ))
    }
}
