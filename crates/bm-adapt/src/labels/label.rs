//! The label of a base.

/// Whether a base is wrong, by the other reads of its run.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Label {
    /// Too few reads, or they disagree.
    #[default]
    Unknown,
    /// Other reads agree with the base.
    Right,
    /// Other reads agree on another base.
    Wrong,
}

impl Label {
    /// Combines two labels of a base. Right wins: where reads agree with the base, it is right in
    /// its place.
    pub(super) fn add(&mut self, other: Self) {
        *self = match (*self, other) {
            (Self::Right, _) | (_, Self::Right) => Self::Right,
            (Self::Wrong, _) | (_, Self::Wrong) => Self::Wrong,
            (Self::Unknown, Self::Unknown) => Self::Unknown,
        };
    }
}
