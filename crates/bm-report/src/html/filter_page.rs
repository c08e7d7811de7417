//! The page of `bm filter` and `bm score`: what was kept, and what the reads are like.

use std::path::Path;

use bm_io::Output;
use bm_pipeline::survey::{Errors, Survey};
use bm_pipeline::{PairMode, RetentionPoint};

use crate::error::ReportError;
use crate::html::page::{Page, fraction};
use crate::html::retention::Retention;
use crate::html::{classes, lost, profile, samples, survey, trimming, yields};
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
        self.page()?.write(output)
    }

    fn page(&self) -> Result<Page, ReportError> {
        let report = self.report;
        let reads = report.totals.reads;
        let headline =
            format!("{} of {} reads kept", text::count(reads.kept), text::count(reads.r#in));
        let headline = match report.samples.len() {
            0 | 1 => headline,
            samples => format!("{headline}, of {samples} samples"),
        };
        let how = " Expected errors are predictions, not counts: bm models show has the accuracy \
                   of the model on runs with counted errors.";
        let mut page = Page::new(&headline, self.inputs, &report.command, how);
        page.is_good = report.domain.as_ref().is_none_or(|domain| domain.applies);
        page.verdict = words::about(report).into_iter().chain(words::alarms(report)).collect();
        self.facts(&mut page);
        page.sections.extend(samples::table(report));
        if let Some(profile) = &report.profile {
            page.sections.extend(profile::summary(profile));
        }
        page.sections.extend(report.yields.as_deref().and_then(yields::section));
        page.sections.extend(lost::reasons(&report.totals));
        page.sections.extend(classes::section(report));
        page.sections.extend(trimming::cut(report));
        let sentences = trimming::sentences(report);
        page.sections.extend(trimming::adapters(&report.adapters_found, &sentences));
        if let Some(profile) = &report.profile {
            page.sections.extend(profile::sections(profile)?);
        }
        self.figures(&mut page)?;
        Ok(page)
    }

    /// Adds the numbers of the run.
    fn facts(&self, page: &mut Page) {
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
        page.fact("kept", text::count(reads.kept), percent(reads.kept));
        page.fact("discarded", text::count(reads.discarded), percent(reads.discarded));
        page.fact("unscored", text::count(reads.unscored), percent(reads.unscored));
        let of = format!("of {}", text::count(bases_in.r#in));
        page.fact("bases kept", text::count(bases_in.kept), of);
        if bases > 0 {
            let rate = |errors: f64| text::one_in(errors / bases as f64);
            let remark = format!("{} bases; qualities report {}", rate(expected), rate(reported));
            page.fact("expected errors", text::count(expected.round() as u64), remark);
        }
    }

    /// Adds the figures of the model.
    fn figures(&self, page: &mut Page) -> Result<(), ReportError> {
        let Self { report, survey, .. } = *self;
        let is_joint = report.criteria.pair_mode.as_deref() == Some(PairMode::Joint.name());
        let (units, name) = if is_joint {
            ("pairs", "probability of the pair")
        } else {
            ("reads", "probability of the read")
        };
        page.figure(
            "Reads by probability",
            Vec::new(),
            survey::levels(&survey.probabilities, name)?,
            "The scale of the number of reads is logarithmic. Reads below the threshold \
             are not kept, nor are reads above it that break a rule.",
        );
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
            page.figure(
                "Effect of other thresholds",
                Vec::new(),
                retention.figure()?,
                "The expected errors and the expected bad reads that other thresholds would \
                 remove. Rules are not included.",
            );
        }
        page.figure(
            "Reported and predicted quality",
            Vec::new(),
            survey::qualities(&survey.qualities)?,
            "One point per reported quality, larger for more bases. The predicted quality is the \
             quality that the model gives to these bases.",
        );
        page.figure(
            "Expected error rate along the read",
            Vec::new(),
            survey::places(&survey.places)?,
            "The scale of the error rate is logarithmic.",
        );
        page.figure(
            "Read lengths",
            Vec::new(),
            survey::lengths(&survey.lengths)?,
            match report.trim {
                Some(_) => {
                    "All reads by their length in the input, kept reads by the length that is left. \
                     The scale of the number of reads is logarithmic."
                }
                None => "The scale of the number of reads is logarithmic.",
            },
        );
        Ok(())
    }
}
