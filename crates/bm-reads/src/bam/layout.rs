//! One record: where its parts are, and every check.

use std::ops::Range;

use super::CORE;
use super::fault::BamFault;
use super::fields::FLAGS;
use super::tags::tags;

/// Places of the parts of a record, in its bytes without its size.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The name, without its zero byte.
    pub(super) name: Range<usize>,
    /// The bases, two in a byte.
    pub(super) sequence: Range<usize>,
    /// The quality scores.
    pub(super) quality_scores: Range<usize>,
    /// The tags, up to the end.
    pub(super) tags: usize,
}

impl Layout {
    /// Returns where the parts of a record are. Only their sizes are checked.
    pub(super) fn of(record: &[u8]) -> Result<Self, BamFault> {
        let size = record.len();
        let core = || BamFault::Layout { size, part: "first fields need" };
        let core = record.first_chunk::<CORE>().ok_or_else(core)?;
        let name_bytes = usize::from(core[8]);
        let cigar = 4 * usize::from(u16::from_le_bytes([core[12], core[13]]));
        let bases = u32::from_le_bytes([core[16], core[17], core[18], core[19]]) as usize;
        let mut at = CORE;
        let mut take = |bytes: usize, part| {
            let start = at;
            at = at
                .checked_add(bytes)
                .filter(|end| *end <= size)
                .ok_or(BamFault::Layout { size, part })?;
            Ok(start..at)
        };
        let name = take(name_bytes, "name needs")?;
        take(cigar, "CIGAR needs")?;
        let sequence = take(bases.div_ceil(2), "bases need")?;
        let quality_scores = take(bases, "qualities need")?;
        let name = name.start..name.end.saturating_sub(1).max(name.start);
        Ok(Self { name, sequence, tags: quality_scores.end, quality_scores })
    }

    /// Checks the name of the record.
    pub(super) fn check_name(&self, record: &[u8]) -> Result<(), BamFault> {
        let name = &record[self.name.clone()];
        let is_ended = record[CORE..].len() > name.len() && record[self.name.end] == 0;
        let is_name = is_ended && record[8] > 0 && name.iter().all(u8::is_ascii_graphic);
        if is_name { Ok(()) } else { Err(BamFault::Name) }
    }

    /// Checks that the record is a read as the instrument made it, and that its tags can be read.
    pub(super) fn check(&self, record: &[u8], flags: u16) -> Result<(), BamFault> {
        let what = match flags {
            _ if flags & FLAGS::SUPPLEMENTARY != 0 => Some("is a supplementary alignment"),
            _ if flags & FLAGS::SECONDARY != 0 => Some("is a secondary alignment"),
            _ if flags & FLAGS::UNMAPPED == 0 => Some("is aligned"),
            _ if flags & FLAGS::REVERSE != 0 => Some("is stored as its reverse complement"),
            _ => None,
        };
        if let Some(what) = what {
            return Err(BamFault::Aligned { what, flags });
        }
        match tags(&record[self.tags..]).find_map(Result::err) {
            Some(rest) => {
                let tag = rest[..rest.len().min(2)].escape_ascii().to_string();
                Err(BamFault::Tags { tag })
            }
            None => Ok(()),
        }
    }
}
