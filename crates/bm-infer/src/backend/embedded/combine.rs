//! Sums, differences, products and quotients of values.

/// An operation on two numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operation {
    /// Writes `operation(a, b)` over each pair of values to `output`, which has the values a.
    pub(super) fn with_values(self, output: &mut [f32], b: &[f32]) {
        let pairs = output.iter_mut().zip(b);
        match self {
            Self::Add => pairs.for_each(|(a, b)| *a += b),
            Self::Subtract => pairs.for_each(|(a, b)| *a -= b),
            Self::Multiply => pairs.for_each(|(a, b)| *a *= b),
            Self::Divide => pairs.for_each(|(a, b)| *a /= b),
        }
    }

    /// As [`Self::with_values`], with the two numbers the other way round.
    fn reversed(self, output: &mut [f32], a: &[f32]) {
        let pairs = output.iter_mut().zip(a);
        match self {
            Self::Add | Self::Multiply => self.with_values(output, a),
            Self::Subtract => pairs.for_each(|(b, a)| *b = a - *b),
            Self::Divide => pairs.for_each(|(b, a)| *b = a / *b),
        }
    }
}

/// An operation whose other number is a constant, one for each value of a row.
#[derive(Debug)]
pub(super) struct WithConstant {
    pub(super) operation: Operation,
    /// Whether the constant is the first of the two numbers.
    pub(super) is_first: bool,
    pub(super) constant: Vec<f32>,
}

impl WithConstant {
    /// Replaces the values.
    ///
    /// **Shape:** `[rows, constants]`.
    pub(super) fn apply(&self, values: &mut [f32]) {
        for row in values.chunks_exact_mut(self.constant.len()) {
            if self.is_first {
                self.operation.reversed(row, &self.constant);
            } else {
                self.operation.with_values(row, &self.constant);
            }
        }
    }
}
