//! Tags of BAM where a read is cut: which of them depend on the positions of its bases.
//!
//! What a tag means is known from the SAM tags specification (MM, ML, MN, OQ, BQ, U2), PacBio's (`ip`, `pw`,
//! `fi`, `fp`, `ri`, `rp`) and dorado's (`mv`, `ts`, `ns`). Tags with one value for each base are cut like
//! the read. Those that place bases in the signal cannot be cut without the signal's direction, and an
//! unknown array with as many elements as the read has bases may mean anything: these are left out.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bm_reads::bam::tags::{Tag, Value, size_of_number, tags};

use crate::base_modifications::{Modifications, cut};
use crate::tag_values::{Name, write_array, write_text};

/// Tags that were left out of reads, counted by all threads.
#[derive(Default)]
pub(crate) struct LeftOutTags {
    /// The number of reads for each tag that was left out as the read was cut.
    of_cut: Mutex<BTreeMap<Name, u64>>,
    /// The number of reads that had a tag already which would have been added.
    kept: Mutex<BTreeMap<Name, u64>>,
}

impl LeftOutTags {
    fn add(counts: &Mutex<BTreeMap<Name, u64>>, name: Name) {
        *counts.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }

    /// Counts a tag that is left out of a read, as the read was cut.
    pub(crate) fn of_cut(&self, name: Name) {
        Self::add(&self.of_cut, name);
    }

    /// Counts a tag that a read has already, so that it is not added.
    pub(crate) fn kept(&self, name: Name) {
        Self::add(&self.kept, name);
    }

    /// Returns a line for the user for each kind, if there are any.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let list = |counts: &Mutex<BTreeMap<Name, u64>>| {
            let counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            let words = counts.iter().map(|(name, reads)| {
                let plural = if *reads == 1 { "read" } else { "reads" };
                format!("{} ({reads} {plural})", name.escape_ascii())
            });
            words.collect::<Vec<_>>().join(", ")
        };
        let (of_cut, kept) = (list(&self.of_cut), list(&self.kept));
        let mut lines = Vec::new();
        if !of_cut.is_empty() {
            lines.push(format!(
                "tags left out of reads that were cut, as they depend on the positions of bases: {of_cut}"
            ));
        }
        if !kept.is_empty() {
            lines.push(format!("tags that reads had already stay as they were: {kept}"));
        }
        lines
    }
}

/// What becomes of a tag where a read is cut.
enum Change {
    /// It stays.
    None,
    /// It has a value for each base, and is cut like the read.
    PerBase,
    /// The same, for the bases of the other strand, from its start on.
    PerBaseReversed,
    /// It is left out.
    LeftOut,
    /// It is written with MM.
    WithModifications,
}

/// Appends the tags of a read of which `part` is kept, as they are for that part.
pub(crate) fn write_cut(
    bytes: &[u8],
    sequence: &[u8],
    part: Range<usize>,
    left_out: &LeftOutTags,
    to: &mut Vec<u8>,
) {
    let whole = sequence.len();
    if part == (0..whole) {
        to.extend_from_slice(bytes);
        return;
    }
    // The layout of the tags was checked when they were read.
    let all = || tags(bytes).filter_map(Result::ok);
    let find = |name: &Name| all().find(|tag| tag.name == *name);
    let is_number = |name: &Name| find(name).is_some_and(|tag| tag.whole_number().is_some());
    let places_signal = is_number(b"ts") && is_number(b"ns");
    for tag in all() {
        match change_of(&tag, whole, places_signal) {
            Change::None => to.extend_from_slice(tag.raw),
            Change::PerBase => write_part(&tag, part.clone(), to),
            Change::PerBaseReversed => write_part(&tag, whole - part.end..whole - part.start, to),
            Change::LeftOut => left_out.of_cut(tag.name),
            Change::WithModifications => {}
        }
    }
    let modifications = Modifications { mm: find(b"MM"), ml: find(b"ML"), mn: find(b"MN") };
    if cut(&modifications, sequence, part, to).is_none() {
        let tags = [modifications.mm, modifications.ml, modifications.mn];
        tags.into_iter().flatten().for_each(|tag| left_out.of_cut(tag.name));
    }
}

/// Appends the tags of a read that do not depend on the positions of its bases.
pub(crate) fn write_independent(
    bytes: &[u8],
    whole: usize,
    left_out: &LeftOutTags,
    to: &mut Vec<u8>,
) {
    for tag in tags(bytes).filter_map(Result::ok) {
        match change_of(&tag, whole, true) {
            Change::None => to.extend_from_slice(tag.raw),
            _ => left_out.of_cut(tag.name),
        }
    }
}

fn change_of(tag: &Tag<'_>, whole: usize, places_signal: bool) -> Change {
    let (length, is_array) = match tag.value {
        Value::Text(text) => (text.len(), false),
        Value::Array(kind, elements) => (elements.len() / size_of_number(kind).unwrap_or(1), true),
        Value::Number(_) => (0, false),
    };
    let per_base = |change| if length == whole { change } else { Change::LeftOut };
    match &tag.name {
        b"MM" | b"ML" | b"MN" => Change::WithModifications,
        b"OQ" | b"BQ" | b"U2" | b"E2" if !is_array => per_base(Change::PerBase),
        b"ip" | b"pw" | b"fi" | b"fp" if is_array => per_base(Change::PerBase),
        b"ri" | b"rp" if is_array => per_base(Change::PerBaseReversed),
        b"mv" | b"Mm" | b"Ml" | b"CS" | b"CQ" | b"FZ" => Change::LeftOut,
        b"ts" | b"ns" if places_signal && tag.whole_number().is_some() => Change::LeftOut,
        _ if is_array && length == whole => Change::LeftOut,
        _ => Change::None,
    }
}

/// Appends a tag with the values of these bases.
fn write_part(tag: &Tag<'_>, part: Range<usize>, to: &mut Vec<u8>) {
    match tag.value {
        Value::Text(text) => write_text(tag.name, &text[part], to),
        Value::Array(kind, elements) => {
            let size = size_of_number(kind).unwrap_or(1);
            write_array(tag.name, kind, &elements[part.start * size..part.end * size], to);
        }
        Value::Number(_) => to.extend_from_slice(tag.raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag_values::write_number;

    fn text(name: &Name, value: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_text(*name, value.as_bytes(), &mut bytes);
        bytes
    }

    fn array(name: &Name, kind: u8, elements: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_array(*name, kind, elements, &mut bytes);
        bytes
    }

    fn number(name: &Name, value: i32) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_number(*name, value, &mut bytes);
        bytes
    }

    /// Returns the tags of a part of a read of six bases, and the warnings.
    fn of_part(tags: &[Vec<u8>], part: Range<usize>) -> (Vec<u8>, Vec<String>) {
        let (left_out, mut to) = (LeftOutTags::default(), Vec::new());
        write_cut(&tags.concat(), b"ACCGTA", part, &left_out, &mut to);
        (to, left_out.warnings())
    }

    #[test]
    fn tags_with_a_value_for_each_base_are_cut_like_the_read() {
        let tags = [
            text(b"RG", "lane"),
            text(b"OQ", "ABCDEF"),
            array(b"fi", b'C', &[1, 2, 3, 4, 5, 6]),
            array(b"ri", b'C', &[1, 2, 3, 4, 5, 6]),
            array(b"ip", b'S', &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]),
            array(b"sn", b'C', &[1, 2, 3, 4]),
        ];
        let expected = [
            text(b"RG", "lane"),
            text(b"OQ", "BCD"),
            array(b"fi", b'C', &[2, 3, 4]),
            array(b"ri", b'C', &[3, 4, 5]),
            array(b"ip", b'S', &[2, 0, 3, 0, 4, 0]),
            array(b"sn", b'C', &[1, 2, 3, 4]),
        ];
        assert_eq!(of_part(&tags, 1..4), (expected.concat(), Vec::new()));
        assert_eq!(of_part(&tags, 0..6), (tags.concat(), Vec::new()));
    }

    #[test]
    fn tags_that_cannot_be_cut_are_left_out_and_counted() {
        let tags = [
            array(b"mv", b'c', &[5, 1, 1, 1, 1, 1, 1]),
            number(b"ts", 10),
            number(b"ns", 90),
            number(b"ch", 5),
            array(b"xx", b'C', &[1, 2, 3, 4, 5, 6]),
            text(b"OQ", "ABC"),
        ];
        let (kept, warnings) = of_part(&tags, 1..6);
        assert_eq!(kept, number(b"ch", 5));
        assert_eq!(
            warnings,
            ["tags left out of reads that were cut, as they depend on the positions of bases: \
              OQ (1 read), mv (1 read), ns (1 read), ts (1 read), xx (1 read)"]
        );
        // Of minimap2, `ts` is another tag.
        assert_eq!(of_part(&[b"tsA+".to_vec()], 1..6), (b"tsA+".to_vec(), Vec::new()));
    }

    #[test]
    fn modified_bases_are_cut_with_their_probabilities_or_left_out_with_them() {
        let tags = [text(b"MM", "C+m?,0,0;"), array(b"ML", b'C', &[10, 20]), number(b"MN", 6)];
        let expected = [text(b"MM", "C+m?,0;"), array(b"ML", b'C', &[20]), number(b"MN", 4)];
        assert_eq!(of_part(&tags, 2..6), (expected.concat(), Vec::new()));
        let stale = [tags[0].clone(), tags[1].clone(), number(b"MN", 9)];
        let (kept, warnings) = of_part(&stale, 2..6);
        assert!(kept.is_empty() && warnings[0].contains("ML (1 read), MM (1 read), MN (1 read)"));
    }
}
