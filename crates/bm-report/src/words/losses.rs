//! Lines on most reads not being kept, and on `--adapt` keeping far fewer.

use bm_pipeline::Reason;

use crate::loss_facts::{LossFacts, ModelAloneFacts};
use crate::report::Report;
use crate::text;

/// Median depth of k-mers below which reads say little of each other, in reads.
const FEW_READS: f64 = 5.0;

/// Mean length above which reads are long, in bases: no two mates of Illumina are longer together.
const LONG: u64 = 600;

/// How many times more bases must be wrong than the qualities report, to say so.
const TIMES: f64 = 1.5;

/// How much k-mers must raise the expected errors, to say so.
const KMERS_TIMES: f64 = 1.05;

/// Returns a line on why most reads are not kept and what would keep more; `None` if at least half
/// of them are kept.
pub(crate) fn line(report: &Report) -> Option<String> {
    let facts = report.losses.as_ref()?;
    let reads = report.totals.reads;
    let lost = reads.r#in - reads.kept;
    let what = if reads.kept == 0 {
        "no read is kept".to_owned()
    } else {
        format!("most reads are not kept, {} of {}", text::count(lost), text::count(reads.r#in))
    };
    let most = match facts.reads {
        number if number == lost => "all of them".to_owned(),
        number => format!("{} of them", text::count(number)),
    };
    let mut line = format!("{what}: {most} for {} ({})", facts.reason, meaning(facts, report));
    line += &remedies(facts, report);
    Some(line)
}

/// Returns what a reason means, with its limit.
fn meaning(facts: &LossFacts, report: &Report) -> String {
    let criteria = &report.criteria;
    let with = |limit: Option<String>, what: &str| match limit {
        Some(limit) => format!("{what} {limit}"),
        // A table of scores does not say with which limit it was made.
        None => format!("{what} the limit"),
    };
    let shown = |limit: Option<f64>| limit.map(text::limit);
    match Reason::from_name(&facts.reason) {
        Some(Reason::Empty) => "without bases".to_owned(),
        Some(Reason::OnlyN) => "nothing but N".to_owned(),
        Some(Reason::NoInsert) => "nothing left that is of the sample or worth keeping".to_owned(),
        Some(Reason::Class) => match &report.classes {
            Some(facts) if facts.only.is_empty() => format!("of {}", facts.remove.join(", ")),
            Some(facts) => format!("not of {}", facts.only.join(", ")),
            None => "of a class that is not wanted".to_owned(),
        },
        Some(Reason::Duplicate) => "the bases of an earlier one".to_owned(),
        Some(Reason::MinLength) => {
            with(criteria.min_length.map(|limit| limit.to_string()), "fewer bases than")
        }
        Some(Reason::MaxLength) => {
            with(criteria.max_length.map(|limit| limit.to_string()), "more bases than")
        }
        Some(Reason::MaxN) => with(shown(criteria.max_n), "fraction of N over"),
        Some(Reason::MinComplexity) => with(shown(criteria.min_complexity), "complexity under"),
        Some(Reason::MaxPolyG) => {
            with(criteria.max_poly_g.map(|limit| limit.to_string()), "G at the end, more than")
        }
        Some(Reason::Probability) => {
            with(criteria.threshold.map(|limit| limit.to_string()), "probability under")
        }
        Some(Reason::ExpectedErrors) => with(shown(criteria.max_ee), "expected errors over"),
        Some(Reason::ExpectedErrorRate) => match criteria.min_q {
            Some(least) => format!("mean quality by expected errors under {least}"),
            None => with(shown(criteria.max_ee_rate), "expected errors per base over"),
        },
        Some(Reason::TargetBases) => {
            with(shown(criteria.min_weight), "weight by length and errors under")
        }
        Some(Reason::Mate) => "their mates fail".to_owned(),
        None => "unknown".to_owned(),
    }
}

/// Returns what would keep more, as far as it is known.
fn remedies(facts: &LossFacts, report: &Report) -> String {
    let mut text = String::new();
    if let Some(trim) = &facts.trim {
        // Trimming a longer run learns from more reads what is adapter and what is wrong.
        let about = if trim.reads < report.totals.reads.r#in { "about " } else { "" };
        text += &format!(
            "; bad ends are a reason: of the first {} reads, --trim would keep {about}{} instead of \
             {}, with {} of their bases",
            text::count(trim.reads),
            text::count(trim.kept_trimmed),
            text::count(trim.kept),
            text::percent(trim.bases_fraction)
        );
    }
    if let Some(looser) = &facts.looser {
        text += &format!(
            "; {} {} would keep {}",
            looser.flag,
            looser.value as f32,
            text::count(looser.kept)
        );
    }
    let is_score = ["threshold", "max_ee", "max_ee_rate"].contains(&facts.reason.as_str());
    if text.is_empty() && is_score && report.scores.is_none() {
        text += "; bm score and bm tune show what other thresholds keep";
    }
    text
}

/// Returns a warning if `--adapt` keeps far fewer reads than the base model alone would; it says
/// what to look for first.
pub(crate) fn warning(report: &Report) -> Option<String> {
    let alone = report.model_alone.as_ref().filter(|alone| alone.warns)?;
    let ModelAloneFacts { reads, kept_alone, kept, .. } = alone;
    let [reads, kept_alone, kept] = [reads, kept_alone, kept].map(|count| text::count(*count));
    Some(format!(
        "of the first {reads} reads, {kept} are kept with --adapt; the model alone would keep \
         {kept_alone}. {}",
        text::capital(&suspicion(alone, report))
    ))
}

/// Returns which limit on the error rate is looser, in the words in which it was given.
fn looser_flag(report: &Report) -> &'static str {
    if report.criteria.min_q.is_some() { "lower --min-q" } else { "higher --max-ee-rate" }
}

/// Returns what to look for first.
fn suspicion(alone: &ModelAloneFacts, report: &Report) -> String {
    let adaptation = report.adaptation.as_ref();
    let evidence = adaptation.and_then(|it| it.evidence.as_ref()).filter(|it| it.in_use);
    if let Some(depth) = evidence.map(|it| it.findings.depth).filter(|depth| *depth < FEW_READS) {
        return format!(
            "few reads overlap (median depth {depth:.0}), so other reads say little of a base: \
             filter without --adapt"
        );
    }
    let totals = &report.totals;
    if evidence.is_some_and(|it| it.findings.of_whole_reads) {
        return format!(
            "by the k-mers of the run, the reads have {:.0} errors where their qualities report {:.0}: a \
             {} keeps more of them; if the reads are of several samples, filter without --adapt",
            totals.evidence.expected_errors.get(),
            totals.evidence.expected_errors_prior.get(),
            looser_flag(report)
        );
    }
    if totals.bases.r#in > LONG * totals.reads.r#in {
        return "long reads have gaps, most of them in homopolymers, which other reads contradict: filter \
                without --adapt"
            .to_owned();
    }
    let why = alone.why.as_ref();
    if let Some(why) = why.filter(|why| why.left_out_bases) {
        return format!(
            "only {} of the bases are judged (the others are adapters, barcodes or the like), and by \
             these the model alone would keep {}: fewer bases may have fewer errors; a {} or a lower \
             --threshold keeps more",
            text::percent(why.judged_fraction),
            text::count(why.kept_by_judged),
            looser_flag(report)
        );
    }
    if let Some(excess) = why.and_then(|why| why.excess.as_ref()) {
        let percent = text::roughly(excess.fraction);
        let flag = if excess.end == "end" { "--cut-tail" } else { "--cut-front" };
        return format!(
            "{percent} of the errors that it expects in addition are in the {} {} bases of the \
             reads: look for barcodes, UMIs or primers there, and cut them off before (bm filter -t 0 \
             {flag} {}), or filter without --adapt",
            if excess.end == "end" { "last" } else { "first" },
            excess.bases,
            excess.bases
        );
    }
    let findings = adaptation.map(|it| &it.findings);
    let wrong = findings.map_or(0.0, |it| it.wrong as f64 / it.labelled.max(1) as f64);
    let reported = findings
        .map(|it| it.held_out.reported.log2_ratio.exp2())
        .filter(|ratio| *ratio > 0.0 && ratio * TIMES < 1.0);
    match reported {
        Some(ratio) => format!(
            "other reads contradict {} of the bases that can be checked, {:.1} times as many as the \
             qualities report: look first whether the run is worse than its qualities, or whether \
             files of several samples were joined",
            text::percent(wrong),
            1.0 / ratio
        ),
        None => {
            let totals = &report.totals.evidence;
            let (prior, errors) =
                (totals.expected_errors_prior.get(), totals.expected_errors.get());
            let by_kmers = errors > KMERS_TIMES * prior;
            let raised = if by_kmers {
                format!(
                    "the run's k-mers raise the expected errors from {prior:.0} to {errors:.0}: "
                )
            } else {
                String::new()
            };
            format!(
                "{raised}look first for bases that differ between reads and are no errors: several \
                 samples in one file, barcodes, chimeras"
            )
        }
    }
}
