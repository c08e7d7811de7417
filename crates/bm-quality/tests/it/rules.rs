//! Properties of the rules from windows to reads and from mates to pairs.

use bm_quality::{
    Combination, ErrorRule, KmerSupport, PairRule, Prediction, Probability, ReadRule,
    ReadRuleEntry, Score, WindowRule,
};
use bm_reads::ReadError;
use proptest::collection::vec;
use proptest::prelude::*;

fn windows() -> impl Strategy<Value = (WindowRule, usize)> {
    let rule = |length| WindowRule { length, combination: Combination::BaseWeightedMeanLogit };
    (1..400usize).prop_flat_map(move |length| (Just(rule(length)), 0..=6 * length))
}

/// A probability, often near 0 or 1.
fn probability() -> impl Strategy<Value = Probability> {
    prop_oneof![4 => 0.0..=1.0f32, 1 => Just(0.0f32), 1 => Just(1.0f32), 1 => 0.0..1e-6f32]
        .prop_map(|value| Probability::new(value).unwrap())
}

fn error_rule() -> impl Strategy<Value = ErrorRule> {
    (0.1..10.0f64, 1e-3..5.0f64, 1e-3..0.5f64)
        .prop_map(|(scale, dispersion, rate)| ErrorRule::new(scale, dispersion, rate).unwrap())
}

fn read_rule() -> impl Strategy<Value = ReadRule> {
    prop_oneof![
        error_rule().prop_map(ReadRule::Errors),
        windows().prop_map(|(rule, _)| ReadRule::Windows(rule))
    ]
}

/// A prediction for a mate, with expected errors or without, and the mate's number of bases.
fn mate() -> impl Strategy<Value = (Prediction, usize)> {
    let support = (0.0..1.0f32, 0.0..=1.0f32);
    (probability(), 1..400usize, 0.0..1.0f32, prop::option::of(support), any::<bool>()).prop_map(
        |(probability, bases, rate, support, counts)| {
            let errors = |rate: f32| rate * bases as f32;
            let support = support
                .map(|(rate, evaluable)| KmerSupport {
                    expected_errors_prior: errors(rate),
                    evaluable,
                })
                .filter(|_| counts);
            let expected_errors = counts.then(|| errors(rate));
            (Prediction::Scored(Score { probability, expected_errors, support }), bases)
        },
    )
}

fn joint(rule: PairRule, [one, other]: [&(Prediction, usize); 2]) -> Prediction {
    rule.joint([&one.0, &other.0], [one.1, other.1])
}

/// Largest error of a mean of logits: the mean is rounded to a float, and probabilities are clamped
/// to 10⁻⁷ from 0 and 1.
const OFF: f32 = 3e-7;

proptest! {
    #[test]
    fn every_base_is_in_a_window_and_every_window_in_the_read((rule, bases) in windows()) {
        let windows: Vec<_> = rule.windows(bases).collect();
        prop_assert_eq!(windows.len(), rule.count(bases));
        prop_assert!(
            windows
                .iter()
                .all(|window| window.end <= bases && window.len() == rule.length.min(bases))
        );
        prop_assert!(windows.is_sorted_by(|one, next| one.start < next.start));
        for base in 0..bases {
            let covering = windows.iter().filter(|window| window.contains(&base)).count();
            // Twice only where the last one overlaps the one before it.
            let most = if windows.last().is_some_and(|last| last.contains(&base)) { 2 } else { 1 };
            prop_assert!(
                (1..=most).contains(&covering),
                "base {base} of {bases} is in {covering} windows"
            );
        }
    }

    #[test]
    fn a_read_is_between_its_worst_and_its_best_window(
        (rule, bases) in windows(),
        given in vec(probability(), 6),
    ) {
        let given = &given[..rule.count(bases)];
        let (lowest, highest) =
            given.iter().fold((1f32, 0f32), |(low, high), p| (low.min(p.get()), high.max(p.get())));
        match rule.combine(bases, given) {
            None => prop_assert!(given.is_empty()),
            Some(read) => prop_assert!(
                (lowest - OFF..=highest + OFF).contains(&read.get()),
                "{read:?} of {given:?}"
            ),
        }
        prop_assert_eq!(rule.combine(bases + rule.length, given), None, "a window is missing");
    }

    #[test]
    fn a_better_window_never_lowers_the_probability_of_a_read(
        (rule, bases) in windows(),
        given in vec(probability(), 6),
        place in any::<prop::sample::Index>(),
        better in probability(),
    ) {
        prop_assume!(bases > 0);
        let mut given = given[..rule.count(bases)].to_vec();
        let before = rule.combine(bases, &given).unwrap();
        let place = place.index(given.len());
        given[place] = if better > given[place] { better } else { given[place] };
        prop_assert!(rule.combine(bases, &given).unwrap().get() >= before.get() - OFF);
    }

    #[test]
    fn the_order_of_mates_does_not_matter(rule in read_rule(), one in mate(), other in mate()) {
        let rule = PairRule::of(rule);
        prop_assert_eq!(joint(rule, [&one, &other]), joint(rule, [&other, &one]));
    }

    #[test]
    fn a_pair_is_the_sum_of_its_mates(rule in read_rule(), one in mate(), other in mate()) {
        let pair = joint(PairRule::of(rule), [&one, &other]);
        let errors = one
            .0
            .expected_errors()
            .zip(other.0.expected_errors())
            .map(|(a, b)| f64::from(a) + f64::from(b));
        prop_assert_eq!(pair.expected_errors(), errors.map(|errors| errors as f32));
        let probability = pair.probability().unwrap();
        if let (ReadRule::Errors(rule), Some(errors)) = (rule, errors) {
            prop_assert_eq!(Some(probability), rule.probability(errors, one.1 + other.1));
        } else {
            let [a, b] = [&one, &other].map(|mate| mate.0.probability().unwrap().get());
            prop_assert!(
                (a.min(b) - OFF..=a.max(b) + OFF).contains(&probability.get()),
                "{a} and {b} make {probability:?}"
            );
        }
        match (one.0.kmer_support(), other.0.kmer_support(), pair.kmer_support()) {
            (Some(a), Some(b), Some(pair)) => {
                let between =
                    a.evaluable.min(b.evaluable) - OFF..=a.evaluable.max(b.evaluable) + OFF;
                prop_assert!(between.contains(&pair.evaluable), "{a:?} and {b:?} make {pair:?}");
                prop_assert_eq!(
                    pair.expected_errors_prior,
                    a.expected_errors_prior + b.expected_errors_prior
                );
            }
            (a, b, pair) => prop_assert!(pair.is_none() && (a.is_none() || b.is_none())),
        }
    }

    /// They are compared when a package is opened, so rounding must not make them differ.
    #[test]
    fn the_numbers_of_a_rule_are_equal_in_manifest_and_metadata(rule in error_rule()) {
        let entry = rule.entry();
        let numbers =
            |entry: &ReadRuleEntry| [entry.mean_scale, entry.dispersion, entry.max_error_rate];
        let manifest: ReadRuleEntry =
            serde_json::from_str(&serde_json::to_string(&entry).unwrap()).unwrap();
        let metadata = numbers(&entry).map(|number| number.to_string().parse::<f64>().unwrap());
        prop_assert_eq!(numbers(&manifest), metadata);
        prop_assert_eq!(metadata, numbers(&entry));
    }

    #[test]
    fn more_errors_never_raise_the_probability_of_a_pair(
        rule in error_rule(),
        errors in 0.0..50.0f32,
        more in 0.0..50.0f32,
        bases in 1..400usize,
    ) {
        let mate = |errors, bases| {
            let score = Score {
                probability: Probability::new(0.5).unwrap(),
                expected_errors: Some(errors),
                support: None,
            };
            (Prediction::Scored(score), bases)
        };
        let pair = |errors| {
            joint(PairRule::of(ReadRule::Errors(rule)), [&mate(errors, bases), &mate(1.0, 100)])
                .probability()
        };
        prop_assert!(pair(errors + more).unwrap().get() <= pair(errors).unwrap().get() + OFF);
    }

    #[test]
    fn a_pair_with_an_unscored_mate_is_unscored(rule in read_rule(), mate in mate()) {
        let unscored = (Prediction::Unscored(ReadError::EmptyRead), 0);
        prop_assert_eq!(joint(PairRule::of(rule), [&mate, &unscored]), unscored.0.clone());
        prop_assert_eq!(joint(PairRule::of(rule), [&unscored, &mate]), unscored.0);
    }
}
