//! The errors of overlapping mates, without a reference: where the two reads of a fragment disagree,
//! one of them has an error.

use bm_reads::{Phred, ReadRef, base};

use crate::row::{Edit, Row, expected_errors};

/// When two mates are taken to overlap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverlapRules {
    /// Minimum number of overlapping bases.
    pub shortest: usize,
    /// Maximum fraction of the overlap that may differ.
    pub highest_mismatch_fraction: f64,
}

impl Default for OverlapRules {
    fn default() -> Self {
        Self { shortest: 30, highest_mismatch_fraction: 0.20 }
    }
}

/// The alignment of the second mate, reverse-complemented, to the first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Overlap {
    /// Start of the reverse complement, counted from the start of the first mate; negative if the
    /// fragment is shorter than the second mate.
    pub offset: isize,
    /// Number of overlapping bases.
    pub length: usize,
    /// Number of known bases in the overlap that differ.
    pub mismatches: usize,
}

/// Returns the overlap of two mates without gaps.
///
/// Of all placements with enough overlap and few enough mismatches, the one with the lowest fraction
/// of mismatches is taken. Returns `None` if there is none, or if a second placement is nearly as
/// good, as in repeats: its fraction is at most twice the lowest one plus 0.02.
pub fn overlap(first: ReadRef<'_>, second: ReadRef<'_>, rules: &OverlapRules) -> Option<Overlap> {
    let reversed = reverse_complement(second.sequence);
    let (one, other) = (first.sequence.len() as isize, reversed.len() as isize);
    let mut best: Option<(f64, Overlap)> = None;
    let mut next = f64::INFINITY;
    for offset in 1 - other..one {
        let start = offset.max(0);
        let length = (one.min(offset + other) - start).max(0) as usize;
        if length < rules.shortest.max(1) {
            continue;
        }
        let ours = &first.sequence[start as usize..start as usize + length];
        let theirs = &reversed[(start - offset) as usize..(start - offset) as usize + length];
        let allowed = (rules.highest_mismatch_fraction * length as f64) as usize;
        let Some(mismatches) = mismatches(ours, theirs, allowed) else { continue };
        let fraction = mismatches as f64 / length as f64;
        match best {
            Some((lowest, _)) if lowest <= fraction => next = next.min(fraction),
            _ => {
                next = best.map_or(next, |(lowest, _)| lowest);
                best = Some((fraction, Overlap { offset, length, mismatches }));
            }
        }
    }
    best.and_then(|(fraction, overlap)| (next > 2.0 * fraction + 0.02).then_some(overlap))
}

/// Returns how many known bases differ, or `None` if more than `allowed` do.
fn mismatches(ours: &[u8], theirs: &[u8], allowed: usize) -> Option<usize> {
    let mut count = 0;
    for (ours, theirs) in ours.iter().zip(theirs) {
        count += usize::from(differ(*ours, *theirs));
        if count > allowed {
            return None;
        }
    }
    Some(count)
}

fn differ(one: u8, other: u8) -> bool {
    is_known(one) && is_known(other) && !one.eq_ignore_ascii_case(&other)
}

fn is_known(letter: u8) -> bool {
    base::dna_code(letter) != base::UNKNOWN
}

fn reverse_complement(bases: &[u8]) -> Vec<u8> {
    bases.iter().rev().map(|base| base::complement(*base)).collect()
}

/// Returns the rows of two mates, both called `name`. Where the mates disagree, the base of lower
/// quality is the error; at equal quality either could be, and the position is scored in neither.
///
/// `scored` is the number of bases compared, `clip5` and `clip3` are the bases outside the overlap.
/// There are no indels, nothing is masked, and `mapq` is 255. Errors that are the same in both mates
/// are not found.
pub fn mate_rows(
    name: &[u8],
    first: ReadRef<'_>,
    second: ReadRef<'_>,
    rules: &OverlapRules,
) -> [Row; 2] {
    let row = |read: ReadRef<'_>, mate| {
        let scores =
            read.quality_scores.iter().map(|byte| Phred::from_byte(*byte).map_or(0, Phred::get));
        Row {
            name: name.to_vec(),
            mate,
            len: read.len(),
            ee: expected_errors(scores),
            ..Row::default()
        }
    };
    let mut rows = [row(first, 1), row(second, 2)];
    let Some(overlap) = overlap(first, second, rules) else { return rows };
    let start = overlap.offset.max(0) as usize;
    // The last base of the reverse complement is the first base of the second mate.
    let second_at =
        |at: usize| (second.len() as isize - 1 - (at as isize - overlap.offset)) as usize;
    let clips = [
        (start, first.len() - start - overlap.length),
        (second_at(start + overlap.length - 1), second.len() - 1 - second_at(start)),
    ];
    for (row, (clip5, clip3)) in rows.iter_mut().zip(clips) {
        (row.mapped, row.mapq, row.alnlen, row.clip5, row.clip3) =
            (true, 255, overlap.length, clip5, clip3);
    }
    let [ours, theirs] = &mut rows;
    for at in start..start + overlap.length {
        let opposite = second_at(at);
        let (base, other) = (first.sequence[at], base::complement(second.sequence[opposite]));
        ours.n += usize::from(!is_known(base));
        theirs.n += usize::from(!is_known(other));
        if !is_known(base) || !is_known(other) {
            continue;
        }
        let wrong = match (
            differ(base, other),
            first.quality_scores[at].cmp(&second.quality_scores[opposite]),
        ) {
            (true, std::cmp::Ordering::Equal) => continue,
            (true, std::cmp::Ordering::Less) => Some((&mut *ours, at)),
            (true, std::cmp::Ordering::Greater) => Some((&mut *theirs, opposite)),
            (false, _) => None,
        };
        if let Some((row, at)) = wrong {
            row.sub += 1;
            row.edits.push(Edit::Substitution { at });
        }
        ours.scored += 1;
        theirs.scored += 1;
    }
    theirs.edits.reverse();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAGMENT: &[u8] = b"ACGTTGCAAGCTTAGGCATCGATCCGTATTGACCAGTACGGATTTACCGAGATCCATGCAATGG";

    fn read<'a>(sequence: &'a [u8], quality_scores: &'a [u8]) -> ReadRef<'a> {
        ReadRef { name: b"r", sequence, quality_scores }
    }

    /// Mates of `length` bases from both ends of the fragment.
    fn mates(length: usize) -> (Vec<u8>, Vec<u8>) {
        (FRAGMENT[..length].to_vec(), reverse_complement(FRAGMENT)[..length].to_vec())
    }

    #[test]
    fn mates_that_agree_have_no_errors() {
        let (first, second) = mates(50);
        let quality = [b'I'; 50];
        let rows = mate_rows(
            b"r",
            read(&first, &quality),
            read(&second, &quality),
            &OverlapRules::default(),
        );
        let overlap = 100 - FRAGMENT.len();
        for (row, mate) in rows.iter().zip([1, 2]) {
            assert_eq!(
                (row.mate, row.mapped, row.scored, row.sub, row.n),
                (mate, true, overlap, 0, 0)
            );
            assert_eq!((row.clip5, row.clip3), (50 - overlap, 0));
        }
    }

    #[test]
    fn the_mate_of_lower_quality_has_the_error_and_ties_are_not_scored() {
        let (mut first, second) = mates(50);
        for at in [20, 30, 40] {
            first[at] = if first[at] == b'A' { b'C' } else { b'A' };
        }
        let (mut low, high) = ([b'I'; 50], [b'I'; 50]);
        low[20] = b'#';
        low[30] = b'J';
        let rows =
            mate_rows(b"r", read(&first, &low), read(&second, &high), &OverlapRules::default());
        assert_eq!(rows[0].edits, [Edit::Substitution { at: 20 }]);
        assert_eq!(rows[1].edits, [Edit::Substitution { at: FRAGMENT.len() - 1 - 30 }]);
        assert_eq!(
            (rows[0].scored, rows[1].scored),
            (100 - FRAGMENT.len() - 1, 100 - FRAGMENT.len() - 1)
        );
    }

    #[test]
    fn adapters_after_a_short_fragment_are_not_compared() {
        let fragment = &FRAGMENT[..40];
        let first = [fragment, b"AGATCGGAAG"].concat();
        let second = [reverse_complement(fragment).as_slice(), b"TTCCGATCTA"].concat();
        let quality = [b'I'; 50];
        let rows = mate_rows(
            b"r",
            read(&first, &quality),
            read(&second, &quality),
            &OverlapRules::default(),
        );
        for row in rows {
            assert_eq!((row.scored, row.sub, row.clip5, row.clip3), (40, 0, 0, 10));
        }
    }

    #[test]
    fn unknown_bases_are_not_compared() {
        let (mut first, second) = mates(50);
        first[20] = b'N';
        let quality = [b'I'; 50];
        let rows = mate_rows(
            b"r",
            read(&first, &quality),
            read(&second, &quality),
            &OverlapRules::default(),
        );
        assert_eq!((rows[0].n, rows[1].n), (1, 0));
        assert_eq!(
            (rows[0].scored, rows[1].scored),
            (100 - FRAGMENT.len() - 1, 100 - FRAGMENT.len() - 1)
        );
    }

    #[test]
    fn mates_without_an_unambiguous_overlap_are_not_compared() {
        let (first, second) = mates(40);
        let quality = [b'I'; 60];
        let rules = OverlapRules::default();
        assert_eq!(
            overlap(read(&first, &quality[..40]), read(&second, &quality[..40]), &rules),
            None
        );
        assert_eq!(overlap(read(b"", b""), read(&second, &quality[..40]), &rules), None);
        let repeat = b"ACACACACACACACACACACACACACACACACACACACACACACACAC";
        let second = reverse_complement(repeat);
        assert_eq!(
            overlap(read(repeat, &quality[..48]), read(&second, &quality[..48]), &rules),
            None
        );
    }
}
