//! The card of an adapted model.

use std::fmt::Write;

use bm_quality::Facts;

use crate::findings::{HeldOut, Row};
use crate::judge::Figures;
use crate::{Choice, Doubt, EvidenceFindings, Findings, RunEvidence};

/// Contexts that are shown, of those with the most errors beyond what is reported.
const CONTEXTS: usize = 10;

/// Returns the card; `old` is that of the model that was kept.
pub(crate) fn card(
    choice: Choice,
    start: &Facts,
    doubts: &[Doubt],
    findings: &Findings,
    old: Option<&str>,
) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, choice, start, doubts, findings);
    if let Some(old) = old {
        text.push_str("\n---\n\n");
        text.push_str(old);
    }
    text
}

fn write(
    text: &mut String,
    choice: Choice,
    start: &Facts,
    doubts: &[Doubt],
    findings: &Findings,
) -> std::fmt::Result {
    let start = format!("{} version {}", start.id, start.version);
    let (title, what) = match choice {
        Choice::Adapted => (
            "read-error-adapted".to_owned(),
            format!(
                "It started from {start} and learned from one run. It is for the reads of that run."
            ),
        ),
        Choice::Start => (
            start.clone(),
            format!("The run taught nothing that could be trusted, so this is {start} as it was."),
        ),
        Choice::Reported => (
            "reported-errors".to_owned(),
            format!(
                "The run taught nothing that could be trusted, and {start} does not suit it, so this believes the reported qualities."
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
    writeln!(text, "## What it learned from\n")?;
    writeln!(text, "| | |\n|---|---|")?;
    writeln!(text, "| reads of the run | {reads_seen} ({bases_seen} bases) |")?;
    if findings.copies_dropped > 0 {
        writeln!(
            text,
            "| left out as copies of other reads, byte for byte | {} |",
            findings.copies_dropped
        )?;
    }
    writeln!(text, "| looked at closely | {reads_kept} ({bases_kept} bases) |")?;
    writeln!(text, "| a typical place is in | {depth} reads |")?;
    writeln!(text, "| of so many positions, were all as deep | {positions} |")?;
    writeln!(text, "| places of several minds | {:.2} % |", 100.0 * findings.mixed_share)?;
    writeln!(
        text,
        "| bases that other reads bear out or contradict | {labelled} ({:.1} % of those looked at) |",
        share(*labelled, *bases_kept)
    )?;
    if findings.labelled_by_mates > 0 {
        writeln!(
            text,
            "| of these only by the mate of their pair, which overlaps | {} |",
            findings.labelled_by_mates
        )?;
    }
    writeln!(
        text,
        "| of these contradicted, so wrong | {wrong} ({:.3} %) |\n",
        share(*wrong, *labelled)
    )?;
    writeln!(
        text,
        "No reference was used: where many reads overlap, what hardly any of them has is an error.\n"
    )?;
    let held = &findings.held_out;
    if held.reads == 0 {
        return Ok(());
    }
    compared(text, held)?;
    writeln!(text, "## Reported and measured quality\n")?;
    writeln!(
        text,
        "Of the held-out bases with each reported quality: what it is worth, and what each judge makes of it, as Phred scores.\n"
    )?;
    table(text, "reported", &findings.by_quality)?;
    writeln!(text, "## Where in the read\n\nBy the distance to the nearer end.\n")?;
    table(text, "place", &findings.by_place)?;
    writeln!(
        text,
        "## After which bases\n\nThe contexts with the most errors beyond what is reported: two bases, and the base itself as it was read.\n"
    )?;
    let mut contexts = findings.by_context.clone();
    contexts
        .sort_by(|a, b| (b.wrong as f64 - b.reported).total_cmp(&(a.wrong as f64 - a.reported)));
    contexts.truncate(CONTEXTS);
    table(text, "context", &contexts)?;
    writeln!(text, "By the number of equal bases right before:\n")?;
    table(text, "bases", &findings.by_homopolymer)
}

/// Returns the part of a card about the k-mers of the run.
pub(crate) fn evidence(evidence: &RunEvidence) -> String {
    let EvidenceFindings {
        k,
        kmers,
        share,
        depth,
        evaluable,
        expected_errors_prior,
        expected_errors,
        ..
    } = evidence.findings;
    let mut text = String::from("\n## What the run's k-mers say\n\n");
    for doubt in &evidence.doubts {
        let _ = writeln!(text, "- They do not testify: {doubt}.");
    }
    if evidence.doubts.is_empty() {
        text.push_str(
            "They testify: the probability of an error at each base is that of the model, changed by what other reads of the run have there. \
             So the package is for the reads of this run alone.\n",
        );
    }
    let _ = write!(
        text,
        "\n| | |\n|---|---|\n| k-mers of {k} bases that were seen at least twice | {kmers} |\n| share of all k-mers that were looked at | {share} \
         |\n| a typical one is in | {depth} reads |\n| bases of which they know something | {:.1} % |\n| errors in the reads that were looked at, \
         by the model alone | {expected_errors_prior:.0} |\n| and with the k-mers | {expected_errors:.0} |\n",
        100.0 * evaluable
    );
    text
}

fn compared(text: &mut String, held: &HeldOut) -> std::fmt::Result {
    writeln!(text, "## On reads that it did not learn from\n")?;
    writeln!(
        text,
        "{} reads with {} labelled bases, {} of them wrong; by the run's own labels. Log loss in thousandths of a bit a base, log2 of \
         expected over labelled errors (0 is right), AUC for more than one wrong base in a hundred ({} good reads, {} bad ones).\n",
        held.reads, held.labelled, held.wrong, held.good_reads, held.bad_reads
    )?;
    writeln!(text, "| judge | log loss | log2 | AUC |\n|---|---|---|---|")?;
    for (name, figures) in [
        ("reported quality", held.reported),
        ("the model that it started from", held.start),
        ("the measured error rate of each quality", held.table),
        ("the adapted model", held.adapted),
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
        "| {what} | bases | wrong | measured | reported | before | adapted |\n|---|---|---|---|---|---|---|"
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

/// Returns the Phred score of so many errors; none without any.
pub(crate) fn phred(errors: f64, bases: u64) -> Option<f64> {
    (errors > 0.0 && bases > 0).then(|| -10.0 * (errors / bases as f64).log10())
}

fn share(part: u64, all: u64) -> f64 {
    100.0 * part as f64 / all.max(1) as f64
}
