//! From the expected errors of a read to the probability that it has few errors.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Probability;

/// The probability of a read, from the error probabilities of its bases.
///
/// The read's expected errors are the sum over its bases. The number of errors is modelled as
/// negative binomial, with mean m = `mean_scale` × expected errors and variance m + `dispersion` ×
/// m²: errors of one read are correlated, so they vary more than independent ones. The probability
/// is that of at most ⌊`max_error_rate` × length⌋ errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorRule {
    mean_scale: f64,
    dispersion: f64,
    max_error_rate: f64,
}

/// An [`ErrorRule`] as manifests write it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ReadRuleEntry {
    /// The rule's name.
    pub name: String,
    /// Mean number of errors per expected error.
    pub mean_scale: f64,
    /// Overdispersion of the number of errors: its variance is mean + dispersion × mean².
    pub dispersion: f64,
    /// Highest error rate of a good read. Unit: errors per base.
    pub max_error_rate: f64,
}

/// Sums above this are scaled down, so that neither they nor their first term leaves the range of a
/// double.
const LARGE: f64 = 1e250;

impl ErrorRule {
    /// The rule's name in manifests.
    pub const NAME: &'static str = "negative-binomial";

    /// Returns the rule.
    ///
    /// # Errors
    ///
    /// In words, if a number is out of range: `mean_scale` and `dispersion` from 10⁻⁶ to 10⁶,
    /// `max_error_rate` over 0 and under 1.
    pub fn new(mean_scale: f64, dispersion: f64, max_error_rate: f64) -> Result<Self, String> {
        for (name, value) in [("mean_scale", mean_scale), ("dispersion", dispersion)] {
            if !(1e-6..=1e6).contains(&value) {
                return Err(format!("a {name} of {value}, expected 0.000001 to 1000000"));
            }
        }
        if !(max_error_rate > 0.0 && max_error_rate < 1.0) {
            return Err(format!(
                "a max_error_rate of {max_error_rate}, expected one between 0 and 1"
            ));
        }
        Ok(Self { mean_scale, dispersion, max_error_rate })
    }

    /// Returns the rule with a `mean_scale` of 1.
    pub fn unscaled(self) -> Self {
        Self { mean_scale: 1.0, ..self }
    }

    /// Returns the rule with another highest error rate of a good read.
    ///
    /// # Errors
    ///
    /// In words, unless it is over 0 and under 1.
    pub fn with_max_error_rate(self, max_error_rate: f64) -> Result<Self, String> {
        Self::new(self.mean_scale, self.dispersion, max_error_rate)
    }

    /// Returns the rule's entry in a manifest.
    pub fn entry(&self) -> ReadRuleEntry {
        let Self { mean_scale, dispersion, max_error_rate } = *self;
        ReadRuleEntry { name: Self::NAME.to_owned(), mean_scale, dispersion, max_error_rate }
    }

    /// Returns the highest error rate of a good read. Unit: errors per base.
    pub fn max_error_rate(&self) -> f64 {
        self.max_error_rate
    }

    /// Returns the probability that the error rate of a read of `bases` with `expected_errors` is
    /// at most [`ErrorRule::max_error_rate`].
    ///
    /// `None` if the expected errors are negative or not finite.
    pub fn probability(&self, expected_errors: f64, bases: usize) -> Option<Probability> {
        let mean = self.mean_scale * expected_errors;
        if mean.is_nan() || mean < 0.0 || mean.is_infinite() {
            return None;
        }
        let size = 1.0 / self.dispersion;
        // Slightly more than the product: 0.01 × 100 must be 1 in spite of rounding.
        let most = (self.max_error_rate * bases as f64 * (1.0 + 1e-12)).floor();
        // P(0) = (size / (size + mean))^size and P(x + 1) = P(x) (x + size) / (x + 1) × mean /
        // (size + mean). The sum starts from 1, and P(0) is multiplied in at the end, because it
        // may be too small for a double.
        let mut log_first = -size * (mean / size).ln_1p();
        let ratio = mean / (size + mean);
        let (mut term, mut sum, mut errors) = (1.0, 1.0, 0.0);
        while errors < most {
            term *= (errors + size) / (errors + 1.0) * ratio;
            sum += term;
            errors += 1.0;
            if sum > LARGE {
                term /= LARGE;
                sum /= LARGE;
                log_first += LARGE.ln();
            }
        }
        Probability::new((sum.ln() + log_first).exp().min(1.0) as f32)
    }
}

impl fmt::Display for ErrorRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mean_scale, dispersion, max_error_rate } = self;
        write!(
            f,
            "{} with mean {mean_scale} and dispersion {dispersion}, at most {max_error_rate} \
             errors per base",
            Self::NAME
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probability(expected_errors: f64, bases: usize) -> f64 {
        let rule = ErrorRule::new(1.1, 0.02, 0.01).expect("numbers in range");
        rule.probability(expected_errors, bases).map_or(f64::NAN, |p| f64::from(p.get()))
    }

    #[test]
    fn values_agree_with_decimal_arithmetic_of_sixty_digits() {
        // Sums of comb(x + 49, x) q^x p^50 over x = 0 to bases // 100 with q = m / (50 + m), p = 1
        // - q, m = 1.1 expected, in Python's decimal arithmetic.
        for (expected, bases, value) in EXACT {
            let found = probability(expected, bases);
            assert!(
                (found - value).abs() < 1e-6,
                "{expected} in {bases}: {found}, expected {value}"
            );
        }
    }

    /// Expected errors, bases, probability.
    const EXACT: [(f64, usize, f64); 9] = [
        (0.3, 36, 0.719_703_636),
        (0.2, 150, 0.978_771_725),
        (1.0, 150, 0.699_438_757),
        (1.5, 150, 0.512_276_313),
        (4.0, 150, 0.074_360_181),
        (2.5, 251, 0.486_306_739),
        (9.0, 1000, 0.594_812_243),
        (95.0, 10_000, 0.429_834_518),
        (480.0, 50_000, 0.378_050_034),
    ];

    #[test]
    fn probability_falls_with_expected_errors_from_one_to_zero() {
        for bases in [1, 99, 100, 150, 10_000, 1_000_000, 100_000_000] {
            let at = |rate: f64| probability(rate * bases as f64, bases);
            let values: Vec<_> = [0.0, 1e-4, 1e-3, 0.005, 0.01, 0.02, 0.1, 0.9].map(at).into();
            assert!(
                values.is_sorted_by(|a, b| a >= b) && values[0] == 1.0 && values[7] < 0.7,
                "{bases}: {values:?}"
            );
        }
        assert!(probability(1e12, 100).abs() < 1e-12);
        assert!(
            probability(-1.0, 100).is_nan()
                && probability(f64::NAN, 100).is_nan()
                && probability(f64::INFINITY, 9).is_nan()
        );
    }

    #[test]
    fn one_error_is_allowed_in_a_hundred_bases() {
        // One error in a hundred bases is allowed, one in ninety-nine is not.
        let none = probability(0.5, 99);
        for bases in (100..3000).step_by(100) {
            assert!(probability(0.5, bases) > none + 0.05);
            assert!(
                probability(0.5, bases) > probability(0.5, bases - 1) || bases > 800,
                "{bases}"
            );
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for (scale, dispersion, rate) in [
            (0.0, 0.1, 0.01),
            (f64::NAN, 0.1, 0.01),
            (1.0, 0.0, 0.01),
            (1.0, 1e7, 0.01),
            (1.0, 0.1, 0.0),
            (1.0, 0.1, 1.0),
        ] {
            assert!(ErrorRule::new(scale, dispersion, rate).is_err());
        }
    }
}
