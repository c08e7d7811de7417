//! What outputs say about a read: words of a description, or tags.

use std::io::Write as _;

use bm_io::number;
use bm_quality::Prediction;

use crate::reasons::Reasons;
use crate::tag_values::{write_array, write_float, write_text};

/// What is said about a read.
#[derive(Clone, Copy, Default)]
pub(crate) struct Notes<'a> {
    /// The scores of the read and, if it is of a pair, of that.
    pub(crate) scores: Option<(&'a Prediction, Option<&'a Prediction>)>,
    /// The model whose qualities the read has: its id and version, a word.
    pub(crate) recalibrated: Option<&'a [u8]>,
    /// The reasons why it is not kept.
    pub(crate) reasons: Option<Reasons>,
    /// The numbers of bases that are of the first mate and only of the second one.
    pub(crate) merged: Option<[usize; 2]>,
    /// The name of the read that this is a piece of.
    pub(crate) parent: Option<&'a [u8]>,
}

impl Notes<'_> {
    /// Returns the numbers, each with its word and its tag.
    fn numbers(&self) -> impl Iterator<Item = (&'static str, [u8; 2], f32)> {
        let of = |(read, pair): (&Prediction, Option<&Prediction>)| {
            [
                ("p", *b"ZP", read.probability().map(|p| p.get())),
                ("ee", *b"ZE", read.expected_errors()),
                ("pair_p", *b"ZQ", pair.and_then(Prediction::probability).map(|p| p.get())),
            ]
        };
        let numbers = self.scores.map(of).into_iter().flatten();
        numbers.filter_map(|(word, tag, number)| Some((word, tag, number?)))
    }

    /// Returns whether nothing is said.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { scores, recalibrated, reasons, merged, parent } = self;
        scores.is_none()
            && recalibrated.is_none()
            && reasons.is_none()
            && merged.is_none()
            && parent.is_none()
    }

    /// Appends words of a description, each with a space before it.
    pub(crate) fn write_words(&self, suffix: &mut Vec<u8>) {
        // Writing to memory does not fail.
        for (word, _, value) in self.numbers() {
            let _ = write!(suffix, " {word}=");
            number::write(suffix, value);
        }
        if let Some([first, second]) = self.merged {
            let _ = write!(suffix, " merged_{first}_{second}");
        }
        if let Some(model) = self.recalibrated {
            suffix.extend_from_slice(b" recalibrated=");
            suffix.extend_from_slice(model);
        }
        if let Some(reasons) = self.reasons {
            suffix.extend_from_slice(b" reason=");
            reasons.write(suffix);
        }
    }

    /// Appends tags: `ZP`, `ZE` and `ZQ` the scores, `ZF` the bases of both mates, `ZM` the model, `ZR` the
    /// reasons. Names that begin with Z are for local use (SAM tags specification). `pi` is the parent of a
    /// piece, as dorado writes it.
    pub(crate) fn write_tags(&self, to: &mut Vec<u8>) {
        for (_, tag, value) in self.numbers() {
            write_float(tag, value, to);
        }
        if let Some(numbers) = self.merged {
            let bytes: Vec<u8> = numbers.iter().flat_map(|it| (*it as u32).to_le_bytes()).collect();
            write_array(*b"ZF", b'I', &bytes, to);
        }
        if let Some(parent) = self.parent {
            write_text(*b"pi", parent, to);
        }
        if let Some(model) = self.recalibrated {
            write_text(*b"ZM", model, to);
        }
        if let Some(reasons) = self.reasons {
            let mut text = Vec::new();
            reasons.write(&mut text);
            write_text(*b"ZR", &text, to);
        }
    }
}
