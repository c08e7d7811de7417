//! The records of a file from any place on.

use bm_reads::starts::{Found, Lines, Next};

use crate::IoError;
use crate::stored_file::{PIECE, StoredFile};
use crate::tasks::Tools;

/// A place in a file: in BGZF, a block and a byte of its text; in plain text, a byte.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Place {
    pub(crate) stored: u64,
    pub(crate) within: u64,
}

/// The records of a file from a border on.
pub(crate) struct Walk<'a> {
    file: &'a StoredFile,
    lines: Lines,
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
    pub(crate) fn new(file: &'a StoredFile, lines: Lines, border: u64) -> Self {
        let (text, pieces, tools) = (Vec::new(), Vec::new(), Tools::default());
        Self { file, lines, at: border, text, next: 0, pieces, tools }
    }

    /// Goes to the first record behind the first line end; returns whether there is one.
    pub(crate) fn find_first(&mut self) -> Result<bool, IoError> {
        let border = self.at;
        loop {
            match self.lines.first(&self.text, self.is_at_end()) {
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
    pub(crate) fn next(&mut self) -> Result<Option<(Place, Vec<u8>)>, IoError> {
        loop {
            match self.lines.next(&self.text[self.next..], self.is_at_end()) {
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
