//! The page of `bm filter` and `bm score`: kept reads and the distributions of all reads.

use std::fmt::Write as _;
use std::path::Path;

use bm_io::Output;
use bm_pipeline::survey::{Errors, Survey};
use bm_pipeline::{PairMode, RetentionPoint};

use crate::error::ReportError;
use crate::html::page::{self, fraction};
use crate::html::retention::Retention;
use crate::html::{survey, trimming};
use crate::report::Report;
use crate::{text, words};

/// The page of `bm filter` and `bm score`.
pub struct FilterPage<'a> {
    /// The files of the run.
    pub inputs: &'a [&'a Path],
    /// The numbers of the run.
    pub report: &'a Report,
    /// Distributions of the reads.
    pub survey: &'a Survey,
}

impl FilterPage<'_> {
    /// Writes the page.
    ///
    /// # Errors
    ///
    /// If a figure cannot be drawn, or the output cannot be written.
    pub fn write(&self, output: &mut Output) -> Result<(), ReportError> {
        page::write(&self.text()?, output)
    }

    fn text(&self) -> Result<String, ReportError> {
        let report = self.report;
        let reads = report.totals.reads;
        let mut page = String::new();
        let headline =
            format!("{} of {} reads kept", text::count(reads.kept), text::count(reads.r#in));
        page::opening(&mut page, &headline, self.inputs)?;
        let applies = report.domain.as_ref().is_none_or(|domain| domain.applies);
        let class = if applies { "verdict" } else { "verdict kept" };
        writeln!(page, "<div class=\"{class}\">")?;
        for line in words::about(report).into_iter().chain(words::alarms(report)) {
            writeln!(page, "<p>{}</p>", text::escape(&line))?;
        }
        page.push_str("</div>\n");
        self.facts(&mut page)?;
        self.reasons(&mut page)?;
        trimming::cut(&mut page, report)?;
        trimming::adapters(&mut page, &report.adapters_found, &trimming::sentences(report))?;
        self.figures(&mut page)?;
        let how = " Expected errors are predictions, not counts: bm models show has the accuracy \
                   of the model on runs with counted errors.";
        page::closing(&mut page, &report.command, how)?;
        Ok(page)
    }

    /// Writes the numbers of the run.
    fn facts(&self, page: &mut String) -> Result<(), ReportError> {
        let Self { report, survey, .. } = *self;
        let (reads, bases_in) = (report.totals.reads, report.totals.bases);
        let percent = |part: u64| text::percent(fraction(part, reads.r#in));
        let mut judged = Errors::default();
        for errors in survey.places.iter().flatten() {
            judged.bases = judged.bases.saturating_add(errors.bases);
            judged.expected.merge(&errors.expected);
            judged.reported.merge(&errors.reported);
        }
        let (bases, expected, reported) =
            (judged.bases, judged.expected.get(), judged.reported.get());
        let mut facts = vec![
            ("kept", text::count(reads.kept), percent(reads.kept)),
            ("discarded", text::count(reads.discarded), percent(reads.discarded)),
            ("unscored", text::count(reads.unscored), percent(reads.unscored)),
            (
                "bases kept",
                text::count(bases_in.kept),
                format!("of {}", text::count(bases_in.r#in)),
            ),
        ];
        if bases > 0 {
            let rate = |errors: f64| text::one_in(errors / bases as f64);
            facts.push((
                "expected errors",
                text::count(expected.round() as u64),
                format!("{} bases; qualities report {}", rate(expected), rate(reported)),
            ));
        }
        page::facts(page, facts)
    }

    /// Writes why reads were not kept.
    fn reasons(&self, page: &mut String) -> Result<(), ReportError> {
        let totals = &self.report.totals;
        if totals.reasons.total() == 0 {
            return Ok(());
        }
        page.push_str(
            "<h2>Why reads were not kept</h2>\n<div class=\"wide\"><table>\n<thead><tr>\
             <th>reason</th><th>reads</th><th>of all</th></tr></thead>\n<tbody>\n",
        );
        for (reason, count) in totals.reasons.iter() {
            let of_all = text::percent(fraction(count, totals.reads.r#in));
            let (reason, count) = (reason.name(), text::count(count));
            writeln!(page, "<tr><td>{reason}</td><td>{count}</td><td>{of_all}</td></tr>")?;
        }
        page.push_str(
            "</tbody>\n</table></div>\n<p class=\"note\">By flag. If a read has several \
             reasons, the first one listed is counted, so the numbers add up.</p>\n",
        );
        Ok(())
    }

    fn figures(&self, page: &mut String) -> Result<(), ReportError> {
        let Self { report, survey, .. } = *self;
        let is_joint = report.criteria.pair_mode.as_deref() == Some(PairMode::Joint.name());
        let (units, name) = if is_joint {
            ("pairs", "probability of the pair")
        } else {
            ("reads", "probability of the read")
        };
        page::section(
            page,
            "Reads by probability",
            &[],
            survey::levels(&survey.probabilities, name)?,
            "The scale of the number of reads is logarithmic. Reads below the threshold \
             are not kept, nor are reads above it that break a rule.",
        )?;
        let points = survey.points();
        if let Some(all) = points.last().copied() {
            let retention = Retention {
                reads: report.totals.reads.r#in,
                all,
                points: &points,
                counts_errors: all.expected_errors > 0.0,
                chosen: Some(RetentionPoint { reads: report.totals.reads.kept, ..all }),
                units,
            };
            page::section(
                page,
                "Effect of other thresholds",
                &[],
                retention.figure()?,
                "The expected errors and the expected bad reads that other thresholds would \
                 remove. Rules are not included.",
            )?;
        }
        page::section(
            page,
            "Reported and predicted quality",
            &[],
            survey::qualities(&survey.qualities)?,
            "One point per reported quality, larger for more bases. The predicted quality is the \
             quality that the model gives to these bases.",
        )?;
        page::section(
            page,
            "Expected error rate along the read",
            &[],
            survey::places(&survey.places)?,
            "The scale of the error rate is logarithmic.",
        )?;
        page::section(
            page,
            "Read lengths",
            &[],
            survey::lengths(&survey.lengths)?,
            match report.trim {
                Some(_) => {
                    "All reads by their length in the input, kept reads by the length that is left. \
                     The scale of the number of reads is logarithmic."
                }
                None => "The scale of the number of reads is logarithmic.",
            },
        )
    }
}
