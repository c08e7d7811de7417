//! A read made with known edits has exactly these edits.

use bm_truth::{Edit, Rules};
use proptest::prelude::*;

use crate::support::{rows, sam};

/// The edit at one position of the reference.
#[derive(Clone, Copy, Debug)]
enum Step {
    Match,
    Substitute,
    Insert(usize),
    Delete(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => Just(Step::Match),
        2 => Just(Step::Substitute),
        1 => (1usize..4).prop_map(Step::Insert),
        1 => (1usize..4).prop_map(Step::Delete),
    ]
}

proptest! {
    #[test]
    fn edits_come_back(
        reference in proptest::collection::vec(proptest::sample::select(b"ACGT".to_vec()), 250..260),
        steps in proptest::collection::vec(step(), 1..60),
        start in 0usize..10,
        reverse: bool,
    ) {
        let (mut read, mut cigar, mut at) = (Vec::new(), String::new(), start);
        // In the direction of the reference: position in the read, and edit.
        let mut made = Vec::new();
        for step in &steps {
            // A base on either side of each edit keeps the edits apart.
            read.push(reference[at]);
            at += 1;
            cigar.push_str("1M");
            match *step {
                Step::Match => {}
                Step::Substitute => {
                    made.push((read.len(), 0, 'S'));
                    read.push(if reference[at] == b'A' { b'C' } else { b'A' });
                    at += 1;
                    cigar.push_str("1M");
                }
                Step::Insert(length) => {
                    made.push((read.len(), length, 'I'));
                    read.extend(std::iter::repeat_n(b'A', length));
                    cigar.push_str(&format!("{length}I"));
                }
                Step::Delete(length) => {
                    made.push((read.len(), length, 'D'));
                    at += length;
                    cigar.push_str(&format!("{length}D"));
                }
            }
        }
        read.push(reference[at]);
        cigar.push_str("1M");
        let last = read.len() - 1;
        let mut expected: Vec<_> = made
            .iter()
            .map(|&(place, length, kind)| {
                let at = if reverse { last - place } else { place };
                match kind {
                    'S' => Edit::Substitution { at },
                    'I' => Edit::Insertion { at, length },
                    _ => Edit::Deletion { at, length },
                }
            })
            .collect();
        if reverse {
            expected.reverse();
        }
        // The position of an insertion in a reverse read is that of its last base.
        expected.sort_by_key(|edit| edit.at());

        let fasta = [b">ref\n".as_slice(), &reference, b"\n"].concat();
        let (bases, flags) = (String::from_utf8(read).unwrap(), if reverse { 16 } else { 0 });
        let record = format!("r\t{flags}\tref\t{}\t60\t{cigar}\t*\t0\t0\t{bases}\t{}", start + 1, "I".repeat(bases.len()));
        let (rows, _) = rows(&fasta, &sam(reference.len(), &[&record]), Rules::default()).unwrap();
        let row = &rows[0];
        prop_assert_eq!(&row.edits, &expected);
        let total = |kind| made.iter().filter(|edit| edit.2 == kind).map(|edit| edit.1.max(1)).sum::<usize>();
        prop_assert_eq!((row.sub, row.ins, row.del), (total('S'), total('I'), total('D')));
        prop_assert_eq!((row.scored, row.alnlen + row.ins, row.masked), (bases.len(), bases.len(), 0));
    }

    #[test]
    fn any_bytes_are_an_alignment_or_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        bam: bool,
    ) {
        let mut text = if bam { vec![0x1f, 0x8b, 8, 4] } else { sam(4, &[]) };
        text.extend(bytes);
        let _ = rows(b">ref\nACGT\n", &text, Rules::default());
    }
}
