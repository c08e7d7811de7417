//! Weights fitted to a run.

use bm_evidence::{BaseSupport, Fit};

use crate::run::{DEPTH, RANGE, RANGES, experience, factors, factors_in, weights};

fn kinds() -> impl Iterator<Item = BaseSupport> + Clone {
    (0..BaseSupport::COUNT as u16).map(|number| BaseSupport::new(number).unwrap())
}

/// A frequent kind of contradicted base.
fn contradiction() -> BaseSupport {
    let frequency = |support: &BaseSupport| {
        let of = experience()
            .all
            .iter()
            .find(|frequency| frequency.support == support.number())
            .map_or(0.0, |of| of.wrong[RANGE]);
        (of * 1e9) as u64
    };
    kinds().filter(|support| support.is_contradicted()).max_by_key(frequency).unwrap()
}

fn add(fit: &mut Fit, support: BaseSupport, logit: f32, bases: usize) {
    (0..bases).for_each(|_| fit.add(support, DEPTH, logit));
}

/// A run of supported bases, most of them with low priors, and of contradicted bases with this
/// prior.
fn run(contradicted_at: f32) -> Fit {
    let mut fit = Fit::new(&experience());
    add(&mut fit, BaseSupport::new(5).unwrap(), -7.0, 100_000);
    add(&mut fit, BaseSupport::new(5).unwrap(), -1.0, 1_000);
    add(&mut fit, contradiction(), contradicted_at, 1_000);
    fit
}

#[test]
fn kinds_of_support_have_numbers() {
    assert!(
        BaseSupport::new(BaseSupport::COUNT as u16).is_none()
            && BaseSupport::new(u16::MAX).is_none()
    );
    assert_eq!(BaseSupport::new(0), Some(BaseSupport::NONE));
    assert!(kinds().zip(0..).all(|(support, number)| support.number() == number));
    assert!(!BaseSupport::NONE.is_contradicted() && !BaseSupport::NONE.is_covered());
    // A contradicted base is covered.
    assert!(kinds().all(|support| support.is_covered() || !support.is_contradicted()));
}

#[test]
fn without_bases_the_weights_are_those_of_earlier_runs() {
    let experience = experience();
    for (all, earlier) in [(true, &experience.all), (false, &experience.some)] {
        let factors = factors(weights(all));
        assert_eq!(factors[0], 1.0);
        for frequency in earlier.iter().filter(|frequency| frequency.support > 0) {
            let (support, factor) = (
                BaseSupport::new(frequency.support).unwrap(),
                factors[usize::from(frequency.support)],
            );
            let (wrong, right) = (frequency.wrong[RANGE], frequency.right[RANGE]);
            // The weights of rare kinds are smoothed.
            if wrong > 1e-3 && right > 1e-4 {
                let expected = if support.is_contradicted() {
                    wrong / right
                } else {
                    f64::min(wrong / right, 1.0)
                };
                assert!(
                    (f64::from(factor) / expected).ln().abs() < 0.02,
                    "{support:?}: {factor}, expected {expected}"
                );
            }
        }
    }
}

#[test]
fn a_contradiction_found_at_bases_with_high_priors_gets_a_higher_weight() {
    let (experience, contradiction) = (experience(), usize::from(contradiction().number()));
    let of = |fit: &Fit| factors(fit.weights(&experience, true))[contradiction];
    let (high_prior, low_prior, no_bases) =
        (of(&run(-1.0)), of(&run(-7.0)), of(&Fit::new(&experience)));
    assert!(high_prior > 1.0 && high_prior > no_bases, "{high_prior}, by earlier runs {no_bases}");
    assert!(low_prior < no_bases / 2.0, "{low_prior}, by earlier runs {no_bases}");
}

#[test]
fn only_contradictions_have_weights_above_1() {
    let experience = experience();
    // Every kind of support is found only at bases with high priors.
    let mut fit = Fit::new(&experience);
    add(&mut fit, BaseSupport::NONE, -9.0, 100_000);
    kinds()
        .filter(|support| *support != BaseSupport::NONE)
        .for_each(|support| add(&mut fit, support, 2.0, 100));
    for all in [true, false] {
        for range in 0..RANGES {
            for fit in [&fit, &Fit::new(&experience), &run(-1.0), &run(5.0)] {
                for (support, factor) in
                    kinds().zip(factors_in(fit.weights(&experience, all), range))
                {
                    assert!(factor.is_finite() && factor > 0.0, "{support:?} {factor}");
                    assert!(factor <= 1.0 || support.is_contradicted(), "{support:?} {factor}");
                    assert!(factor == 1.0 || support != BaseSupport::NONE, "{factor}");
                }
            }
        }
    }
}

#[test]
fn prior_and_posterior_errors_are_those_of_the_bases() {
    let mut fit = Fit::new(&experience());
    add(&mut fit, BaseSupport::NONE, 0.0, 1000);
    assert_eq!(fit.bases(), 1000);
    // To the precision of bins of width 0.25.
    assert!((fit.prior() - 500.0).abs() < 35.0, "{}", fit.prior());
    let weights = fit.weights(&experience(), true);
    assert!((fit.posterior(&weights) - fit.prior()).abs() < 1e-9);
    let run = run(-1.0);
    let weights = run.weights(&experience(), true);
    assert!(run.posterior(&weights) > 0.0 && run.posterior(&weights) < run.bases() as f64);
    assert_eq!(Fit::new(&experience()).prior(), 0.0);
}

#[test]
fn bases_can_be_added_in_parts() {
    let (mut whole, mut parts) =
        (Fit::new(&experience()), [Fit::new(&experience()), Fit::new(&experience())]);
    for (number, support) in kinds().cycle().take(10_000).enumerate() {
        let logit = (number % 997) as f32 / 30.0 - 18.0;
        whole.add(support, DEPTH, logit);
        parts[number % 2].add(support, DEPTH, logit);
    }
    let [mut joined, other] = parts;
    joined.merge(&other);
    assert_eq!((joined.bases(), joined.prior()), (whole.bases(), whole.prior()));
    assert_eq!(joined.weights(&experience(), true), whole.weights(&experience(), true));
}

#[test]
fn log_odds_outside_all_bins_are_counted() {
    let mut fit = Fit::new(&experience());
    for logit in [f32::NEG_INFINITY, f32::MIN, -100.0, 100.0, f32::MAX, f32::INFINITY] {
        fit.add(BaseSupport::NONE, DEPTH, logit);
    }
    assert_eq!(fit.bases(), 6);
    assert!((fit.prior() - 3.0).abs() < 0.5, "{}", fit.prior());
}
