//! Random networks on the embedded engine.

#![cfg(feature = "embedded")]

use bm_infer::Backend;
use bm_infer::backend::Embedded;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::backends::run;
use crate::networks::{Numbers, file, gemm_model, layers, reference};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_random_network_equals_its_definition(
        widths in vec(1..=70usize, 2..=5),
        rows in 1..=40usize,
        seed in any::<u64>(),
    ) {
        let layers = layers(&widths, seed);
        let file = file("random", &gemm_model(&layers));
        let input = Numbers::new(!seed).around_zero(rows * widths[0], 2.0);
        let vector = run(&mut *Embedded::new().load(&file).unwrap(), &input);
        let scalar = run(&mut *Embedded::scalar().load(&file).unwrap(), &input);
        let expected: Vec<_> = input.chunks(widths[0]).flat_map(|row| reference(&layers, row)).collect();
        prop_assert_eq!(vector.len(), expected.len());
        prop_assert_eq!(scalar.len(), expected.len());
        for ((vector, scalar), (expected, bound)) in vector.iter().zip(&scalar).zip(expected) {
            for found in [vector, scalar] {
                let off = (f64::from(*found) - expected).abs();
                prop_assert!(off <= bound, "{widths:?}: {found}, expected {expected} within {bound:.1e}");
            }
            prop_assert_eq!(vector.to_bits(), scalar.to_bits(), "{:?}: {} by vectors, {} without", widths, vector, scalar);
        }
    }

    #[test]
    fn a_row_has_the_same_result_alone_and_in_a_batch(
        widths in vec(1..=70usize, 2..=4),
        rows in 2..=40usize,
        seed in any::<u64>(),
    ) {
        let file = file("random", &gemm_model(&layers(&widths, seed)));
        let input = Numbers::new(seed).around_zero(rows * widths[0], 1.0);
        let mut session = Embedded::new().load(&file).unwrap();
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let together = bits(run(&mut *session, &input));
        let apart: Vec<_> = input.chunks(widths[0]).flat_map(|row| bits(run(&mut *session, row))).collect();
        prop_assert_eq!(together, apart);
    }
}
