//! The table of how the judges do on reads that were held out.

use std::fmt::Write;

use crate::ReportError;
use bm_adapt::{Choice, Figures, HeldOut};

use crate::text;

/// Standard errors beyond which a gain is none of chance.
const BEYOND: f64 = 2.0;

/// Writes the table.
pub(super) fn table(
    page: &mut String,
    held: &HeldOut,
    choice: Choice,
    start: &str,
) -> Result<(), ReportError> {
    let adapted =
        if choice == Choice::Adapted { "the adapted model" } else { "what was learned (not used)" };
    write!(
        page,
        "<table>\n<thead><tr><th>judge</th><th>log loss<br/><small>millibits a base, less is better</small></th>\
         <th>expected over found errors<br/><small>1 is right</small></th><th>the same as log2<br/><small>0 is right</small></th>\
         <th>AUC<br/><small>bad reads from good ones, 1 is best</small></th></tr></thead>\n<tbody>\n"
    )?;
    let before = format!("the model before ({start})");
    for (name, figures, chosen) in [
        ("reported qualities", held.reported, choice == Choice::Reported),
        (before.as_str(), held.start, choice == Choice::Start),
        ("a table: the measured error rate of each quality", held.table, false),
        (adapted, held.adapted, choice == Choice::Adapted),
    ] {
        let Figures { log_loss_millibits, log2_ratio, auc } = figures;
        let auc = if auc.is_nan() { "–".to_owned() } else { format!("{auc:.3}") };
        let class = if chosen { " class=\"chosen\"" } else { "" };
        let name = text::escape(name);
        writeln!(
            page,
            "<tr{class}><td>{name}</td><td>{log_loss_millibits:.2}</td><td>{:.2}</td><td>{}</td><td>{auc}</td></tr>",
            log2_ratio.exp2(),
            signed(log2_ratio)
        )?;
    }
    page.push_str("</tbody>\n</table>\n");
    Ok(())
}

/// Returns a number with its sign, but no −0.
fn signed(value: f64) -> String {
    let text = format!("{value:+.2}");
    if text == "-0.00" { "+0.00".to_owned() } else { text }
}

/// Says what the network adds to a table.
pub(super) fn words(held: &HeldOut) -> String {
    let (all, gain) = (held.over_reported.millibits, held.over_table);
    let sure = format!("{:.2} ± {:.2} millibits a base", gain.millibits.abs(), gain.standard_error);
    if gain.millibits > BEYOND * gain.standard_error {
        let share = if all > gain.millibits {
            format!(
                ", {} of what is gained over reported qualities",
                text::roughly(gain.millibits / all)
            )
        } else {
            String::new()
        };
        format!(
            "What the network adds to a table of what each quality is worth: {sure}{share}. That comes from the place in the read, \
             the qualities around and the bases before."
        )
    } else if gain.millibits < -BEYOND * gain.standard_error {
        format!(
            "A table of what each quality is worth would do better than the network, by {sure}."
        )
    } else {
        format!(
            "The network adds nothing that can be told from chance to a table of what each quality is worth ({sure}, ± one standard error)."
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
    fn the_words_say_what_the_network_adds() {
        let said = words(&held(10.0, 2.5, 0.1));
        assert!(
            said.starts_with("What the network adds")
                && said.contains("2.50 ± 0.10")
                && said.contains(", 25 % of"),
            "{said}"
        );
        assert!(words(&held(1.0, 2.5, 0.1)).contains("2.50 ± 0.10 millibits a base. That"));
        assert!(words(&held(10.0, 0.1, 0.1)).contains("adds nothing"));
        assert!(words(&held(10.0, -0.1, 0.1)).contains("adds nothing"));
        assert!(
            words(&held(10.0, -1.0, 0.1))
                .contains("would do better than the network, by 1.00 ± 0.10")
        );
    }

    #[test]
    fn nothing_has_no_sign_of_its_own() {
        assert_eq!([-0.004, 0.0, -0.5, 1.0].map(signed), ["+0.00", "+0.00", "-0.50", "+1.00"]);
    }

    #[test]
    fn the_table_marks_what_judges_and_shows_what_is_not_known() {
        let mut held = held(0.0, 0.0, 0.0);
        held.start.auc = f64::NAN;
        for (choice, line) in [
            (Choice::Adapted, "<tr class=\"chosen\"><td>the adapted model</td>"),
            (Choice::Start, "<tr class=\"chosen\"><td>the model before (a &lt;b&gt;)</td>"),
            (Choice::Reported, "<tr class=\"chosen\"><td>reported qualities</td>"),
        ] {
            let mut page = String::new();
            table(&mut page, &held, choice, "a <b>").expect("drawn");
            assert!(
                page.contains(line)
                    && page.matches("chosen").count() == 1
                    && page.contains("<td>–</td>"),
                "{page}"
            );
        }
    }
}
