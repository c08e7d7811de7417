//! What BAM keeps of a read beside its name, bases and qualities.

use super::CORE;

/// Bits of the flags of a record.
pub struct FLAGS;

impl FLAGS {
    /// The read has a mate.
    pub const PAIRED: u16 = 0x1;
    /// The read is not aligned.
    pub const UNMAPPED: u16 = 0x4;
    /// Its mate is not aligned.
    pub const MATE_UNMAPPED: u16 = 0x8;
    /// The bases are those of the other strand.
    pub const REVERSE: u16 = 0x10;
    /// The first mate.
    pub const FIRST: u16 = 0x40;
    /// The second mate.
    pub const SECOND: u16 = 0x80;
    /// Another alignment of a read.
    pub const SECONDARY: u16 = 0x100;
    /// A part of an alignment.
    pub const SUPPLEMENTARY: u16 = 0x800;
    /// All that are about the mate.
    pub const OF_PAIRS: u16 = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x80;
}

/// The place of the flags in a record, without its size.
const FLAG: usize = 14;

/// What BAM keeps of a read beside its name, bases and qualities; empty for reads of another format.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BamFields<'a> {
    /// The first [`CORE`] bytes of the record after its size, then its tags.
    raw: &'a [u8],
}

impl<'a> BamFields<'a> {
    /// Fields of a read of another format.
    pub const NONE: BamFields<'static> = BamFields { raw: &[] };

    /// Returns the fields in the bytes that [`BamFields::raw`] returned; none if they are too few.
    pub(crate) fn of(raw: &'a [u8]) -> Self {
        if raw.len() < CORE { Self::NONE } else { Self { raw } }
    }

    /// Returns whether the read is of another format.
    pub fn is_none(self) -> bool {
        self.raw.is_empty()
    }

    /// Returns all bytes: the first [`CORE`] of the record, then the tags.
    pub(crate) fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// Returns the first [`CORE`] bytes of the record; `None` for a read of another format.
    pub fn core(self) -> Option<&'a [u8; CORE]> {
        self.raw.first_chunk()
    }

    /// Returns the flags; 0 for a read of another format.
    pub fn flags(self) -> u16 {
        match self.core() {
            Some(core) => u16::from_le_bytes([core[FLAG], core[FLAG + 1]]),
            None => 0,
        }
    }

    /// Returns the bytes of the tags, which [`tags`](super::tags::tags) reads; their layout is checked.
    pub fn tags(self) -> &'a [u8] {
        self.raw.get(CORE..).unwrap_or_default()
    }
}
