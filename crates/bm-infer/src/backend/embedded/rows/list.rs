//! A list of whole numbers that a graph computes from shapes.

/// A number of such a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Number {
    Known(i64),
    /// The number of cases along an axis of the batch.
    Batch,
}

/// A list, or a number alone.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) numbers: Vec<Number>,
    pub(super) is_alone: bool,
}
