//! Sums of numbers with a point that do not depend on the order: those of parts add up to that of the
//! whole, to the last digit.

use std::fmt;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Digits behind the point.
const DIGITS: usize = 15;

/// Units of a sum in 1.
const UNITS: u64 = 10_u64.pow(DIGITS as u32);

/// Values up to this one, in units, fit a register.
const SMALL: f64 = 9_000.0;

/// Largest whole part that is read: the whole numbers up to it are exact in double precision, too.
const MOST: u128 = 1 << 53;

/// A sum of numbers that are not negative. Each is rounded to 10⁻¹⁵ before it is added, those over 9
/// to the digits of double precision, so sums are exact, and addition is associative. In JSON: a
/// decimal string, because most programs read a number of JSON in double precision.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ExactSum(u128);

impl ExactSum {
    /// Adds a number; one that is negative or NaN counts as 0.
    #[inline]
    pub fn add(&mut self, value: f64) {
        let units = value * UNITS as f64 + 0.5;
        // The conversion to 64 bits is one instruction; casts saturate.
        let units = if value <= SMALL { u128::from(units as u64) } else { units as u128 };
        self.0 = self.0.saturating_add(units);
    }

    /// Returns a probability, 0 to 1, in the units of sums, for [`ExactSum::add_units`].
    #[inline]
    pub fn units(probability: f64) -> u64 {
        (probability * UNITS as f64 + 0.5) as u64
    }

    /// Adds a probability as a number of units. Unlike the other additions this one does not saturate:
    /// there are not as many bases.
    #[inline]
    pub fn add_units(&mut self, units: u64) {
        self.0 += u128::from(units);
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        self.0 = self.0.saturating_add(other.0);
    }

    /// Returns the sum in double precision.
    pub fn get(self) -> f64 {
        self.0 as f64 / UNITS as f64
    }
}

/// A sum of at most 500 probabilities, each rounded to 1/8,000,000, in a register: loops over many such
/// sums compile to vector instructions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Units(u32);

impl Units {
    /// Units in 1.
    const IN_ONE: u32 = 8_000_000;

    /// Adds a probability.
    #[inline(always)]
    pub(crate) fn add(&mut self, probability: f32) {
        // Numbers from 2²³ on, in single precision, have no digits behind the point, and their bits
        // count up by whole numbers. Unlike a conversion, this has vector instructions everywhere.
        const WHOLE: f32 = (1_u32 << 23) as f32;
        let probability = if probability < 1.0 { probability } else { 1.0 };
        let probability = if probability > 0.0 { probability } else { 0.0 };
        let units = probability * Self::IN_ONE as f32 + WHOLE;
        self.0 += units.to_bits() - WHOLE.to_bits();
    }

    /// Returns the sum in units, and begins a new one.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> u32 {
        std::mem::take(&mut self.0)
    }

    /// Returns a sum of so many units.
    pub(crate) fn sum(units: u64) -> ExactSum {
        ExactSum(u128::from(units) * u128::from(UNITS / u64::from(Self::IN_ONE)))
    }
}

impl FromIterator<f64> for ExactSum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut sum = Self::default();
        values.into_iter().for_each(|value| sum.add(value));
        sum
    }
}

impl fmt::Display for ExactSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / u128::from(UNITS), self.0 % u128::from(UNITS));
        write!(f, "{whole}")?;
        if rest == 0 {
            return Ok(());
        }
        let rest = format!("{rest:0DIGITS$}");
        write!(f, ".{}", rest.trim_end_matches('0'))
    }
}

impl FromStr for ExactSum {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = |text: &str, most| {
            (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
        let parsed = (digits(whole, 16) && digits(rest, DIGITS)).then(|| {
            let whole: u128 = whole.parse().ok().filter(|whole| *whole <= MOST)?;
            let rest: u128 = format!("{rest:0<DIGITS$}").parse().ok()?;
            Some(Self(whole * u128::from(UNITS) + rest))
        });
        parsed.flatten().ok_or_else(|| {
            format!(
                "expected a sum of at most {MOST} with at most {DIGITS} digits behind the point"
            )
        })
    }
}

impl Serialize for ExactSum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ExactSum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_does_not_depend_on_the_order_or_the_parts() {
        let values: Vec<f64> = (0..10_000_u32)
            .map(|i| 10f64.powi(-(i.wrapping_mul(2_654_435_761) as i32).rem_euclid(13)) / 3.0)
            .collect();
        let whole: ExactSum = values.iter().copied().collect();
        assert_eq!(whole, values.iter().rev().copied().collect());
        for parts in [2, 7, 100] {
            let mut sum = ExactSum::default();
            for part in values.chunks(values.len() / parts) {
                sum.merge(&part.iter().copied().collect());
            }
            assert_eq!(sum, whole);
        }
        let nearly: f64 = values.iter().sum();
        assert!((whole.get() / nearly - 1.0).abs() < 1e-12);
    }

    #[test]
    fn small_and_large_numbers_are_added_in_the_same_units() {
        let sum: ExactSum = [1e-15, 0.5, 8_999.0, f64::NAN, -1.0].into_iter().collect();
        assert_eq!(sum.to_string(), "8999.500000000000001");
        let sum: ExactSum = [8_999.0, 9_001.0, 1e12].into_iter().collect();
        assert_eq!(sum.get(), 1_000_000_018_000.0);
    }

    #[test]
    fn sums_in_a_register_are_those_of_probabilities() {
        let values: Vec<f32> = (0..500_u16).map(|i| 1.0 / (1.0 + f32::from(i))).collect();
        let mut units = Units::default();
        values.iter().for_each(|value| units.add(*value));
        let sum: ExactSum = values.iter().map(|value| f64::from(*value)).collect();
        let take = |units: &mut Units| Units::sum(u64::from(units.take())).get();
        assert!((take(&mut units) - sum.get()).abs() < 1e-5);
        (0..500).for_each(|_| units.add(1.0));
        assert_eq!(take(&mut units), 500.0);
        units.add(f32::NAN);
        units.add(-1.0);
        units.add(7.0);
        assert_eq!(take(&mut units), 2.0, "NaN counts as 1");
    }

    #[test]
    fn a_sum_is_read_back_as_it_is_written() {
        for text in ["0", "3", "0.1", "12.000000000000001", "9007199254740992"] {
            assert_eq!(text.parse::<ExactSum>().unwrap().to_string(), text);
        }
        for wrong in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "nan",
            "1.0000000000000001",
            "9007199254740993",
            "99999999999999999",
            "1.2.3",
            " 1",
            "٣",
        ] {
            assert!(wrong.parse::<ExactSum>().is_err(), "{wrong}");
        }
    }
}
