//! The figure of errors by the preceding bases.

use bm_adapt::Row;

use crate::error::ReportError;
use crate::html::figure::Figure;
use crate::html::ratios::{Bars, Ratio};
use crate::html::statistics;
use crate::text;

/// Number of contexts with the most errors in the figure.
const WORST: usize = 12;

/// Number of contexts with the fewest errors in the figure.
const BEST: usize = 6;

/// Most contexts in the sentence.
const MAX_NAMED: usize = 3;

/// Smallest ratio to the errors of all bases for a context in the sentence.
const MIN_RATIO: f64 = 1.2;

/// Returns the contexts with the most and with the fewest errors, both from most to fewest. They
/// are selected by the ends of their intervals, so that contexts of few bases do not come first.
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

/// Returns a sentence on all bases and on the contexts with significantly more errors.
pub(super) fn words(rows: &[Row]) -> Option<String> {
    let overall = statistics::overall(rows)?;
    let (worst, _) = extremes(rows);
    let mut worst: Vec<_> =
        worst.into_iter().filter(|ratio| ratio.measured.low > MIN_RATIO * overall).collect();
    worst.truncate(MAX_NAMED);
    let named: Vec<_> = worst
        .iter()
        .filter_map(|ratio| {
            let row = rows.iter().find(|row| row.of == ratio.of)?;
            let (before, base) = ratio.of.split_at_checked(2)?;
            let (wrong, bases) = (text::count(row.wrong), text::count(row.bases));
            Some(format!(
                "{base} after {before} ({} times; {wrong} of {bases} wrong)",
                text::number(ratio.measured.value)
            ))
        })
        .collect();
    let all =
        format!("Over all bases, there are {} times the reported errors", text::number(overall));
    Some(if named.is_empty() {
        format!("{all}; no context has significantly more.")
    } else {
        format!("{all}. Most errors: {}.", text::list(&named))
    })
}

/// Returns the figure; `None` without contexts.
pub(super) fn figure(rows: &[Row], adapted_name: &str) -> Result<Option<Figure>, ReportError> {
    let (worst, best) = extremes(rows);
    let mut bars: Vec<_> = worst.into_iter().map(Some).collect();
    if !best.is_empty() {
        bars.push(None);
    }
    bars.extend(best.into_iter().map(Some));
    Bars {
        description: "Measured over reported errors by the preceding bases",
        axis_name: "two preceding bases, and the base as read",
        bars,
        overall: statistics::overall(rows),
        adapted_name,
    }
    .figure()
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
    fn contexts_with_most_and_fewest_errors_are_selected() {
        let (worst, best) = extremes(&rows(500));
        assert_eq!((worst.len(), best.len()), (12, 6));
        assert_eq!((worst[0].of.as_str(), best[5].of.as_str()), ("GGC", "AAA"));
    }

    #[test]
    fn a_context_of_few_bases_is_not_among_the_extremes_by_chance() {
        let mut rows = rows(500);
        rows[0] = Row { bases: 10, wrong: 1, reported: 0.01, ..rows[0].clone() };
        assert_eq!(extremes(&rows).0[0].of, "AAA");
        rows[0] = Row { bases: 10, wrong: 0, reported: 0.01, ..rows[0].clone() };
        assert!(extremes(&rows).0.iter().all(|ratio| ratio.of != "AAA"));
    }

    #[test]
    fn few_contexts_are_shown_only_once() {
        let (worst, best) = extremes(&rows(500)[..5]);
        assert_eq!((worst.len(), best.len()), (5, 0));
    }

    #[test]
    fn the_sentence_names_contexts_with_significantly_more_errors() {
        let sentence = words(&rows(500)).expect("words");
        assert_eq!(
            sentence,
            "Over all bases, there are 1.05 times the reported errors. Most errors: C after GG \
             (5.00 times; 500 of 100,000 wrong)."
        );
        assert!(
            words(&rows(110)).expect("words").ends_with("; no context has significantly more.")
        );
        assert_eq!(words(&[]), None);
    }
}
