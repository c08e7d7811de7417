//! Sentences made from reports.

mod classes;
pub(crate) mod cycles;
mod device;
mod library;
pub(crate) mod losses;
pub(crate) mod trimming;

pub use self::device::device;

use bm_adapt::Choice;
use bm_pipeline::{PairTotals, ReadTotals, Reason};

use crate::adapt_report::{AdaptationFacts, EvidenceFacts};
use crate::adapter_facts::MateAdapters;
use crate::library_facts::LibraryFacts;
use crate::part_facts::ShardFacts;
use crate::report::{CriteriaFacts, Report};
use crate::run_facts::{Domain, LongReadFacts, ModelFacts};
use crate::text;

/// Fraction of covered bases below which the reads are probably not of the run that was learned.
const LOW_COVERAGE: f64 = 0.05;

/// The command that writes every read.
const RECALIBRATE: &str = "recalibrate";

/// The command that decides nothing.
const CLASSIFY: &str = "classify";

/// Returns the summary of a run, in several lines.
pub fn summary(report: &Report) -> String {
    if report.command == CLASSIFY {
        let lines = classes::summary(report).into_iter().chain([time(report)]);
        return lines.chain(about(report)).collect::<Vec<_>>().join("\n");
    }
    let ReadTotals { r#in, kept, discarded, unscored } = report.totals.reads;
    let writes_all = report.command == RECALIBRATE;
    let mut lines = vec![if writes_all {
        let others = r#in - kept;
        format!("{in} reads written: {kept} with new qualities, {others} as they came")
    } else {
        format!(
            "{in} reads in: {kept} kept{}, {discarded} discarded, {unscored} unscored",
            percent(kept, r#in)
        )
    }];
    if report.samples.len() > 1 {
        lines.push(format!("{} samples: {}", report.samples.len(), report.samples.join(", ")));
    }
    if let Some(ShardFacts { index, of }) = report.shard {
        lines.push(match r#in {
            0 => format!("shard {index} of {of}: no read begins in it"),
            _ => format!("shard {index} of {of}"),
        });
    }
    if writes_all {
        // Nothing was decided.
    } else if let Some(mode) = &report.criteria.pair_mode {
        let PairTotals { r#in, kept, merged, singles } = report.totals.pairs;
        let singles = if singles > 0 {
            format!(", {singles} reads kept without their mate")
        } else {
            String::new()
        };
        let merged = match &report.trim {
            Some(trim) if trim.merge => format!(", {merged} of them merged"),
            _ => String::new(),
        };
        let percent = percent(kept, r#in);
        lines.push(format!("{in} pairs in, scored {mode}: {kept} kept{percent}{merged}{singles}"));
    }
    // If only the model decided, the first line has all counts.
    let by_model = |reason| matches!(reason, Reason::Empty | Reason::OnlyN | Reason::Probability);
    let reasons = &report.totals.reasons;
    if !writes_all && reasons.iter().any(|(reason, _)| !by_model(reason)) {
        let reasons: Vec<_> =
            reasons.iter().map(|(reason, count)| format!("{count} {}", reason.name())).collect();
        lines.push(format!("not kept for: {}", reasons.join(", ")));
    }
    lines.extend(classes::lines(report));
    lines.extend(losses::line(report));
    lines.extend(trimming::lines(report));
    lines.push(time(report));
    lines.extend(about(report));
    lines.join("\n")
}

/// Returns a line on the time that a run took; whether parts ran side by side is not known.
fn time(report: &Report) -> String {
    let time = &report.time;
    if !report.parts.is_empty() {
        let together: f64 = report.parts.iter().map(|part| part.time.wall_s).sum();
        let parts = match report.parts.len() {
            1 => "1 part".to_owned(),
            parts => format!("{parts} parts"),
        };
        return format!("{parts}, {together:.2} s together, {:.2} s the longest", time.wall_s);
    }
    let threads = match time.threads {
        1 => "1 thread".to_owned(),
        threads => format!("{threads} threads"),
    };
    format!("{:.2} s, {:.0} reads/s with {threads}", time.wall_s, time.reads_per_s)
}

/// Returns lines on the model, the criteria, the engine and the adaptation of a run.
pub fn about(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    let criteria = criteria(&report.criteria);
    let long = report.domain.as_ref().and_then(|domain| domain.long_reads.as_ref());
    if let Some(ModelFacts { id, version, label, .. }) = &report.model {
        let label = match long {
            Some(long) => {
                &format!("pass: true error rate of the read <= {} %", 100.0 * long.max_error_rate)
            }
            None => label,
        };
        lines.push(match report.command.as_str() {
            RECALIBRATE | CLASSIFY => format!("model {id} version {version}"),
            _ => format!("model {id} version {version}, {criteria} ({label})"),
        });
    }
    if report.model.is_none() && report.samples.len() > 1 {
        let criteria = if criteria.is_empty() { String::new() } else { format!(", {criteria}") };
        lines.push(format!("samples have models of their own{criteria}"));
    }
    if let Some(scores) = &report.scores {
        let criteria =
            if criteria.is_empty() { "as decided when they were made" } else { &criteria };
        lines.push(format!("scores of {}, {criteria}", text::one_line(scores)));
    }
    let engine = report.engine.as_ref();
    lines.extend(engine.map(|engine| format!("engine {}", text::one_line(&engine.description))));
    if let (Some(domain), Some(model)) = (&report.domain, &report.model) {
        lines.extend(applicability(domain, &model.id));
    }
    lines.extend(report.library.iter().flat_map(library::lines));
    lines.extend(report.adaptation.as_ref().map(learned));
    lines.extend(long.map(long_reads));
    if !report.totals.evidence.is_empty() {
        lines.push(evidence_totals(report));
    }
    lines
}

/// Returns a line on why the model does not apply, and what scored the reads; `None` if it applies.
fn applicability(domain: &Domain, model: &str) -> Option<String> {
    if domain.applies {
        return None;
    }
    let consequence = if domain.scored_by == Domain::REPORTED_ERRORS {
        // Long reads have gaps, from which a model learns nothing.
        let adapt = if domain.long_reads.is_some() {
            "what the reads of the run say of each other"
        } else {
            "a model that learns the run"
        };
        format!(
            "reads were scored by the errors that their qualities report (EE); -m {model} uses the \
             model all the same, --adapt {adapt}"
        )
    } else {
        "it scored the reads all the same, as it was named".to_owned()
    };
    let reasons = domain.reasons.join("; ");
    Some(format!("model {model} does not apply: {reasons}; {consequence}"))
}

/// Returns a line on the limit for long reads, and why it is what it is.
fn long_reads(long: &LongReadFacts) -> String {
    let limit = match long.max_error_rate {
        rate if rate > 0.0 => format!("1 error in {:.0} bases", 1.0 / rate),
        _ => "no error".to_owned(),
    };
    let reason = &long.reason;
    if long.decided {
        format!(
            "long reads pass if at most {limit} is expected, because {reason}; --max-ee-rate, \
             --max-ee or --threshold sets another limit"
        )
    } else {
        format!("probabilities of long reads are those of at most {limit}, because {reason}")
    }
}

/// Returns lines on most reads not being kept, on far fewer than by the base model alone, and on the
/// parts of a merged report.
pub(crate) fn alarms(report: &Report) -> impl Iterator<Item = String> {
    let lines = losses::line(report).into_iter().chain(losses::warning(report));
    lines.chain(report.warnings.iter().cloned())
}

/// Returns warnings: if `--adapt` keeps far fewer reads than the base model alone would, and those on
/// the parts of a merged report.
pub fn warnings(report: &Report) -> impl Iterator<Item = String> {
    losses::warning(report).into_iter().chain(report.warnings.iter().cloned())
}

/// Returns a line for each mate in whose first reads adapters were found.
pub fn adapters(mates: &[MateAdapters]) -> Vec<String> {
    trimming::found(mates)
}

/// Returns a line for each thing that a library has at the ends of reads, or turns into others.
pub fn library(facts: &LibraryFacts) -> Vec<String> {
    library::lines(facts)
}

/// Returns a line on the adapted model and, if there are some, on failed cycles, and on k-mers if they
/// were counted.
pub fn learned(adaptation: &AdaptationFacts) -> String {
    let evidence = adaptation.evidence.as_ref();
    let evidence = evidence.map_or_else(String::new, |facts| format!("\n{}", kmers(facts)));
    let cycles = cycles::lines(&adaptation.failed_cycles);
    let cycles: String = cycles.iter().map(|line| format!("\n{line}")).collect();
    model(adaptation) + &cycles + &evidence
}

/// Returns a line on the k-mers of a run: how many are used, or why none are.
pub fn kmers(facts: &EvidenceFacts) -> String {
    if !facts.in_use {
        return format!("k-mer evidence not in use: {}", facts.doubts.join("; "));
    }
    let findings = &facts.findings;
    let sampled = if findings.share < 1.0 {
        format!(", 1 in {:.0} k-mers", 1.0 / findings.share)
    } else {
        String::new()
    };
    let ratio = findings.expected_errors / findings.expected_errors_prior.max(f64::MIN_POSITIVE);
    let kind = if findings.of_whole_reads {
        "; it shows how many errors a long read has, not where"
    } else {
        ""
    };
    format!(
        "k-mer evidence in use: {} {}-mers ({:.1} MB{sampled}), median depth {}, {:.1} % of bases \
         covered; expected errors × {ratio:.2}{kind}",
        text::count(findings.kmers),
        findings.k,
        findings.bytes as f64 / 1e6,
        findings.depth,
        100.0 * findings.evaluable,
    )
}

/// Returns a line on the adapted model: how accurate it is, or why it is not used.
fn model(adaptation: &AdaptationFacts) -> String {
    let AdaptationFacts { findings, doubts, .. } = adaptation;
    let doubts = doubts.join("; ");
    let reported =
        if adaptation.ignores_quality { "one quality for all" } else { "reported qualities" };
    match adaptation.choice {
        Choice::Adapted => {
            let held = &findings.held_out;
            let wrong = 100.0 * findings.wrong as f64 / findings.labelled.max(1) as f64;
            format!(
                "adapted to this run: {} bases checked against other reads, {wrong:.3} % wrong; on \
                 held-out reads, expected/observed errors: {:.2} ({reported} {:.2}, base \
                 model {:.2})",
                findings.labelled,
                held.adapted.log2_ratio.exp2(),
                held.reported.log2_ratio.exp2(),
                held.start.log2_ratio.exp2(),
            )
        }
        Choice::Start => format!("not adapted to this run: {doubts}; the base model is used"),
        Choice::Table if findings.held_out.reads == 0 => {
            format!("not adapted to this run: {doubts}; the run's own error rate is used")
        }
        Choice::Table => format!(
            "not adapted to this run: {doubts}; the run's own error rate of each quality is used: \
             on held-out reads, expected/observed errors: {:.2} ({reported} {:.2})",
            findings.held_out.table.log2_ratio.exp2(),
            findings.held_out.reported.log2_ratio.exp2(),
        ),
        Choice::Reported => {
            let are = if adaptation.ignores_quality { "is" } else { "are" };
            format!("not adapted to this run: {doubts}; {reported} {are} used")
        }
    }
}

/// Returns a line on the expected errors of the scored reads without and with k-mer evidence.
fn evidence_totals(report: &Report) -> String {
    let totals = &report.totals.evidence;
    let is_reported = |model: &ModelFacts| model.id == Domain::REPORTED_ERRORS;
    let prior = match report.model.as_ref().is_some_and(is_reported) {
        true => "the qualities",
        false => "the network",
    };
    let question = if totals.coverage() < LOW_COVERAGE && report.adaptation.is_none() {
        "; are these reads of the run that the package learned?"
    } else {
        ""
    };
    format!(
        "k-mers cover {:.1} % of the bases: {:.0} errors expected by {prior} alone, {:.0} with \
         them{question}",
        100.0 * totals.coverage(),
        totals.expected_errors_prior.get(),
        totals.expected_errors.get(),
    )
}

/// Returns the criteria of the model for a kept read; empty if none was given.
fn criteria(criteria: &CriteriaFacts) -> String {
    let threshold = criteria.threshold.map(|threshold| format!("threshold {threshold}"));
    let errors = criteria.max_ee.map(|most| format!("at most {most} expected errors"));
    let rate = criteria.max_ee_rate.map(|most| {
        let rate = format!("at most {} expected errors per base", text::limit(most));
        criteria
            .min_q
            .map_or_else(|| rate.clone(), |least| format!("mean quality at least {least} ({rate})"))
    });
    let weight = criteria.min_weight.map(|least| {
        format!("the best long reads by length and errors, weight {}", text::number(least))
    });
    [threshold, errors, rate, weight].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Returns a percentage in brackets; empty if there is nothing to divide by.
fn percent(part: u64, all: u64) -> String {
    if all > 0 { format!(" ({:.2} %)", 100.0 * part as f64 / all as f64) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_on_kmers_has_their_number_or_why_they_are_not_used() {
        let doubts = vec!["few reads overlap".to_owned(), "a cycle failed".to_owned()];
        let mut facts = EvidenceFacts { in_use: false, doubts, findings: Default::default() };
        assert_eq!(kmers(&facts), "k-mer evidence not in use: few reads overlap; a cycle failed");
        facts.in_use = true;
        facts.findings.k = 17;
        facts.findings.share = 0.25;
        let words = kmers(&facts);
        assert!(words.contains(" 0 17-mers (0.0 MB, 1 in 4 k-mers), median depth 0"), "{words}");
    }
}
