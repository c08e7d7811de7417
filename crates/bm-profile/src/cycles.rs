//! Bins of cycles and of lengths: one each for short reads, wider ones for long reads.

use std::ops::Range;

/// Number of cycles, and of lengths, with a bin of their own.
pub(crate) const PLAIN: usize = 512;
/// Bins per doubling beyond [`PLAIN`].
const PER_DOUBLING: f64 = 16.0;

/// Most bins: those of the longest read that a machine can address.
pub(crate) const MOST_BINS: usize = PLAIN + (64 - 9) * 16 + 1;

/// Returns the bin of a position in a read (0-based), or of a length.
pub fn bin(value: usize) -> usize {
    if value < PLAIN {
        value
    } else {
        PLAIN + (PER_DOUBLING * (value as f64 / PLAIN as f64).log2()) as usize
    }
}

/// Returns the lowest value in a bin of positions or lengths; beyond single values, with a fraction.
pub fn least(bin: usize) -> f64 {
    if bin < PLAIN {
        bin as f64
    } else {
        PLAIN as f64 * ((bin - PLAIN) as f64 / PER_DOUBLING).exp2()
    }
}

/// Returns the positions of a read of this length beyond [`PLAIN`], by their bins.
pub(crate) fn wide(length: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
    let mut start = PLAIN;
    std::iter::from_fn(move || {
        let number = (start < length).then(|| bin(start))?;
        // The border may be rounded to either side of a position.
        let mut end = (least(number + 1) as usize).max(start + 1);
        while bin(end) == number {
            end += 1;
        }
        while end > start + 1 && bin(end - 1) > number {
            end -= 1;
        }
        let positions = start..end.min(length);
        start = end;
        Some((number, positions))
    })
}

/// Returns a bin; adds it, and the bins before it, if missing.
pub(crate) fn at<T: Clone + Default>(bins: &mut Vec<T>, index: usize) -> &mut T {
    if bins.len() <= index {
        bins.resize(index + 1, T::default());
    }
    &mut bins[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_single_values_first_and_then_grow() {
        assert_eq!([0, 1, 511, 512, 535].map(bin), [0, 1, 511, 512, 513]);
        for value in [0, 100, 511, 512, 600, 10_000, 1_000_000] {
            let bin = bin(value);
            assert!(
                least(bin).ceil() <= value as f64 + 1.0 && least(bin + 1) > value as f64,
                "{value}"
            );
        }
        assert!(bin(usize::MAX) < MOST_BINS);
    }

    #[test]
    fn every_position_of_a_long_read_is_in_its_bin_once() {
        for length in [0, 512, 513, 600, 5_000, 70_001] {
            let mut next = PLAIN;
            for (number, positions) in wide(length) {
                assert_eq!(positions.start, next);
                assert!(positions.clone().all(|position| bin(position) == number));
                next = positions.end;
            }
            assert_eq!(next, length.max(PLAIN));
        }
    }
}
