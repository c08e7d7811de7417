//! Tables of the adapters of a run, and of what was cut off its reads.

use std::fmt::Write as _;

use crate::adapter_facts::{Accepted, AdapterFacts, MateAdapters, NotOfSample};
use crate::error::ReportError;
use crate::html::page::fraction;
use crate::report::{Report, TrimFacts};
use crate::text;
use crate::words::trimming::not_judged;

/// Writes the adapters of each mate, after sentences; nothing if there are neither.
pub(super) fn adapters(
    page: &mut String,
    mates: &[MateAdapters],
    sentences: &[String],
) -> Result<(), ReportError> {
    let found: Vec<_> = (mates.iter())
        .flat_map(|mate| mate.adapters.iter().map(move |adapter| (mate, adapter)))
        .collect();
    if found.is_empty() && sentences.is_empty() {
        return Ok(());
    }
    page.push_str("<h2>Adapters</h2>\n");
    for sentence in sentences {
        writeln!(page, "<p>{}.</p>", text::escape(&text::capital(sentence)))?;
    }
    if found.is_empty() {
        return Ok(());
    }
    let is_paired = mates.len() > 1;
    let mate = if is_paired { "<th>mate</th>" } else { "" };
    writeln!(
        page,
        "<div class=\"wide\"><table class=\"words\">\n<thead><tr>{mate}<th>adapter</th>\
         <th>sequence</th><th>reads</th><th>how it was accepted</th></tr></thead>\n<tbody>"
    )?;
    for (mate, adapter) in found {
        let AdapterFacts { name, sequence, reads, .. } = adapter;
        let name = text::escape(&text::shortened(name));
        let number = if is_paired { format!("<td>{}</td>", mate.mate) } else { String::new() };
        let (share, reads) =
            (fraction(*reads as u64, mate.reads as u64), text::count(*reads as u64));
        writeln!(
            page,
            "<tr>{number}<td>{name}</td><td class=\"bases\">{}</td><td class=\"count\">{reads} ({})</td>\
             <td>{}</td></tr>",
            text::escape(sequence),
            text::percent(share),
            accepted(adapter)
        )?;
    }
    let looked_at = mates.iter().map(|mate| mate.reads).max().unwrap_or_default();
    let unit = if is_paired { "pairs" } else { "reads" };
    writeln!(
        page,
        "</tbody>\n</table></div>\n<p class=\"note\">Reads that show at least twelve bases of the \
         adapter, among the first {} {unit}. N: bases that differ from read to read.</p>",
        text::count(looked_at as u64)
    )?;
    Ok(())
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

/// Writes what was cut off the kept reads; nothing if nothing was to be cut.
pub(super) fn cut(page: &mut String, report: &Report) -> Result<(), ReportError> {
    let Some(trim) = &report.trim else { return Ok(()) };
    let (totals, reads, bases) = (report.totals.trimmed, report.totals.reads, report.totals.bases);
    page.push_str("<h2>What was cut</h2>\n");
    if totals.reads == 0 {
        page.push_str("<p>All kept reads are whole.</p>\n");
        return Ok(());
    }
    writeln!(
        page,
        "<p>{} of the {} kept reads were cut ({}).</p>\n<div class=\"wide\"><table \
         class=\"words\">\n<thead><tr><th>cut for</th><th>reads</th><th>bases</th><th>of all</th><th>what it \
         means</th></tr></thead>\n<tbody>",
        text::count(totals.reads),
        text::count(reads.kept),
        text::percent(fraction(totals.reads, reads.kept))
    )?;
    let by_reason = totals.reads_by_reason.named();
    for ((name, count), (_, reads)) in totals.bases.named().into_iter().zip(by_reason) {
        if count == 0 && !trim.cuts(name) {
            continue;
        }
        let meaning = CAUSES.iter().find(|(cause, _)| *cause == name).map_or("", |cause| cause.1);
        row(page, name, Some(reads), count, bases.r#in, meaning)?;
    }
    let lost = bases.r#in.saturating_sub(bases.kept + totals.bases.total());
    row(page, "not kept", None, lost, bases.r#in, "all bases of the reads that are not kept")?;
    page.push_str("</tbody>\n</table></div>\n");
    if let Some(price) = trim.price {
        writeln!(
            page,
            "<p class=\"note\">The best part of a read is kept: a right base brings 1, a wrong one \
             costs {price}, and one that is not of the sample costs 1, all by their \
             probabilities.</p>"
        )?;
    }
    Ok(())
}

fn row(
    page: &mut String,
    name: &str,
    reads: Option<u64>,
    bases: u64,
    all: u64,
    meaning: &str,
) -> Result<(), ReportError> {
    let reads = reads.map_or_else(String::new, text::count);
    let (count, of_all) = (text::count(bases), text::percent(fraction(bases, all)));
    writeln!(
        page,
        "<tr><td>{name}</td><td>{reads}</td><td>{count}</td><td>{of_all}</td><td>{meaning}</td></tr>"
    )?;
    Ok(())
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
        let mut page = String::new();
        adapters(&mut page, &mates, &[]).expect("written");
        assert!(page.contains(
            "<tr><td>2</td><td>&lt;b&gt;</td><td class=\"bases\">ACGTN</td>\
             <td class=\"count\">12 (1.00 %)</td><td>given by --adapter or --adapter2</td></tr>"
        ));
        assert!(page.contains("the first 1,200 pairs"));
        page.clear();
        adapters(&mut page, &mates[..1], &[]).expect("written");
        assert_eq!(page, "");
    }
}
