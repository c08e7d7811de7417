//! Modified bases in the tags MM, ML and MN, cut like their read (SAM tags specification, section 1.7).
//!
//! MM has a list for each kind of modification: `C+hm?,5,12;` says that after five other Cs a C may have
//! the modifications h and m, and after twelve more another one. ML has their probabilities in the same
//! order, and MN the length of the read for which MM was written.

use std::io::Write as _;
use std::ops::Range;

use bm_reads::bam::tags::{Tag, Value};

use crate::tag_values::{write_array, write_number, write_text};

/// The tags of modified bases, as far as a read has them.
pub(crate) struct Modifications<'a> {
    pub(crate) mm: Option<Tag<'a>>,
    pub(crate) ml: Option<Tag<'a>>,
    pub(crate) mn: Option<Tag<'a>>,
}

/// Appends the tags as they are for a part of the read, nothing if there is no MM. `None` if they do not fit
/// the read or each other; then nothing is appended.
pub(crate) fn cut(
    tags: &Modifications<'_>,
    sequence: &[u8],
    part: Range<usize>,
    to: &mut Vec<u8>,
) -> Option<()> {
    let Some(mm) = &tags.mm else {
        return if tags.ml.is_none() && tags.mn.is_none() { Some(()) } else { None };
    };
    let Value::Text(lists) = mm.value else { return None };
    if tags.mn.is_some_and(|mn| mn.whole_number() != Some(sequence.len() as i64)) {
        return None;
    }
    let probabilities = match tags.ml.map(|ml| ml.value) {
        None => None,
        Some(Value::Array(b'C', elements)) => Some(elements),
        Some(_) => return None,
    };
    let (mut text, mut kept, mut before) = (Vec::new(), Vec::new(), 0);
    for list in lists.split(|byte| *byte == b';').filter(|list| !list.is_empty()) {
        let (begin, end) = cut_list(list, sequence, &part, &mut text)?;
        if let Some(probabilities) = probabilities {
            let of = |number: usize| before + begin.codes * number;
            kept.extend_from_slice(probabilities.get(of(begin.from)..of(begin.to))?);
            before = of(end);
        }
    }
    if probabilities.is_some_and(|probabilities| probabilities.len() != before) {
        return None;
    }
    write_text(mm.name, &text, to);
    if let Some(ml) = &tags.ml {
        write_array(ml.name, b'C', &kept, to);
    }
    if let Some(mn) = &tags.mn {
        write_number(mn.name, part.len() as i32, to);
    }
    Some(())
}

/// Which places of a list are kept.
struct Kept {
    /// Number of modifications with a probability for each place.
    codes: usize,
    from: usize,
    to: usize,
}

/// Appends the places of a list that are in a part of the read; returns which ones these are, and the number
/// of all.
fn cut_list(
    list: &[u8],
    sequence: &[u8],
    part: &Range<usize>,
    text: &mut Vec<u8>,
) -> Option<(Kept, usize)> {
    let mut fields = list.split(|byte| *byte == b',');
    let kind = fields.next()?;
    let [base, b'+' | b'-', codes @ ..] = kind else { return None };
    let codes = codes.strip_suffix(b"?").or(codes.strip_suffix(b".")).unwrap_or(codes);
    let codes = match codes {
        [] => return None,
        letters if letters.iter().all(u8::is_ascii_lowercase) => letters.len(),
        // A number of ChEBI, or the letter of any modification of a base.
        _ => 1,
    };
    let count = |bases: &[u8]| bases.iter().filter(|letter| is_base(*base, **letter)).count();
    let first = count(&sequence[..part.start]);
    let end = first + count(&sequence[part.clone()]);
    let all = end + count(&sequence[part.end..]);
    text.extend_from_slice(kind);
    let (mut at, mut last) = (0_usize, first);
    let mut kept = Kept { codes, from: 0, to: 0 };
    let mut number = 0;
    for field in fields {
        let skipped: usize = std::str::from_utf8(field).ok()?.parse().ok()?;
        let place = at.checked_add(skipped).filter(|place| *place < all)?;
        at = place + 1;
        if place < first {
            kept.from = number + 1;
            kept.to = number + 1;
        } else if place < end {
            // Writing to memory does not fail.
            let _ = write!(text, ",{}", place - last);
            last = at;
            kept.to = number + 1;
        }
        number += 1;
    }
    text.push(b';');
    Some((kept, number))
}

/// Returns whether the letter of a read is the base of a list: N is any, and U is T.
fn is_base(base: u8, letter: u8) -> bool {
    let as_dna = |letter: u8| if letter == b'U' { b'T' } else { letter };
    base == b'N' || as_dna(base) == as_dna(letter)
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Places of modified bases, with their probabilities.
    type Places = Vec<(usize, Vec<u8>)>;

    /// Returns the places of modified bases in a read, list by list.
    fn places(mm: &str, ml: &[u8], sequence: &[u8]) -> Vec<(String, Places)> {
        let mut ml = ml.iter();
        let lists = mm.split_terminator(';').map(|list| {
            let mut fields = list.split(',');
            let kind = fields.next().unwrap();
            let codes = kind[2..].trim_end_matches(['?', '.']).len();
            let bases = (0..sequence.len()).filter(|at| is_base(kind.as_bytes()[0], sequence[*at]));
            let mut bases = bases;
            let found = fields
                .map(|skip| {
                    let at = bases.nth(skip.parse().unwrap()).unwrap();
                    (at, ml.by_ref().take(codes).copied().collect())
                })
                .collect();
            (kind.to_owned(), found)
        });
        lists.collect()
    }

    fn tag(name: [u8; 2], value: Value<'_>) -> Tag<'_> {
        Tag { name, raw: &[], kind: b'Z', value }
    }

    fn cut_of(
        mm: &str,
        ml: &[u8],
        sequence: &[u8],
        part: Range<usize>,
    ) -> Option<(String, Vec<u8>)> {
        let tags = Modifications {
            mm: Some(tag(*b"MM", Value::Text(mm.as_bytes()))),
            ml: Some(tag(*b"ML", Value::Array(b'C', ml))),
            mn: None,
        };
        let mut to = Vec::new();
        cut(&tags, sequence, part, &mut to)?;
        let end = to.iter().position(|byte| *byte == 0).unwrap();
        Some((String::from_utf8(to[3..end].to_vec()).unwrap(), to[end + 9..].to_vec()))
    }

    #[test]
    fn places_before_and_behind_the_part_are_left_out() {
        let sequence = b"CACGCTCA";
        let of = |part| cut_of("C+m?,1,1;A+a.,0,0;", &[1, 2, 3, 4], sequence, part).unwrap();
        assert_eq!(of(0..8), ("C+m?,1,1;A+a.,0,0;".to_owned(), vec![1, 2, 3, 4]));
        assert_eq!(of(1..8), ("C+m?,0,1;A+a.,0,0;".to_owned(), vec![1, 2, 3, 4]));
        assert_eq!(of(3..8), ("C+m?,1;A+a.,0;".to_owned(), vec![2, 4]));
        assert_eq!(of(2..5), ("C+m?,0;A+a.;".to_owned(), vec![1]));
        assert_eq!(of(4..4), ("C+m?;A+a.;".to_owned(), vec![]));
    }

    #[test]
    fn what_does_not_fit_the_read_is_refused() {
        for (mm, ml) in [
            ("C+m,9;", &[1][..]),
            ("C+m,0;", &[1, 2]),
            ("C+m,0;", &[]),
            ("C+m,x;", &[1]),
            ("Cm,0;", &[1]),
            ("C+,0;", &[1]),
            ("C+m,18446744073709551615;", &[1]),
        ] {
            assert_eq!(cut_of(mm, ml, b"ACCA", 1..3), None, "{mm}");
        }
    }

    proptest! {
        #[test]
        fn places_are_those_of_the_whole_read(
            sequence in "[ACGTN]{1,60}",
            chosen in proptest::collection::vec(any::<bool>(), 60),
            cuts in (0..61_usize, 0..61_usize),
        ) {
            let sequence = sequence.as_bytes();
            let (mut mm, mut ml) = (String::new(), Vec::new());
            for (kind, base) in [("C+hm?", b'C'), ("N+b", b'N'), ("G-m.", b'G')] {
                let codes = kind[2..].trim_end_matches(['?', '.']).len();
                mm += kind;
                let mut skipped = 0;
                for (at, letter) in sequence.iter().enumerate() {
                    if !is_base(base, *letter) {
                        continue;
                    }
                    if chosen[at] {
                        mm += &format!(",{skipped}");
                        skipped = 0;
                        ml.extend((0..codes).map(|code| (7 * at + code) as u8));
                    } else {
                        skipped += 1;
                    }
                }
                mm.push(';');
            }
            let (start, end) = (cuts.0.min(sequence.len()), cuts.1.min(sequence.len()));
            let part = start.min(end)..start.max(end);
            let (cut_mm, cut_ml) = cut_of(&mm, &ml, sequence, part.clone()).unwrap();
            let mut expected = places(&mm, &ml, sequence);
            for (_, of_list) in &mut expected {
                of_list.retain(|(at, _)| part.contains(at));
                of_list.iter_mut().for_each(|(at, _)| *at -= part.start);
            }
            prop_assert_eq!(places(&cut_mm, &cut_ml, &sequence[part]), expected);
        }
    }
}
