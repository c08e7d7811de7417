//! The part of a row of values that has the highest sum (the maximum segment; Bentley 1984,
//! Communications of the ACM 27:865).

use std::ops::Range;

/// Returns the part with the highest sum of values; the first one of several.
pub(crate) fn highest(values: impl Iterator<Item = f32>) -> Range<usize> {
    let mut search = Highest::default();
    for (at, value) in values.enumerate() {
        search.add(at, (UNIT * value) as i32);
    }
    search.best()
}

/// The value of a base that is surely right, as a whole number: their sums are exact.
pub(crate) const UNIT: f32 = 1024.0;

/// The search for the part with the highest sum of values.
#[derive(Default)]
pub(crate) struct Highest {
    first: usize,
    end: usize,
    most: i64,
    /// Where the part begins that ends at the last base, if its sum is positive.
    start: usize,
    sum: i64,
}

impl Highest {
    /// Adds the value of the next base. Without branches: whether a base changes anything cannot be
    /// predicted.
    #[inline(always)]
    pub(crate) fn add(&mut self, at: usize, value: i32) {
        self.sum += i64::from(value);
        let is_best = self.sum > self.most;
        self.most = if is_best { self.sum } else { self.most };
        self.first = if is_best { self.start } else { self.first };
        self.end = if is_best { at + 1 } else { self.end };
        let is_lost = self.sum < 0;
        self.start = if is_lost { at + 1 } else { self.start };
        self.sum = if is_lost { 0 } else { self.sum };
    }

    /// Adds the values of the next bases at once, `bases` of them from `at`: all are above zero, `sum`
    /// together.
    #[inline(always)]
    pub(crate) fn add_worthy(&mut self, at: usize, bases: usize, sum: i32) {
        self.sum += i64::from(sum);
        if self.sum > self.most {
            (self.most, self.first, self.end) = (self.sum, self.start, at + bases);
        }
    }

    pub(crate) fn best(&self) -> Range<usize> {
        self.first..self.end
    }
}
