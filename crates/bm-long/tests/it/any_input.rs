//! Reads of any content and length.

use bm_long::{Ends, LongRead, Scale, Support};
use proptest::prelude::*;

use crate::run::{self, Draw};

/// A scale as extreme as a run can give.
const SCALES: [Scale; 3] = [
    Scale { centre: 0.0, shift: 0.0, slope: 1.0, noise: 0.02, share: 1.0 },
    Scale { centre: -20.0, shift: 20.0, slope: 0.0, noise: 0.01, share: 0.5 },
    Scale { centre: -3.0, shift: -20.0, slope: 1.25, noise: 50.0, share: 1.0 },
];

fn assert_is_a_rate(support: &Support, rate: f64) {
    assert!(rate.is_finite() && rate >= 0.0, "{rate} {support:?}");
    assert!(support.supported <= support.tested && support.tested <= support.bases, "{support:?}");
    assert!((0.0..=1.0).contains(&support.reported), "{support:?}");
}

fn letters() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b"ACGTACGTACGTNacgu-\0\xff".to_vec()), 0..900)
}

prop_compose! {
    fn any_support()(
        bases in 0usize..5000,
        reported in 1e-10f64..1.0,
        tested in 0.0f64..1.0,
        fraction in 0.0f64..1.0,
        depth in 0.0f64..5000.0,
    ) -> Support {
        let tested = (bases as f64 * tested) as usize;
        let supported = (tested as f64 * fraction) as usize;
        Support { bases, reported, k: 17, fraction: 1.0, tested, supported, depth }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_letters_and_probabilities_give_a_rate(
        letters in letters(),
        repeats in 1usize..12,
        probabilities in prop::collection::vec(prop::num::f32::ANY, 0..900),
    ) {
        let index = run::counted(17, vec![&letters[..]; repeats]);
        let mut read = LongRead::default();
        let support = read.look_up(&index, &letters, &probabilities);
        prop_assert_eq!(support.bases, letters.len().min(probabilities.len()));
        for scale in SCALES {
            let rate = read.error_rate(&scale, &support, &probabilities);
            prop_assert!(scale.error_rate(&support).is_finite());
            assert_is_a_rate(&support, rate);
        }
        let ends = Ends::find(&vec![&letters[..]; repeats]);
        let sample = ends.sample(&letters);
        prop_assert!(sample.start <= sample.end && sample.end <= letters.len());
    }

    #[test]
    fn any_supports_give_a_scale(
        supports in prop::collection::vec(any_support(), 0..80),
    ) {
        let scale = Scale::fit(&supports);
        prop_assert!(scale.noise > 0.0 && (0.0..=1.0).contains(&scale.share));
        for support in &supports {
            let rate = scale.error_rate(support);
            prop_assert!(rate.is_finite() && rate > 0.0, "{} {:?} {:?}", rate, scale, support);
        }
    }
}

#[test]
fn reads_without_known_bases_keep_what_they_report() {
    let index = run::counted(17, [&b"ACGTTGCAATCCGATAGGCTTAACG"[..]; 5]);
    let mut read = LongRead::default();
    for bases in [&b""[..], b"A", &[b'N'; 5000]] {
        let probabilities = vec![0.03; bases.len()];
        let support = read.look_up(&index, bases, &probabilities);
        assert_eq!((support.tested, support.bases), (0, bases.len()));
        let rate = read.error_rate(&Scale::default(), &support, &probabilities);
        let expected = if bases.is_empty() { 0.0 } else { 0.03 };
        assert!((rate - expected).abs() < 1e-6, "{rate}");
    }
}

#[test]
fn a_read_of_four_million_bases_is_judged() {
    let genome = run::genome(4_000_000, 11);
    let mut draw = Draw::new(12);
    let (bases, errors) = run::with_errors(&genome, 0.04, &mut draw);
    // The genome six times, so that every k-mer has a depth, and the read.
    let index = run::counted(17, vec![&genome[..]; 6].into_iter().chain([&bases[..]]));
    let mut read = LongRead::default();
    let probabilities = vec![0.1; bases.len()];
    let support = read.look_up(&index, &bases, &probabilities);
    let rate = read.error_rate(&SCALES[0], &support, &probabilities);
    let truth = errors as f64 / bases.len() as f64;
    assert!((0.7..2.5).contains(&(rate / truth)), "{rate} {truth} {support:?}");
    read.shrink_to(1000);
    assert_eq!(read.look_up(&index, b"", &[]).bases, 0);
}
