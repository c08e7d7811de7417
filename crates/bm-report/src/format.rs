//! What all JSON reports begin with.

/// Version of the format of reports.
pub(crate) const FORMAT: u32 = 3;

/// The program that writes reports.
pub(crate) const PROGRAM: &str = "bm";
