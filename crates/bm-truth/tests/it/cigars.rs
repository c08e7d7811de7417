//! Every CIGAR operation, on both strands.

use bm_truth::Rules;

use crate::support::{line, rows, sam, shown};

/// 40 bases: a clip can be compared on both sides.
const REFERENCE: &str = "ACGTTGCAAGCTTAGGCATCGATCCGTATTGACCAGTACG";

/// The columns alnlen, clip5, clip3, sub, ins, del, n, masked, scored, errpos of one record.
fn counted(flags: u16, start: usize, cigar: &str, bases: &str) -> String {
    let fasta = format!(">ref\n{REFERENCE}\n");
    let text = sam(REFERENCE.len(), &[&line(flags, start, cigar, bases)]);
    shown(&rows(fasta.as_bytes(), &text, Rules::default()).unwrap().0[0])
}

#[test]
fn matches_of_all_three_kinds_are_compared() {
    for cigar in ["10M", "10=", "4=1X5=", "4M1X5="] {
        assert_eq!(counted(0, 1, cigar, "ACGTAGCAAG"), "10 0 0 1 0 0 0 0 10 S4", "{cigar}");
        assert_eq!(counted(16, 1, cigar, "ACGTAGCAAG"), "10 0 0 1 0 0 0 0 10 S5", "{cigar}");
    }
    assert_eq!(counted(0, 1, "10M", "acgttgcaag"), "10 0 0 0 0 0 0 0 10");
    assert_eq!(counted(0, 1, "10M", "===T=====C"), "10 0 0 1 0 0 0 0 10 S9");
}

#[test]
fn insertions_are_counted_with_their_length() {
    assert_eq!(counted(0, 1, "5M1I5M", "ACGTTAGCAAG"), "10 0 0 0 1 0 0 0 11 I5");
    assert_eq!(counted(0, 1, "5M3I5M", "ACGTTAAAGCAAG"), "10 0 0 0 3 0 0 0 13 I3@5");
    // The first base in the direction of the reference is the last in that of the read.
    assert_eq!(counted(16, 1, "5M3I5M", "ACGTTAAAGCAAG"), "10 0 0 0 3 0 0 0 13 I3@7");
}

#[test]
fn insertions_at_the_ends_are_counted() {
    assert_eq!(counted(0, 1, "2I10M", "GGACGTTGCAAG"), "10 0 0 0 2 0 0 0 12 I2@0");
    assert_eq!(counted(16, 1, "2I10M", "GGACGTTGCAAG"), "10 0 0 0 2 0 0 0 12 I2@11");
    assert_eq!(counted(0, 1, "10M2I", "ACGTTGCAAGGG"), "10 0 0 0 2 0 0 0 12 I2@10");
    assert_eq!(counted(16, 1, "10M2I", "ACGTTGCAAGGG"), "10 0 0 0 2 0 0 0 12 I2@1");
}

#[test]
fn deletions_are_counted_and_skips_and_padding_are_not() {
    assert_eq!(counted(0, 1, "5M1D5M", "ACGTTCAAGC"), "10 0 0 0 0 1 0 0 10 D5");
    assert_eq!(counted(0, 1, "5M2D5M", "ACGTTAAGCT"), "10 0 0 0 0 2 0 0 10 D2@5");
    assert_eq!(counted(16, 1, "5M2D5M", "ACGTTAAGCT"), "10 0 0 0 0 2 0 0 10 D2@4");
    assert_eq!(counted(0, 1, "5M2N5M", "ACGTTAAGCT"), "10 0 0 0 0 0 0 0 10");
    assert_eq!(counted(0, 1, "5M2P5M", "ACGTTGCAAG"), "10 0 0 0 0 0 0 0 10");
    // No base follows: the position is that of the last base, or of the first in reverse.
    assert_eq!(counted(0, 1, "5M2D", "ACGTT"), "5 0 0 0 0 2 0 0 5 D2@4");
    assert_eq!(counted(16, 1, "5M2D", "ACGTT"), "5 0 0 0 0 2 0 0 5 D2@0");
}

#[test]
fn soft_clips_that_match_are_compared() {
    // One of ten differs.
    assert_eq!(counted(0, 1, "10M10S", "ACGTTGCAAGCTTAGGCAAC"), "20 0 0 1 0 0 0 0 20 S18");
    assert_eq!(counted(16, 1, "10M10S", "ACGTTGCAAGCTTAGGCAAC"), "20 0 0 1 0 0 0 0 20 S1");
    assert_eq!(counted(0, 11, "10S10M", "ACGTAGCAAGCTTAGGCATC"), "20 0 0 1 0 0 0 0 20 S4");
    // 9 of 20 may differ, 10 of 20 may not.
    let with = |wrong: usize| {
        format!("{}{}{}", &REFERENCE[..10], "N".repeat(wrong), &REFERENCE[10 + wrong..30])
    };
    assert_eq!(counted(0, 1, "10M20S", &with(9)), "30 0 0 0 0 0 9 0 21");
    assert_eq!(counted(0, 1, "10M20S", &with(10)), "10 0 20 0 0 0 0 0 10");
}

#[test]
fn adapters_and_clips_past_the_reference_stay_clipped() {
    assert_eq!(counted(0, 1, "10M10S", "ACGTTGCAAGAGATCCCAAG"), "10 0 10 0 0 0 0 0 10");
    assert_eq!(counted(16, 1, "10M10S", "ACGTTGCAAGAGATCCCAAG"), "10 10 0 0 0 0 0 0 10");
    assert_eq!(counted(0, 1, "2S10M", "CGACGTTGCAAG"), "10 2 0 0 0 0 0 0 10");
    assert_eq!(counted(0, 31, "10M2S", "GACCAGTACGTT"), "10 0 2 0 0 0 0 0 10");
}

#[test]
fn a_long_clip_stays_clipped_even_if_it_matches() {
    let reference: String = REFERENCE.repeat(3);
    let fasta = format!(">ref\n{reference}\n");
    for (clip, expected) in [(60, "100 0 0 0 0 0 0 0 100"), (61, "39 0 61 0 0 0 0 0 39")] {
        let record = line(0, 1, &format!("{}M{clip}S", 100 - clip), &reference[..100]);
        let text = sam(reference.len(), &[&record]);
        assert_eq!(shown(&rows(fasta.as_bytes(), &text, Rules::default()).unwrap().0[0]), expected);
    }
    let text = sam(reference.len(), &[&line(0, 1, "95M5S", &reference[..100])]);
    assert_eq!(
        shown(&rows(fasta.as_bytes(), &text, Rules::long()).unwrap().0[0]),
        "95 0 5 0 0 0 0 0 95"
    );
}

#[test]
fn hard_clips_count_as_bases_of_the_read() {
    assert_eq!(counted(0, 1, "3H10M2H", "ACGTAGCAAG"), "10 3 2 1 0 0 0 0 10 S7");
    assert_eq!(counted(16, 1, "3H10M2H", "ACGTAGCAAG"), "10 2 3 1 0 0 0 0 10 S7");
    assert_eq!(counted(0, 1, "3H10M10S2H", "ACGTTGCAAGAGATCCCAAG"), "10 3 12 0 0 0 0 0 10");
    let fasta = format!(">ref\n{REFERENCE}\n");
    let text = sam(REFERENCE.len(), &[&line(0, 1, "3H10M2H", "ACGTAGCAAG")]);
    assert_eq!(rows(fasta.as_bytes(), &text, Rules::default()).unwrap().0[0].len, 15);
}

#[test]
fn unknown_bases_are_not_compared() {
    assert_eq!(counted(0, 1, "10M", "ANGTRGCAAG"), "10 0 0 0 0 0 2 0 8");
}

#[test]
fn reads_without_qualities_or_position_have_a_row() {
    let fasta = format!(">ref\n{REFERENCE}\n");
    let records = [
        "a\t0\tref\t1\t255\t10M\t*\t0\t0\tACGTTGCAAG\t*",
        "b\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII",
        "c\t133\tref\t1\t0\t*\t=\t1\t0\tACGT\t5555",
        "d\t4\t*\t0\t0\t*\t*\t0\t0\t*\t*",
    ];
    let (rows, _) =
        rows(fasta.as_bytes(), &sam(REFERENCE.len(), &records), Rules::default()).unwrap();
    let seen: Vec<_> =
        rows.iter().map(|row| (row.mate, row.len, row.mapped, row.mapq, row.scored)).collect();
    assert_eq!(
        seen,
        [(1, 10, true, 255, 10), (1, 4, false, 0, 0), (2, 4, false, 0, 0), (1, 0, false, 0, 0)]
    );
    assert!(rows[0].ee.is_nan() && (rows[2].ee - 0.04).abs() < 1e-12 && rows[3].ee == 0.0);
}

#[test]
fn secondary_and_supplementary_records_have_no_row() {
    let fasta = format!(">ref\n{REFERENCE}\n");
    let records = [
        line(256, 1, "10M", "ACGTTGCAAG"),
        line(2048, 1, "10M", "ACGTTGCAAG"),
        line(0, 1, "10M", "ACGTTGCAAG"),
    ];
    let records: Vec<_> = records.iter().map(String::as_str).collect();
    assert_eq!(
        rows(fasta.as_bytes(), &sam(REFERENCE.len(), &records), Rules::default()).unwrap().0.len(),
        1
    );
}

/// `alternate` of `depth` reads have another base at position 5.
fn masked(depth: usize, alternate: usize, score: char, rules: Rules) -> usize {
    let fasta = format!(">ref\n{REFERENCE}\n");
    let records: Vec<_> = (0..depth)
        .map(|read| {
            let (base, score) = if read < alternate { ('A', score) } else { ('T', 'I') };
            format!("r\t0\tref\t1\t60\t10M\t*\t0\t0\tACGT{base}GCAAG\tIIII{score}IIIII")
        })
        .collect();
    let records: Vec<_> = records.iter().map(String::as_str).collect();
    rows(fasta.as_bytes(), &sam(REFERENCE.len(), &records), rules).unwrap().1.positions()
}

#[test]
fn variants_are_masked() {
    let rules = Rules::default();
    // The fraction of differing reads needs a depth of 8; three good bases suffice at any depth.
    assert_eq!(masked(7, 7, '#', rules), 0);
    assert_eq!(masked(8, 3, '#', rules), 1);
    assert_eq!(masked(10, 3, '#', rules), 1);
    assert_eq!(masked(11, 3, '#', rules), 0);
    assert_eq!(masked(3, 3, 'I', rules), 1);
    assert_eq!(masked(2, 2, 'I', rules), 0);
    assert_eq!(masked(60, 3, 'I', rules), 1);
    assert_eq!(masked(61, 3, 'I', rules), 0);
    // A base below the median of its read is not a good one.
    assert_eq!(masked(60, 3, 'H', rules), 0);
}

#[test]
fn a_difference_at_a_variant_is_masked_and_nothing_there_is_scored() {
    let fasta = format!(">ref\n{REFERENCE}\n");
    let mut records = vec![line(0, 1, "10M", "ACGTAGCAAG"); 4];
    records.extend(vec![line(0, 1, "10M", "ACGTTGCAAG"); 4]);
    records.push(line(0, 1, "5M2I5M", "ACGTTGGGCAAG"));
    records.push(line(0, 1, "3M4D5M", "ACGAAGCT"));
    let records: Vec<_> = records.iter().map(String::as_str).collect();
    let (rows, mask) =
        rows(fasta.as_bytes(), &sam(REFERENCE.len(), &records), Rules::default()).unwrap();
    assert_eq!(mask.positions(), 1);
    assert_eq!(shown(&rows[0]), "10 0 0 0 0 0 0 1 9");
    assert_eq!(shown(&rows[4]), "10 0 0 0 0 0 0 0 9");
    assert_eq!(shown(&rows[8]), "10 0 0 0 0 0 0 2 9");
    assert_eq!(shown(&rows[9]), "8 0 0 0 0 3 0 1 8 D3@3");
}
