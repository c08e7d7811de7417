//! Error rates of simulated reads, beside their true ones.

use bm_kmers::Index;
use bm_long::{LongRead, Scale, Support};

use crate::run::{self, Draw, Simulated};

const GENOME: usize = 20_000;
const LENGTH: usize = 2_000;

/// Error rates by the crate, the scale, and true ones. All reads report this error probability.
fn rates(index: &Index, reads: &[Simulated], reported: f32) -> (Vec<f64>, Scale, Vec<f64>) {
    let mut read = LongRead::default();
    let probabilities = vec![reported; 2 * LENGTH];
    let supports: Vec<Support> =
        reads.iter().map(|it| read.look_up(index, &it.bases, &probabilities)).collect();
    let scale = Scale::fit(&supports);
    let found = reads
        .iter()
        .map(|it| {
            let support = read.look_up(index, &it.bases, &probabilities);
            read.error_rate(&scale, &support, &probabilities)
        })
        .collect();
    let truth = reads.iter().map(|it| it.errors as f64 / it.bases.len() as f64).collect();
    (found, scale, truth)
}

/// Reads at this depth, whose error rates are from 1 % to 15 %.
fn simulated(depth: usize) -> Vec<Simulated> {
    let mut draw = Draw::new(3);
    let rate = |draw: &mut Draw| 0.01 * 15f64.powf(draw.below(1000) as f64 / 1000.0);
    run::reads(&run::genome(GENOME, 1), GENOME * depth / LENGTH, LENGTH, &mut draw, rate)
}

/// Fraction of the pairs of reads that are in the right order.
fn in_order(found: &[f64], truth: &[f64]) -> f64 {
    let (mut right, mut all) = (0, 0);
    for one in 0..found.len() {
        for other in 0..one {
            all += 1;
            right += usize::from((found[one] < found[other]) == (truth[one] < truth[other]));
        }
    }
    f64::from(right as u32) / f64::from(all as u32)
}

#[test]
fn kmers_rank_reads_that_all_report_the_same() {
    let reads = simulated(40);
    for (k, level) in [(17, 0), (21, 0), (17, 2)] {
        let index = run::sampled(k, level, reads.iter().map(|read| &read.bases[..]));
        let (found, scale, truth) = rates(&index, &reads, 0.05);
        assert!(scale.share > 0.9, "{scale:?}");
        let order = in_order(&found, &truth);
        assert!(order > 0.87, "k {k}, one in 2^{level}: {order}");
    }
}

#[test]
fn sums_do_not_depend_on_what_is_reported() {
    let reads = simulated(40);
    let index = run::counted(17, reads.iter().map(|read| &read.bases[..]));
    let ratio = |reported: f32| {
        let (found, _, truth) = rates(&index, &reads, reported);
        found.iter().sum::<f64>() / truth.iter().sum::<f64>()
    };
    // Simulated errors stand alone more often than those of instruments, by which constants were
    // chosen.
    for reported in [0.02, 0.05, 0.2] {
        assert!((0.8..2.5).contains(&ratio(reported)), "{reported}: {}", ratio(reported));
    }
    assert!((ratio(0.02) / ratio(0.1) - 1.0).abs() < 0.25);
}

#[test]
fn reads_that_nobody_overlaps_keep_what_they_report() {
    let mut draw = Draw::new(5);
    let reads = run::reads(&run::genome(400_000, 2), 100, LENGTH, &mut draw, |_| 0.05);
    let index = run::counted(17, reads.iter().map(|read| &read.bases[..]));
    let (found, scale, _) = rates(&index, &reads, 0.07);
    assert_eq!(scale, Scale::default());
    assert!(found.iter().all(|rate| (rate - 0.07).abs() < 1e-6), "{found:?}");
}

#[test]
fn a_read_of_another_genome_keeps_nearly_what_it_reports() {
    let mut reads = simulated(40);
    let mut draw = Draw::new(7);
    reads.extend(run::reads(&run::genome(5_000, 9), 1, LENGTH, &mut draw, |_| 0.05));
    let index = run::counted(17, reads.iter().map(|read| &read.bases[..]));
    let (found, scale, _) = rates(&index, &reads, 0.05);
    let corrected = 0.05 * scale.shift.exp();
    let last = found[found.len() - 1];
    assert!((last / corrected - 1.0).abs() < 0.05, "{last} {corrected}");
}

#[test]
fn the_order_of_reads_does_not_change_the_scale() {
    let reads = simulated(30);
    let index = run::counted(17, reads.iter().map(|read| &read.bases[..]));
    let mut read = LongRead::default();
    let mut supports: Vec<Support> = reads
        .iter()
        .enumerate()
        .map(|(at, it)| {
            let p = 0.01 + 0.001 * (at % 50) as f32;
            read.look_up(&index, &it.bases, &vec![p; it.bases.len()])
        })
        .collect();
    let scale = Scale::fit(&supports);
    supports.reverse();
    assert_eq!(Scale::fit(&supports), scale);
    assert!(scale.slope < 0.5, "what is reported says nothing here: {scale:?}");
}
