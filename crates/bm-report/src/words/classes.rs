//! Lines on the classes that reads come from.

use std::cmp::Reverse;

use crate::class_facts::{ClassCountFacts, ClassFacts, ErrorProbabilities};
use crate::report::Report;
use crate::text;

/// Most classes that are listed, those with the most reads.
const SHOWN: usize = 20;

/// Returns a line on what was removed, and one for each class; none if reads were not looked up.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let Some(facts) = &report.classes else { return Vec::new() };
    let mut lines = vec![heading(facts)];
    let mut classes: Vec<&ClassCountFacts> = facts.counts.iter().collect();
    // None stays the last.
    let none = classes.pop();
    classes.sort_by_key(|class| Reverse(class.counts.reads));
    let left_out = classes.split_off(classes.len().min(SHOWN));
    let width = classes.iter().chain(&none).map(|class| class.class.chars().count()).max();
    let width = width.unwrap_or(0);
    let line = |class: &&ClassCountFacts| line(class, facts, width, report.totals.reads.r#in);
    lines.extend(classes.iter().map(line));
    if !left_out.is_empty() {
        let reads = left_out.iter().fold(0_u64, |sum, it| sum.saturating_add(it.counts.reads));
        lines.push(format!("  {} more classes, {} reads", left_out.len(), text::count(reads)));
    }
    lines.extend(none.iter().map(line));
    lines
}

fn heading(facts: &ClassFacts) -> String {
    let file = text::one_line(&facts.file);
    let removed = match (&facts.only[..], facts.min_probability) {
        (_, None) => return format!("classes of {file}, by the most probable one:"),
        ([], Some(p)) => {
            format!("reads of {} are removed from a probability of {p}", facts.remove.join(", "))
        }
        (only, Some(p)) => {
            format!("only reads of {} are kept, from a probability of {p}", only.join(", "))
        }
    };
    format!("classes of {file}; {removed}:")
}

fn line(class: &ClassCountFacts, facts: &ClassFacts, width: usize, all: u64) -> String {
    let counts = class.counts;
    let share = match class.abundance {
        Some(it) => format!(
            "{} (95 % interval {} to {})",
            percent(it.fraction),
            percent(it.low),
            percent(it.high)
        ),
        None => percent(counts.reads as f64 / all.max(1) as f64),
    };
    let removed = match facts.removes() {
        true => format!(", {} removed", text::count(counts.removed)),
        false => String::new(),
    };
    format!("  {:width$}  {} reads{removed}; {share}", class.class, text::count(counts.reads))
}

/// Returns a fraction in percent, with more digits for rare classes.
fn percent(fraction: f64) -> String {
    let percent = 100.0 * fraction;
    match percent {
        percent if (1e-4..0.01).contains(&percent) => format!("{percent:.4} %"),
        percent => format!("{percent:.2} %"),
    }
}

/// Returns the lines on a run that classified its reads.
pub(super) fn summary(report: &Report) -> Vec<String> {
    let reads = report.totals.reads;
    let units = match report.totals.pairs.r#in {
        0 => String::new(),
        pairs => format!(" in {} pairs", text::count(pairs)),
    };
    let mut lines = vec![format!("{} reads in{units}", text::count(reads.r#in))];
    lines.extend(self::lines(report));
    let errors = report.classes.as_ref().map(|facts| facts.error_probabilities);
    lines.extend(
        errors
            .filter(|errors| *errors == ErrorProbabilities::ReportedErrors)
            .map(|_| "error probabilities of bases: those that the qualities report".to_owned()),
    );
    lines
}
