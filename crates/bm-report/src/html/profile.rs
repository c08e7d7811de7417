//! Sections on what the reads are like before and after: summary and figures by cycle.

use bm_profile::{Profile, ReadSet};
use plotters::style::RGBColor;

use crate::error::ReportError;
use crate::html::curves::{Curve, Curves, Spread, round_steps};
use crate::html::cycles::Cycles;
use crate::html::figure::Figure;
use crate::html::page::{Section, fraction};
use crate::html::plot::{ADAPTED, Axis, MEASURED, OVERSTATED, REPORTED, UNDERSTATED};
use crate::html::profile_reads::{self, mates};
use crate::html::statistics::phred;
use crate::html::table::Table;
use crate::text;

/// The letters that are drawn, with their colours.
const LETTERS: [(&str, RGBColor); 4] =
    [("A", ADAPTED), ("C", UNDERSTATED), ("G", MEASURED), ("T", OVERSTATED)];

/// Fewest bases of a cycle that is drawn: at the ends of the longest reads, few have a value each.
const MIN_BASES: u64 = 20;

/// Returns the name of a figure: of a mate, before or after.
fn name(mate: &str, when: &str) -> String {
    [mate, when].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// Returns the main figures before and after; `None` without reads.
pub(super) fn summary(profile: &Profile) -> Option<Section> {
    if profile.before[0].is_empty() {
        return None;
    }
    let sets: Vec<(String, &ReadSet)> = (mates(profile).into_iter())
        .flat_map(|(mate, of)| {
            [(name(of, "before"), &profile.before[mate]), (name(of, "after"), &profile.after[mate])]
        })
        .collect();
    let title = "Before and after";
    let heads = sets.iter().map(|(name, _)| name.as_str());
    let mut table =
        Table::new(title, ["all reads, and those that are kept"].into_iter().chain(heads));
    let mut row = |name: &str, value: &dyn Fn(&ReadSet) -> Option<String>| {
        let values: Vec<_> = sets.iter().map(|(_, set)| value(set)).collect();
        if values.iter().any(Option::is_some) {
            let values = values.into_iter().map(|value| value.unwrap_or_else(|| "–".to_owned()));
            table.push([name.to_owned()].into_iter().chain(values));
        }
    };
    let of_all = |part: u64, all: u64| text::percent(fraction(part, all));
    row("reads", &|set| Some(text::count(set.reads)));
    row("bases", &|set| Some(text::count(set.total_bases())));
    row("mean length, bases", &|set| set.mean_length().map(text::number));
    row("N50 of the lengths, bases", &|set| set.n50().map(text::number));
    row("GC", &|set| set.gc_fraction().map(text::percent));
    for (index, score) in [20, 30].into_iter().enumerate() {
        row(&format!("bases of Q{score} or more, reported"), &|set| {
            (!set.is_empty()).then(|| of_all(set.bases_from(score), set.total_bases()))
        });
        row(&format!("bases of Q{score} or more, as the model expects"), &|set| {
            let (bases, _) = set.expected();
            (bases > 0).then(|| of_all(set.at_least[index], bases))
        });
    }
    row("errors per base, reported", &|set| {
        let bases = set.total_bases();
        (bases > 0).then(|| text::percent(set.reported_errors() / bases as f64))
    });
    row("errors per base, as the model expects", &|set| {
        let (bases, errors) = set.expected();
        (bases > 0).then(|| text::percent(errors.get() / bases as f64))
    });
    let mut section = Section { title, tables: vec![table], ..Section::default() };
    section.sentences.extend(profile_reads::copies_words(profile));
    Some(section)
}

/// Returns the sections with figures.
///
/// # Errors
///
/// If a figure cannot be drawn.
pub(super) fn sections(profile: &Profile) -> Result<Vec<Section>, ReportError> {
    let mut sections = vec![qualities(profile)?, bases(profile)?, unknown(profile)?];
    sections.extend(profile_reads::sections(profile)?);
    sections.retain(|section| {
        !section.figures.is_empty() || !section.tables.is_empty() || !section.sentences.is_empty()
    });
    Ok(sections)
}

/// Returns a value for each cycle with enough bases.
fn by_cycle<T>(set: &ReadSet, value: impl Fn(usize) -> Option<T>) -> Vec<Option<T>> {
    let of_cycle = |cycle| value(cycle).filter(|_| set.bases_at(cycle) >= MIN_BASES);
    (0..set.cycles()).map(of_cycle).collect()
}

fn qualities(profile: &Profile) -> Result<Section, ReportError> {
    let mut figures = Vec::new();
    for (mate, of) in mates(profile) {
        let (before, after) = (&profile.before[mate], &profile.after[mate]);
        let reported = |set: &ReadSet| by_cycle(set, |cycle| set.mean_quality(cycle));
        let expected = |set: &ReadSet| {
            by_cycle(set, |cycle| {
                set.expected_error_rate(cycle).map(phred).filter(|score| score.is_finite())
            })
        };
        let curve = |name, colour, is_dashed, values| Curve { name, colour, is_dashed, values };
        let mut curves = vec![
            curve("reported, before", REPORTED, true, reported(before)),
            curve("reported, after", REPORTED, false, reported(after)),
            curve("as the model expects, before", ADAPTED, true, expected(before)),
            curve("as the model expects, after", ADAPTED, false, expected(after)),
        ];
        curves.retain(|curve| curve.values.iter().flatten().next().is_some());
        let quartiles = by_cycle(after, |cycle| {
            let quantile = |fraction| after.quality_quantile(cycle, fraction).map(f64::from);
            Some((quantile(0.25)?, quantile(0.75)?))
        });
        let highest = curves.iter().flat_map(|curve| curve.values.iter().flatten());
        let highest = highest.copied().chain(quartiles.iter().flatten().map(|it| it.1));
        let most = highest.fold(10.0, f64::max) + 2.0;
        let cycles = Cycles::of(before.cycles());
        let figure = Curves {
            description: &name("Quality along the read", of),
            x_name: "position in the read",
            y_name: "quality (Phred)",
            x: cycles.ends(),
            places: cycles.places,
            labels: cycles.labels,
            y: Axis {
                range: 0.0..most,
                ticks: (0..=9).map(|tick| 10.0 * f64::from(tick)).collect(),
            },
            tick: &|score| format!("{score:.0}"),
            value: &|score| format!("{score:.1}"),
            spread: Some(Spread { name: "reported, middle half, after", values: quartiles }),
            curves,
        };
        figures.extend(figure.figure()?.map(|figure| figure.named(of)));
    }
    Ok(Section {
        title: "Quality along the read",
        figures,
        notes: vec![
            "Reported: the mean of the scores, before and after. As the model expects: the score of \
             the mean error probability, which a few bad bases lower more than they lower a mean of \
             scores."
                .to_owned(),
        ],
        ..Section::default()
    })
}

/// Returns the percentage of a letter in each cycle.
fn percentages(set: &ReadSet, letter: usize) -> Vec<Option<f64>> {
    by_cycle(set, |cycle| {
        Some(100.0 * fraction(set.bases.get(cycle)?[letter], set.bases_at(cycle)))
    })
}

fn bases(profile: &Profile) -> Result<Section, ReportError> {
    let mut figures = Vec::new();
    for (mate, of) in mates(profile) {
        for (set, when) in [(&profile.before[mate], "before"), (&profile.after[mate], "after")] {
            let curves: Vec<_> = (LETTERS.into_iter().enumerate())
                .map(|(letter, (name, colour))| Curve {
                    name,
                    colour,
                    is_dashed: false,
                    values: percentages(set, letter),
                })
                .collect();
            let name = name(of, when);
            figures.extend(
                by_percentage(set, &format!("Bases along the read, {name}"), curves)?
                    .map(|figure| figure.named(&name)),
            );
        }
    }
    let notes = vec!["Each base as a percentage of all bases at its position.".to_owned()];
    Ok(Section { title: "Bases along the read", figures, notes, ..Section::default() })
}

fn unknown(profile: &Profile) -> Result<Section, ReportError> {
    let title = "Unknown bases along the read";
    let unknown = |set: &ReadSet| set.letters()[4];
    let all: u64 = profile.before.iter().map(unknown).fold(0, u64::saturating_add);
    if all == 0 {
        let sentences = if profile.before[0].is_empty() {
            Vec::new()
        } else {
            vec!["All bases are A, C, G or T.".to_owned()]
        };
        return Ok(Section { title, sentences, ..Section::default() });
    }
    let mut figures = Vec::new();
    for (mate, of) in mates(profile) {
        let (before, after) = (&profile.before[mate], &profile.after[mate]);
        let curve = |name, is_dashed, set: &ReadSet| Curve {
            name,
            colour: MEASURED,
            is_dashed,
            values: percentages(set, 4),
        };
        let curves = vec![curve("before", true, before), curve("after", false, after)];
        figures.extend(
            by_percentage(before, &name(title, of), curves)?.map(|figure| figure.named(of)),
        );
    }
    let kept: u64 = profile.after.iter().map(unknown).fold(0, u64::saturating_add);
    let sentence = format!(
        "{} bases are N or another letter than A, C, G and T; {} of them are kept.",
        text::count(all),
        text::count(kept)
    );
    Ok(Section { title, sentences: vec![sentence], figures, ..Section::default() })
}

/// Returns the figure of percentages by cycle.
fn by_percentage(
    set: &ReadSet,
    description: &str,
    curves: Vec<Curve<'_>>,
) -> Result<Option<Figure>, ReportError> {
    let values = curves.iter().flat_map(|curve| curve.values.iter().flatten().copied());
    let most = (1.05 * values.fold(0.0, f64::max)).max(0.001);
    let cycles = Cycles::of(set.cycles());
    Curves {
        description,
        x_name: "position in the read",
        y_name: "bases, %",
        x: cycles.ends(),
        places: cycles.places,
        labels: cycles.labels,
        y: Axis { range: 0.0..most, ticks: round_steps(most) },
        tick: &profile_reads::plain,
        value: &text::number,
        spread: None,
        curves,
    }
    .figure()
}
