//! Labels against the true errors of simulated reads.

use bm_adapt::{Label, Labels, RunSample, Sampler};
use bm_reads::ReadRef;
use proptest::prelude::*;

use crate::run::{Draw, Made, genome, in_order, other, read, reads, reverse_complement, sample};

/// Labels of the bases of all reads, one read after the other.
fn labels(made: &[Made]) -> Vec<Label> {
    let sample = sample(made);
    let labels = in_order(&Labels::of(&sample, 2), &sample);
    assert_eq!(
        labels.len(),
        made.iter().map(|made| made.sequence.len()).sum::<usize>(),
        "every read was kept"
    );
    labels
}

/// Returns the fraction of labelled bases, and precision and recall of the label Wrong among them.
fn against_truth(labels: &[Label], made: &[Made]) -> (f64, f64, f64) {
    let truth = made.iter().flat_map(|made| &made.wrong);
    let (mut labelled, mut called, mut right_calls, mut wrong) = (0.0, 0.0, 0.0, 0.0);
    for (label, is_wrong) in labels.iter().zip(truth).filter(|(label, _)| **label != Label::Unknown)
    {
        let hit = f64::from(u8::from(*label == Label::Wrong));
        labelled += 1.0;
        called += hit;
        wrong += f64::from(u8::from(*is_wrong));
        right_calls += hit * f64::from(u8::from(*is_wrong));
    }
    (labelled / labels.len() as f64, right_calls / called, right_calls / wrong)
}

#[test]
fn nearly_all_errors_of_a_deep_run_are_found() {
    let mut draw = Draw::new(1);
    let made = reads(&genome(10_000, 1), 2000, 150, &mut draw);
    let (labelled, precision, recall) = against_truth(&labels(&made), &made);
    assert!(
        labelled > 0.97 && precision > 0.97 && recall > 0.98,
        "{labelled} {precision} {recall}"
    );
}

#[test]
fn most_errors_are_found_at_depth_eight_and_hardly_any_base_is_labelled_at_depth_two() {
    let mut draw = Draw::new(2);
    let made = reads(&genome(20_000, 2), 1070, 150, &mut draw);
    let (labelled, precision, recall) = against_truth(&labels(&made), &made);
    assert!(labelled > 0.5 && precision > 0.9 && recall > 0.98, "{labelled} {precision} {recall}");
    let made = reads(&genome(100_000, 3), 1300, 150, &mut draw);
    let (labelled, ..) = against_truth(&labels(&made), &made);
    assert!(labelled < 0.04, "{labelled}");
}

/// Returns the fraction of the bases at these sites that are called wrong. A site is a read and a
/// position in it.
fn called_wrong_at(labels: &[Label], made: &[Made], sites: &[(usize, usize)]) -> f64 {
    let starts: Vec<_> = made
        .iter()
        .scan(0, |at, made| {
            *at += made.sequence.len();
            Some(*at - made.sequence.len())
        })
        .collect();
    let called =
        sites.iter().filter(|(read, at)| labels[starts[*read] + at] == Label::Wrong).count();
    called as f64 / sites.len() as f64
}

/// Reads of which a fraction is of another strain that differs in one of 100 bases, and the sites
/// of the other strain's bases.
fn strains(fraction: f64, depth: usize) -> (Vec<Made>, Vec<(usize, usize)>) {
    let mut draw = Draw::new(4);
    let (first, length) = (genome(8_000, 4), 150);
    let mut second = first.clone();
    let sites: Vec<_> = (50..first.len()).step_by(100).collect();
    for site in &sites {
        second[*site] = other(second[*site], &mut draw);
    }
    let (mut made, mut variants) = (Vec::new(), Vec::new());
    for number in 0..depth * first.len() / length {
        let start = draw.below(first.len() - length + 1);
        let is_second = draw.chance(fraction);
        let strain = if is_second { &second } else { &first };
        let reverse = draw.chance(0.5);
        let piece = &strain[start..start + length];
        let one =
            read(&if reverse { reverse_complement(piece) } else { piece.to_vec() }, &mut draw);
        for site in sites.iter().filter(|site| (start..start + length).contains(site)) {
            let at = if reverse { length - 1 - (site - start) } else { site - start };
            if is_second && !one.wrong[at] {
                variants.push((number, at));
            }
        }
        made.push(one);
    }
    (made, variants)
}

#[test]
fn neither_heterozygous_sites_nor_strains_are_taken_for_errors() {
    for (fraction, depth, most) in
        [(0.5, 30, 0.002), (0.2, 60, 0.04), (0.1, 100, 0.05), (0.07, 300, 0.05)]
    {
        let (made, variants) = strains(fraction, depth);
        let labels = labels(&made);
        let called = called_wrong_at(&labels, &made, &variants);
        assert!(
            called <= most,
            "{fraction} of {depth}: {called} of {} variant bases are called wrong",
            variants.len()
        );
        let (labelled, precision, _) = against_truth(&labels, &made);
        assert!(
            labelled > 0.8 && precision > 0.95,
            "{fraction} of {depth}: {labelled} {precision}"
        );
    }
}

#[test]
fn copies_of_a_repeat_are_not_taken_for_errors_of_each_other() {
    let mut draw = Draw::new(5);
    let mut sequence = genome(12_000, 5);
    // Eight copies of 1000 bases; each differs in one of 50 bases.
    let repeat = genome(1_000, 6);
    let mut sites = Vec::new();
    for copy in 0..8 {
        for (i, base) in repeat.iter().enumerate() {
            let at = 1_200 * copy + i;
            let differs = draw.chance(0.02);
            sequence[at] = if differs { other(*base, &mut draw) } else { *base };
            if differs {
                sites.push(at);
            }
        }
    }
    let (mut made, mut variants) = (Vec::new(), Vec::new());
    for number in 0..2_400 {
        let start = draw.below(sequence.len() - 150);
        made.push(read(&sequence[start..start + 150], &mut draw));
        let inside = sites
            .iter()
            .filter(|site| (start..start + 150).contains(site))
            .map(|site| site - start);
        variants.extend(inside.filter(|at| !made[number].wrong[*at]).map(|at| (number, at)));
    }
    let called = called_wrong_at(&labels(&made), &made, &variants);
    assert!(called < 0.01, "{called} of {} bases", variants.len());
}

#[test]
fn bases_after_an_indel_are_not_called_wrong() {
    let mut draw = Draw::new(7);
    let sequence = genome(6_000, 7);
    let mut made = reads(&sequence, 1_600, 150, &mut draw);
    let mut gapped = Vec::new();
    for number in (0..made.len()).step_by(10) {
        // A deletion in the middle: all bases after it are out of step, and none of them is wrong.
        made[number] = read(
            &{
                let start = draw.below(sequence.len() - 151);
                [&sequence[start..start + 75], &sequence[start + 76..start + 151]].concat()
            },
            &mut draw,
        );
        gapped.extend((75..150).filter(|at| !made[number].wrong[*at]).map(|at| (number, at)));
    }
    let called = called_wrong_at(&labels(&made), &made, &gapped);
    assert!(called < 0.03, "{called} of {} bases", gapped.len());
}

#[test]
fn overlapping_mates_label_bases_that_other_reads_do_not_cover() {
    let mut draw = Draw::new(8);
    // A genome so large that hardly any two pairs overlap.
    let sequence = genome(4_000_000, 8);
    let mut sampler = Sampler::new(RunSample::ROOM);
    let mut made = Vec::new();
    for _ in 0..1_000 {
        let start = draw.below(sequence.len() - 200);
        let fragment = &sequence[start..start + 200];
        let first = read(&fragment[..150], &mut draw);
        let second = read(&reverse_complement(fragment)[..150], &mut draw);
        sampler.observe_pair(first.as_read(), second.as_read()).unwrap();
        made.extend([first, second]);
    }
    let sample = sampler.finish();
    let labels = Labels::of(&sample, 2);
    let kept: usize = made.iter().map(|made| made.sequence.len()).sum();
    assert_eq!(labels.of_bases().len(), kept);
    let right = labels.of_bases().iter().filter(|label| **label == Label::Right).count();
    // 100 of 150 bases overlap.
    assert!(
        right as f64 > 0.6 * kept as f64 && labels.by_mates() >= right as u64,
        "{right} of {kept}"
    );
    let truth = made.iter().flat_map(|made| &made.wrong);
    let both_wrong = in_order(&labels, &sample)
        .iter()
        .zip(truth)
        .filter(|(label, wrong)| **label == Label::Right && **wrong)
        .count();
    assert!(both_wrong <= 20, "{both_wrong}: mates rarely have the same error");
    let mut reads: Vec<_> = labels
        .of_reads(&sample)
        .map(|read| (read.template, read.mate, read.labels.len()))
        .collect();
    assert!(reads.chunks(2).all(|pair| pair[0].0 == pair[1].0), "mates follow each other");
    reads.sort_unstable();
    assert_eq!(reads[..4], [(0, 1, 150), (0, 2, 150), (1, 1, 150), (1, 2, 150)]);
}

#[test]
fn copies_of_reads_are_kept_once() {
    let mut draw = Draw::new(9);
    let made = reads(&genome(10_000, 9), 2_000, 150, &mut draw);
    let once = sample(&made);
    let often = sample(made.iter().cycle().take(20 * made.len()));
    assert_eq!((often.reads_seen(), often.reads_kept()), (40_000, 2_000));
    assert_eq!(often.copies_dropped(), 38_000);
    assert_eq!(Labels::of(&often, 1).of_bases(), Labels::of(&once, 1).of_bases());
}

#[test]
fn a_small_sample_keeps_its_bound_and_its_depth() {
    let mut draw = Draw::new(10);
    let made = reads(&genome(60_000, 10), 12_000, 150, &mut draw);
    let mut small = Sampler::new(200_000);
    for made in &made {
        small.observe(made.as_read()).unwrap();
    }
    let small = small.finish();
    assert!(small.bases_kept() <= 200_000);
    assert!(small.bases_kept() > 50_000, "{}", small.bases_kept());
    let labels = Labels::of(&small, 1);
    assert!((15..60).contains(&labels.depth()), "{}", labels.depth());
    let labelled = labels.of_bases().iter().filter(|label| **label != Label::Unknown).count();
    assert!(labelled as f64 > 0.7 * small.bases_kept() as f64, "{labelled}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any reads have one label per base, the same on any number of threads.
    #[test]
    fn any_reads_are_labelled(
        seed in any::<u64>(),
        lengths in prop::collection::vec(0usize..400, 1..60),
        letters in prop::sample::select(
            vec![&b"ACGT"[..], b"ACGTN", b"acgtnACGTURYKM.-", b"A", b"AC"],
        ),
        pairs in any::<bool>(),
        room in prop::sample::select(vec![0usize, 100, 5_000, 1 << 20]),
    ) {
        let mut draw = Draw::new(seed);
        let made: Vec<Made> = lengths.iter().map(|length| {
            let sequence = (0..*length).map(|_| letters[draw.below(letters.len())]).collect();
            let quality = (0..*length).map(|_| b'!' + draw.below(94) as u8).collect();
            Made { sequence, quality, wrong: Vec::new() }
        }).collect();
        let mut sampler = Sampler::new(room);
        for made in made.chunks(if pairs { 2 } else { 1 }) {
            match made {
                [one, other] => sampler.observe_pair(one.as_read(), other.as_read()).unwrap(),
                reads => reads.iter().for_each(|read| sampler.observe(read.as_read()).unwrap()),
            }
        }
        let sample = sampler.finish();
        prop_assert!(sample.bases_kept() <= room && sample.reads_seen() == made.len() as u64);
        let labels = Labels::of(&sample, 1);
        prop_assert_eq!(labels.of_bases().len(), sample.bases_kept());
        let more = Labels::of(&sample, 5);
        prop_assert_eq!(more.of_bases(), labels.of_bases());
    }
}

#[test]
fn invalid_reads_are_refused() {
    let mut sampler = Sampler::new(1000);
    let read = |sequence, quality_scores| ReadRef { name: b"r", sequence, quality_scores };
    assert!(sampler.observe(read(b"ACGT", b"III")).is_err());
    assert!(sampler.observe(read(b"ACGT", b"II I")).is_err());
    assert!(
        sampler.observe(read(b"", b"")).is_ok() && sampler.observe(read(b"NNNN", b"####")).is_ok()
    );
    assert_eq!(sampler.finish().reads_kept(), 0);
}
