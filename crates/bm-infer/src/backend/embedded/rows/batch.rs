//! Which axes of a value are the batch.

use crate::{Layout, Signature};

/// The axes along which cases lie. The engine computes every case as if it were alone, with one place
/// along these axes; so no operator may mix them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Batch {
    /// The first axis, of any size.
    First,
    /// The first axis, of this size.
    FirstOf(usize),
    /// The last two of four axes: [`Layout::Columns`].
    Positions,
    /// None: the file takes one case.
    One,
}

impl Batch {
    pub(super) fn of(signature: &Signature) -> Self {
        match (signature.layout, signature.batch) {
            (Layout::Columns { .. }, _) => Self::Positions,
            (_, None) => Self::First,
            (_, Some(1)) => Self::One,
            (_, Some(size)) => Self::FirstOf(size),
        }
    }

    /// Returns the shape of the input for one case.
    pub(super) fn shape(self, features: usize) -> Vec<usize> {
        match self {
            Self::Positions => vec![1, features, 1, 1],
            _ => vec![1, features],
        }
    }

    /// Returns whether cases lie along this axis.
    pub(super) fn is_axis(self, axis: usize) -> bool {
        match self {
            Self::First | Self::FirstOf(_) => axis == 0,
            Self::Positions => axis == 2 || axis == 3,
            Self::One => false,
        }
    }

    /// Returns whether a value of shape `from` keeps its cases apart as one of shape `to`, with the same
    /// numbers in the same order.
    pub(super) fn is_kept(self, from: &[usize], to: &[usize]) -> bool {
        match self {
            Self::First | Self::FirstOf(_) => to.first() == Some(&1),
            Self::Positions => from == to,
            Self::One => true,
        }
    }
}
