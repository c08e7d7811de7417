//! The name, version and shape of an encoding.

use std::fmt;

/// A named and versioned rule from reads to features.
///
/// A network works only on the encoding that it was trained on, so a changed value is a new
/// version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Encoding {
    /// The rule's name.
    pub id: &'static str,
    /// The rule's version, from 1.
    pub version: u32,
    /// Bases per row; longer reads need several rows.
    pub window: usize,
    /// Features per row.
    pub features: usize,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}", self.id, self.version)
    }
}
