//! One aligned read, and its position on the reference.

use noodles_sam::alignment::record::cigar::op::Kind;

use crate::reference::{Sequence, code};
use crate::{Fault, Reference, Rules};

/// A primary alignment record. Reuse one for all records of a file: its memory stays allocated.
#[derive(Clone, Debug, Default)]
pub struct Aligned {
    pub(crate) name: Vec<u8>,
    pub(crate) mate: u8,
    /// Whether the record is flagged as a duplicate or as failing quality checks.
    pub(crate) flagged: bool,
    /// Whether the record has a mate that is mapped.
    pub(crate) has_mapped_mate: bool,
    /// Whether `bases` and `scores` are the reverse complement of the FASTQ record.
    pub(crate) reverse: bool,
    /// Upper case, in the direction of the reference.
    pub(crate) bases: Vec<u8>,
    /// Phred scores; empty if the record has none.
    pub(crate) scores: Vec<u8>,
    /// `None` if the read is not mapped.
    pub(crate) place: Option<Place>,
}

/// The position of a read on the reference.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Index of the sequence in the reference.
    pub(crate) sequence: usize,
    /// 0-based.
    pub(crate) start: usize,
    pub(crate) mapq: u8,
    pub(crate) cigar: Vec<(Kind, usize)>,
}

/// One part of the comparison of a read with the reference, in the direction of the reference.
/// `read` is an index into the record's bases, `place` a 0-based position on the reference.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// A base aligned to a base.
    Base {
        /// Index of the base in the record.
        read: usize,
        /// 0-based position on the reference.
        place: usize,
    },
    /// Bases are inserted before `place`.
    Insertion {
        /// Index of the first inserted base in the record.
        read: usize,
        /// 0-based position on the reference.
        place: usize,
        /// Number of inserted bases.
        length: usize,
    },
    /// The `length` positions from `place` on are deleted before the base `read`.
    Deletion {
        /// Index of the base behind the deletion in the record.
        read: usize,
        /// 0-based position of the first deleted base on the reference.
        place: usize,
        /// Number of deleted bases.
        length: usize,
    },
}

/// Bases left out at the ends of a read, in the direction of the reference; hard-clipped bases,
/// which the record does not hold, are included.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Clips {
    pub(crate) left: usize,
    pub(crate) right: usize,
    /// Of `left`, the hard-clipped bases.
    pub(crate) hard_left: usize,
    /// Of `right`, the hard-clipped bases.
    pub(crate) hard_right: usize,
}

impl Aligned {
    /// Checks that the record is consistent and lies on the reference, so that [`Aligned::walk`]
    /// stays inside both.
    pub(crate) fn check(&self, reference: &Reference) -> Result<(), Fault> {
        let bases = self.bases.len();
        if !self.scores.is_empty() && self.scores.len() != bases {
            return Err(Fault::Qualities { bases, scores: self.scores.len() });
        }
        if let Some(position) = self.scores.iter().position(|score| *score > 93) {
            return Err(Fault::InvalidQuality { score: self.scores[position], position });
        }
        let Some(place) = &self.place else { return Ok(()) };
        if bases == 0 {
            return Err(Fault::NoBases);
        }
        let sum = |counts: fn(&Kind) -> bool| {
            place
                .cigar
                .iter()
                .filter(|(kind, _)| counts(kind))
                .fold(0usize, |sum, (_, length)| sum.saturating_add(*length))
        };
        let cigar = sum(Kind::consumes_read);
        if cigar != bases {
            return Err(Fault::ReadLength { cigar, bases });
        }
        let end = place.start.saturating_add(sum(Kind::consumes_reference));
        let Sequence { name, bases: sequence } = &reference.sequences[place.sequence];
        if end > sequence.len() {
            return Err(Fault::PastTheEnd { end, sequence: name.clone(), length: sequence.len() });
        }
        Ok(())
    }

    /// Calls `visit` for every base, insertion and deletion, from left to right, and returns the
    /// bases left out at the ends.
    ///
    /// A soft clip that the rules allow to be compared is visited as if it were aligned.
    pub(crate) fn walk(
        &self,
        reference: &Reference,
        rules: &Rules,
        mut visit: impl FnMut(Event),
    ) -> Clips {
        let Some(place) = &self.place else { return Clips::default() };
        let sequence = &reference.sequences[place.sequence].bases;
        let mut clips = Clips::default();
        let (mut read, mut at) = (0, place.start);
        // Everything before the first base that is aligned or inserted is a left clip.
        let mut inside = false;
        for &(kind, length) in &place.cigar {
            match kind {
                Kind::Match | Kind::SequenceMatch | Kind::SequenceMismatch => {
                    (0..length).for_each(|step| {
                        visit(Event::Base { read: read + step, place: at + step })
                    });
                    inside = true;
                }
                Kind::Insertion => {
                    visit(Event::Insertion { read, place: at, length });
                    inside = true;
                }
                Kind::Deletion => visit(Event::Deletion { read, place: at, length }),
                Kind::HardClip if inside => {
                    (clips.right, clips.hard_right) =
                        (clips.right + length, clips.hard_right + length)
                }
                Kind::HardClip => {
                    (clips.left, clips.hard_left) = (clips.left + length, clips.hard_left + length)
                }
                Kind::SoftClip => {
                    let clipped = &self.bases[read..read + length];
                    let start = if inside { Some(at) } else { at.checked_sub(length) };
                    let opposite = start.and_then(|start| sequence.get(start..start + length));
                    match (start, opposite) {
                        (Some(start), Some(opposite))
                            if still_matches(clipped, opposite, rules) =>
                        {
                            (0..length).for_each(|step| {
                                visit(Event::Base { read: read + step, place: start + step })
                            });
                        }
                        _ if inside => clips.right += length,
                        _ => clips.left += length,
                    }
                }
                Kind::Skip | Kind::Pad => {}
            }
            read += if kind.consumes_read() { length } else { 0 };
            at += if kind.consumes_reference() { length } else { 0 };
        }
        clips
    }

    /// Returns the record's base at `read`; `=` means the base of the reference, `opposite`.
    pub(crate) fn base(&self, read: usize, opposite: u8) -> u8 {
        match self.bases[read] {
            b'=' => opposite,
            base => base,
        }
    }

    /// Returns the upper median of the quality scores, which the good bases of this read reach.
    pub(crate) fn median_score(&self) -> Option<u8> {
        let mut counts = [0usize; 256];
        self.scores.iter().for_each(|score| counts[usize::from(*score)] += 1);
        let mut below = 0;
        (0u8..=255).find(|score| {
            below += counts[usize::from(*score)];
            below > self.scores.len() / 2
        })
    }
}

/// Whether a soft clip matches the adjacent reference without gaps.
fn still_matches(clipped: &[u8], opposite: &[u8], rules: &Rules) -> bool {
    let differ = |(base, opposite): &(&u8, &u8)| {
        **base != b'=' && (code(**base).is_none() || base != opposite)
    };
    clipped.len() <= rules.longest_clip
        && clipped.iter().zip(opposite).filter(differ).count() as f64
            <= Rules::CLIP_MISMATCHES * clipped.len() as f64
}
