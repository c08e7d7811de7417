//! Packages with what the k-mers of a run say of whole long reads.

use std::sync::Arc;

use bm_infer::backend::Embedded;
use bm_kmers::{Counter, kmer};
use bm_long::{LongRead, ReadEvidence, Scale};
use bm_quality::{KmerEvidence, ModelPackage, Prediction, QualityModel};
use bm_reads::ReadRef;

fn drawn(number: usize) -> usize {
    kmer::mix(number as u64 + 1) as usize
}

/// A genome of 3,000 bases, and 80 reads of it; every second one has four times as many errors.
fn run() -> Vec<Vec<u8>> {
    let genome: Vec<u8> = (0..3000).map(|at| b"ACGT"[drawn(at) % 4]).collect();
    let read = |number: usize| {
        let mut read = genome[drawn(number + 9000) % 1500..][..1500].to_vec();
        let every = if number.is_multiple_of(2) { 160 } else { 40 };
        read.iter_mut()
            .step_by(every)
            .for_each(|base| *base = if *base == b'A' { b'C' } else { b'A' });
        read
    };
    (0..80).map(read).collect()
}

fn evidence(reads: &[Vec<u8>], probabilities: &[f32]) -> ReadEvidence {
    let mut counter = Counter::new(bm_long::K, 64 << 20);
    reads.iter().for_each(|read| counter.observe(read));
    let index = counter.finish();
    let mut read = LongRead::default();
    let supports: Vec<_> =
        reads.iter().map(|bases| read.look_up(&index, bases, probabilities)).collect();
    ReadEvidence::new(index, Scale::fit(&supports))
}

#[test]
fn all_bases_of_a_read_have_the_rate_that_qualities_and_kmers_have_together() {
    let reads = run();
    // Q17, but for some bases in the middle.
    let quality_scores: Vec<u8> =
        (0..1500).map(|at| if at / 100 == 7 { b'+' } else { b'2' }).collect();
    let package = || ModelPackage::embedded("read-error").unwrap();
    let refs: Vec<_> = reads
        .iter()
        .map(|sequence| ReadRef { name: b"r", sequence, quality_scores: &quality_scores })
        .collect();
    let score = |package: ModelPackage, reads: &[ReadRef<'_>]| {
        let mut model = QualityModel::new(Arc::new(package), &Embedded::new()).unwrap();
        let (mut predictions, mut bases) = (Vec::new(), Vec::new());
        model.predict_bases_into(reads.iter().copied(), &mut predictions, &mut bases).unwrap();
        (predictions, bases)
    };
    let (alone, prior) = score(package(), &refs);
    let evidence = evidence(&reads, &prior[..1500]);
    let (found, bases) = score(package().with_evidence(Arc::new(evidence.clone().into())), &refs);
    for (number, read) in reads.iter().enumerate() {
        let (Prediction::Scored(prior_score), Prediction::Scored(score)) =
            (&alone[number], &found[number])
        else {
            panic!("{number} is not scored");
        };
        let of_read = number * 1500..(number + 1) * 1500;
        // As by definition.
        let mut long_read = LongRead::default();
        let support = long_read.look_up(evidence.index(), read, &prior[of_read.clone()]);
        let rate = long_read.error_rate(evidence.scale(), &support, &prior[of_read.clone()]);
        let errors = score.expected_errors.unwrap();
        assert!((f64::from(errors) / (1500.0 * rate) - 1.0).abs() < 1e-6, "{number}: {errors}");
        let few = number.is_multiple_of(2);
        assert!(if few { errors < 25.0 } else { errors > 25.0 }, "{number}: {errors}");
        let kmers = score.support.unwrap();
        assert_eq!(Some(kmers.expected_errors_prior), prior_score.expected_errors);
        assert!((f64::from(kmers.evaluable) - support.evaluable()).abs() < 1e-6);
        assert!(kmers.evaluable > 0.7, "{number}: {kmers:?}");
        // Nothing is said of single bases.
        let times = errors / prior_score.expected_errors.unwrap();
        for (p, prior) in bases[of_read.clone()].iter().zip(&prior[of_read]) {
            assert!((p / prior / times - 1.0).abs() < 1e-4, "{number}: {p} {prior} {times}");
        }
    }
    // A read of nobody's keeps its qualities, but for what all reads of the run show.
    let strange: Vec<u8> = (0..1500).map(|at| b"ACGT"[drawn(at + 70_000) % 4]).collect();
    let read = [ReadRef { name: b"s", sequence: &strange, quality_scores: &quality_scores }];
    let (found, _) = score(package().with_evidence(Arc::new(evidence.into())), &read);
    let Prediction::Scored(score) = &found[0] else { panic!("it is not scored") };
    assert_eq!(score.support.unwrap().evaluable, 0.0);
}

#[test]
fn the_file_says_of_what_kind_it_is_and_broken_ones_are_refused() {
    let probabilities = [0.02; 1500];
    let evidence = KmerEvidence::from(evidence(&run(), &probabilities));
    let mut file = Vec::new();
    evidence.write(&mut file).unwrap();
    let read = |file: &[u8]| KmerEvidence::read(&mut &file[..], file.len() as u64);
    assert!(read(&file).unwrap() == evidence);
    for length in [0, 3, 8, 15, 40, 60, file.len() / 2, file.len() - 1] {
        assert!(read(&file[..length]).is_err(), "{length}");
    }
    let with = |at: usize, bytes: &[u8]| {
        let mut file = file.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        read(&file).unwrap_err().to_string()
    };
    assert!(with(8, &[9]).contains("format 9"), "{}", with(8, &[9]));
    assert!(with(12, &[9]).contains("version 9"));
    // Slope, noise and share of the scale.
    for (at, number) in [(16, f64::NAN), (24, f64::INFINITY), (32, -1.0), (40, 0.0), (48, 1.5)] {
        let message = with(at, &number.to_le_bytes());
        assert!(message.contains("expected finite numbers"), "{message}");
    }
    let mut longer = file.clone();
    longer.push(0);
    assert!(read(&longer).is_err());
}
