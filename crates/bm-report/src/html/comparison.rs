//! The table of the candidates on held-out reads, and what the network adds.

use bm_adapt::{Choice, Figures, HeldOut};

use crate::html::table::{Row, Table};
use crate::text;

/// Smallest significant gain, in standard errors.
const SIGNIFICANT: f64 = 2.0;

/// Returns the table: a row per candidate, the chosen one marked.
pub(super) fn table(held: &HeldOut, choice: Choice, base_model: &str) -> Table {
    let adapted =
        if choice == Choice::Adapted { "adapted model" } else { "adapted model (not used)" };
    let mut table = Table::with_remarks(
        "Accuracy on held-out reads",
        [
            ("qualities", ""),
            ("log loss", "millibits per base, lower is better"),
            ("expected / observed errors", "1 is best"),
            ("log2 of the ratio", "0 is best"),
            ("AUC", "bad against good reads, 1 is best"),
        ],
    );
    let base_model = format!("base model ({base_model})");
    for (name, figures, chosen) in [
        ("reported qualities", held.reported, choice == Choice::Reported),
        (base_model.as_str(), held.start, choice == Choice::Start),
        ("measured error rate of each quality", held.table, choice == Choice::Table),
        (adapted, held.adapted, choice == Choice::Adapted),
    ] {
        let Figures { log_loss_millibits, log2_ratio, auc } = figures;
        let mut row: Row = [
            name.to_owned(),
            format!("{log_loss_millibits:.2}"),
            format!("{:.2}", log2_ratio.exp2()),
            signed(log2_ratio),
            if auc.is_nan() { "–".to_owned() } else { format!("{auc:.3}") },
        ]
        .into_iter()
        .collect();
        row.chosen = chosen;
        table.rows.push(row);
    }
    table
}

/// Returns a number with its sign; +0 for −0.
fn signed(value: f64) -> String {
    let text = format!("{value:+.2}");
    if text == "-0.00" { "+0.00".to_owned() } else { text }
}

/// Returns a sentence on the gain of the network over the measured error rate of each quality.
pub(super) fn words(held: &HeldOut) -> String {
    let (all, gain) = (held.over_reported.millibits, held.over_table);
    let size =
        format!("{:.2} ± {:.2} millibits per base", gain.millibits.abs(), gain.standard_error);
    if gain.millibits > SIGNIFICANT * gain.standard_error {
        let fraction = if all > gain.millibits {
            format!(
                ", {} of the whole gain over the reported qualities",
                text::roughly(gain.millibits / all)
            )
        } else {
            String::new()
        };
        format!(
            "The network gains {size} over the measured error rate of each quality{fraction}: it \
             also uses the position in the read, the neighbouring qualities and the preceding \
             bases."
        )
    } else if gain.millibits < -SIGNIFICANT * gain.standard_error {
        format!("The measured error rate of each quality is better than the network, by {size}.")
    } else {
        format!(
            "The network gains nothing significant over the measured error rate of each quality \
             ({size}, ± one standard error)."
        )
    }
}

#[cfg(test)]
mod tests {
    use bm_adapt::Gain;

    use super::*;

    fn held(over_reported: f64, over_table: f64, standard_error: f64) -> HeldOut {
        let gain = |millibits| Gain { millibits, standard_error };
        HeldOut {
            over_reported: gain(over_reported),
            over_table: gain(over_table),
            ..HeldOut::default()
        }
    }

    #[test]
    fn the_sentence_has_the_gain_of_the_network() {
        let sentence = words(&held(10.0, 2.5, 0.1));
        assert!(
            sentence.starts_with("The network gains 2.50 ± 0.10") && sentence.contains(", 25 % of"),
            "{sentence}"
        );
        assert!(words(&held(1.0, 2.5, 0.1)).contains("error rate of each quality: it also"));
        assert!(words(&held(10.0, 0.1, 0.1)).contains("gains nothing"));
        assert!(words(&held(10.0, -0.1, 0.1)).contains("gains nothing"));
        assert!(words(&held(10.0, -1.0, 0.1)).contains("better than the network, by 1.00 ± 0.10"));
    }

    #[test]
    fn zero_is_never_negative() {
        assert_eq!([-0.004, 0.0, -0.5, 1.0].map(signed), ["+0.00", "+0.00", "-0.50", "+1.00"]);
    }

    #[test]
    fn the_table_marks_the_choice_and_has_dashes_for_unknown_numbers() {
        let mut held = held(0.0, 0.0, 0.0);
        held.start.auc = f64::NAN;
        for (choice, name) in [
            (Choice::Adapted, "adapted model"),
            (Choice::Start, "base model (a <b>)"),
            (Choice::Table, "measured error rate of each quality"),
            (Choice::Reported, "reported qualities"),
        ] {
            let table = table(&held, choice, "a <b>");
            let chosen: Vec<_> =
                (0..table.rows.len()).filter(|row| table.rows[*row].chosen).collect();
            let [row] = chosen[..] else { panic!("{chosen:?}") };
            assert_eq!(table.texts(row)[0], name);
            assert_eq!(table.texts(1)[4], "–");
        }
    }
}
