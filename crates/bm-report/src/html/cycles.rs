//! Positions in a read, and lengths, along an axis.

use bm_profile::least;

/// The bins of positions in a read.
pub(super) struct Cycles {
    /// The middle of each bin, from 1 on.
    pub(super) places: Vec<f64>,
    /// The name of each bin.
    pub(super) labels: Vec<String>,
}

impl Cycles {
    /// Returns this many bins.
    pub(super) fn of(bins: usize) -> Self {
        let middle = |bin: usize| {
            let (first, next) = (least(bin).ceil(), least(bin + 1).ceil());
            (first + 1.0 + next) / 2.0
        };
        Self {
            places: (0..bins).map(middle).collect(),
            labels: (0..bins).map(|bin| positions(bin, 1)).collect(),
        }
    }

    /// Returns where an axis begins and ends.
    pub(super) fn ends(&self) -> (f64, f64) {
        (0.0, self.places.last().copied().unwrap_or(1.0).max(2.0))
    }
}

/// Returns the name of a bin of positions or lengths, with this number for the first value.
pub(super) fn positions(bin: usize, first: u64) -> String {
    let (from, next) = (least(bin).ceil() as u64, least(bin + 1).ceil() as u64);
    let last = next.saturating_sub(1).max(from);
    if from == last {
        (from + first).to_string()
    } else {
        format!("{}–{}", from + first, last + first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_have_names_and_middles() {
        let cycles = Cycles::of(515);
        assert_eq!((cycles.labels[0].as_str(), cycles.places[0]), ("1", 1.0));
        assert_eq!((cycles.labels[511].as_str(), cycles.labels[512].as_str()), ("512", "513–535"));
        assert_eq!(positions(150, 0), "150");
        assert_eq!(cycles.places[512], 524.0);
    }
}
