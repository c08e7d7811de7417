//! Counts the errors of one aligned read.

use crate::aligned::{Aligned, Event};
use crate::pileup::Mask;
use crate::reference::code;
use crate::row::{Edit, Row, expected_errors};
use crate::{Reference, Rules};

impl Aligned {
    /// Returns the row of the read in the truth table; variants in `mask` are not counted as errors.
    pub fn row(&self, reference: &Reference, mask: &Mask, rules: &Rules) -> Row {
        let ee = if self.scores.is_empty() && !self.bases.is_empty() {
            f64::NAN
        } else {
            expected_errors(self.scores.iter().copied())
        };
        let mut row = Row {
            name: self.name.clone(),
            mate: self.mate,
            len: self.bases.len(),
            ee,
            ..Row::default()
        };
        let Some(place) = &self.place else { return row };
        row.mapped = true;
        row.mapq = place.mapq;
        let sequence = &reference.sequences[place.sequence].bases;
        let is_variant = |at: usize| mask.is_variant(place.sequence, at);
        let mut edits = Vec::new();
        let clips = self.walk(reference, rules, |event| match event {
            Event::Base { read, place } => {
                row.alnlen += 1;
                let base = self.base(read, sequence[place]);
                let differs = base != sequence[place];
                if code(base).is_none() {
                    row.n += 1;
                } else if is_variant(place) {
                    row.masked += usize::from(differs);
                } else {
                    row.scored += 1;
                    if differs {
                        row.sub += 1;
                        edits.push((read, Edit::Substitution { at: 0 }));
                    }
                }
            }
            // An insertion is masked by the position before it, which does not exist where the
            // alignment starts at the first base of the reference.
            Event::Insertion { place, length, .. } if place > 0 && is_variant(place - 1) => {
                row.masked += length
            }
            Event::Insertion { read, length, .. } => {
                row.ins += length;
                row.scored += length;
                edits.push((read, Edit::Insertion { at: 0, length }));
            }
            Event::Deletion { read, place, length } => {
                let masked = (place..place + length).filter(|place| is_variant(*place)).count();
                row.masked += masked;
                row.del += length - masked;
                if masked < length {
                    edits.push((read, Edit::Deletion { at: 0, length: length - masked }));
                }
            }
        });
        row.len += clips.hard_left + clips.hard_right;
        (row.clip5, row.clip3) =
            if self.reverse { (clips.right, clips.left) } else { (clips.left, clips.right) };
        // A deletion after the last base has no following base; it gets the position of the last
        // base.
        let last = self.bases.len().saturating_sub(1);
        let place = |read: usize| match self.reverse {
            false => clips.hard_left + read.min(last),
            true => clips.hard_right + last - read.min(last),
        };
        row.edits = edits.into_iter().map(|(read, edit)| at(edit, place(read))).collect();
        if self.reverse {
            row.edits.reverse();
        }
        row.edits.sort_by_key(|edit| edit.at());
        row
    }
}

/// Returns the edit at another position.
fn at(edit: Edit, at: usize) -> Edit {
    match edit {
        Edit::Substitution { .. } => Edit::Substitution { at },
        Edit::Insertion { length, .. } => Edit::Insertion { at, length },
        Edit::Deletion { length, .. } => Edit::Deletion { at, length },
    }
}
