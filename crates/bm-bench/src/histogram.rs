//! Times of calls, counted in narrow ranges: a row may have millions.

use std::time::Duration;

/// Ratio of the upper to the lower limit of a range: quantiles are exact to 1 %.
const RATIO: f64 = 1.02;

/// Counts of times from a nanosecond on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
}

impl Histogram {
    pub(crate) fn add(&mut self, time: Duration) {
        let nanoseconds = (time.as_nanos() as f64).max(1.0);
        let range = (nanoseconds.ln() / RATIO.ln()) as usize;
        if self.counts.len() <= range {
            self.counts.resize(range + 1, 0);
        }
        self.counts[range] += 1;
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    /// Returns the number of times.
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the time that a fraction of all times is not above, in seconds, to 1 %; 0 without
    /// times.
    pub(crate) fn quantile(&self, fraction: f64) -> f64 {
        let wanted = (fraction * self.count() as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let range = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        range.map_or(0.0, |range| RATIO.powf(range as f64 + 0.5) * 1e-9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact_to_one_percent() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), 0.0);
        for microseconds in 1..=1000 {
            histogram.add(Duration::from_micros(microseconds));
        }
        for (fraction, expected) in [(0.5, 500e-6), (0.95, 950e-6), (1.0, 1e-3), (0.001, 1e-6)] {
            let found = histogram.quantile(fraction);
            assert!((found / expected - 1.0).abs() < 0.0101, "{found} {expected}");
        }
        let mut twice = histogram.clone();
        twice.add_all(&histogram);
        assert_eq!(twice.count(), 2000);
        assert_eq!(twice.quantile(0.5), histogram.quantile(0.5));
    }

    #[test]
    fn times_of_nothing_and_of_hours_are_counted() {
        let mut histogram = Histogram::default();
        histogram.add(Duration::ZERO);
        histogram.add(Duration::from_secs(36_000));
        assert_eq!(histogram.count(), 2);
        assert!((histogram.quantile(1.0) / 36_000.0 - 1.0).abs() < 0.0101);
    }
}
