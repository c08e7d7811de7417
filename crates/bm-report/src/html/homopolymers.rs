//! The figure of errors by the length of the homopolymer before the base.

use bm_adapt::Row;

use crate::error::ReportError;
use crate::html::figure::Figure;
use crate::html::ratios::{Bars, Ratio};
use crate::html::statistics;

/// Returns the figure; `None` without rows.
pub(super) fn figure(rows: &[Row], adapted_name: &str) -> Result<Option<Figure>, ReportError> {
    let overall = statistics::overall(rows);
    // A bar without errors is drawn only if its rate is significantly below that of all bases.
    let is_known = |ratio: &Ratio| {
        ratio.measured.value > 0.0 || overall.is_some_and(|overall| ratio.measured.high < overall)
    };
    let bars = rows.iter().filter_map(Ratio::of).filter(is_known).map(Some).collect();
    Bars {
        description: "Measured over reported errors by the length of the homopolymer before",
        axis_name: "homopolymer length",
        bars,
        overall,
        adapted_name,
    }
    .figure()
}
