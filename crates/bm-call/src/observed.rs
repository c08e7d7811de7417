//! What one aligned read says of the positions that it covers.

use bm_reads::base;
use bm_truth::{Aligned, Event, Reference};

use crate::indel::Indel;
use crate::observation::{Class, Observation, bin};

/// Bases from an end of the alignment in which an indel may show as mismatches.
const END: usize = 5;
/// The same from a gap of the read.
const GAP: usize = 2;

/// Longest stretch of the reference that a read may cover. Alignments over more, of spliced transcripts, are
/// left out.
pub const LONGEST_SPAN: usize = 1 << 20;

/// The observations of one aligned read.
#[derive(Clone, Debug)]
pub struct ObservedRead {
    pub(crate) name: Vec<u8>,
    /// 0-based position of the first observation.
    pub(crate) start: usize,
    pub(crate) reverse: bool,
    /// Whether the mate may overlap.
    pub(crate) has_mate: bool,
    /// One for each position from `start` on.
    pub(crate) bases: Vec<Observation>,
    pub(crate) indels: Vec<ObservedIndel>,
}

/// An indel of a read.
#[derive(Clone, Debug)]
pub(crate) struct ObservedIndel {
    /// 0-based position of the base before it.
    pub(crate) anchor: usize,
    pub(crate) indel: Indel,
    pub(crate) near_end: bool,
}

impl ObservedRead {
    /// Returns the observations of an alignment whose bases have these error probabilities, in the direction
    /// of the reference; `None` if the read says nothing: it is not mapped, its probabilities are not known,
    /// or it covers more than [`LONGEST_SPAN`].
    ///
    /// The probability that the whole read belongs elsewhere, which its mapping quality states, is added to
    /// that of each base.
    pub fn new(reference: &Reference, aligned: &Aligned, probabilities: &[f32]) -> Option<Self> {
        let (sequence, start) = aligned.position()?;
        let letters = reference.sequence(sequence);
        if probabilities.len() != aligned.bases().len() {
            return None;
        }
        let misplaced = match aligned.mapping_quality() {
            255 => 0.0,
            quality => 10f64.powf(-f64::from(quality) / 10.0),
        };
        let mut placed = Vec::with_capacity(aligned.bases().len());
        let (mut gaps, mut end) = (Vec::new(), start);
        aligned.events(reference, |event| match event {
            Event::Base { read, place } => {
                placed.push((read, place));
                end = end.max(place + 1);
            }
            Event::Insertion { .. } | Event::Deletion { .. } => gaps.push(event),
        });
        let (first, last) = (placed.first()?.1, placed.last()?.1);
        if end - first > LONGEST_SPAN {
            return None;
        }
        let mut bases = vec![Observation::NONE; end - first];
        let near_end = |place: usize| place < first + END || place + END > last;
        for (read, place) in placed {
            let letter = match aligned.bases().get(read) {
                Some(b'=') => letters.get(place).copied(),
                letter => letter.copied(),
            };
            let code = letter.map_or(base::UNKNOWN, base::dna_code);
            let Some(slot) = bases.get_mut(place - first) else { continue };
            if code != base::UNKNOWN {
                let class = if near_end(place) { Class::NearEnd } else { Class::Inside };
                let wrong = probabilities.get(read).map_or(1.0, |it| f64::from(*it)) + misplaced;
                *slot = Observation::base(usize::from(code), class, bin(wrong));
            }
        }
        let mut observed = Self {
            name: aligned.name().to_vec(),
            start: first,
            reverse: aligned.is_reverse(),
            has_mate: aligned.has_mapped_mate(),
            bases,
            indels: Vec::new(),
        };
        for gap in gaps {
            observed.add_gap(letters, aligned, gap, near_end);
        }
        Some(observed)
    }

    /// Adds an indel, and marks the bases beside it.
    fn add_gap(
        &mut self,
        letters: &[u8],
        aligned: &Aligned,
        gap: Event,
        near_end: impl Fn(usize) -> bool,
    ) {
        let (place, mut indel, length) = match gap {
            Event::Deletion { place, length, .. } => (place, Indel::Deletion(length), length),
            Event::Insertion { read, place, length } => {
                let Some(inserted) = aligned.bases().get(read..read + length) else { return };
                (place, Indel::Insertion(inserted.to_vec()), 0)
            }
            Event::Base { .. } => return,
        };
        for at in place..place + length {
            self.set(at, |_| Observation::DELETED);
        }
        let beside = (place.saturating_sub(GAP)..place).chain(place + length..place + length + GAP);
        for at in beside {
            self.set(at, |seen| match seen.code() {
                Some(code) => Observation::base(code, Class::NearEnd, seen.bin()),
                None => seen,
            });
        }
        let is_known = match &indel {
            Indel::Insertion(bases) => bases.iter().all(|it| base::dna_code(*it) != base::UNKNOWN),
            Indel::Deletion(_) => true,
        };
        let anchor = place.checked_sub(1).filter(|_| is_known);
        let near = near_end(place.saturating_sub(1)) || near_end(place + length);
        if let Some(anchor) = anchor.and_then(|it| indel.move_left(letters, it, self.start)) {
            self.indels.push(ObservedIndel { anchor, indel, near_end: near });
        }
    }

    fn set(&mut self, place: usize, new: impl FnOnce(Observation) -> Observation) {
        if let Some(slot) = place.checked_sub(self.start).and_then(|at| self.bases.get_mut(at)) {
            *slot = new(*slot);
        }
    }

    /// Returns the position behind the last observation.
    pub(crate) fn end(&self) -> usize {
        self.start + self.bases.len()
    }

    /// Returns the observation at a position.
    pub(crate) fn at(&self, place: usize) -> Observation {
        let at = place.checked_sub(self.start).and_then(|at| self.bases.get(at));
        at.copied().unwrap_or(Observation::NONE)
    }

    /// Returns the memory that the read takes, in bytes.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.name.len() + 2 * self.bases.len() + 64 * self.indels.len()
    }
}

/// Makes one set of observations of those of two mates: where both cover a position, the fragment counts
/// once.
///
/// Mates that agree have the product of their error probabilities. Of mates that disagree exactly one is
/// wrong, so the better one has p / (p + q). A gap that only one of them has, though both cover its place,
/// is an error.
pub(crate) fn merge(one: &mut ObservedRead, other: &mut ObservedRead) {
    let (from, to) = (one.start.max(other.start), one.end().min(other.end()));
    for place in from..to {
        let (a, b) = (one.at(place), other.at(place));
        if a.is_none() || b.is_none() {
            continue;
        }
        let merged = match (a.code(), b.code()) {
            (Some(x), Some(y)) if x == y => {
                let class =
                    if a.is_near_end() && b.is_near_end() { Class::NearEnd } else { Class::Twice };
                Observation::base(x, class, a.bin() + b.bin() + 1)
            }
            (Some(x), Some(y)) => {
                let (code, gap) = if a.bin() >= b.bin() {
                    (x, a.bin() - b.bin())
                } else {
                    (y, b.bin() - a.bin())
                };
                // p / (p + q) of two bins so far apart.
                let wrong = 1.0 / (1.0 + 10f64.powf(gap as f64 * 0.2));
                Observation::base(code, Class::Disputed, bin(wrong))
            }
            (None, None) => Observation::DELETED,
            _ => Observation::NONE,
        };
        let of_one = a.bin() >= b.bin();
        one.set(place, |_| if of_one { merged } else { Observation::NONE });
        other.set(place, |_| if of_one { Observation::NONE } else { merged });
    }
    merge_indels(one, other, from, to);
}

fn merge_indels(one: &mut ObservedRead, other: &mut ObservedRead, from: usize, to: usize) {
    let is_inside = |it: &ObservedIndel| it.anchor >= from + END && it.anchor + END < to;
    let has = |indels: &[ObservedIndel], it: &ObservedIndel| {
        indels.iter().any(|theirs| theirs.anchor == it.anchor && theirs.indel == it.indel)
    };
    let theirs = other.indels.clone();
    one.indels.retain(|it| !is_inside(it) || has(&theirs, it));
    // Those of both stay with the first one.
    other.indels.retain(|it| !is_inside(it) && !has(&one.indels, it));
}
