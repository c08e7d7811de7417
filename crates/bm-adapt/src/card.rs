//! The card of an adapted model.

use std::fmt::Write;

use bm_quality::{Facts, FailedCycles};

use crate::doubts::Doubt;
use crate::evidence::RunEvidence;
use crate::findings::{EvidenceFindings, Findings, HeldOut, Row};
use crate::held_out::Figures;
use crate::settings::Choice;

/// Number of contexts in the card: those with the most errors beyond the reported ones.
const CONTEXTS: usize = 10;

/// Returns the card. `old` is the card of the base model, if that is used.
pub(crate) fn card(
    choice: Choice,
    start: &Facts,
    doubts: &[Doubt],
    findings: &Findings,
    failed_cycles: &FailedCycles,
    old: Option<&str>,
) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, choice, start, doubts, findings);
    let _ = cycles(&mut text, failed_cycles);
    if let Some(old) = old {
        text.push_str("\n---\n\n");
        text.push_str(&quoted(old));
    }
    text
}

/// Writes a table of the failed cycles, if there are some.
fn cycles(text: &mut String, failed: &FailedCycles) -> std::fmt::Result {
    if failed.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "\n## Failed cycles\n\nTheir bases are wrong far more often than those beside them. They have \
         the cycle's error rate (by quality, in the manifest) in place of the network's, and k-mers \
         were counted without them.\n\n| mate | cycle | wrong |\n|---|---|---|"
    )?;
    failed.iter().try_for_each(|cycle| {
        writeln!(text, "| {} | {} | {:.1} % |", cycle.mate, cycle.cycle, 100.0 * cycle.wrong)
    })
}

fn write(
    text: &mut String,
    choice: Choice,
    start: &Facts,
    doubts: &[Doubt],
    findings: &Findings,
) -> std::fmt::Result {
    let start = format!("{} version {}", plain(&start.id), start.version);
    let (title, what) = match choice {
        Choice::Adapted => (
            "read-error-adapted".to_owned(),
            format!(
                "Adapted to one sequencing run, starting from {start}. \
                 Use it for the reads of that run only."
            ),
        ),
        Choice::Start => (
            start.clone(),
            format!("The run gave no reliable adapted model, so this is {start}, unchanged."),
        ),
        Choice::Table => (
            "measured-errors".to_owned(),
            format!(
                "The run gave no adapted network that is better, so this model gives every base \
                 the error rate that its reported quality has in the run. The base model was \
                 {start}. Use it for the reads of that run only."
            ),
        ),
        Choice::Reported => (
            "reported-errors".to_owned(),
            format!(
                "The run gave no reliable adapted model, and {start} does not apply to it, \
                 so this model uses the reported qualities."
            ),
        ),
    };
    writeln!(text, "# {title}\n\n{what}\n")?;
    for doubt in doubts {
        writeln!(text, "- Not adapted: {doubt}.")?;
    }
    if !doubts.is_empty() {
        writeln!(text)?;
    }
    let Findings {
        reads_seen,
        bases_seen,
        reads_kept,
        bases_kept,
        depth,
        positions,
        labelled,
        wrong,
        ..
    } = findings;
    writeln!(text, "## Training data\n")?;
    writeln!(text, "| | |\n|---|---|")?;
    writeln!(text, "| reads of the run | {reads_seen} ({bases_seen} bases) |")?;
    if findings.copies_dropped > 0 {
        writeln!(
            text,
            "| reads left out as exact copies of others | {} |",
            findings.copies_dropped
        )?;
    }
    writeln!(text, "| reads in the sample | {reads_kept} ({bases_kept} bases) |")?;
    writeln!(text, "| median depth | {depth} reads |")?;
    writeln!(text, "| positions covered at this depth | {positions} |")?;
    writeln!(
        text,
        "| positions where reads disagree (mixed columns) | {:.2} % |",
        100.0 * findings.mixed_share
    )?;
    writeln!(
        text,
        "| labelled bases: other reads agree or contradict | {labelled} ({:.1} % of the sample) |",
        percent(*labelled, *bases_kept)
    )?;
    if findings.labelled_by_mates > 0 {
        writeln!(
            text,
            "| of these, labelled by an overlapping mate alone | {} |",
            findings.labelled_by_mates
        )?;
    }
    writeln!(
        text,
        "| of these, wrong: other reads contradict them | {wrong} ({:.3} %) |\n",
        percent(*wrong, *labelled)
    )?;
    writeln!(
        text,
        "No reference was used. Where many reads overlap, a base that hardly any of them has is an \
         error.\n"
    )?;
    let held = &findings.held_out;
    if held.reads == 0 {
        return Ok(());
    }
    compared(text, held)?;
    writeln!(text, "## Reported and measured quality\n")?;
    writeln!(
        text,
        "Held-out bases by reported quality: measured, reported, and by the base and the \
         adapted model, as Phred scores.\n"
    )?;
    table(text, "quality", &findings.by_quality)?;
    writeln!(text, "## Position in the read\n\nDistance to the nearer end, in bases.\n")?;
    table(text, "distance", &findings.by_place)?;
    writeln!(
        text,
        "## Sequence context\n\nThe {CONTEXTS} contexts with the most errors beyond the \
         reported ones: the two bases before, and the base itself as read.\n"
    )?;
    let mut contexts = findings.by_context.clone();
    contexts
        .sort_by(|a, b| (b.wrong as f64 - b.reported).total_cmp(&(a.wrong as f64 - a.reported)));
    contexts.truncate(CONTEXTS);
    table(text, "context", &contexts)?;
    writeln!(text, "Length of the homopolymer right before the base:\n")?;
    table(text, "homopolymer", &findings.by_homopolymer)
}

/// Returns text of a model as Markdown that shows it as it is.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            // A hyphen has a meaning at the start of a line only, a dot after a number there.
            character if character.is_ascii_punctuation() && !"-.+".contains(character) => {
                plain.extend(['\\', character]);
            }
            character if character.is_control() || character.is_whitespace() => plain.push(' '),
            character => plain.push(character),
        }
    }
    plain
}

/// Returns the card of another model, which may be a stranger's, with nothing in it that a page would
/// run: no HTML but comments, and no control characters.
fn quoted(card: &str) -> String {
    let mut quoted = String::with_capacity(card.len());
    let mut rest = card.chars().peekable();
    while let Some(character) = rest.next() {
        let begins_a_tag = |next: &char| next.is_ascii_alphabetic() || *next == '/';
        match character {
            '<' if rest.peek().is_some_and(begins_a_tag) => quoted.push_str("&lt;"),
            '\n' | '\t' => quoted.push(character),
            character if character.is_control() => {}
            character => quoted.push(character),
        }
    }
    quoted
}

/// Returns the part of the card about k-mer evidence.
pub(crate) fn evidence(evidence: &RunEvidence) -> String {
    let EvidenceFindings {
        k,
        kmers,
        share,
        depth,
        evaluable,
        expected_errors_prior,
        expected_errors,
        of_whole_reads,
        ..
    } = evidence.findings;
    let mut text = String::from("\n## K-mer evidence\n\n");
    for doubt in &evidence.doubts {
        let _ = writeln!(text, "- Not in use: {doubt}.");
    }
    if evidence.doubts.is_empty() {
        text.push_str(if of_whole_reads {
            "In use: the error rate of each long read is updated by which of its k-mers other reads of \
             the run have, and its bases all alike. Use the package for the reads of this run only.\n"
        } else {
            "In use: the model's error probability of each base is updated by what other \
             reads of the run have there. Use the package for the reads of this run only.\n"
        });
    }
    let _ = write!(
        text,
        "\n| | |\n|---|---|\n\
         | {k}-mers seen at least twice | {kmers} |\n\
         | fraction of all k-mers counted | {share} |\n\
         | median depth | {depth} reads |\n\
         | bases covered by k-mers of other reads | {:.1} % |\n\
         | expected errors in the sample, model alone | {expected_errors_prior:.0} |\n\
         | expected errors in the sample, with k-mers | {expected_errors:.0} |\n",
        100.0 * evaluable
    );
    text
}

fn compared(text: &mut String, held: &HeldOut) -> std::fmt::Result {
    writeln!(text, "## Evaluation on held-out reads\n")?;
    writeln!(
        text,
        "By the run's own labels: {} reads with {} labelled bases, {} of them wrong. Log \
         loss in thousandths of a bit per base; log2(expected/observed errors), 0 is calibrated; \
         AUC for reads with an error rate above 1 % ({} good, {} bad reads).\n",
        held.reads, held.labelled, held.wrong, held.good_reads, held.bad_reads
    )?;
    writeln!(text, "| model | Log loss | log2 ratio | AUC |\n|---|---|---|---|")?;
    for (name, figures) in [
        ("reported qualities", held.reported),
        ("base model", held.start),
        ("measured error rate of each quality", held.table),
        ("adapted model", held.adapted),
    ] {
        let Figures { log_loss_millibits, log2_ratio, auc } = figures;
        let auc = if auc.is_nan() { "–".to_owned() } else { format!("{auc:.3}") };
        writeln!(text, "| {name} | {log_loss_millibits:.2} | {log2_ratio:+.2} | {auc} |")?;
    }
    writeln!(text)
}

fn table(text: &mut String, what: &str, rows: &[Row]) -> std::fmt::Result {
    writeln!(
        text,
        "| {what} | bases | wrong | measured | reported | base model | adapted |\n\
         |---|---|---|---|---|---|---|"
    )?;
    for Row { of, bases, wrong, reported, start, adapted } in rows {
        let phred = |errors: f64| {
            phred(errors, *bases).map_or("–".to_owned(), |phred| format!("{phred:.1}"))
        };
        let measured = phred(*wrong as f64);
        writeln!(
            text,
            "| {of} | {bases} | {wrong} | {measured} | {} | {} | {} |",
            phred(*reported),
            phred(*start),
            phred(*adapted)
        )?;
    }
    writeln!(text)
}

/// Returns the Phred score of an error rate; `None` without errors or bases.
pub(crate) fn phred(errors: f64, bases: u64) -> Option<f64> {
    (errors > 0.0 && bases > 0).then(|| -10.0 * (errors / bases as f64).log10())
}

fn percent(part: u64, all: u64) -> f64 {
    100.0 * part as f64 / all.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_models_are_shown_as_they_are() {
        assert_eq!(plain("read-error"), "read-error");
        assert_eq!(
            plain("<img src=x onerror=alert(1)>"),
            r"&lt;img src\=x onerror\=alert\(1\)&gt;"
        );
        assert_eq!(plain("[a](b) | `c`\u{2028}# d"), r"\[a\]\(b\) \| \`c\` \# d");
    }

    #[test]
    fn the_card_of_another_model_has_no_html() {
        let card = "# Card\n\n<!-- Written by -->\n| p < 0.5 | <0.1 |\n";
        assert_eq!(quoted(card), card);
        assert_eq!(
            quoted("<script>x</script><!--><IMG src=x> \u{1b}[2J\r\n"),
            "&lt;script>x&lt;/script><!-->&lt;IMG src=x> [2J\n"
        );
    }
}
