//! Support by a sample of the k-mers, where memory was short.

use bm_evidence::Evidence;
use bm_kmers::{Counter, Index};

use crate::run::{
    Draw, ROOM, apply, contradicted, counted, genome, look_up, other, tiled, weights,
};

const PRIOR: f32 = 0.01;

fn index(genome: &[u8], level: u32) -> Index {
    counted(Counter::sampled(21, ROOM, level), &tiled(genome, 150, 5))
}

/// Posterior error probabilities of the bases.
fn posterior(evidence: &Evidence, read: &[u8]) -> Vec<f32> {
    let mut probabilities = vec![PRIOR; read.len()];
    apply(evidence, read, &mut probabilities);
    probabilities
}

#[test]
fn sampled_kmers_keep_their_counts() {
    let genome = genome(20_000, 1);
    let all = index(&genome, 0);
    for level in 1..=4 {
        let some = index(&genome, level);
        assert_eq!(some.fraction(), 0.5f64.powi(level as i32));
        let ratio = some.kmers() as f64 / all.kmers() as f64 / some.fraction();
        assert!((0.8..1.2).contains(&ratio), "{ratio} of the expected one in 2^{level}");
        // Counts are those of all reads.
        for at in (300..19_000).step_by(11) {
            let kmer = &genome[at..at + 21];
            let (count, of_all) = (crate::run::count(&some, kmer), crate::run::count(&all, kmer));
            assert!(count == 0 || count == of_all, "{count}, {of_all}");
        }
    }
}

#[test]
fn expected_errors_of_reads_without_errors_fall() {
    let genome = genome(20_000, 2);
    for level in 1..=3 {
        let evidence = Evidence::new(index(&genome, level), weights(false));
        let (mut after, mut bases) = (0.0, 0);
        for read in genome[500..19_500].chunks(300).filter(|read| read.len() == 300) {
            assert_eq!(contradicted(evidence.index(), read), [0; 0], "one in 2^{level}");
            let posterior = posterior(&evidence, read);
            assert!(
                posterior.iter().all(|p| *p <= PRIOR + 1e-6),
                "one in 2^{level}: {posterior:?}"
            );
            (after, bases) = (after + posterior.iter().sum::<f32>(), bases + read.len());
        }
        assert!(after < 0.7 * PRIOR * bases as f32, "one in 2^{level}: {after}");
    }
}

#[test]
fn probabilities_rise_near_errors_only() {
    let (genome, mut draw) = (genome(20_000, 3), Draw::new(3));
    for (level, fewest) in [(1, 95), (2, 80), (3, 60)] {
        let evidence = Evidence::new(index(&genome, level), weights(false));
        let mut raised = 0;
        for _ in 0..100 {
            let (start, at) = (500 + draw.below(18_000), 50 + draw.below(200));
            let mut read = genome[start..start + 300].to_vec();
            read[at] = other(read[at], 1 + draw.below(3));
            let posterior = posterior(&evidence, &read);
            let is_raised = posterior[at] > PRIOR;
            // Every candidate base shares a k-mer with the error.
            for (place, support) in look_up(evidence.index(), &read).iter().enumerate() {
                assert!(
                    !support.is_contradicted() || place.abs_diff(at) < 21,
                    "{place} is contradicted, {at} is wrong"
                );
                assert!(is_raised || !support.is_contradicted());
            }
            raised += usize::from(is_raised);
        }
        assert!(raised >= fewest, "one in 2^{level}: {raised} of 100");
    }
}

#[test]
fn as_many_errors_are_expected_as_the_kmers_need() {
    let (genome, mut draw) = (genome(20_000, 6), Draw::new(6));
    for level in 1..=2 {
        let evidence = Evidence::new(index(&genome, level), weights(false));
        // One error; two that k-mers have in common; two that none has.
        for (errors, lowest, highest) in
            [(&[0][..], 0.9, 1.2), (&[0, 9], 1.4, 2.2), (&[0, 40], 1.8, 2.3)]
        {
            let mut sum = 0.0;
            for _ in 0..100 {
                let start = 500 + draw.below(18_000);
                let mut read = genome[start..start + 300].to_vec();
                for at in errors.iter().map(|at| 100 + at) {
                    read[at] = other(read[at], 1 + draw.below(3));
                }
                sum += f64::from(posterior(&evidence, &read)[75..165].iter().sum::<f32>()) / 100.0;
            }
            assert!((lowest..highest).contains(&sum), "one in 2^{level}, {errors:?}: {sum}");
        }
    }
}

#[test]
fn evidence_of_an_earlier_version_is_refused() {
    for (level, version) in [(0, 2), (1, 3)] {
        let mut file = Vec::new();
        let evidence = Evidence::new(index(&genome(2_000, 7), level), weights(level == 0));
        assert!(evidence.write(&mut file).is_ok());
        assert_eq!(u32::from(file[12]), version);
        file[12] = 5 - file[12];
        let error = Evidence::read(&mut &file[..], file.len() as u64).map(|_| ());
        let text = error.map_err(|error| error.to_string());
        assert!(text.is_err_and(|text| text.contains(&format!("expected {version}; learn"))));
    }
}

#[test]
fn a_read_without_common_kmers_is_not_contradicted() {
    let evidence = Evidence::new(index(&genome(20_000, 4), 2), weights(false));
    let elsewhere = genome(300, 5);
    assert_eq!(contradicted(evidence.index(), &elsewhere), [0; 0]);
    assert!(look_up(evidence.index(), &elsewhere).iter().all(|support| !support.is_covered()));
}
