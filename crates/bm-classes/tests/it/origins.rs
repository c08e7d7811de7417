//! Reads whose origin is known.

use bm_classes::{Builder, ClassError, Matcher, Options, Probabilities};

use crate::draw::{Draw, index, reverse_complement};

/// Reads of 100 bases of a genome, with this many changes in a thousand bases.
fn reads(genome: &[u8], count: usize, in_thousand: usize, draw: &mut Draw) -> Vec<Vec<u8>> {
    let mut read = || {
        let start = draw.below(genome.len() - 100);
        let read = draw.changed(&genome[start..start + 100], in_thousand);
        if draw.below(2) == 0 { read } else { reverse_complement(&read) }
    };
    (0..count).map(|_| read()).collect()
}

fn assert_is_distribution(found: &Probabilities) {
    let sum: f32 = found.classes.iter().sum::<f32>() + found.none;
    assert!((sum - 1.0).abs() < 1e-5, "{found:?}");
}

#[test]
fn reads_of_relatives_are_found_and_others_are_not() {
    let mut draw = Draw::new(1);
    let (one, other, foreign) = (draw.genome(30_000), draw.genome(200_000), draw.genome(300_000));
    let index = index(&[("one", &one), ("other", &other)], &Options::default());
    let mut matcher = Matcher::default();
    let mut found = |genome: &[u8], changes, class: Option<usize>, draw: &mut Draw| {
        let reads = reads(genome, 500, changes, draw);
        let mut is_right = |read: &Vec<u8>| {
            let found = matcher.look_up(&index, read, &[0.01; 100]).probabilities(&index);
            assert_is_distribution(&found);
            found.best().map(|best| best.0) == class
        };
        reads.iter().filter(|read| is_right(read)).count()
    };
    for (changes, least) in [(0, 500), (50, 499), (100, 490), (200, 350)] {
        for (class, genome) in [&one, &other].into_iter().enumerate() {
            let right = found(genome, changes, Some(class), &mut draw);
            assert!(right >= least, "{right} of 500 with {changes} changes in 1000 bases");
        }
    }
    assert!(found(&foreign, 0, None, &mut draw) >= 490);
}

#[test]
fn both_strands_say_the_same() {
    let mut draw = Draw::new(2);
    let genome = draw.genome(50_000);
    let index = index(&[("one", &genome)], &Options::default());
    let mut matcher = Matcher::default();
    for read in reads(&genome, 100, 30, &mut draw) {
        let ahead = matcher.look_up(&index, &read, &[]).clone();
        let back = matcher.look_up(&index, &reverse_complement(&read), &[]);
        // The order of a sum differs.
        assert!((ahead.nats()[0] - back.nats()[0]).abs() < 1e-3, "{ahead:?} {back:?}");
    }
}

#[test]
fn what_two_classes_have_is_of_either() {
    let mut draw = Draw::new(3);
    let common = draw.genome(20_000);
    let (mut one, mut other) = (draw.genome(20_000), draw.genome(20_000));
    one.extend(&common);
    other.extend(&common);
    let index = index(&[("one", &one), ("other", &other)], &Options::default());
    let mut matcher = Matcher::default();
    let found = matcher.look_up(&index, &common[500..650], &[]).probabilities(&index);
    assert!(
        (found.classes[0] - 0.5).abs() < 0.01 && (found.classes[1] - 0.5).abs() < 0.01,
        "{found:?}"
    );
    let found = matcher.look_up(&index, &other[500..650], &[]).probabilities(&index);
    assert!(found.classes[1] > 0.99, "{found:?}");
}

#[test]
fn one_base_in_a_hundred_tells_strains_apart() {
    let mut draw = Draw::new(4);
    let one = draw.genome(20_000);
    let other = draw.changed(&one, 10);
    let index = index(&[("one", &one), ("other", &other)], &Options::default());
    let mut matcher = Matcher::default();
    let mut right = 0;
    let mut decided = 0;
    for start in (0..19_000).step_by(90) {
        for (class, genome) in [&one, &other].into_iter().enumerate() {
            let read = &genome[start..start + 150];
            let found = matcher.look_up(&index, read, &[]).probabilities(&index);
            if found.classes[0].max(found.classes[1]) > 0.9 {
                decided += 1;
                right += usize::from(found.best().map(|best| best.0) == Some(class));
            }
        }
    }
    assert!(decided > 200 && right * 50 >= decided * 49, "{right} right of {decided}");
}

#[test]
fn a_likely_error_says_less_than_a_sure_difference() {
    let mut draw = Draw::new(5);
    let genome = draw.genome(50_000);
    let index = index(&[("one", &genome)], &Options::default());
    let mut matcher = Matcher::default();
    let read = draw.changed(&genome[1000..1100], 250);
    let differs = |at: usize| read[at] != genome[1000 + at];
    let spoiled: Vec<f32> = (0..100).map(|at| if differs(at) { 0.7 } else { 0.001 }).collect();
    let sure = matcher.look_up(&index, &read, &[0.001; 100]).nats()[0];
    let likely = matcher.look_up(&index, &read, &spoiled).nats()[0];
    assert!(likely > sure, "{likely} {sure}");
}

#[test]
fn mates_add_up() {
    let mut draw = Draw::new(6);
    let genome = draw.genome(50_000);
    let index = index(&[("one", &genome)], &Options::default());
    let mut matcher = Matcher::default();
    let mut pair = matcher.look_up(&index, &genome[0..60], &[]).clone();
    let alone = pair.nats()[0];
    let mate = reverse_complement(&genome[200..260]);
    pair.join(matcher.look_up(&index, &mate, &[]));
    // Less what a random mate has somewhere in the genome.
    assert!(pair.nats()[0] > 1.75 * alone && pair.bases() == 120, "{pair:?}");
}

#[test]
fn pairs_of_none_are_of_none() {
    let mut draw = Draw::new(16);
    let genomes = [200_000, 40_000].map(|bases| draw.genome(bases));
    let index = index(&[("one", &genomes[0]), ("other", &genomes[1])], &Options::default());
    let (mut matcher, mut called) = (Matcher::default(), 0);
    for _ in 0..1000 {
        let mut pair = matcher.look_up(&index, &draw.genome(100), &[]).clone();
        pair.join(matcher.look_up(&index, &draw.genome(100), &[]));
        called += usize::from(pair.probabilities(&index).best().is_some());
    }
    assert!(called < 10, "{called}");
}

#[test]
fn a_sample_of_the_seeds_finds_whole_reads() {
    let mut draw = Draw::new(7);
    let genome = draw.genome(200_000);
    let mut options = Options::default();
    options.level = Some(2);
    let (all, quarter) =
        (index(&[("one", &genome)], &Options::default()), index(&[("one", &genome)], &options));
    assert!(quarter.seeds() * 7 < all.seeds() * 2 && quarter.fraction() == 0.25);
    let mut matcher = Matcher::default();
    let mut is_found = |read: &Vec<u8>| {
        matcher.look_up(&quarter, read, &[]).probabilities(&quarter).best().is_some()
    };
    let reads = reads(&genome, 500, 0, &mut draw);
    assert!(reads.iter().filter(|read| is_found(read)).count() > 495);
}

#[test]
fn classes_that_cannot_be_are_refused() {
    let mut builder = Builder::default();
    assert!(matches!(builder.push(b"ACGT"), Err(ClassError::Class { .. })));
    builder.begin("one").expect("a name");
    for name in ["one", "none", "", "a\tb", "a\nb"] {
        assert!(matches!(builder.begin(name), Err(ClassError::Class { .. })), "{name:?}");
    }
    builder.push(b"ACGTNACGTACGTACGNNN").expect("short stretches are left out");
    assert!(matches!(builder.finish(&Options::default()), Err(ClassError::Empty(_))));
}

#[test]
fn long_reads_with_gaps_are_found() {
    let mut draw = Draw::new(9);
    let (genome, foreign) = (draw.genome(300_000), draw.genome(300_000));
    let index = index(&[("one", &genome)], &Options::default());
    let mut matcher = Matcher::default();
    // One base in 20 is substituted, one in 20 left out, one in 40 doubled.
    let mut read_of = |genome: &[u8]| -> Vec<u8> {
        let start = draw.below(genome.len() - 5000);
        let changed = draw.changed(&genome[start..start + 5000], 50);
        let mut copies = |base: &u8| {
            let copies = match draw.below(40) {
                0 | 1 => 0,
                2 => 2,
                _ => 1,
            };
            vec![*base; copies]
        };
        changed.iter().flat_map(&mut copies).collect()
    };
    for _ in 0..20 {
        let errors = [0.1; 6000];
        let found = matcher.look_up(&index, &read_of(&genome), &errors).clone();
        assert!(found.nats()[0] > 0.1 * found.most(), "{found:?}");
        assert!(found.probabilities(&index).classes[0] > 0.99, "{found:?}");
        let found = matcher.look_up(&index, &read_of(&foreign), &errors).probabilities(&index);
        assert_eq!(found.best(), None, "{found:?}");
    }
}
