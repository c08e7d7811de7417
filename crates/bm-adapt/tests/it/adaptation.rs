//! Learning, and the reasons not to use what was learned.

use std::sync::Arc;

use bm_adapt::{Adaptation, Choice, Contradiction, Doubt, Labels, RunSample, Sampler, Settings};
use bm_infer::{Backend, backend::Embedded};
use bm_quality::{ModelPackage, QualityModel};
use bm_reads::ReadRef;

use crate::run::{Draw, Made, genome, other, read, reads, sample};

fn start() -> ModelPackage {
    ModelPackage::embedded("read-error").unwrap()
}

fn learn(sample: &RunSample, settings: &Settings) -> Adaptation {
    Adaptation::learn(sample, &Labels::of(sample, settings.threads), &start(), settings).unwrap()
}

fn run(seed: u64) -> Vec<Made> {
    reads(&genome(12_000, seed), 2_400, 150, &mut Draw::new(seed))
}

/// Expected errors of reads by a package, and true errors.
fn errors(package: ModelPackage, made: &[Made]) -> (f64, f64) {
    let mut model = QualityModel::new(Arc::new(package), &Embedded::new()).unwrap();
    let reads: Vec<_> = made.iter().map(Made::as_read).collect();
    let expected = model
        .predict(&reads)
        .unwrap()
        .iter()
        .map(|prediction| f64::from(prediction.expected_errors().unwrap()))
        .sum();
    (expected, made.iter().flat_map(|made| &made.wrong).filter(|wrong| **wrong).count() as f64)
}

#[test]
fn the_adapted_model_is_calibrated_for_the_run() {
    // Twice the reads of the other tests: with fewer, the ranking of held-out reads varies.
    let made = reads(&genome(12_000, 1), 4_800, 150, &mut Draw::new(1));
    let adaptation = learn(&sample(&made), &Settings { threads: 2, ..Settings::default() });
    assert_eq!((adaptation.choice, &adaptation.doubts[..]), (Choice::Adapted, &[][..]));
    let findings = &adaptation.findings;
    assert!(
        findings.held_out.over_start.millibits > 0.0
            && findings.held_out.over_reported.millibits > 0.0
    );
    let package = ModelPackage::from_files("run", adaptation.files.clone()).unwrap();
    assert_eq!(
        (package.facts().id.as_str(), package.facts().encoding.id.as_str()),
        ("read-error-adapted", "base-quality-place")
    );
    // Reads of the same run that were not observed.
    let more = reads(&genome(12_000, 1), 2_000, 150, &mut Draw::new(77));
    let (expected, found) = errors(package, &more);
    assert!((expected / found).log2().abs() < 0.15, "{expected} expected, {found} found");
    // Reported as Q37, in truth Q27.
    let best = findings.by_quality.iter().find(|row| row.of == "37").unwrap();
    let rate = |errors: f64| errors / best.bases as f64;
    assert!(
        (0.0015..0.0025).contains(&rate(best.adapted)) && rate(best.start) < 0.0012,
        "{best:?}"
    );
}

#[test]
fn mutations_of_a_library_are_not_taken_for_errors() {
    let (genome, mut draw) = (genome(2_000, 9), Draw::new(9));
    // Molecules of 150 bases with one mutation in a hundred bases, read with few errors.
    let made: Vec<Made> = (0..3_000)
        .map(|_| {
            let start = draw.below(genome.len() - 149);
            let mut molecule = genome[start..start + 150].to_vec();
            for base in &mut molecule {
                if draw.chance(0.01) {
                    *base = other(*base, &mut draw);
                }
            }
            read(&molecule, &mut draw)
        })
        .collect();
    let adaptation = learn(&sample(&made), &Settings::default());
    let doubt = adaptation.doubts.iter().find(|doubt| matches!(doubt, Doubt::NotErrors { .. }));
    let Some(Doubt::NotErrors { fraction }) = doubt else { panic!("{:?}", adaptation.doubts) };
    assert!((0.008..0.015).contains(fraction), "{fraction}");
    assert!(doubt.unwrap().to_string().contains("not errors of sequencing"));
    assert!(matches!(adaptation.choice, Choice::Start | Choice::Reported));
}

#[test]
fn the_same_reads_give_the_same_bytes_on_any_number_of_threads() {
    let sample = sample(&run(2)[..1_500]);
    let one = learn(&sample, &Settings { threads: 1, ..Settings::default() });
    for threads in [2, 5, 64] {
        assert!(
            learn(&sample, &Settings { threads, ..Settings::default() }).files == one.files,
            "{threads} threads"
        );
    }
    assert!(learn(&sample, &Settings { seed: 1, ..Settings::default() }).files != one.files);
}

#[test]
fn the_package_holds_golden_reads_that_an_engine_reproduces() {
    let adaptation = learn(&sample(&run(3)), &Settings::default());
    let package = Arc::new(ModelPackage::from_files("run", adaptation.files).unwrap());
    let golden = package.golden().unwrap().unwrap();
    let engine = Embedded::new();
    let report =
        golden.compare(&mut QualityModel::new(Arc::clone(&package), &engine).unwrap()).unwrap();
    assert!(
        report.reads >= 10 && report.max_difference <= engine.tolerance() && report.flips == 0,
        "{report:?}"
    );
    assert!(report.max_rate_difference <= engine.tolerance(), "{report:?}");
    let card = package.card().unwrap().unwrap();
    assert!(card.contains("| 37 |") && card.contains("Log loss"), "{card}");
}

#[test]
fn an_adapted_package_can_be_adapted_again() {
    let first = learn(&sample(&run(4)), &Settings::default());
    let package = ModelPackage::from_files("first", first.files).unwrap();
    let sample = sample(&run(5));
    let second =
        Adaptation::learn(&sample, &Labels::of(&sample, 1), &package, &Settings::default())
            .unwrap();
    // The first package is adapted to this instrument: the gain is small, or none.
    assert!(
        second.findings.held_out.start.log2_ratio.abs() < 0.3,
        "{:?}",
        second.findings.held_out.start
    );
}

#[test]
fn models_of_another_kind_are_refused() {
    let mean_q20 = ModelPackage::embedded("mean-q20").unwrap();
    let sample = Sampler::new(1000).finish();
    let error =
        Adaptation::learn(&sample, &Labels::of(&sample, 1), &mean_q20, &Settings::default())
            .unwrap_err();
    assert_eq!(
        error.to_string(),
        "mean-q20: cannot be adapted: the model does not predict errors of bases; start from \
         read-error or an adapted model"
    );
}

#[test]
fn nothing_is_learned_from_too_few_reads() {
    for made in
        [vec![], run(6)[..20].to_vec(), reads(&genome(2_000_000, 6), 4_000, 150, &mut Draw::new(6))]
    {
        let adaptation = learn(&sample(&made), &Settings::default());
        assert!(
            matches!(adaptation.doubts[..], [Doubt::TooFewLabels { .. }]),
            "{:?}",
            adaptation.doubts
        );
        assert_eq!(adaptation.choice, Choice::Start);
        let package = ModelPackage::from_files("kept", adaptation.files).unwrap();
        assert_eq!(package.facts(), start().facts());
        assert_eq!(
            package.model_file(bm_infer::Variant::Portable).unwrap().sha256(),
            start().model_file(bm_infer::Variant::Portable).unwrap().sha256()
        );
        assert!(package.card().unwrap().unwrap().contains("Not adapted: "));
    }
}

#[test]
fn reported_qualities_are_used_if_the_base_model_does_not_apply() {
    let made = run(7)[..20].to_vec();
    let adaptation =
        learn(&sample(&made), &Settings { start_applies: false, ..Settings::default() });
    assert_eq!(adaptation.choice, Choice::Reported);
    let (expected, _) =
        errors(ModelPackage::from_files("reported", adaptation.files).unwrap(), &made);
    let reported: f64 = made
        .iter()
        .flat_map(|made| &made.quality)
        .map(|byte| 10f64.powf(-f64::from(byte - 33) / 10.0))
        .sum();
    assert!((expected / reported - 1.0).abs() < 1e-4, "{expected} {reported}");
}

/// Returns the run with each quality replaced.
fn with_qualities(mut made: Vec<Made>, quality: impl Fn(&Made) -> u8) -> Vec<Made> {
    for made in &mut made {
        let quality = quality(made);
        made.quality.fill(quality);
    }
    made
}

#[test]
fn the_runs_own_table_is_used_where_the_network_learns_nothing_more() {
    let wrong = |made: &Made| made.wrong.iter().filter(|wrong| **wrong).count();
    let constant = |seed| with_qualities(run(seed), |_| b'?');
    // Two values, a read has one of them, as in files of the archive that are called lite.
    let lite = |seed| with_qualities(run(seed), |made| if wrong(made) > 3 { b'$' } else { b'?' });
    let runs: [([Vec<Made>; 2], usize); 2] =
        [([constant(20), constant(21)], 1), ([lite(22), lite(23)], 2)];
    for ([first, made], values) in runs {
        // The model to start from knows such runs, so another one teaches it nothing.
        let settings = Settings { start_applies: false, ..Settings::default() };
        let first = learn(&sample(&first), &settings);
        let start = ModelPackage::from_files("first", first.files).unwrap();
        let sample = sample(&made);
        let labels = Labels::of(&sample, 1);
        let adaptation = Adaptation::learn(&sample, &labels, &start, &settings).unwrap();
        assert_eq!(adaptation.choice, Choice::Table, "{:?}", adaptation.doubts);
        assert!(
            matches!(
                adaptation.doubts[..],
                [Doubt::NoBetter { .. } | Doubt::RanksWorse { .. }, ..]
            ),
            "{:?}",
            adaptation.doubts
        );
        // Where the model to start from applies, it stays.
        let applies = Settings { start_applies: true, ..settings };
        let adaptation_of = |settings| Adaptation::learn(&sample, &labels, &start, settings);
        assert_eq!(adaptation_of(&applies).unwrap().choice, Choice::Start);
        let package = Arc::new(ModelPackage::from_files("table", adaptation.files).unwrap());
        assert_eq!(package.facts().id, "measured-errors");
        assert_eq!(package.facts().domain.map(|domain| domain.min_quality_values), Some(values));
        let card = package.card().unwrap().unwrap();
        assert!(
            card.starts_with("# measured-errors\n") && card.contains("Not adapted: "),
            "{card}"
        );
        let golden = package.golden().unwrap().unwrap();
        let engine = Embedded::new();
        let report =
            golden.compare(&mut QualityModel::new(Arc::clone(&package), &engine).unwrap()).unwrap();
        assert!(report.max_difference <= engine.tolerance() && report.flips == 0, "{report:?}");
        // Reads of each value have as many errors as they are expected to have.
        for value in [b'$', b'?'] {
            let made: Vec<_> =
                made.iter().filter(|made| made.quality[0] == value).cloned().collect();
            if made.is_empty() {
                continue;
            }
            let mut model = QualityModel::new(Arc::clone(&package), &engine).unwrap();
            let reads: Vec<_> = made.iter().map(Made::as_read).collect();
            let expected: f64 = (model.predict(&reads).unwrap().iter())
                .map(|prediction| f64::from(prediction.expected_errors().unwrap()))
                .sum();
            let found: usize = made.iter().map(wrong).sum();
            assert!((expected / found as f64).log2().abs() < 0.2, "{expected} {found}");
        }
    }
}

#[test]
fn the_error_rate_of_a_run_is_known_even_if_it_has_few_errors() {
    let mut made = with_qualities(run(24), |_| b':');
    let mut draw = Draw::new(24);
    let right = reads(&genome(12_000, 24), 2_400, 150, &mut draw);
    for (made, right) in made.iter_mut().zip(right) {
        let wrong = right.wrong.iter().position(|wrong| *wrong);
        made.sequence = right.sequence;
        made.wrong = right.wrong;
        // One read in twenty keeps an error.
        let keeps = draw.chance(0.05);
        for (at, is_wrong) in made.wrong.iter_mut().enumerate() {
            if *is_wrong && !(keeps && Some(at) == wrong) {
                *is_wrong = false;
                made.sequence[at] = b'N';
            }
        }
    }
    let settings = Settings { start_applies: false, ignores_quality: true, ..Settings::default() };
    let adaptation = learn(&sample(&made), &settings);
    assert!(
        matches!(adaptation.doubts[..], [Doubt::TooFewLabels { .. }]),
        "{:?}",
        adaptation.doubts
    );
    assert_eq!(adaptation.choice, Choice::Table);
    let package = ModelPackage::from_files("rate", adaptation.files).unwrap();
    assert!(package.ignores_quality());
    let known: Vec<_> =
        made.iter().filter(|made| !made.sequence.contains(&b'N')).cloned().collect();
    let (expected, _) = errors(package, &known);
    let rate = expected / (150.0 * known.len() as f64);
    let truth = made.iter().flat_map(|made| &made.wrong).filter(|wrong| **wrong).count() as f64
        / (150.0 * made.len() as f64);
    assert!((rate / truth).log2().abs() < 0.5, "{rate} {truth}");
    // Reported qualities are not replaced for this reason.
    let reported = Settings { ignores_quality: false, ..settings };
    assert_eq!(learn(&sample(&made), &reported).choice, Choice::Reported);
}

#[test]
fn nothing_is_learned_from_an_amplicon_of_one_sequence() {
    let mut draw = Draw::new(8);
    let amplicon = genome(400, 8);
    let made: Vec<_> = (0..4_000).map(|_| read(&amplicon[..150], &mut draw)).collect();
    let adaptation = learn(&sample(&made), &Settings::default());
    assert!(matches!(adaptation.doubts[..], [Doubt::FewPlaces { .. }]), "{:?}", adaptation.doubts);
}

#[test]
fn mixtures_of_many_strains_are_detected_or_learned_right() {
    let mut draw = Draw::new(10);
    let first = genome(6_000, 10);
    let made: Vec<_> = (0..12)
        .flat_map(|_| {
            let mut strain = first.clone();
            for base in &mut strain {
                if draw.chance(0.04) {
                    *base = other(*base, &mut draw);
                }
            }
            reads(&strain, 400, 150, &mut draw)
        })
        .collect();
    let adaptation = learn(&sample(&made), &Settings::default());
    // Either the mixture is detected, or the adapted model is calibrated in spite of it.
    match adaptation.choice {
        Choice::Adapted => {
            let (expected, found) =
                errors(ModelPackage::from_files("strains", adaptation.files).unwrap(), &made);
            assert!((expected / found).log2().abs() < 0.5, "{expected} {found}");
        }
        _ => assert!(
            matches!(adaptation.doubts[0], Doubt::MixedSequences { .. }),
            "{:?}",
            adaptation.doubts
        ),
    }
}

#[test]
fn reads_of_few_positions_contradict_a_model_and_others_do_not() {
    let mut draw = Draw::new(11);
    let amplicon = genome(150, 11);
    let bad = |rate: f64, draw: &mut Draw| {
        let mut made = Made {
            sequence: amplicon.clone(),
            quality: vec![b'!' + 37; 150],
            wrong: vec![false; 150],
        };
        for base in &mut made.sequence {
            if draw.chance(rate) {
                *base = other(*base, draw);
            }
        }
        made
    };
    let contradiction = |made: &[Made]| {
        // Reads of one quality that are the same are different molecules by their names.
        let names: Vec<String> = (0..made.len()).map(|number| format!("r{number}")).collect();
        let reads = made.iter().zip(&names);
        let reads = reads.map(|(made, name)| ReadRef { name: name.as_bytes(), ..made.as_read() });
        Contradiction::of(reads, &start()).unwrap()
    };
    let contradicted: Vec<_> = (0..1_000).map(|_| bad(0.01, &mut draw)).collect();
    let found = contradiction(&contradicted).unwrap();
    assert!(found.found as f64 > 5.0 * found.expected, "{found}");
    let honest: Vec<_> = (0..1_000).map(|_| bad(0.0005, &mut draw)).collect();
    assert_eq!(contradiction(&honest), None);
    // The same errors all over a genome: the depth is too low.
    let wide = reads(&genome(1_000_000, 12), 1_000, 150, &mut draw);
    assert_eq!(contradiction(&wide), None);
}
