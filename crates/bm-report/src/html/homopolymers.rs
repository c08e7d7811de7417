//! The picture of errors by the number of equal bases before.

use crate::ReportError;
use bm_adapt::Row;

use crate::html::ratios::{Bars, Ratio};
use crate::html::statistics;

/// Draws the picture; nothing if there are no rows.
pub(super) fn picture(rows: &[Row], learned: &str) -> Result<Option<String>, ReportError> {
    let whole = statistics::whole(rows);
    // Without errors a bar says something only if there are clearly fewer than elsewhere.
    let told = |ratio: &Ratio| {
        ratio.measured.value > 0.0 || whole.is_some_and(|whole| ratio.measured.high < whole)
    };
    let bars = rows.iter().filter_map(Ratio::of).filter(told).map(Some).collect();
    let (words, what) =
        ("Measured over reported errors by the number of equal bases before", "equal bases before");
    Bars { words, what, bars, whole, learned }.picture()
}
