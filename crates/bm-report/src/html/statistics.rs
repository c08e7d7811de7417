//! Error rates and how sure they are.

use bm_adapt::Row;

/// The normal deviate of a 95 % interval.
const DEVIATE: f64 = 1.959_963_984_540_054;

/// A share of wrong bases and its 95 % interval, as if bases were independent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Rate {
    /// Returns the rate with Wilson's interval; none without bases.
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
        // Rounding would leave a trace of an error, or of a right base, where there is none.
        let low = if wrong == 0 { 0.0 } else { middle - half };
        let high = if wrong >= bases { 1.0 } else { middle + half };
        Some(Self { value, low, high })
    }

    /// Returns the rate of what was measured.
    pub(super) fn measured(row: &Row) -> Option<Self> {
        Self::of(row.wrong, row.bases)
    }

    /// Returns the rate over another one.
    pub(super) fn over(self, other: f64) -> Self {
        Self { value: self.value / other, low: self.low / other, high: self.high / other }
    }
}

/// Returns the Phred score of an error rate; infinite for none.
pub(super) fn phred(rate: f64) -> f64 {
    // Not −0 for a rate of one.
    0.0 - 10.0 * rate.log10()
}

/// Returns wrong over reported bases of all rows; none if none are reported.
pub(super) fn whole(rows: &[Row]) -> Option<f64> {
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
    fn intervals_are_wilsons() {
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
    fn an_interval_holds_its_rate() {
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
    fn phred_scores() {
        assert_eq!(phred(1.0).to_string(), "0");
        assert!((phred(0.001) - 30.0).abs() < 1e-12);
        assert_eq!(phred(0.0), f64::INFINITY);
    }

    #[test]
    fn the_whole_is_a_ratio_of_sums() {
        let row = |wrong, reported| Row { wrong, reported, bases: 100, ..Row::default() };
        assert_eq!(whole(&[row(3, 1.0), row(1, 1.0)]), Some(2.0));
        assert_eq!(whole(&[row(0, 1.0)]), None);
        assert_eq!(whole(&[]), None);
    }
}
