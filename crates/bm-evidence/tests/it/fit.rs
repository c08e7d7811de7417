//! What the statements are worth in a run.

use bm_evidence::{BaseSupport, Fit};

use crate::run::{DEPTH, RANGE, RANGES, experience, weights, worths, worths_in};

fn statements() -> impl Iterator<Item = BaseSupport> + Clone {
    (0..BaseSupport::COUNT as u16).map(|number| BaseSupport::new(number).unwrap())
}

/// An accusation that runs make rather often.
fn accusation() -> BaseSupport {
    let often = |statement: &BaseSupport| {
        let of = experience()
            .all
            .iter()
            .find(|frequency| frequency.statement == statement.number())
            .map_or(0.0, |of| of.wrong[RANGE]);
        (of * 1e9) as u64
    };
    statements().filter(|statement| statement.contradicts()).max_by_key(often).unwrap()
}

fn add(fit: &mut Fit, statement: BaseSupport, logit: f32, bases: usize) {
    (0..bases).for_each(|_| fit.add(statement, DEPTH, logit));
}

/// A run of good bases that are seen and bad ones of which the accusation is made, with a few of it
/// at other bases.
fn run(accused_at: f32) -> Fit {
    let mut fit = Fit::new(&experience());
    add(&mut fit, BaseSupport::new(5).unwrap(), -7.0, 100_000);
    add(&mut fit, BaseSupport::new(5).unwrap(), -1.0, 1_000);
    add(&mut fit, accusation(), accused_at, 1_000);
    fit
}

#[test]
fn statements_have_numbers() {
    assert!(
        BaseSupport::new(BaseSupport::COUNT as u16).is_none()
            && BaseSupport::new(u16::MAX).is_none()
    );
    assert_eq!(BaseSupport::new(0), Some(BaseSupport::NONE));
    assert!(statements().zip(0..).all(|(statement, number)| statement.number() == number));
    assert!(!BaseSupport::NONE.contradicts() && !BaseSupport::NONE.is_known());
    // Who contradicts knows something.
    assert!(statements().all(|statement| statement.is_known() || !statement.contradicts()));
}

#[test]
fn without_bases_they_are_worth_what_experience_says() {
    let experience = experience();
    for (all, known) in [(true, &experience.all), (false, &experience.some)] {
        let worths = worths(weights(all));
        assert_eq!(worths[0], 1.0);
        for frequency in known.iter().filter(|frequency| frequency.statement > 0) {
            let (statement, worth) = (
                BaseSupport::new(frequency.statement).unwrap(),
                worths[usize::from(frequency.statement)],
            );
            let (wrong, right) = (frequency.wrong[RANGE], frequency.right[RANGE]);
            // Only of what is hardly ever said it is unknown.
            if wrong > 1e-3 && right > 1e-4 {
                let expected = if statement.contradicts() {
                    wrong / right
                } else {
                    f64::min(wrong / right, 1.0)
                };
                assert!(
                    (f64::from(worth) / expected).ln().abs() < 0.02,
                    "{statement:?}: {worth}, expected {expected}"
                );
            }
        }
    }
}

#[test]
fn what_is_said_of_suspected_bases_only_accuses_more() {
    let (experience, accusation) = (experience(), usize::from(accusation().number()));
    let of = |fit: &Fit| worths(fit.weights(&experience, true))[accusation];
    let (of_suspected, of_trusted, of_none) =
        (of(&run(-1.0)), of(&run(-7.0)), of(&Fit::new(&experience)));
    assert!(
        of_suspected > 1.0 && of_suspected > of_none,
        "{of_suspected}, by experience {of_none}"
    );
    assert!(of_trusted < of_none / 2.0, "{of_trusted}, by experience {of_none}");
}

#[test]
fn what_does_not_accuse_never_weighs_more_than_nothing() {
    let experience = experience();
    // Every statement is made of suspected bases alone.
    let mut fit = Fit::new(&experience);
    add(&mut fit, BaseSupport::NONE, -9.0, 100_000);
    statements()
        .filter(|statement| *statement != BaseSupport::NONE)
        .for_each(|statement| add(&mut fit, statement, 2.0, 100));
    for all in [true, false] {
        for range in 0..RANGES {
            for fit in [&fit, &Fit::new(&experience), &run(-1.0), &run(5.0)] {
                for (statement, worth) in
                    statements().zip(worths_in(fit.weights(&experience, all), range))
                {
                    assert!(worth.is_finite() && worth > 0.0, "{statement:?} {worth}");
                    assert!(worth <= 1.0 || statement.contradicts(), "{statement:?} {worth}");
                    assert!(worth == 1.0 || statement != BaseSupport::NONE, "{worth}");
                }
            }
        }
    }
}

#[test]
fn errors_before_and_after_are_those_of_the_bases() {
    let mut fit = Fit::new(&experience());
    add(&mut fit, BaseSupport::NONE, 0.0, 1000);
    assert_eq!(fit.bases(), 1000);
    // To the precision of bins of a quarter.
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
    for (number, statement) in statements().cycle().take(10_000).enumerate() {
        let logit = (number % 997) as f32 / 30.0 - 18.0;
        whole.add(statement, DEPTH, logit);
        parts[number % 2].add(statement, DEPTH, logit);
    }
    let [mut joined, other] = parts;
    joined.merge(&other);
    assert_eq!((joined.bases(), joined.prior()), (whole.bases(), whole.prior()));
    assert_eq!(joined.weights(&experience(), true), whole.weights(&experience(), true));
}

#[test]
fn log_odds_beyond_all_bins_are_counted() {
    let mut fit = Fit::new(&experience());
    for logit in [f32::NEG_INFINITY, f32::MIN, -100.0, 100.0, f32::MAX, f32::INFINITY] {
        fit.add(BaseSupport::NONE, DEPTH, logit);
    }
    assert_eq!(fit.bases(), 6);
    assert!((fit.prior() - 3.0).abs() < 0.5, "{}", fit.prior());
}
