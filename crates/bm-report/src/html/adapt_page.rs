//! The page of `bm adapt`: what the adapted model is worth, and the errors of the run.

use std::fmt::Write as _;
use std::path::Path;

use bm_adapt::{Adaptation, Choice, Findings};
use bm_io::Output;
use bm_quality::Facts;

use crate::adapter_facts::MateAdapters;
use crate::error::ReportError;
use crate::html::page::{self, fraction};
use crate::html::{comparison, contexts, homopolymers, places, qualities, trimming};
use crate::text;
use crate::words;

/// The page of `bm adapt`.
pub struct AdaptPage<'a> {
    /// The files of the run.
    pub inputs: &'a [&'a Path],
    /// The base model.
    pub start: &'a Facts,
    /// The adapted model, or why there is none, and what was measured.
    pub adaptation: &'a Adaptation,
    /// A line on the k-mers of the run, if they were counted; see
    /// [`words::kmers`](crate::words::kmers).
    pub kmers: Option<String>,
    /// The adapters of each mate in the first reads.
    pub adapters: Vec<MateAdapters>,
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
        let adapted_name =
            if *choice == Choice::Adapted { "adapted model" } else { "adapted model (not used)" };
        if findings.held_out.reads > 0 {
            figures(&mut page, findings, adapted_name)?;
            self.comparison(&mut page)?;
        }
        self.not_learned(&mut page)?;
        if let Some(words) = &self.kmers {
            let words = text::escape(&text::capital(words));
            writeln!(page, "<h2>K-mer evidence</h2>\n<p>{words}.</p>")?;
        }
        if self.adapters.iter().any(|mate| !mate.adapters.is_empty()) {
            let learned = "bases of adapters are not of the sample: nothing was learned from them";
            trimming::adapters(&mut page, &self.adapters, &[learned.to_owned()])?;
        }
        let how = " Errors were found without a reference: where many reads overlap, a base that \
                   few of them have counts as an error. Intervals are 95 % confidence intervals \
                   for independent errors.";
        page::closing(&mut page, "adapt", how)?;
        Ok(page)
    }

    /// Returns the id and version of the base model.
    fn base_model(&self) -> String {
        format!("{} version {}", self.start.id, self.start.version)
    }

    /// Writes the headline and the reasons.
    fn head(&self, page: &mut String) -> Result<(), ReportError> {
        let Adaptation { choice, doubts, findings, .. } = self.adaptation;
        let (class, headline) = match choice {
            Choice::Adapted => ("verdict", "Adapted to this run"),
            Choice::Start => ("verdict kept", "Not adapted: the base model is used"),
            Choice::Table => {
                ("verdict kept", "Not adapted: the run's own error rate of each quality is used")
            }
            Choice::Reported => ("verdict kept", "Not adapted: reported qualities are used"),
        };
        page::opening(page, headline, self.inputs)?;
        writeln!(page, "<div class=\"{class}\">")?;
        let base_model = text::escape(&self.base_model());
        match choice {
            Choice::Adapted => {
                let held = &findings.held_out;
                let ratios = [held.adapted, held.reported, held.start]
                    .map(|figures| format!("{:.2}", figures.log2_ratio.exp2()));
                let [adapted, reported, base] = ratios;
                writeln!(
                    page,
                    "<p>On held-out reads, the adapted model is better than the reported qualities \
                     and the base model ({base_model}). Expected errors per observed error: \
                     adapted model {adapted}, reported qualities {reported}, base model {base}.</p>"
                )?;
            }
            Choice::Start | Choice::Table | Choice::Reported => {
                for doubt in doubts {
                    let doubt = text::escape(&text::capital(&doubt.to_string()));
                    writeln!(page, "<p>{doubt}.</p>")?;
                }
                if *choice == Choice::Reported {
                    writeln!(
                        page,
                        "<p>The base model ({base_model}) does not suit this run either.</p>"
                    )?;
                }
            }
        }
        for line in words::cycles::lines(&self.adaptation.failed_cycles) {
            writeln!(page, "<p>{}.</p>", text::escape(&text::capital(&line)))?;
        }
        page.push_str("</div>\n");
        Ok(())
    }

    /// Writes the comparison of the adapted model with the other candidates.
    fn comparison(&self, page: &mut String) -> Result<(), ReportError> {
        let held = &self.adaptation.findings.held_out;
        page.push_str("<h2>Accuracy on held-out reads</h2>\n");
        writeln!(
            page,
            "<p>On {} held-out reads, with {} bases that other reads confirm or contradict, {} of \
             them wrong:</p>",
            text::count(held.reads),
            text::count(held.labelled),
            text::count(held.wrong)
        )?;
        comparison::table(page, held, self.adaptation.choice, &self.base_model())?;
        writeln!(page, "<p>{}</p>", text::escape(&comparison::words(held)))?;
        writeln!(
            page,
            "<p class=\"note\">AUC: how often a bad read (over 1 % wrong bases; {} reads) has more \
             expected errors per base than a good read ({} reads). Counts of bases are weighted: a \
             read that was unlikely to be checked counts more than once.</p>",
            text::count(held.bad_reads),
            text::count(held.good_reads)
        )?;
        Ok(())
    }

    /// Writes what could not be learned or checked.
    fn not_learned(&self, page: &mut String) -> Result<(), ReportError> {
        let Adaptation { choice, findings, .. } = self.adaptation;
        page.push_str("<h2>What was not learned</h2>\n<ul>\n");
        if *choice != Choice::Adapted && findings.held_out.reads == 0 {
            page.push_str(
                "<li>Nothing was learned, so there are no figures of qualities, positions and \
                 preceding bases.</li>\n",
            );
        }
        let unknown = findings.bases_kept.saturating_sub(findings.labelled);
        writeln!(
            page,
            "<li>{} of the sampled bases could not be checked: too few other reads cover them, or \
             the other reads disagree. Nothing was learned from these bases.</li>",
            text::percent(fraction(unknown, findings.bases_kept))
        )?;
        writeln!(
            page,
            "<li>Reads disagree at {} of the positions: strains, repeats, gaps of long reads, \
             or errors that many reads have in common.</li>",
            text::percent(findings.mixed_share)
        )?;
        if findings.copies_dropped > 0 {
            writeln!(
                page,
                "<li>{} reads are exact copies of other reads and were left out.</li>",
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
                "<li>No errors were found at {}, so the error rate there is not known.</li>",
                text::escape(&text::list(&clean))
            )?;
        }
        if findings.held_out.reads > 0 && findings.held_out.adapted.auc.is_nan() {
            page.push_str(
                "<li>All held-out reads are good, or all are bad, so the AUC is not known.</li>\n",
            );
        }
        page.push_str(
            "<li>Errors that most reads have at the same position look like the genome and are not \
             found.</li>\n</ul>\n",
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
fn figures(page: &mut String, findings: &Findings, adapted_name: &str) -> Result<(), ReportError> {
    let Findings { by_quality, by_place, by_context, by_homopolymer, .. } = findings;
    let one = |words: Option<String>| words.into_iter().collect::<Vec<_>>();
    page::section(
        page,
        "Reported and measured quality",
        &qualities::words(by_quality),
        qualities::figure(by_quality, adapted_name)?,
        "One point per reported quality, larger for more bases, with its interval. Below the \
         diagonal, the reported quality is too high. Qualities of very few bases are left out.",
    )?;
    page::section(
        page,
        "Error rate along the read",
        &one(places::words(by_place)),
        places::figure(by_place, adapted_name)?,
        "By distance to the nearer end of the read. The scale of the error rate is logarithmic.",
    )?;
    page::section(
        page,
        "Errors by preceding bases",
        &one(contexts::words(by_context)),
        contexts::figure(by_context, adapted_name)?,
        "The contexts with the most errors and, below the gap, those with the fewest. A context is \
         two preceding bases and the base itself, as read. A context that is rare in the genome \
         collects the errors of frequent contexts, so a high ratio may be due to the genome and \
         not to the instrument.",
    )?;
    page::section(
        page,
        "Errors after homopolymers",
        &[],
        homopolymers::figure(by_homopolymer, adapted_name)?,
        "By the number of equal bases right before the base. The base itself may differ from them.",
    )
}
