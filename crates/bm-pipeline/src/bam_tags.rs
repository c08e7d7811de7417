//! Tags of BAM where a read is cut: which of them depend on the positions of its bases.
//!
//! What a tag means is known from the SAM tags specification (MM, ML, MN, OQ, BQ, U2), PacBio's (`ip`, `pw`,
//! `fi`, `fp`, `ri`, `rp`, `dq` and its like, `qs` with `qe`, `ws` with `we`) and dorado's (`mv`, `ts` and
//! `ns`). Tags with one value for each base are cut like the read, and places of the read in a longer one
//! move with it. What places bases in time cannot be cut without the time of each base, and an unknown array
//! with as many elements as the read has bases may mean anything: these are left out. Facts of the molecule
//! stay, such as `np`, `rq`, `ec` and dorado's `qs`, a mean quality.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bm_reads::bam::tags::{Tag, Value, size_of_number, tags};

use crate::base_modifications::{self, Modifications};
use crate::signal_tags::{self, Signal};
use crate::tag_values::{Name, write_array, write_number, write_text};

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
    /// It is written with the steps of the signal.
    WithSignal,
    /// It is a place in a longer read, that of the first base or that behind the last one.
    Place,
}

/// What the other tags of a read say about one of them.
struct Context {
    /// Number of its bases.
    whole: usize,
    /// Whether `ts` and `ns` are of a signal.
    has_signal: bool,
    /// Whether `qs` and `qe` are places in a longer read, and whether they fit the number of bases.
    has_places: bool,
    places_fit: bool,
    /// Whether `ws` and `we` are times.
    has_times: bool,
}

impl Context {
    fn of(bytes: &[u8], whole: usize) -> Self {
        let number = |name: &Name| find(bytes, name).and_then(|tag| tag.whole_number());
        let (start, end) = (number(b"qs"), number(b"qe"));
        let length = start.zip(end).and_then(|(start, end)| end.checked_sub(start));
        Self {
            whole,
            has_signal: number(b"ts").is_some() && number(b"ns").is_some(),
            has_places: start.is_some() && end.is_some(),
            places_fit: length == Some(whole as i64) && end <= Some(i32::MAX.into()),
            has_times: number(b"ws").is_some() && number(b"we").is_some(),
        }
    }
}

/// Returns the first tag of this name. The layout of the tags was checked when they were read.
fn find<'a>(bytes: &'a [u8], name: &Name) -> Option<Tag<'a>> {
    tags(bytes).filter_map(Result::ok).find(|tag| tag.name == *name)
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
    let context = Context::of(bytes, whole);
    let mut has_signal = false;
    for tag in tags(bytes).filter_map(Result::ok) {
        match context.change_of(&tag) {
            Change::None => to.extend_from_slice(tag.raw),
            Change::PerBase => write_part(&tag, part.clone(), to),
            Change::PerBaseReversed => write_part(&tag, whole - part.end..whole - part.start, to),
            Change::LeftOut => left_out.of_cut(tag.name),
            Change::Place => {
                // Checked: it is in the longer read, whose length is an i32.
                let cut = if tag.name == *b"qs" { part.start } else { whole - part.end };
                let sign = if tag.name == *b"qs" { 1 } else { -1 };
                let place = tag.whole_number().unwrap_or(0) + sign * cut as i64;
                write_number(tag.name, place as i32, to);
            }
            Change::WithModifications => {}
            Change::WithSignal => has_signal = true,
        }
    }
    let of = |name| find(bytes, name);
    let modifications = Modifications { mm: of(b"MM"), ml: of(b"ML"), mn: of(b"MN") };
    if base_modifications::cut(&modifications, sequence, part.clone(), to).is_none() {
        let tags = [modifications.mm, modifications.ml, modifications.mn];
        tags.into_iter().flatten().for_each(|tag| left_out.of_cut(tag.name));
    }
    if !has_signal {
        return;
    }
    let [before, samples] = [b"ts", b"ns"].map(|name| of(name).filter(|_| context.has_signal));
    let signal = Signal { moves: of(b"mv"), before, samples, read_group: of(b"RG") };
    if signal_tags::cut(&signal, whole, part, to).is_none() {
        let tags = [signal.moves, before, samples];
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
    let context = Context::of(bytes, whole);
    for tag in tags(bytes).filter_map(Result::ok) {
        match context.change_of(&tag) {
            Change::None => to.extend_from_slice(tag.raw),
            _ => left_out.of_cut(tag.name),
        }
    }
}

impl Context {
    fn change_of(&self, tag: &Tag<'_>) -> Change {
        let (length, is_array) = match tag.value {
            Value::Text(text) => (text.len(), false),
            Value::Array(kind, elements) => {
                (elements.len() / size_of_number(kind).unwrap_or(1), true)
            }
            Value::Number(_) => (0, false),
        };
        let is_per_base = length == self.whole;
        let per_base = |change| if is_per_base { change } else { Change::LeftOut };
        let is_number = tag.whole_number().is_some();
        match &tag.name {
            b"MM" | b"ML" | b"MN" => Change::WithModifications,
            b"OQ" | b"BQ" | b"U2" | b"E2" if !is_array => per_base(Change::PerBase),
            b"ip" | b"pw" | b"fi" | b"fp" if is_array => per_base(Change::PerBase),
            b"ri" | b"rp" if is_array => per_base(Change::PerBaseReversed),
            b"dq" | b"dt" | b"iq" | b"mq" | b"sq" if !is_array && is_per_base => Change::PerBase,
            // The substitution of each base; of dorado, a time.
            b"st" if is_per_base && is_bases(tag) => Change::PerBase,
            b"qs" | b"qe" if self.has_places && self.places_fit => Change::Place,
            b"qs" | b"qe" if self.has_places => Change::LeftOut,
            b"ws" | b"we" if self.has_times => Change::LeftOut,
            b"mv" => Change::WithSignal,
            b"ts" | b"ns" if self.has_signal && is_number => Change::WithSignal,
            b"Mm" | b"Ml" | b"CS" | b"CQ" | b"FZ" => Change::LeftOut,
            _ if is_array && is_per_base => Change::LeftOut,
            _ => Change::None,
        }
    }
}

/// Returns whether a tag is a text of bases.
fn is_bases(tag: &Tag<'_>) -> bool {
    matches!(tag.value, Value::Text(text) if text.iter().all(|letter| b"ACGTN-".contains(letter)))
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
    fn steps_of_the_signal_of_dna_are_cut_as_dorado_cuts_them() {
        let group = text(b"RG", "abc_dna_r10.4.1_e8.2_400bps_hac@v5.0.0_barcode01");
        let moves = |steps: &[u8]| array(b"mv", b'c', &[&[5], steps].concat());
        let tags = |steps: &[u8], before, samples| {
            [group.clone(), moves(steps), number(b"ts", before), number(b"ns", samples)]
        };
        let whole = tags(&[0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0], 10, 65);
        for (part, expected) in [
            (1..4, tags(&[1, 0, 1, 0, 0, 1], 20, 50)),
            (0..5, tags(&[1, 1, 0, 1, 0, 0, 1, 1], 15, 55)),
            (5..6, tags(&[1, 0], 55, 65)),
        ] {
            assert_eq!(of_part(&whole, part), (expected.concat(), Vec::new()));
        }
        // Without the trimmed start and the number of samples, the steps are cut alone.
        let expected = [group.clone(), moves(&[1, 1, 0])];
        assert_eq!(of_part(&whole[..2], 4..6), (expected.concat(), Vec::new()));
        // Other numbers of bases, other values, RNA, and no base at all.
        for (steps, group, part) in [
            (&[1, 1, 1, 1, 1][..], "abc_dna_r10", 1..6),
            (&[1, 1, 1, 1, 1, 1, 2], "abc_dna_r10", 1..6),
            (&[1, 1, 1, 1, 1, 1], "abc_rna004_130bps_sup@v5.1.0", 1..6),
            (&[1, 1, 1, 1, 1, 1], "abc_dna_r10", 2..2),
        ] {
            let (kept, warnings) = of_part(&[text(b"RG", group), moves(steps)], part);
            assert_eq!(kept, text(b"RG", group));
            assert!(warnings[0].contains("mv (1 read)"), "{warnings:?}");
        }
    }

    #[test]
    fn what_pacbio_says_about_places_is_cut_and_facts_of_the_molecule_stay() {
        let facts = [number(b"np", 6), number(b"zm", 6), text(b"bc", "0-0")];
        let of_read = |start, end, substitutions: &str| {
            [number(b"qs", start), number(b"qe", end), text(b"st", substitutions)]
        };
        let tags = [&of_read(100, 106, "ACGTN-")[..], &facts].concat();
        let expected = [&of_read(101, 104, "CGT")[..], &facts].concat();
        assert_eq!(of_part(&tags, 1..4), (expected.concat(), Vec::new()));
        // Places that are not of this read, and times of its ends.
        let stale = [number(b"qs", 1), number(b"qe", 6), number(b"ws", 1), number(b"we", 9)];
        let (kept, warnings) = of_part(&stale, 1..4);
        assert!(kept.is_empty(), "{kept:?}");
        assert!(warnings[0].contains("qe (1 read), qs (1 read), we (1 read), ws (1 read)"));
        // Of dorado, `qs` is a mean quality, and `st` a time.
        let dorado = [number(b"qs", 12), text(b"st", "12:30Z")];
        assert_eq!(of_part(&dorado, 1..4), (dorado.concat(), Vec::new()));
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
