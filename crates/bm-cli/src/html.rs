//! What was learned of a run as one page of HTML: it loads nothing, runs nothing and prints.

mod contexts;
mod filter_page;
mod homopolymers;
mod judges;
mod places;
mod plot;
mod qualities;
mod ratios;
mod retention;
mod statistics;
mod survey;
mod text;
mod tune_page;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use bm_adapt::{Adaptation, Choice, Findings};
use bm_quality::Facts;

use crate::input;
use crate::output::Output;

pub(crate) use filter_page::FilterPage;
pub(crate) use tune_page::TunePage;

const STYLE: &str = include_str!("html/page.css");

/// Of what the page tells.
pub(crate) struct Page<'a> {
    /// The files of the run.
    pub(crate) inputs: &'a [&'a Path],
    /// The model that learning started from.
    pub(crate) start: &'a Facts,
    pub(crate) adaptation: &'a Adaptation,
    /// What the k-mers of the run say, in words, if they were counted.
    pub(crate) kmers: Option<String>,
}

impl Page<'_> {
    /// Writes the page.
    pub(crate) fn write(&self, output: Output) -> Result<()> {
        write(&self.text().context("the HTML report")?, output)
    }

    fn text(&self) -> Result<String> {
        let Adaptation { choice, findings, .. } = self.adaptation;
        let mut page = String::new();
        self.head(&mut page)?;
        facts(&mut page, findings)?;
        let learned =
            if *choice == Choice::Adapted { "adapted model" } else { "learned, not used" };
        if findings.held_out.reads > 0 {
            pictures(&mut page, findings, learned)?;
            page.push_str("<h2>Who judges best</h2>\n");
            let held = &findings.held_out;
            writeln!(
                page,
                "<p>On {} reads that were not learned from, with {} bases that other reads tell of, {} of them wrong:</p>",
                text::count(held.reads),
                text::count(held.labelled),
                text::count(held.wrong)
            )?;
            judges::table(&mut page, held, *choice, &self.start())?;
            writeln!(page, "<p>{}</p>", text::escape(&judges::words(held)))?;
            writeln!(
                page,
                "<p class=\"note\">AUC: how often a bad read (more than one wrong base in a hundred; {} of them) has more expected \
                 errors a base than a good one ({}).</p>",
                text::count(held.bad_reads),
                text::count(held.good_reads)
            )?;
        }
        self.not_learned(&mut page)?;
        if let Some(words) = &self.kmers {
            writeln!(
                page,
                "<h2>What the run's k-mers say</h2>\n<p>{}.</p>",
                text::escape(&capital(words))
            )?;
        }
        let how = " No reference was used: where many reads overlap, a base that hardly any of them has is an error. Intervals are \
                   of 95 %, as if bases were independent.";
        closing(&mut page, "adapt", how)?;
        Ok(page)
    }

    fn start(&self) -> String {
        format!("{} version {}", self.start.id, self.start.version)
    }

    /// Writes the headline and why.
    fn head(&self, page: &mut String) -> Result<()> {
        let Adaptation { choice, doubts, findings, .. } = self.adaptation;
        let (class, headline) = match choice {
            Choice::Adapted => ("verdict", "Adapted to this run"),
            Choice::Start => ("verdict kept", "Not adapted: the model stays as it was"),
            Choice::Reported => ("verdict kept", "Not adapted: reported qualities are believed"),
        };
        opening(page, headline, self.inputs)?;
        writeln!(page, "<div class=\"{class}\">")?;
        match choice {
            Choice::Adapted => {
                let held = &findings.held_out;
                let ratios = [held.adapted, held.reported, held.start]
                    .map(|figures| format!("{:.2}", figures.log2_ratio.exp2()));
                let [adapted, reported, start] = ratios;
                writeln!(
                    page,
                    "<p>On reads that it did not learn from, the adapted model is better than what the instrument reports and than the \
                     model before. For each error that is found there it expects {adapted}; the instrument reports {reported}, and \
                     the model before ({}) expects {start}.</p>",
                    text::escape(&self.start())
                )?;
            }
            Choice::Start | Choice::Reported => {
                for doubt in doubts {
                    writeln!(page, "<p>{}.</p>", text::escape(&capital(&doubt.to_string())))?;
                }
                if *choice == Choice::Reported {
                    writeln!(
                        page,
                        "<p>The model before ({}) does not suit this run either.</p>",
                        text::escape(&self.start())
                    )?;
                }
            }
        }
        page.push_str("</div>\n");
        Ok(())
    }

    /// Writes what the page cannot tell.
    fn not_learned(&self, page: &mut String) -> Result<()> {
        let Adaptation { choice, findings, .. } = self.adaptation;
        page.push_str("<h2>What was not learned</h2>\n<ul>\n");
        if *choice != Choice::Adapted && findings.held_out.reads == 0 {
            page.push_str("<li>Nothing was learned, so there is nothing to show of qualities, places and contexts.</li>\n");
        }
        let unknown = findings.bases_kept.saturating_sub(findings.labelled);
        writeln!(
            page,
            "<li>Of the bases that were looked at, {} lie where too few other reads do, or where these do not agree; nothing was \
             learned from them.</li>",
            text::percent(share(unknown, findings.bases_kept))
        )?;
        writeln!(
            page,
            "<li>{} of the places are of several minds (strains, repeats, errors that many reads share).</li>",
            text::percent(findings.mixed_share)
        )?;
        if findings.copies_dropped > 0 {
            writeln!(
                page,
                "<li>{} reads are copies of others, byte for byte, and were left out.</li>",
                text::count(findings.copies_dropped)
            )?;
        }
        let clean: Vec<_> = findings
            .by_quality
            .iter()
            .filter(|row| row.wrong == 0)
            .map(|row| format!("Q{}", row.of))
            .collect();
        if !clean.is_empty() {
            writeln!(
                page,
                "<li>No errors were found at {}; how rare they are there is not known.</li>",
                text::escape(&text::list(&clean))
            )?;
        }
        if findings.held_out.reads > 0 && findings.held_out.adapted.auc.is_nan() {
            page.push_str("<li>The reads that were held out are all good or all bad, so that nothing ranks them.</li>\n");
        }
        page.push_str("<li>Errors that most reads have at the same place look like the genome, and are not seen.</li>\n</ul>\n");
        Ok(())
    }
}

/// Writes a page that is done.
fn write(page: &str, mut output: Output) -> Result<()> {
    output.write_all(page.as_bytes()).with_context(|| output.name())?;
    output.finish()
}

/// Writes what a page begins with, down to its headline.
fn opening(page: &mut String, headline: &str, inputs: &[&Path]) -> Result<()> {
    // The folders that the files are in are nobody's affair whom the page is sent to.
    let names = inputs.iter().map(|path| match path.file_name() {
        Some(name) if !input::is_stdio(path) => name.to_string_lossy().into_owned(),
        _ => input::name(path),
    });
    let names = text::escape(&names.collect::<Vec<_>>().join(", "));
    writeln!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>{headline}: {names}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{headline}</h1>\n<p class=\"run\">{names}</p>"
    )?;
    Ok(())
}

/// Writes what a page ends with: who made it, and how.
fn closing(page: &mut String, command: &str, how: &str) -> Result<()> {
    writeln!(
        page,
        "<footer>bm {} {command}.{how}</footer>\n</body>\n</html>",
        env!("CARGO_PKG_VERSION")
    )?;
    Ok(())
}

/// Writes what was seen, in large figures.
fn facts(page: &mut String, findings: &Findings) -> Result<()> {
    let Findings {
        reads_seen,
        reads_kept,
        bases_seen,
        bases_kept,
        depth,
        positions,
        labelled,
        wrong,
        ..
    } = *findings;
    let rate = share(wrong, labelled);
    page.push_str("<div class=\"facts\">\n");
    for (name, value, more) in [
        (
            "reads",
            text::count(reads_seen),
            format!(
                "{} bases; {} reads looked at",
                text::count(bases_seen),
                text::count(reads_kept)
            ),
        ),
        (
            "depth",
            format!("{}×", text::count(depth)),
            format!("at about {} positions", text::count(positions)),
        ),
        (
            "bases checked",
            text::count(labelled),
            format!(
                "by other reads, {} of those looked at",
                text::percent(share(labelled, bases_kept))
            ),
        ),
        (
            "error rate",
            text::percent(rate),
            if wrong > 0 {
                format!("{}; {} wrong bases", text::one_in(rate), text::count(wrong))
            } else {
                "no wrong bases".to_owned()
            },
        ),
    ] {
        writeln!(page, "<div><small>{name}</small><b>{value}</b><small>{more}</small></div>")?;
    }
    page.push_str("</div>\n");
    Ok(())
}

/// Writes the pictures of what is there, each with what it says in words.
fn pictures(page: &mut String, findings: &Findings, learned: &str) -> Result<()> {
    let Findings { by_quality, by_place, by_context, by_homopolymer, .. } = findings;
    let one = |words: Option<String>| words.into_iter().collect::<Vec<_>>();
    let quality = qualities::picture(by_quality, learned)?;
    let note = "A point for each quality, larger with more bases, with its interval. Those below the diagonal are worth less than \
                the instrument says. Qualities of hardly any bases are left out.";
    section(
        page,
        "What reported qualities are worth",
        &qualities::words(by_quality),
        quality,
        note,
    )?;
    let note = "By the distance to the nearer end of the read; the scale is logarithmic.";
    section(
        page,
        "Where in the read errors are",
        &one(places::words(by_place)),
        places::picture(by_place, learned)?,
        note,
    )?;
    let note = "Contexts that surely have the most errors beyond what is reported, and below the gap those that have the fewest. \
                The last letter is the base itself, as it was read: a context that is rare in the genome collects errors from frequent \
                ones, so that one that stands out may be the genome's and not the instrument's.";
    let words = one(contexts::words(by_context));
    section(
        page,
        "After which bases errors are",
        &words,
        contexts::picture(by_context, learned)?,
        note,
    )?;
    let note = "By how many equal bases stand right before, whatever the base itself is.";
    section(
        page,
        "After repeated bases",
        &[],
        homopolymers::picture(by_homopolymer, learned)?,
        note,
    )
}

/// Writes a section, if there is a picture.
fn section(
    page: &mut String,
    title: &str,
    words: &[String],
    picture: Option<String>,
    note: &str,
) -> Result<()> {
    let Some(picture) = picture else { return Ok(()) };
    writeln!(page, "<h2>{title}</h2>")?;
    for words in words {
        writeln!(page, "<p>{}</p>", text::escape(words))?;
    }
    writeln!(page, "<figure>\n{picture}<figcaption class=\"note\">{note}</figcaption>\n</figure>")?;
    Ok(())
}

fn share(part: u64, all: u64) -> f64 {
    part as f64 / all.max(1) as f64
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
