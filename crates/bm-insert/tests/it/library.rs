//! Bases of a library and conversions in runs whose reads begin at few places, and in a part of the
//! reads.

use bm_insert::{InsertModel, Place, Structure, StructurePart as Part};

use crate::run::{Draw, Read, Run};

const LENGTH: usize = 100;

/// Reads of a small genome; `start` returns where each begins, and `before` what is before that.
fn reads(
    start: impl Fn(&mut Draw, usize) -> usize,
    before: impl Fn(&mut Draw, usize) -> Vec<u8>,
) -> Vec<Vec<u8>> {
    let mut random = Draw::new(3);
    let genome = random.bases(12_000);
    let one = |number: usize| {
        let (start, before) = (start(&mut random, number), before(&mut random, number));
        [&before, &genome[start..start + LENGTH]].concat()[..LENGTH].to_vec()
    };
    (0..4000).map(one).collect()
}

/// One of 40 places for most reads, and any place for one in twenty: those read across the others.
fn few(random: &mut Draw, number: usize) -> usize {
    if number.is_multiple_of(20) { random.below(11_000) } else { number % 40 * 250 }
}

/// One of 40 places, which no others read across.
fn few_alone(_: &mut Draw, number: usize) -> usize {
    number * 7 % 40 * 250
}

fn anywhere(random: &mut Draw, _: usize) -> usize {
    random.below(11_000)
}

fn learned(mates: &[&[Vec<u8>]]) -> InsertModel {
    let mates_of = |number: usize| {
        mates.iter().map(|reads| Read::of(&[&reads[number]], LENGTH)).collect::<Vec<_>>()
    };
    Run((0..mates[0].len()).map(mates_of).collect()).learn([vec![], vec![]])
}

/// Returns what is found at the starts of reads, which nothing is found of else.
fn found(reads: &[Vec<u8>]) -> Vec<Structure> {
    let model = learned(&[reads]);
    assert!(model.structures().iter().all(|structure| structure.place == Place::Start));
    assert_eq!(model.conversion(), None);
    model.structures().to_vec()
}

#[test]
fn nothing_is_found_where_reads_begin_in_the_sample() {
    for start in [few, few_alone, anywhere] {
        assert_eq!(found(&reads(start, |_, _| Vec::new())), []);
    }
}

#[test]
fn identifiers_are_found_where_reads_begin_at_few_places() {
    for (bases, one_in) in [(9, 1), (12, 1), (8, 10), (5, 4)] {
        let has = |number: usize| (number / 40).is_multiple_of(one_in);
        let reads = reads(few, |random, number| random.bases(if has(number) { bases } else { 0 }));
        let found = found(&reads);
        assert_eq!(found[0].to_string(), format!("{bases} random bases at the start"));
        let share = 1.0 / one_in as f64;
        assert!((found[0].fraction - share).abs() < 0.03, "{found:?}");
    }
}

#[test]
fn spacers_of_several_lengths_are_found_where_reads_begin_at_few_places() {
    for (one_in, share) in [(1, 0.875), (10, 0.0875)] {
        let reads = reads(few, |random, number| {
            let bases = random.below(8);
            random.bases(if (number / 40).is_multiple_of(one_in) { bases } else { 0 })
        });
        let found = found(&reads);
        assert_eq!(found[0].to_string(), "7 random bases (1 to 7 bases) at the start");
        assert!((found[0].fraction - share).abs() < 0.03, "{found:?}");
    }
}

#[test]
fn a_primer_in_a_part_of_the_reads_is_found_where_reads_begin_at_few_places() {
    let primer = Draw::new(8).bases(18);
    let before = |_: &mut Draw, number: usize| {
        if (number / 40).is_multiple_of(8) { primer.clone() } else { Vec::new() }
    };
    let found = found(&reads(few, before));
    let name = String::from_utf8_lossy(&primer);
    assert_eq!(found[0].to_string(), format!("{name} at the start"));
    assert!((found[0].fraction - 0.125).abs() < 0.02, "{found:?}");
}

#[test]
fn identifiers_are_found_even_where_nothing_reads_across() {
    let found = found(&reads(few_alone, |random, _| random.bases(10)));
    assert_eq!(found[0].parts, [Part::Random(10)]);
    assert_eq!(*found[0].bases.start(), 10);
}

#[test]
fn a_barcode_that_is_the_same_in_all_reads_of_a_place_may_be_of_the_sample() {
    let barcodes: Vec<Vec<u8>> = (0..40).map(|number| Draw::new(number).bases(8)).collect();
    let before = |_: &mut Draw, number: usize| barcodes[number % 40].clone();
    assert_eq!(found(&reads(few_alone, before)), []);
}

#[test]
fn mates_may_have_identifiers_of_other_lengths() {
    let [first, second] =
        [6, 10].map(|bases| reads(anywhere, move |random, _| random.bases(bases)));
    let model = learned(&[&first, &second]);
    let found: Vec<(usize, String)> =
        model.structures().iter().map(|it| (it.mate, it.to_string())).collect();
    let expected = [(0, 6), (1, 10)];
    assert_eq!(
        found,
        expected.map(|(mate, bases)| (mate, format!("{bases} random bases at the start")))
    );
}

#[test]
fn bases_at_the_end_of_a_part_of_the_reads_are_found() {
    let mut reads = reads(anywhere, |_, _| Vec::new());
    let mut random = Draw::new(9);
    for read in reads.iter_mut().step_by(6) {
        read.truncate(LENGTH - 7);
        read.extend(random.bases(7));
    }
    let model = learned(&[&reads]);
    let found = &model.structures()[0];
    assert_eq!(found.to_string(), "7 random bases at the end");
    assert!((found.fraction - 1.0 / 6.0).abs() < 0.03, "{found:?}");
}

#[test]
fn conversions_of_a_part_of_the_reads_are_found() {
    for (from, to, one_in, percent) in
        [(b'C', b'T', 10, 97), (b'C', b'T', 2, 60), (b'A', b'G', 8, 90), (b'A', b'G', 3, 20)]
    {
        let mut reads = reads(anywhere, |_, _| Vec::new());
        let mut random = Draw::new(5);
        for read in reads.iter_mut().step_by(one_in) {
            for base in read.iter_mut().filter(|base| **base == from) {
                if random.below(100) < percent {
                    *base = to;
                }
            }
        }
        let letters = [from, to].map(char::from);
        let model = learned(&[&reads]);
        assert_eq!(model.conversion().map(|conversion| conversion.letters()), Some(letters));
        assert_eq!(model.structures(), []);
    }
}

#[test]
fn variants_of_a_few_places_are_no_conversion() {
    // All reads are of one strand, and a third of them are of another strain.
    let mut reads = reads(|_, number| number % 3 * 250, |_, _| Vec::new());
    for read in reads.iter_mut().step_by(4) {
        for place in (30..LENGTH).filter(|place| place % 5 == 0) {
            read[place] = if read[place] == b'C' { b'T' } else { read[place] };
        }
    }
    assert_eq!(learned(&[&reads]).conversion(), None);
}
