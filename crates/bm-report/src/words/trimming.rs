//! Lines on the adapters of a run, and on what is cut off its reads.

use bm_pipeline::{SplitTotals, TrimTotals};

use crate::adapter_facts::{AdapterFacts, MateAdapters};
use crate::report::{Report, TrimFacts};
use crate::text;

/// Bases of an adapter that are shown.
const BASES: usize = 13;

/// Returns lines on the adapters and on what was cut; none where nothing was looked for or cut.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let mut lines = adapters(report);
    lines.extend(not_judged(report));
    lines.extend(trimmed(report));
    lines.extend(split(report));
    lines
}

/// Returns a line on reads that were divided; `None` if none was.
fn split(report: &Report) -> Option<String> {
    let SplitTotals { reads, pieces, bases, stretch_bases } = report.totals.split;
    let of =
        |bases: u64, of: &str| (bases > 0).then(|| format!("{} bases {of}", text::count(bases)));
    let left_out = [of(bases, "of adapters"), of(stretch_bases, "of low quality")];
    let left_out: Vec<_> = left_out.into_iter().flatten().collect();
    (reads > 0).then(|| {
        format!(
            "split: {} reads became {}; {} inside them are left out",
            text::count(reads),
            text::count(pieces),
            left_out.join(" and ")
        )
    })
}

/// Returns the lines on adapters. Only where they are to be cut, a line says that there are none.
fn adapters(report: &Report) -> Vec<String> {
    let mates = &report.adapters_found;
    let mut lines = found(mates);
    let cuts = report.trim.as_ref().is_some_and(TrimFacts::cuts_adapters);
    if let (true, true, Some(first)) = (cuts, lines.is_empty(), mates.first()) {
        let unit = if mates.len() > 1 { "pairs" } else { "reads" };
        lines.push(format!("adapters: none found in the first {} {unit}", first.reads));
    }
    lines
}

/// Returns a line for each mate in whose first reads adapters were found.
pub(super) fn found(mates: &[MateAdapters]) -> Vec<String> {
    let with = mates.iter().filter(|mate| !mate.adapters.is_empty());
    with.map(|mate| of_mate(mate, mates.len() > 1)).collect()
}

/// Returns a line on the adapters of a mate, or of single reads.
fn of_mate(mate: &MateAdapters, is_paired: bool) -> String {
    let of = match (is_paired, mate.mate) {
        (false, _) => "",
        (true, 1) => " of first mates",
        (true, _) => " of second mates",
    };
    let adapters: Vec<_> = mate.adapters.iter().map(|adapter| named(adapter, mate.reads)).collect();
    format!("adapters{of}: {} of the first {} reads", adapters.join(", "), mate.reads)
}

/// Returns the name of an adapter, its first bases and the fraction of the reads that show it.
fn named(adapter: &AdapterFacts, reads: usize) -> String {
    let shown = adapter.sequence.get(..BASES).filter(|_| adapter.sequence.len() > BASES);
    let sequence = shown.map_or_else(|| adapter.sequence.clone(), |start| format!("{start}..."));
    let fraction = text::percent(adapter.reads as f64 / reads.max(1) as f64);
    format!("{} ({sequence}) in {fraction}", text::one_line(&text::shortened(&adapter.name)))
}

/// Returns a line on adapters that are not cut off; `None` if there are none.
pub(crate) fn not_judged(report: &Report) -> Option<String> {
    let totals = report.totals.adapters;
    if totals.reads == 0 || report.trim.as_ref().is_some_and(TrimFacts::cuts_adapters) {
        return None;
    }
    let flag = if report.trim.is_some() { "--trim=adapters" } else { "--trim" };
    let stays = match report.command.as_str() {
        "filter" => {
            let merges = report.trim.as_ref().is_some_and(|trim| trim.merge);
            let other = if merges { " of pairs that are not merged" } else { "" };
            format!(", and they stay in the output{other}; {flag} cuts them off")
        }
        _ => String::new(),
    };
    Some(format!(
        "{} reads end in an adapter: these {} bases are not judged{stays}",
        totals.reads, totals.bases
    ))
}

/// Returns a line on what was cut off the kept reads; `None` if nothing was to be cut.
fn trimmed(report: &Report) -> Option<String> {
    let TrimTotals { reads, bases, .. } = report.totals.trimmed;
    let trim = report.trim.as_ref()?;
    if reads == 0 {
        return Some("trimmed: none of the kept reads".to_owned());
    }
    let cuts: Vec<_> = (bases.named().into_iter())
        .filter(|(name, bases)| *bases > 0 || trim.cuts(name))
        .map(|(name, bases)| format!("{bases} {name}"))
        .collect();
    let most = match trim.price {
        Some(price) if bases.ends > report.totals.bases.kept => format!(
            "; more bases are cut off as bad ends than are kept: their error probabilities are high, \
             and --trim-price {price} asks much of them; a lower price, or --trim=adapters,poly, keeps \
             more"
        ),
        _ => String::new(),
    };
    Some(format!("trimmed: {reads} of the kept reads; bases cut: {}{most}", cuts.join(", ")))
}
