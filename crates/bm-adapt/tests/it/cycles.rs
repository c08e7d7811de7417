//! Failed cycles are found, measured, and left out of what is learned.

use std::sync::Arc;

use bm_adapt::{Adaptation, Choice, Labels, RunSample, Sampler, Settings};
use bm_infer::backend::Embedded;
use bm_quality::{FailedCycle, FailedCycles, ModelPackage, PlacedRead, QualityModel};
use bm_reads::ReadRef;

use crate::run::{Draw, Made, genome, other, read, reads, reverse_complement, sample};

/// Reads of a genome of 12,000 bases, in which these cycles, from 1, gave wrong bases in these
/// fractions of the reads.
fn run(failed: &[(usize, f64)], draw: &mut Draw) -> Vec<Made> {
    let mut made = reads(&genome(12_000, 9), 2_400, 150, draw);
    for made in &mut made {
        for (cycle, rate) in failed {
            if draw.chance(*rate) {
                spoil(made, *cycle, other, draw);
            }
        }
    }
    made
}

/// Replaces the base of a cycle, from 1.
fn spoil(made: &mut Made, cycle: usize, with: impl Fn(u8, &mut Draw) -> u8, draw: &mut Draw) {
    let at = cycle - 1;
    let new = with(made.sequence[at], draw);
    made.wrong[at] |= new != made.sequence[at];
    made.sequence[at] = new;
}

fn found(sample: &mut RunSample) -> FailedCycles {
    Labels::of_run(sample, 2).failed_cycles().clone()
}

fn places(cycles: &FailedCycles) -> Vec<(u8, usize)> {
    cycles.iter().map(|cycle| (cycle.mate, cycle.cycle)).collect()
}

/// Returns the fraction of the reads that are wrong at a cycle, from 1.
fn truth(made: &[Made], cycle: usize) -> f64 {
    made.iter().filter(|made| made.wrong[cycle - 1]).count() as f64 / made.len() as f64
}

#[test]
fn failed_cycles_are_found_anywhere_in_the_read_with_their_rates() {
    let failed = [(1, 0.3), (80, 0.4), (150, 0.75)];
    let made = run(&failed, &mut Draw::new(9));
    let cycles = found(&mut sample(&made));
    assert_eq!(places(&cycles), [(1, 1), (1, 80), (1, 150)]);
    for cycle in cycles.iter() {
        let truth = truth(&made, cycle.cycle);
        assert!((f64::from(cycle.wrong) - truth).abs() < 0.03, "{cycle:?}, in truth {truth}");
    }
}

#[test]
fn many_cycles_in_a_row_are_found() {
    let failed: Vec<_> = (60..66).map(|cycle| (cycle, 0.25)).collect();
    let made = run(&failed, &mut Draw::new(10));
    let expected: Vec<_> = (60..66).map(|cycle| (1, cycle)).collect();
    assert_eq!(places(&found(&mut sample(&made))), expected);
}

#[test]
fn no_cycle_of_a_good_run_or_of_one_that_gets_worse_gradually_has_failed() {
    let mut draw = Draw::new(11);
    let mut made = run(&[], &mut draw);
    assert!(found(&mut sample(&made)).is_empty());
    for made in &mut made {
        for cycle in 1..=150 {
            if draw.chance(0.15 * (cycle as f64 / 150.0).powi(4)) {
                spoil(made, cycle, other, &mut draw);
            }
        }
    }
    assert!(found(&mut sample(&made)).is_empty());
}

#[test]
fn a_cycle_that_always_gives_one_base_is_found_where_all_reads_of_a_place_have_it() {
    let mut draw = Draw::new(12);
    let genome = genome(3_000, 12);
    let mut sampler = Sampler::new(RunSample::ROOM);
    let (mut made, mut wrong) = (0, 0);
    // Amplicons of 200 bases, read from both ends.
    for start in (0..2_800).step_by(100) {
        let molecule = &genome[start..start + 200];
        for _ in 0..120 {
            let mut mates = [molecule.to_vec(), reverse_complement(molecule)]
                .map(|it| read(&it[..150], &mut draw));
            if draw.chance(0.8) {
                spoil(&mut mates[0], 120, |_, _| b'A', &mut draw);
            }
            made += 1;
            wrong += u32::from(mates[0].wrong[119]);
            sampler.observe_pair(mates[0].as_read(), mates[1].as_read()).unwrap();
        }
    }
    let cycles = found(&mut sampler.finish());
    assert_eq!(places(&cycles), [(1, 120)]);
    let (rate, truth) = (cycles.iter().next().unwrap().wrong, wrong as f32 / made as f32);
    assert!((rate - truth).abs() < 0.03, "{rate}, in truth {truth}");
}

#[test]
fn second_mates_have_cycles_of_their_own_also_without_the_first() {
    let mut draw = Draw::new(13);
    let made = run(&[(40, 0.5)], &mut draw);
    let mut alone = Sampler::new(RunSample::ROOM);
    for made in &made {
        let placed = PlacedRead { read: made.as_read(), mate: 2, before: 0 };
        alone.observe_parts(&[(placed, 0..150)]).unwrap();
    }
    assert_eq!(places(&found(&mut alone.finish())), [(2, 40)]);
    // Bases in front of the part that is of the sample count as cycles.
    let mut cut = Sampler::new(RunSample::ROOM);
    for made in &made {
        cut.observe_parts(&[(made.as_read().into(), 9..150)]).unwrap();
    }
    assert_eq!(places(&found(&mut cut.finish())), [(1, 40)]);
}

#[test]
fn the_model_of_a_run_with_a_failed_cycle_is_that_of_the_others_and_knows_the_cycle() {
    let made = run(&[(150, 0.6)], &mut Draw::new(14));
    let mut sample = sample(&made);
    let labels = Labels::of_run(&mut sample, 2);
    let start = ModelPackage::embedded("read-error").unwrap();
    let adaptation = Adaptation::learn(&sample, &labels, &start, &Settings::default()).unwrap();
    assert_eq!((adaptation.choice, &adaptation.doubts[..]), (Choice::Adapted, &[][..]));
    // Nothing was learned from the bases of the cycle: of the others, so few are wrong.
    let rate = adaptation.findings.wrong as f64 / adaptation.findings.labelled as f64;
    let others = |made: &Made| made.wrong[..149].iter().filter(|wrong| **wrong).count();
    let truth = made.iter().map(others).sum::<usize>() as f64 / (149 * made.len()) as f64;
    assert!((rate / truth).log2().abs() < 0.2, "{rate}, in truth {truth}");
    // The package is told of its cycles, and of which base each made.
    let package = Arc::new(ModelPackage::from_files("run", adaptation.files).unwrap());
    assert_eq!(package.failed_cycles(), &adaptation.failed_cycles);
    let mut model = QualityModel::new(package, &Embedded::new()).unwrap();
    let mut of_last = |mate, before, read: ReadRef<'_>| {
        let (mut predictions, mut bases) = (Vec::new(), Vec::new());
        let placed = PlacedRead { read, mate, before };
        model.predict_bases_into([placed].into_iter(), &mut predictions, &mut bases).unwrap();
        *bases.last().unwrap()
    };
    let read = made.iter().find(|made| made.quality[149] == b'F').unwrap().as_read();
    let cycle: FailedCycle = adaptation.failed_cycles.iter().next().unwrap().clone();
    assert!((0.55..0.65).contains(&cycle.probability(37)), "{cycle:?}");
    assert_eq!(of_last(1, 0, read), cycle.probability(37));
    assert_eq!(of_last(1, 50, read.window(50, 100)), cycle.probability(37));
    assert!(of_last(2, 0, read) < 0.05 && of_last(1, 0, read.window(0, 149)) < 0.05);
}
