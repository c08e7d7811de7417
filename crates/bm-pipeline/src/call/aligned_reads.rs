//! Aligned reads as the instrument read them.

use bm_quality::{PlacedRead, ReadRef};
use bm_reads::base;
use bm_truth::{Aligned, Event, Reference};

/// A read in the direction of sequencing, as its FASTQ record had it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SequencedRead {
    name: Vec<u8>,
    bases: Vec<u8>,
    quality_scores: Vec<u8>,
    mate: u8,
}

impl SequencedRead {
    /// Returns the read of a record with the bases of the reference in the place of those that differ, for a
    /// model that tells how likely the instrument erred at each base.
    ///
    /// A network that learned a run knows the sequences of its sample. By the letters of the read, it would
    /// take a variant for an error, because most reads have others there.
    pub(crate) fn on_reference(aligned: &Aligned, reference: &Reference) -> Self {
        let mut read = Self::of(aligned);
        let Some((sequence, _)) = aligned.position() else { return read };
        let letters = reference.sequence(sequence);
        let last = read.bases.len().saturating_sub(1);
        aligned.events(reference, |event| {
            let Event::Base { read: at, place } = event else { return };
            let Some(letter) =
                letters.get(place).filter(|it| base::dna_code(**it) != base::UNKNOWN)
            else {
                return;
            };
            let (at, letter) = if aligned.is_reverse() {
                (last.saturating_sub(at), base::complement(*letter))
            } else {
                (at, *letter)
            };
            if let Some(slot) = read.bases.get_mut(at).filter(|it| **it != b'N') {
                *slot = letter;
            }
        });
        read
    }

    /// Returns the read of a record.
    pub(crate) fn of(aligned: &Aligned) -> Self {
        let to_byte = |score: &u8| score.saturating_add(b'!');
        let (bases, quality_scores) = if aligned.is_reverse() {
            (
                aligned.bases().iter().rev().map(|it| base::complement(*it)).collect(),
                aligned.scores().iter().rev().map(to_byte).collect(),
            )
        } else {
            (aligned.bases().to_vec(), aligned.scores().iter().map(to_byte).collect())
        };
        Self { name: aligned.name().to_vec(), bases, quality_scores, mate: aligned.mate() }
    }

    /// Returns the read for a model.
    pub(crate) fn as_read(&self) -> ReadRef<'_> {
        ReadRef { name: &self.name, sequence: &self.bases, quality_scores: &self.quality_scores }
    }

    /// Returns the read with its mate, for a model that knows the cycles of the run.
    pub(crate) fn placed(&self) -> PlacedRead<'_> {
        PlacedRead { mate: self.mate, ..self.as_read().into() }
    }

    /// Appends the FASTQ record to `text`, with `/1` or `/2` behind the name: mates are reads of their own.
    pub(crate) fn write_to(&self, text: &mut Vec<u8>) {
        text.push(b'@');
        text.extend_from_slice(&self.name);
        text.extend_from_slice(if self.mate == 2 { b"/2\n" } else { b"/1\n" });
        text.extend_from_slice(&self.bases);
        text.extend_from_slice(b"\n+\n");
        text.extend_from_slice(&self.quality_scores);
        text.push(b'\n');
    }
}
