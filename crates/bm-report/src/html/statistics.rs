//! Error rates and their confidence intervals.

use bm_adapt::Row;

/// The normal deviate of a 95 % interval.
const DEVIATE: f64 = 1.959_963_984_540_054;

/// An error rate with its 95 % confidence interval. The errors are taken to be independent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    /// Wrong bases over all bases.
    pub(super) value: f64,
    /// Lower end of the interval.
    pub(super) low: f64,
    /// Upper end of the interval.
    pub(super) high: f64,
}

impl Rate {
    /// Returns the rate with the interval of Wilson (1927); `None` without bases.
    pub(super) fn of(wrong: u64, bases: u64) -> Option<Self> {
        if bases == 0 {
            return None;
        }
        let n = bases as f64;
        let value = wrong as f64 / n;
        let square = DEVIATE * DEVIATE;
        let shrink = 1.0 / (1.0 + square / n);
        let middle = shrink * (value + square / (2.0 * n));
        let half = shrink * DEVIATE * (value * (1.0 - value) / n + square / (4.0 * n * n)).sqrt();
        // Without rounding errors at both ends.
        let low = if wrong == 0 { 0.0 } else { middle - half };
        let high = if wrong >= bases { 1.0 } else { middle + half };
        Some(Self { value, low, high })
    }

    /// Returns the measured rate of a row; `None` without bases.
    pub(super) fn measured(row: &Row) -> Option<Self> {
        Self::of(row.wrong, row.bases)
    }

    /// Returns the ratio of the rate to another one.
    pub(super) fn over(self, other: f64) -> Self {
        Self { value: self.value / other, low: self.low / other, high: self.high / other }
    }
}

/// Returns the Phred score of an error rate, −10 log10 of it (Ewing & Green 1998); infinite for 0.
pub(super) fn phred(rate: f64) -> f64 {
    // Not −0 for a rate of one.
    0.0 - 10.0 * rate.log10()
}

/// Returns wrong bases over reported errors of all rows; `None` if either is 0.
pub(super) fn overall(rows: &[Row]) -> Option<f64> {
    let wrong: u64 = rows.iter().map(|row| row.wrong).sum();
    let reported: f64 = rows.iter().map(|row| row.reported).sum();
    (wrong > 0 && reported > 0.0).then(|| wrong as f64 / reported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn interval(wrong: u64, bases: u64, low: f64, high: f64) {
        let rate = Rate::of(wrong, bases).expect("bases");
        assert_eq!(rate.value, wrong as f64 / bases as f64);
        assert!((rate.low - low).abs() < 5e-5 && (rate.high - high).abs() < 5e-5, "{rate:?}");
    }

    /// The first four are examples of Newcombe (1998).
    #[test]
    fn intervals_are_those_of_wilson() {
        interval(81, 263, 0.2553, 0.3662);
        interval(15, 148, 0.0624, 0.1605);
        interval(0, 20, 0.0, 0.1611);
        interval(1, 29, 0.0061, 0.1718);
        interval(10, 100, 0.0552, 0.1744);
        interval(10, 10, 0.7225, 1.0);
    }

    #[test]
    fn without_bases_there_is_no_rate() {
        assert_eq!(Rate::of(0, 0), None);
    }

    #[test]
    fn an_interval_includes_its_rate() {
        for bases in [1, 2, 30, 1_000_000_000] {
            for wrong in [0, 1, bases / 2, bases] {
                let Rate { value, low, high } = Rate::of(wrong, bases).expect("bases");
                assert!(
                    0.0 <= low && low <= value && value <= high && high <= 1.0,
                    "{wrong} of {bases}: {low} {value} {high}"
                );
            }
        }
    }

    #[test]
    fn a_rate_has_a_phred_score() {
        assert_eq!(phred(1.0).to_string(), "0");
        assert!((phred(0.001) - 30.0).abs() < 1e-12);
        assert_eq!(phred(0.0), f64::INFINITY);
    }

    #[test]
    fn the_overall_ratio_is_a_ratio_of_sums() {
        let row = |wrong, reported| Row { wrong, reported, bases: 100, ..Row::default() };
        assert_eq!(overall(&[row(3, 1.0), row(1, 1.0)]), Some(2.0));
        assert_eq!(overall(&[row(0, 1.0)]), None);
        assert_eq!(overall(&[]), None);
    }
}
