//! What holds for any reads.

use bm_call::Settings;
use proptest::prelude::*;

use crate::support::{Line, Numbers, calls, read, sequence, texts};

/// Reads with many errors and gaps, on a short reference: everything is called, nothing is sure.
fn reads(seed: u64, count: usize) -> (String, String) {
    let letters = sequence(300);
    let mut numbers = Numbers::new(seed);
    let lines: Vec<Line> = (0..count)
        .map(|number| {
            let length = 20 + numbers.below(60);
            let start = numbers.below(letters.len() - length);
            let flags = [0, 16, 99, 147][numbers.below(4)];
            let name = format!("r{}", if flags < 99 { number } else { number / 2 });
            let mut line = read(&letters, &name, flags, start, length);
            for base in &mut line.bases {
                if numbers.below(12) == 0 {
                    *base = b"ACGTN"[numbers.below(5)];
                }
            }
            let at = 1 + numbers.below(length - 2);
            match numbers.below(4) {
                0 => {
                    line.bases.remove(at);
                    line.cigar = format!("{at}M1D{}M", length - at - 1);
                }
                1 => {
                    line.bases.insert(at, b'G');
                    line.cigar = format!("{at}M1I{}M", length - at);
                }
                _ => {}
            }
            line
        })
        .collect();
    texts(&letters, &lines)
}

fn settings() -> Settings {
    Settings { min_depth: 1, written_quality: -100.0, min_fraction: 0.0, ..Settings::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_region_has_the_calls_of_the_whole_in_it(seed in 0u64..1000, from in 1usize..250) {
        let texts = reads(seed, 120);
        let to = from + 40;
        let (all, _) = calls(&texts, &settings(), &[], 0.02).unwrap();
        let region = format!("ref:{from}-{to}");
        let (found, _) = calls(&texts, &settings(), &[&region], 0.02).unwrap();
        let inside: Vec<_> =
            all.into_iter().filter(|it| (from..=to).contains(&(it.place + 1))).collect();
        prop_assert_eq!(found, inside);
    }

    #[test]
    fn calls_are_in_order_and_their_counts_fit(seed in 0u64..1000, count in 0usize..200) {
        let (found, totals) = calls(&reads(seed, count), &settings(), &[], 0.02).unwrap();
        prop_assert!(found.iter().map(|it| it.place).is_sorted());
        for call in &found {
            let [with, without] = [call.with_alternative, call.with_reference];
            prop_assert!(with[0] + with[1] >= 2);
            prop_assert!(call.quality.is_finite() && (0.0..=1.0).contains(&call.fraction));
            prop_assert!(call.is_gap() || with[0] + with[1] + without[0] + without[1] <= call.depth);
            prop_assert!(call.reference != call.alternative);
        }
        prop_assert!(totals.passed <= found.len() as u64);
    }
}
