//! Tables of the adapters of a run, and of what was cut off its reads.

use crate::adapter_facts::{Accepted, AdapterFacts, MateAdapters, NotOfSample};
use crate::html::page::{Section, fraction};
use crate::html::table::{Cell, Table};
use crate::report::{Report, TrimFacts};
use crate::text;
use crate::words::trimming::not_judged;

/// Returns the adapters of each mate, after sentences; `None` if there are neither.
pub(super) fn adapters(mates: &[MateAdapters], sentences: &[String]) -> Option<Section> {
    let found: Vec<_> = (mates.iter())
        .flat_map(|mate| mate.adapters.iter().map(move |adapter| (mate, adapter)))
        .collect();
    if found.is_empty() && sentences.is_empty() {
        return None;
    }
    let sentences = sentences.iter().map(|words| format!("{}.", text::capital(words))).collect();
    let mut section = Section { title: "Adapters", sentences, ..Section::default() };
    if found.is_empty() {
        return Some(section);
    }
    let is_paired = mates.len() > 1;
    let head = ["adapter", "sequence", "reads", "how it was accepted"];
    let mut table = Table::new("Adapters", is_paired.then_some("mate").into_iter().chain(head));
    table.class = "words";
    for (mate, adapter) in found {
        let AdapterFacts { name, sequence, reads, .. } = adapter;
        let share = fraction(*reads as u64, mate.reads as u64);
        let reads = format!("{} ({})", text::count(*reads as u64), text::percent(share));
        let cells = [
            text::shortened(name).into(),
            Cell { text: sequence.clone(), class: "bases" },
            Cell { text: reads, class: "count" },
            accepted(adapter).into(),
        ];
        table.push(is_paired.then(|| mate.mate.to_string().into()).into_iter().chain(cells));
    }
    section.tables.push(table);
    let looked_at = mates.iter().map(|mate| mate.reads).max().unwrap_or_default();
    let unit = if is_paired { "pairs" } else { "reads" };
    section.notes.push(format!(
        "Reads that show at least twelve bases of the adapter, among the first {} {unit}. N: bases \
         that differ from read to read.",
        text::count(looked_at as u64)
    ));
    Some(section)
}

/// Returns how an adapter was accepted, in words.
fn accepted(adapter: &AdapterFacts) -> String {
    match adapter.accepted {
        Accepted::Kit => "the adapter of a known kit".to_owned(),
        Accepted::Mates => "inserts end where it begins, by the overlap of mates".to_owned(),
        Accepted::Told => "given by --adapter or --adapter2".to_owned(),
        Accepted::Unknown => {
            let reasons: Vec<_> = adapter.reasons.iter().map(reason).map(str::to_owned).collect();
            format!("of no known kit: {}", text::list(&reasons))
        }
    }
}

/// Returns why a sequence is not of the sample, in words.
fn reason(reason: &NotOfSample) -> &'static str {
    match reason {
        NotOfSample::OneStrand => "it is read on one strand only",
        NotOfSample::NoReadBeginsInside => "no read begins within it",
        NotOfSample::ForeignBases => "it has other bases than the sample",
        NotOfSample::ManyReads => "many reads have it, at many distances from their start",
        NotOfSample::EndsOfInserts => "inserts end where it begins, by the overlap of mates",
    }
}

/// What bases are cut for, by the names in the totals.
const CAUSES: [(&str, &str); 7] = [
    ("adapters", "adapters, and what is behind them"),
    ("poly", "runs of G or A at the end"),
    ("library", "bases of the library at the ends, such as identifiers and primers"),
    ("ends", "ends whose errors cost more than their right bases bring"),
    ("fixed", "as many bases of every read as --cut-front and --cut-tail say"),
    ("umi", "identifiers of molecules, which are in the names, and spacers behind them"),
    ("overlap", "bases that both mates of a merged pair have, written once"),
];

/// Returns what was cut off the kept reads; `None` if nothing was to be cut.
pub(super) fn cut(report: &Report) -> Option<Section> {
    let trim = report.trim.as_ref()?;
    let (totals, reads, bases) = (report.totals.trimmed, report.totals.reads, report.totals.bases);
    let mut section = Section { title: "What was cut", ..Section::default() };
    if totals.reads == 0 {
        section.sentences.push("All kept reads are whole.".to_owned());
        return Some(section);
    }
    section.sentences.push(format!(
        "{} of the {} kept reads were cut ({}).",
        text::count(totals.reads),
        text::count(reads.kept),
        text::percent(fraction(totals.reads, reads.kept))
    ));
    let head = ["cut for", "reads", "bases", "of all", "what it means"];
    let mut table = Table::new(section.title, head);
    table.class = "words";
    let mut row = |name: &str, reads: Option<u64>, count: u64, meaning: &str| {
        let reads = reads.map_or_else(String::new, text::count);
        let of_all = text::percent(fraction(count, bases.r#in));
        table.push([name, &reads, &text::count(count), &of_all, meaning]);
    };
    let by_reason = totals.reads_by_reason.named();
    for ((name, count), (_, reads)) in totals.bases.named().into_iter().zip(by_reason) {
        if count == 0 && !trim.cuts(name) {
            continue;
        }
        let meaning = CAUSES.iter().find(|(cause, _)| *cause == name).map_or("", |cause| cause.1);
        row(name, Some(reads), count, meaning);
    }
    let between = report.totals.split.left_out();
    if between > 0 {
        row(
            "between pieces",
            None,
            between,
            "adapters and stretches of low quality inside reads that were divided",
        );
    }
    let lost = bases.r#in.saturating_sub(bases.kept + totals.bases.total() + between);
    row("not kept", None, lost, "all bases of the reads that are not kept");
    section.tables.push(table);
    section.notes.extend(trim.price.map(|price| {
        format!(
            "The best part of a read is kept: a right base brings 1, a wrong one costs {price}, and \
             one that is not of the sample costs 1, all by their probabilities."
        )
    }));
    Some(section)
}

/// Returns what a page says about adapters beside their table.
pub(super) fn sentences(report: &Report) -> Vec<String> {
    let none = report.adapters_found.iter().all(|mate| mate.adapters.is_empty());
    let cuts = report.trim.as_ref().is_some_and(TrimFacts::cuts_adapters);
    let mut sentences = Vec::new();
    if let (true, true, [first, ..]) = (none, cuts, &report.adapters_found[..]) {
        let unit = if report.adapters_found.len() > 1 { "pairs" } else { "reads" };
        let reads = text::count(first.reads as u64);
        sentences.push(format!("none was found in the first {reads} {unit}"));
    }
    sentences.extend(not_judged(report));
    sentences
}

#[cfg(test)]
mod tests {
    use bm_pipeline::CutCounts;

    use super::*;

    #[test]
    fn every_cause_has_a_meaning() {
        let names = CutCounts::default().named().map(|(name, _)| name);
        assert_eq!(CAUSES.map(|(name, _)| name), names);
    }

    #[test]
    fn an_adapter_of_no_kit_has_its_reasons() {
        let adapter = |accepted, reasons| AdapterFacts {
            name: "<b>".to_owned(),
            sequence: "ACGTN".to_owned(),
            reads: 12,
            accepted,
            reasons,
        };
        let reasons = vec![NotOfSample::OneStrand, NotOfSample::ManyReads];
        assert_eq!(
            accepted(&adapter(Accepted::Unknown, reasons)),
            "of no known kit: it is read on one strand only and many reads have it, at many \
             distances from their start"
        );
        let mate = |mate, adapters| MateAdapters { mate, reads: 1200, adapters };
        let mates = [mate(1, Vec::new()), mate(2, vec![adapter(Accepted::Told, Vec::new())])];
        let section = adapters(&mates, &[]).expect("adapters");
        assert_eq!(
            section.tables[0].texts(0),
            ["2", "<b>", "ACGTN", "12 (1.00 %)", "given by --adapter or --adapter2"]
        );
        assert!(section.notes[0].contains("the first 1,200 pairs"));
        assert!(adapters(&mates[..1], &[]).is_none());
    }
}
