//! Sections on what the reads are like before and after: GC, mean quality, copies, inserts, beginnings.

use bm_adapt::KITS;
use bm_profile::{FrequentStart, Profile, ReadSet};

use crate::error::ReportError;
use crate::html::curves::{Curve, Curves, round_steps};
use crate::html::cycles::{Cycles, positions};
use crate::html::figure::Figure;
use crate::html::page::{Section, fraction};
use crate::html::plot::{ADAPTED, Axis, MEASURED, OVERSTATED};
use crate::html::table::Table;
use crate::text;

/// Most times that a beginning occurs with a place of its own in the figure.
const MOST_TIMES: usize = 10;

/// Most frequent beginnings of a mate in the table.
const MOST_FREQUENT: usize = 10;

/// Shortest part of an adapter that a beginning is compared with, in bases.
const SHORTEST_ADAPTER: usize = 12;

/// Returns the label of a value along an axis, without zeros at its end.
pub(super) fn plain(value: &f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Returns the sections.
///
/// # Errors
///
/// If a figure cannot be drawn.
pub(super) fn sections(profile: &Profile) -> Result<Vec<Section>, ReportError> {
    let section = |title, sentences: Option<String>, figure: Option<Figure>, note: &str| Section {
        title,
        sentences: sentences.into_iter().collect(),
        notes: figure.iter().map(|_| note.to_owned()).collect(),
        figures: figure.into_iter().collect(),
        ..Section::default()
    };
    let gc = of_reads(profile, "GC of the reads", "GC of the read, %", |set| &set.gc)?;
    let title = "Mean quality of the reads";
    let mean =
        of_reads(profile, title, "mean reported quality (Phred)", |set| &set.mean_qualities)?;
    let mut sections = vec![
        section("GC of the reads", None, gc, "G and C among the known bases of a read."),
        section(title, None, mean, "The mean of the reported scores of a read, rounded down."),
        section(
            "Copies",
            copies_words(profile),
            copies(profile)?,
            "How often the same beginning occurs, the first 32 bases of the read or of both mates, in a \
             sample of the reads before filtering. In amplicons and small genomes, reads begin alike \
             without being copies of one molecule.",
        ),
    ];
    if profile.has_pairs() {
        sections.push(section(
            "Insert sizes",
            Some(inserts_words(profile)),
            inserts(profile)?,
            "By the overlap of mates, before filtering.",
        ));
    }
    sections.extend(frequent(profile));
    Ok(sections)
}

/// Returns the figure of reads by a property in whole numbers, before and after.
fn of_reads(
    profile: &Profile,
    description: &str,
    x_name: &str,
    of: impl Fn(&ReadSet) -> &Vec<u64>,
) -> Result<Option<Figure>, ReportError> {
    let names = [["before", "after"], ["second mates, before", "second mates, after"]];
    let mut curves = Vec::new();
    let mut bins = 0;
    for (mate, _) in mates(profile) {
        let sets = [&profile.before[mate], &profile.after[mate]];
        for ((set, name), is_dashed) in sets.into_iter().zip(names[mate]).zip([true, false]) {
            let counts = of(set);
            let all: u64 = counts.iter().fold(0, |sum, count| sum.saturating_add(*count));
            let percent = |count: &u64| Some(100.0 * fraction(*count, all));
            let values = if all > 0 { counts.iter().map(percent).collect() } else { Vec::new() };
            bins = bins.max(counts.len());
            let colour = if mate == 0 { ADAPTED } else { OVERSTATED };
            curves.push(Curve { name, colour, is_dashed, values });
        }
    }
    for curve in curves.iter_mut().filter(|curve| !curve.values.is_empty()) {
        curve.values.resize(bins, Some(0.0));
    }
    percentages(description, x_name, (0..bins).map(|bin| bin.to_string()).collect(), curves)
}

/// Returns a figure of percentages of the reads, by places with these labels: 0, 1, 2, …
fn percentages(
    description: &str,
    x_name: &str,
    labels: Vec<String>,
    curves: Vec<Curve<'_>>,
) -> Result<Option<Figure>, ReportError> {
    let values = curves.iter().flat_map(|curve| curve.values.iter().flatten().copied());
    let most = (1.05 * values.fold(0.0, f64::max)).max(0.001);
    Curves {
        description,
        x_name,
        y_name: "reads, %",
        x: (0.0, labels.len().max(2) as f64),
        places: (0..labels.len()).map(|place| place as f64).collect(),
        labels,
        y: Axis { range: 0.0..most, ticks: round_steps(most) },
        tick: &plain,
        value: &text::number,
        spread: None,
        curves,
    }
    .figure()
}

/// Returns the mates that there are, each with its name: empty for single reads.
pub(super) fn mates(profile: &Profile) -> Vec<(usize, &'static str)> {
    if profile.has_pairs() { vec![(0, "first mates"), (1, "second mates")] } else { vec![(0, "")] }
}

/// Returns a sentence on copies; `None` without reads.
pub(super) fn copies_words(profile: &Profile) -> Option<String> {
    let (reads, _) = profile.copies.sampled();
    let unit = if profile.has_pairs() { "pairs" } else { "reads" };
    profile.copies.rate().map(|rate| {
        format!(
            "{} of the {unit} begin like an earlier one, by a sample of {} {unit}.",
            text::percent(rate),
            text::count(reads)
        )
    })
}

fn copies(profile: &Profile) -> Result<Option<Figure>, ReportError> {
    let histogram = profile.copies.histogram(MOST_TIMES);
    let all: u64 = histogram.iter().sum();
    if all == 0 {
        return Ok(None);
    }
    let mut labels: Vec<_> = (0..=MOST_TIMES).map(|times| times.to_string()).collect();
    labels[MOST_TIMES] += " or more";
    let percent = |count: &u64| Some(100.0 * fraction(*count, all));
    let values = [None].into_iter().chain(histogram.iter().map(percent)).collect();
    let curve = Curve { name: "different beginnings", colour: MEASURED, is_dashed: false, values };
    let most = 105.0;
    Curves {
        description: "Beginnings by how often they occur",
        x_name: "times",
        y_name: "beginnings, %",
        x: (0.0, MOST_TIMES as f64 + 0.5),
        places: (0..labels.len()).map(|place| place as f64).collect(),
        labels,
        y: Axis { range: 0.0..most, ticks: round_steps(100.0) },
        tick: &plain,
        value: &text::number,
        spread: None,
        curves: vec![curve],
    }
    .figure()
}

fn inserts_words(profile: &Profile) -> String {
    let inserts = &profile.inserts;
    let overlapping = inserts.overlapping();
    let pairs = text::count(inserts.pairs);
    match inserts.peak() {
        Some(peak) => format!(
            "Of a sample of {pairs} pairs, the mates of {} overlap ({}). The most frequent insert \
             has {} bases.",
            text::count(overlapping),
            text::percent(fraction(overlapping, inserts.pairs)),
            text::count(peak)
        ),
        None => format!(
            "Of a sample of {pairs} pairs, no mates overlap: inserts are longer than both mates \
             together."
        ),
    }
}

fn inserts(profile: &Profile) -> Result<Option<Figure>, ReportError> {
    let inserts = &profile.inserts;
    let all = inserts.overlapping();
    if all == 0 {
        return Ok(None);
    }
    let bins = inserts.lengths.len();
    // A bin of several lengths has their mean.
    let percent =
        |(bin, count): (usize, &u64)| Some(100.0 * fraction(*count, all) / ReadSet::width(bin));
    let values: Vec<_> = inserts.lengths.iter().enumerate().map(percent).collect();
    let most = (1.05 * values.iter().flatten().copied().fold(0.0, f64::max)).max(0.001);
    let cycles = Cycles::of(bins);
    Curves {
        description: "Pairs by the length of their insert",
        x_name: "insert (bases)",
        y_name: "pairs, % per base",
        x: cycles.ends(),
        places: cycles.places.iter().map(|place| place - 1.0).collect(),
        labels: (0..bins).map(|bin| positions(bin, 0)).collect(),
        y: Axis { range: 0.0..most, ticks: round_steps(most) },
        tick: &plain,
        value: &text::number,
        spread: None,
        curves: vec![Curve { name: "pairs", colour: ADAPTED, is_dashed: false, values }],
    }
    .figure()
}

/// Returns the table of frequent beginnings; `None` if there are none.
fn frequent(profile: &Profile) -> Option<Section> {
    let title = "Frequent beginnings";
    let paired = profile.has_pairs().then_some("mate");
    let head = ["first bases", "reads, about", "of all", "known as"];
    let mut table = Table::new(title, paired.into_iter().chain(head));
    table.class = "words";
    for (mate, _) in mates(profile) {
        let all = profile.before[mate].reads;
        for FrequentStart { sequence, reads } in
            profile.frequent[mate].starts().into_iter().take(MOST_FREQUENT)
        {
            let known = known_as(&sequence).to_owned();
            let share = text::percent(fraction(reads, all));
            let cells = [sequence, text::count(reads), share, known];
            let mate = paired.map(|_| (mate + 1).to_string());
            table.push(mate.into_iter().chain(cells));
        }
    }
    let note = "The first 24 bases of at least one read in a hundred, before filtering; of each mate, the ten most frequent. Numbers of reads \
                are estimates; of beginnings of about this frequency, some may be missing.";
    let is_empty = table.rows.is_empty();
    (!is_empty).then(|| Section {
        title,
        tables: vec![table],
        notes: vec![note.to_owned()],
        ..Section::default()
    })
}

/// Returns what a beginning is known as, or a dash.
fn known_as(sequence: &str) -> &'static str {
    let mut letters = sequence.chars();
    if let Some(first) = letters.next()
        && letters.all(|letter| letter == first)
    {
        return if first == 'G' { "only G: no signal on some instruments" } else { "one base" };
    }
    let is_like = |adapter: &str| {
        let common = adapter.len().min(sequence.len());
        common >= SHORTEST_ADAPTER && adapter[..common] == sequence[..common]
    };
    let kit = KITS.iter().filter(|kit| is_like(kit.sequence));
    kit.max_by_key(|kit| kit.sequence.len()).map_or("–", |kit| kit.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_named_where_they_are_known() {
        for (sequence, name) in [
            ("AGATCGGAAGAGCACACGTCTGAA", "Illumina TruSeq, read 1"),
            ("AGATCGGAAGAGCTTTTTTTTTTT", "Illumina TruSeq"),
            ("GGGGGGGGGGGGGGGGGGGGGGGG", "only G: no signal on some instruments"),
            ("ACGTTGCATGCATCGATCGATCGA", "–"),
        ] {
            assert_eq!(known_as(sequence), name);
        }
    }

    #[test]
    fn labels_have_no_zeros_at_their_end() {
        assert_eq!([0.0, 0.25, 10.0, 0.1].map(|value| plain(&value)), ["0", "0.25", "10", "0.1"]);
    }

    #[test]
    fn without_reads_there_are_no_figures() {
        let sections = sections(&Profile::default()).expect("drawn");
        assert!(sections.iter().all(|section| section.figures.is_empty()));
    }
}
