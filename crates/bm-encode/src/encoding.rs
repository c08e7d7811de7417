//! What an encoding is called and what shape it has.

use std::fmt;

/// A named and versioned rule from reads to features.
///
/// A network is trained on one encoding and means nothing on another: a changed value is a new
/// version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Encoding {
    /// The rule's name.
    pub id: &'static str,
    /// The rule's version, from 1.
    pub version: u32,
    /// Bases that one row covers; longer reads need several rows.
    pub window: usize,
    /// Features a row.
    pub features: usize,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}", self.id, self.version)
    }
}
