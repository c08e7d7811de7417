//! The picture of errors by the bases before.

use crate::ReportError;
use bm_adapt::Row;

use crate::html::ratios::{Bars, Ratio};
use crate::html::statistics;
use crate::text;

/// Contexts that are shown.
const WORST: usize = 12;
const BEST: usize = 6;

/// Contexts whose errors are surely within this factor of all bases' do not stand out.
const STANDS_OUT: f64 = 1.2;

/// Returns the worst contexts and the best, those first that are surely so.
fn extremes(rows: &[Row]) -> (Vec<Ratio>, Vec<Ratio>) {
    let mut ratios: Vec<_> = rows.iter().filter_map(Ratio::of).collect();
    ratios.sort_by(|one, other| {
        other.measured.low.total_cmp(&one.measured.low).then_with(|| one.of.cmp(&other.of))
    });
    let mut best = ratios.split_off(WORST.min(ratios.len()));
    best.sort_by(|one, other| {
        one.measured.high.total_cmp(&other.measured.high).then_with(|| one.of.cmp(&other.of))
    });
    best.truncate(BEST);
    for ratios in [&mut ratios, &mut best] {
        ratios.sort_by(|one, other| other.measured.value.total_cmp(&one.measured.value));
    }
    (ratios, best)
}

/// Says which contexts stand out.
pub(super) fn words(rows: &[Row]) -> Option<String> {
    let whole = statistics::whole(rows)?;
    let (worst, _) = extremes(rows);
    let mut worst: Vec<_> =
        worst.into_iter().filter(|ratio| ratio.measured.low > STANDS_OUT * whole).collect();
    worst.truncate(3);
    let named: Vec<_> = worst
        .iter()
        .filter_map(|ratio| {
            let row = rows.iter().find(|row| row.of == ratio.of)?;
            let (before, base) = ratio.of.split_at_checked(2)?;
            let (wrong, bases) = (text::count(row.wrong), text::count(row.bases));
            Some(format!(
                "{base} after {before} ({} times; {wrong} wrong of {bases})",
                text::number(ratio.measured.value)
            ))
        })
        .collect();
    let all = format!("All bases have {} times the errors that are reported", text::number(whole));
    Some(if named.is_empty() {
        format!("{all}; no context stands out.")
    } else {
        format!("{all}; worst are {}.", text::list(&named))
    })
}

/// Draws the picture; nothing if there are no contexts.
pub(super) fn picture(rows: &[Row], learned: &str) -> Result<Option<String>, ReportError> {
    let (worst, best) = extremes(rows);
    let mut bars: Vec<_> = worst.into_iter().map(Some).collect();
    if !best.is_empty() {
        bars.push(None);
    }
    bars.extend(best.into_iter().map(Some));
    let (words, what) = (
        "Measured over reported errors by the bases before",
        "two bases before, and the base as read",
    );
    Bars { words, what, bars, whole: statistics::whole(rows), learned }.picture()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(worst: u64) -> Vec<Row> {
        let letters = ["A", "C", "G", "T"];
        let names =
            (0..64).map(|i: usize| [letters[i / 16], letters[i / 4 % 4], letters[i % 4]].concat());
        names
            .map(|of| {
                let wrong = match of.as_str() {
                    "GGC" => worst,
                    "AAA" => 5,
                    _ => 100,
                };
                Row { of, bases: 100_000, wrong, reported: 100.0, start: 100.0, adapted: 100.0 }
            })
            .collect()
    }

    #[test]
    fn the_worst_and_the_best_are_found() {
        let (worst, best) = extremes(&rows(500));
        assert_eq!((worst.len(), best.len()), (12, 6));
        assert_eq!((worst[0].of.as_str(), best[5].of.as_str()), ("GGC", "AAA"));
    }

    #[test]
    fn what_is_hardly_known_is_not_the_worst() {
        let mut rows = rows(500);
        rows[0] = Row { bases: 10, wrong: 1, reported: 0.01, ..rows[0].clone() };
        assert_eq!(extremes(&rows).0[0].of, "AAA");
        rows[0] = Row { bases: 10, wrong: 0, reported: 0.01, ..rows[0].clone() };
        assert!(extremes(&rows).0.iter().all(|ratio| ratio.of != "AAA"));
    }

    #[test]
    fn few_contexts_are_shown_once() {
        let (worst, best) = extremes(&rows(500)[..5]);
        assert_eq!((worst.len(), best.len()), (5, 0));
    }

    #[test]
    fn the_words_name_what_stands_out() {
        let said = words(&rows(500)).expect("words");
        assert_eq!(
            said,
            "All bases have 1.05 times the errors that are reported; worst are C after GG (5.00 times; 500 wrong of 100,000)."
        );
        assert!(words(&rows(110)).expect("words").ends_with("; no context stands out."));
        assert_eq!(words(&[]), None);
    }
}
