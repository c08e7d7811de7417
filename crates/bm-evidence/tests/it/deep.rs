//! Deep runs over few places, where errors coincide.

use bm_evidence::Evidence;
use bm_kmers::Counter;

use crate::run::{ROOM, apply, counted, genome, other, weights};

/// An amplicon, and reads of it: one in a hundred with a variant, one in four hundred with an error at
/// another place.
const VARIANT: usize = 60;
const RECURRENT: usize = 120;

struct Amplicon {
    right: Vec<u8>,
    variant: Vec<u8>,
    recurrent: Vec<u8>,
}

fn amplicon() -> Amplicon {
    let right = genome(200, 11);
    let (mut variant, mut recurrent) = (right.clone(), right.clone());
    variant[VARIANT] = other(right[VARIANT], 2);
    recurrent[RECURRENT] = other(right[RECURRENT], 1);
    Amplicon { right, variant, recurrent }
}

/// Evidence of this many reads, weighted by earlier runs alone.
fn evidence(amplicon: &Amplicon, reads: usize) -> Evidence {
    let Amplicon { right, variant, recurrent } = amplicon;
    let read = |number: usize| match number % 400 {
        0 => recurrent,
        1..5 => variant,
        _ => right,
    };
    let index = counted(Counter::new(21, ROOM), (0..reads).map(read));
    Evidence::new(index, weights(true))
}

/// The posterior probability of an error at a base, where the quality says Q37.
fn posterior(evidence: &Evidence, read: &[u8], at: usize) -> f32 {
    let mut probabilities = vec![2e-4; read.len()];
    apply(evidence, read, &mut probabilities);
    probabilities[at]
}

#[test]
fn a_variant_of_one_percent_stands_and_an_error_that_recurs_does_not_count_as_support() {
    let amplicon = amplicon();
    for reads in [1_200, 4_000, 8_000] {
        let evidence = evidence(&amplicon, reads);
        let variant = posterior(&evidence, &amplicon.variant, VARIANT);
        let recurrent = posterior(&evidence, &amplicon.recurrent, RECURRENT);
        let right = posterior(&evidence, &amplicon.right, VARIANT);
        assert!(variant < 0.5, "{reads} reads: {variant}");
        assert!(recurrent > 0.5, "{reads} reads: {recurrent}");
        assert!(right < 2e-4, "{reads} reads: {right}");
    }
}

#[test]
fn the_rarer_a_base_is_among_many_reads_the_less_probable_it_is() {
    let Amplicon { right, variant, .. } = amplicon();
    let of = |one_in: usize| {
        let reads = (0..3_000).map(|number| if number % one_in == 0 { &variant } else { &right });
        let evidence = Evidence::new(counted(Counter::new(21, ROOM), reads), weights(true));
        posterior(&evidence, &variant, VARIANT)
    };
    let found = [3, 12, 24, 100, 200, 600].map(of);
    assert!(found.is_sorted(), "{found:?}");
    assert!(found[0] < 1e-3 && found[5] > 0.5, "{found:?}");
}
