//! The page of `bm adapt`: what the adapted model is worth, and the errors of the run.

use std::path::Path;

use bm_adapt::{Adaptation, Choice, Findings};
use bm_io::Output;
use bm_quality::Facts;

use crate::adapter_facts::MateAdapters;
use crate::error::ReportError;
use crate::html::page::{Page, Section, fraction};
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
        self.page()?.write(output)
    }

    fn page(&self) -> Result<Page, ReportError> {
        let Adaptation { choice, findings, .. } = self.adaptation;
        let mut page = self.head();
        facts(&mut page, findings);
        let adapted_name =
            if *choice == Choice::Adapted { "adapted model" } else { "adapted model (not used)" };
        if findings.held_out.reads > 0 {
            figures(&mut page, findings, adapted_name)?;
            page.sections.push(self.comparison());
        }
        page.sections.push(self.not_learned());
        if let Some(words) = &self.kmers {
            let sentences = vec![format!("{}.", text::capital(words))];
            let title = "K-mer evidence";
            page.sections.push(Section { title, sentences, ..Section::default() });
        }
        if self.adapters.iter().any(|mate| !mate.adapters.is_empty()) {
            let learned = "bases of adapters are not of the sample: nothing was learned from them";
            page.sections.extend(trimming::adapters(&self.adapters, &[learned.to_owned()]));
        }
        Ok(page)
    }

    /// Returns the id and version of the base model.
    fn base_model(&self) -> String {
        format!("{} version {}", self.start.id, self.start.version)
    }

    /// Returns a page with headline and reasons.
    fn head(&self) -> Page {
        let Adaptation { choice, doubts, findings, .. } = self.adaptation;
        let headline = match choice {
            Choice::Adapted => "Adapted to this run",
            Choice::Start => "Not adapted: the base model is used",
            Choice::Table => "Not adapted: the run's own error rate of each quality is used",
            Choice::Reported => "Not adapted: reported qualities are used",
        };
        let how = " Errors were found without a reference: where many reads overlap, a base that \
                   few of them have counts as an error. Intervals are 95 % confidence intervals \
                   for independent errors.";
        let mut page = Page::new(headline, self.inputs, "adapt", how);
        page.is_good = *choice == Choice::Adapted;
        let base_model = self.base_model();
        match choice {
            Choice::Adapted => {
                let held = &findings.held_out;
                let ratios = [held.adapted, held.reported, held.start]
                    .map(|figures| format!("{:.2}", figures.log2_ratio.exp2()));
                let [adapted, reported, base] = ratios;
                page.verdict.push(format!(
                    "On held-out reads, the adapted model is better than the reported qualities and \
                     the base model ({base_model}). Expected errors per observed error: adapted \
                     model {adapted}, reported qualities {reported}, base model {base}."
                ));
            }
            Choice::Start | Choice::Table | Choice::Reported => {
                let doubts = doubts.iter().map(|it| format!("{}.", text::capital(&it.to_string())));
                page.verdict.extend(doubts);
                if *choice == Choice::Reported {
                    page.verdict.push(format!(
                        "The base model ({base_model}) does not suit this run either."
                    ));
                }
            }
        }
        let cycles = words::cycles::lines(&self.adaptation.failed_cycles);
        page.verdict.extend(cycles.iter().map(|line| format!("{}.", text::capital(line))));
        page
    }

    /// Returns the comparison of the adapted model with the other candidates.
    fn comparison(&self) -> Section {
        let held = &self.adaptation.findings.held_out;
        let sentence = format!(
            "On {} held-out reads, with {} bases that other reads confirm or contradict, {} of them \
             wrong:",
            text::count(held.reads),
            text::count(held.labelled),
            text::count(held.wrong)
        );
        let note = format!(
            "AUC: how often a bad read (over 1 % wrong bases; {} reads) has more expected errors per \
             base than a good read ({} reads). Counts of bases are weighted: a read that was \
             unlikely to be checked counts more than once.",
            text::count(held.bad_reads),
            text::count(held.good_reads)
        );
        let choice = self.adaptation.choice;
        Section {
            title: "Accuracy on held-out reads",
            sentences: vec![sentence],
            tables: vec![comparison::table(held, choice, &self.base_model())],
            notes: vec![comparison::words(held), note],
            ..Section::default()
        }
    }

    /// Returns what could not be learned or checked.
    fn not_learned(&self) -> Section {
        let Adaptation { choice, findings, .. } = self.adaptation;
        let mut list = Vec::new();
        if *choice != Choice::Adapted && findings.held_out.reads == 0 {
            list.push(
                "Nothing was learned, so there are no figures of qualities, positions and preceding \
                 bases."
                    .to_owned(),
            );
        }
        let unknown = findings.bases_kept.saturating_sub(findings.labelled);
        list.push(format!(
            "{} of the sampled bases could not be checked: too few other reads cover them, or the \
             other reads disagree. Nothing was learned from these bases.",
            text::percent(fraction(unknown, findings.bases_kept))
        ));
        list.push(format!(
            "Reads disagree at {} of the positions: strains, repeats, gaps of long reads, or errors \
             that many reads have in common.",
            text::percent(findings.mixed_share)
        ));
        if findings.copies_dropped > 0 {
            list.push(format!(
                "{} reads are exact copies of other reads and were left out.",
                text::count(findings.copies_dropped)
            ));
        }
        let clean: Vec<_> = findings
            .by_quality
            .iter()
            .filter(|row| row.wrong == 0)
            .map(|row| format!("Q{}", row.of))
            .collect();
        if !clean.is_empty() {
            list.push(format!(
                "No errors were found at {}, so the error rate there is not known.",
                text::list(&clean)
            ));
        }
        if findings.held_out.reads > 0 && findings.held_out.adapted.auc.is_nan() {
            list.push(
                "All held-out reads are good, or all are bad, so the AUC is not known.".to_owned(),
            );
        }
        list.push(
            "Errors that most reads have at the same position look like the genome and are not \
             found."
                .to_owned(),
        );
        Section { title: "What was not learned", list, ..Section::default() }
    }
}

/// Adds the numbers of the run.
fn facts(page: &mut Page, findings: &Findings) {
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
    let reads = text::count(findings.reads_seen);
    page.fact("reads", reads, format!("{seen} bases; {sampled} reads sampled"));
    let at = format!("at about {} positions", text::count(positions));
    page.fact("depth", format!("{}×", text::count(depth)), at);
    let by = format!("by other reads, {checked} of those sampled");
    page.fact("bases checked", text::count(labelled), by);
    page.fact("error rate", text::percent(rate), errors);
}

/// Adds the figures, each with a sentence on what it shows.
fn figures(page: &mut Page, findings: &Findings, adapted_name: &str) -> Result<(), ReportError> {
    let Findings { by_quality, by_place, by_context, by_homopolymer, .. } = findings;
    let one = |words: Option<String>| words.into_iter().collect::<Vec<_>>();
    page.figure(
        "Reported and measured quality",
        qualities::words(by_quality),
        qualities::figure(by_quality, adapted_name)?,
        "One point per reported quality, larger for more bases, with its interval. Below the \
         diagonal, the reported quality is too high. Qualities of very few bases are left out.",
    );
    page.figure(
        "Error rate along the read",
        one(places::words(by_place)),
        places::figure(by_place, adapted_name)?,
        "By distance to the nearer end of the read. The scale of the error rate is logarithmic.",
    );
    page.figure(
        "Errors by preceding bases",
        one(contexts::words(by_context)),
        contexts::figure(by_context, adapted_name)?,
        "The contexts with the most errors and, below the gap, those with the fewest. A context is \
         two preceding bases and the base itself, as read. A context that is rare in the genome \
         collects the errors of frequent contexts, so a high ratio may be due to the genome and \
         not to the instrument.",
    );
    page.figure(
        "Errors after homopolymers",
        Vec::new(),
        homopolymers::figure(by_homopolymer, adapted_name)?,
        "By the number of equal bases right before the base. The base itself may differ from them.",
    );
    Ok(())
}
