//! What was learned of a run, as a page.

use std::fmt::Write as _;
use std::path::Path;

use bm_adapt::{Adaptation, Choice, Findings};
use bm_io::Output;
use bm_quality::Facts;

use crate::html::page::{self, fraction};
use crate::html::{comparison, contexts, homopolymers, places, qualities};
use crate::{ReportError, text};

/// The page of `bm adapt`.
pub struct AdaptPage<'a> {
    /// The files of the run.
    pub inputs: &'a [&'a Path],
    /// The model that learning started from.
    pub start: &'a Facts,
    /// What was learned.
    pub adaptation: &'a Adaptation,
    /// A line on the k-mers of the run, if they were counted ([`words::kmers`](crate::words::kmers)).
    pub kmers: Option<String>,
}

impl AdaptPage<'_> {
    /// Writes the page.
    ///
    /// # Errors
    ///
    /// If a figure cannot be drawn, or the output cannot be written.
    pub fn write(&self, output: &mut Output) -> Result<(), ReportError> {
        page::write(&self.text()?, output)
    }

    fn text(&self) -> Result<String, ReportError> {
        let Adaptation { choice, findings, .. } = self.adaptation;
        let mut page = String::new();
        self.head(&mut page)?;
        facts(&mut page, findings)?;
        let learned =
            if *choice == Choice::Adapted { "adapted model" } else { "learned, not used" };
        if findings.held_out.reads > 0 {
            figures(&mut page, findings, learned)?;
            self.comparison(&mut page)?;
        }
        self.not_learned(&mut page)?;
        if let Some(words) = &self.kmers {
            let words = text::escape(&text::capital(words));
            writeln!(page, "<h2>K-mers of the run</h2>\n<p>{words}.</p>")?;
        }
        let how = " No reference was used: where many reads overlap, a base that hardly any of \
                   them has is an error. Intervals are 95 % intervals, as if bases were \
                   independent.";
        page::closing(&mut page, "adapt", how)?;
        Ok(page)
    }

    fn start(&self) -> String {
        format!("{} version {}", self.start.id, self.start.version)
    }

    /// Writes the headline and the reasons.
    fn head(&self, page: &mut String) -> Result<(), ReportError> {
        let Adaptation { choice, doubts, findings, .. } = self.adaptation;
        let (class, headline) = match choice {
            Choice::Adapted => ("verdict", "Adapted to this run"),
            Choice::Start => ("verdict kept", "Not adapted: the base model is used"),
            Choice::Reported => ("verdict kept", "Not adapted: reported qualities are used"),
        };
        page::opening(page, headline, self.inputs)?;
        writeln!(page, "<div class=\"{class}\">")?;
        let start = text::escape(&self.start());
        match choice {
            Choice::Adapted => {
                let held = &findings.held_out;
                let ratios = [held.adapted, held.reported, held.start]
                    .map(|figures| format!("{:.2}", figures.log2_ratio.exp2()));
                let [adapted, reported, base] = ratios;
                writeln!(
                    page,
                    "<p>On reads that it did not learn from, the adapted model is better than the \
                     reported qualities and the base model ({start}). Expected errors per observed \
                     error there: adapted model {adapted}, reported qualities {reported}, base \
                     model {base}.</p>"
                )?;
            }
            Choice::Start | Choice::Reported => {
                for doubt in doubts {
                    let doubt = text::escape(&text::capital(&doubt.to_string()));
                    writeln!(page, "<p>{doubt}.</p>")?;
                }
                if *choice == Choice::Reported {
                    writeln!(
                        page,
                        "<p>The base model ({start}) does not suit this run either.</p>"
                    )?;
                }
            }
        }
        page.push_str("</div>\n");
        Ok(())
    }

    /// Writes how the adapted model compares with the others.
    fn comparison(&self, page: &mut String) -> Result<(), ReportError> {
        let held = &self.adaptation.findings.held_out;
        page.push_str("<h2>Which qualities are best</h2>\n");
        writeln!(
            page,
            "<p>On {} held-out reads, with {} bases that other reads confirm or contradict, {} of \
             them wrong:</p>",
            text::count(held.reads),
            text::count(held.labelled),
            text::count(held.wrong)
        )?;
        comparison::table(page, held, self.adaptation.choice, &self.start())?;
        writeln!(page, "<p>{}</p>", text::escape(&comparison::words(held)))?;
        writeln!(
            page,
            "<p class=\"note\">AUC: how often a bad read (more than one wrong base in a hundred; \
             {} of them) has more expected errors per base than a good one ({}).</p>",
            text::count(held.bad_reads),
            text::count(held.good_reads)
        )?;
        Ok(())
    }

    /// Writes what the page cannot show.
    fn not_learned(&self, page: &mut String) -> Result<(), ReportError> {
        let Adaptation { choice, findings, .. } = self.adaptation;
        page.push_str("<h2>What was not learned</h2>\n<ul>\n");
        if *choice != Choice::Adapted && findings.held_out.reads == 0 {
            page.push_str(
                "<li>Nothing was learned, so there are no figures of qualities, positions and \
                 contexts.</li>\n",
            );
        }
        let unknown = findings.bases_kept.saturating_sub(findings.labelled);
        writeln!(
            page,
            "<li>{} of the sampled bases could not be checked: too few other reads cover them, or \
             these disagree. Nothing was learned from them.</li>",
            text::percent(fraction(unknown, findings.bases_kept))
        )?;
        writeln!(
            page,
            "<li>Reads disagree at {} of the positions (strains, repeats, errors that many reads \
             share).</li>",
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
                "<li>No errors were found at {}; their error rate is not known.</li>",
                text::escape(&text::list(&clean))
            )?;
        }
        if findings.held_out.reads > 0 && findings.held_out.adapted.auc.is_nan() {
            page.push_str(
                "<li>All held-out reads are good, or all are bad, so ranking cannot be \
                 measured.</li>\n",
            );
        }
        page.push_str(
            "<li>Errors that most reads have at the same position look like the genome, and are \
             not seen.</li>\n</ul>\n",
        );
        Ok(())
    }
}

/// Writes the numbers of the run.
fn facts(page: &mut String, findings: &Findings) -> Result<(), ReportError> {
    let Findings { depth, positions, labelled, wrong, .. } = *findings;
    let rate = fraction(wrong, labelled);
    let seen = text::count(findings.bases_seen);
    let sampled = text::count(findings.reads_kept);
    let checked = text::percent(fraction(labelled, findings.bases_kept));
    let errors = if wrong > 0 {
        format!("{}; {} wrong bases", text::one_in(rate), text::count(wrong))
    } else {
        "no wrong bases".to_owned()
    };
    page::facts(
        page,
        [
            (
                "reads",
                text::count(findings.reads_seen),
                format!("{seen} bases; {sampled} reads sampled"),
            ),
            (
                "depth",
                format!("{}×", text::count(depth)),
                format!("at about {} positions", text::count(positions)),
            ),
            (
                "bases checked",
                text::count(labelled),
                format!("by other reads, {checked} of those sampled"),
            ),
            ("error rate", text::percent(rate), errors),
        ],
    )
}

/// Writes the figures, each with a sentence on what it shows.
fn figures(page: &mut String, findings: &Findings, learned: &str) -> Result<(), ReportError> {
    let Findings { by_quality, by_place, by_context, by_homopolymer, .. } = findings;
    let one = |words: Option<String>| words.into_iter().collect::<Vec<_>>();
    page::section(
        page,
        "What reported qualities are worth",
        &qualities::words(by_quality),
        qualities::picture(by_quality, learned)?,
        "One point per quality, larger with more bases, with its interval. Points below the diagonal \
         are qualities that are too high. Qualities of very few bases are left out.",
    )?;
    page::section(
        page,
        "Where in the read errors are",
        &one(places::words(by_place)),
        places::picture(by_place, learned)?,
        "By the distance to the nearer end of the read; the scale is logarithmic.",
    )?;
    page::section(
        page,
        "After which bases errors are",
        &one(contexts::words(by_context)),
        contexts::picture(by_context, learned)?,
        "Contexts with significantly more errors than reported and, below the gap, those with fewer. \
         The last letter is the base itself, as it was read: a context that is rare in the genome \
         collects errors from frequent ones, so one that stands out may do so because of the genome \
         and not of the instrument.",
    )?;
    page::section(
        page,
        "After repeated bases",
        &[],
        homopolymers::picture(by_homopolymer, learned)?,
        "By the number of equal bases right before, whatever the base itself is.",
    )
}
