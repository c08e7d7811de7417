//! What was judged and what was kept, as a page.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use crate::curve::Point;
use crate::decide::PairMode;
use crate::html::retention::Retention;
use crate::html::{self, survey, text};
use crate::output::Output;
use crate::report::Report;
use crate::survey::Survey;

/// Of what the page tells.
pub(crate) struct FilterPage<'a> {
    pub(crate) inputs: &'a [&'a Path],
    pub(crate) report: &'a Report,
    pub(crate) survey: &'a Survey,
}

impl FilterPage<'_> {
    /// Writes the page.
    pub(crate) fn write(&self, output: Output) -> Result<()> {
        html::write(&self.text()?, output)
    }

    fn text(&self) -> Result<String> {
        let Self { report, survey, .. } = *self;
        let mut page = String::new();
        let share = |part: u64| text::percent(html::share(part, report.reads.r#in));
        let headline = format!(
            "{} of {} reads kept",
            text::count(report.reads.kept),
            text::count(report.reads.r#in)
        );
        html::opening(&mut page, &headline, self.inputs)?;
        let class = if report.domain.as_ref().is_some_and(|domain| domain.words.is_some()) {
            "verdict kept"
        } else {
            "verdict"
        };
        writeln!(page, "<div class=\"{class}\">")?;
        for line in report.about() {
            writeln!(page, "<p>{}</p>", text::escape(&line))?;
        }
        page.push_str("</div>\n<div class=\"facts\">\n");
        let errors = survey.places.iter().flatten();
        let (bases, expected, reported) =
            errors.fold((0, 0.0, 0.0), |(bases, expected, reported), sum| {
                (bases + sum.bases, expected + sum.expected, reported + sum.reported)
            });
        let mut facts = vec![
            ("kept", text::count(report.reads.kept), share(report.reads.kept)),
            ("discarded", text::count(report.reads.discarded), share(report.reads.discarded)),
            ("not to be scored", text::count(report.reads.unscored), share(report.reads.unscored)),
            (
                "bases kept",
                text::count(report.bases.kept),
                format!("of {}", text::count(report.bases.r#in)),
            ),
        ];
        if bases > 0 {
            let rate = |errors: f64| text::one_in(errors / bases as f64);
            facts.push((
                "errors expected",
                text::count(expected.round() as u64),
                format!("{} bases; the qualities report {}", rate(expected), rate(reported)),
            ));
        }
        for (name, value, more) in facts {
            writeln!(page, "<div><small>{name}</small><b>{value}</b><small>{more}</small></div>")?;
        }
        page.push_str("</div>\n");
        self.reasons(&mut page)?;
        self.pictures(&mut page)?;
        let how = " What the model expects is a prediction and not a count: bm models show tells how it does on runs with counted errors.";
        html::closing(&mut page, report.command, how)?;
        Ok(page)
    }

    /// Writes why reads were not kept.
    fn reasons(&self, page: &mut String) -> Result<()> {
        let Report { reasons, reads, .. } = self.report;
        if reasons.is_empty() {
            return Ok(());
        }
        page.push_str("<h2>Why reads were not kept</h2>\n<table>\n<thead><tr><th>reason</th><th>reads</th><th>of all</th></tr></thead>\n<tbody>\n");
        for (reason, count) in reasons {
            let of_all = text::percent(html::share(*count, reads.r#in));
            writeln!(
                page,
                "<tr><td>{}</td><td>{}</td><td>{of_all}</td></tr>",
                reason.name(),
                text::count(*count)
            )?;
        }
        page.push_str("</tbody>\n</table>\n<p class=\"note\">By flag. Of several reasons the first one here counts, so that they add up.</p>\n");
        Ok(())
    }

    fn pictures(&self, page: &mut String) -> Result<()> {
        let Self { report, survey, .. } = *self;
        let as_one =
            report.pairs.as_ref().is_some_and(|pairs| pairs.judged == PairMode::Joint.name());
        let (units, name) = if as_one {
            ("pairs", "probability of the pair")
        } else {
            ("reads", "probability of the read")
        };
        let note = "The scale is logarithmic. Below the threshold reads are not kept; above it, those that break a rule.";
        html::section(
            page,
            "How likely reads are good",
            &[],
            survey::levels(&survey.probabilities, name)?,
            note,
        )?;
        let points = survey.points();
        if let Some(all) = points.last().copied() {
            let chosen = Point { reads: report.reads.kept, ..all };
            let counts_errors = all.expected_errors > 0.0;
            let retention = Retention {
                reads: report.reads.r#in,
                all,
                points: &points,
                counts_errors,
                chosen: Some(chosen),
                units,
            };
            let note = "Which share of the expected errors, and of the reads that are expected to be bad, other thresholds would catch. Of rules \
                        nothing is drawn.";
            html::section(page, "What other thresholds would do", &[], retention.picture()?, note)?;
        }
        let note = "A point for each quality, larger with more bases: what the instrument says of them, and what the model makes of it.";
        html::section(
            page,
            "What reported qualities are worth to the model",
            &[],
            survey::qualities(&survey.qualities)?,
            note,
        )?;
        let note = "By the base of the read; the scale of the rate is logarithmic.";
        html::section(
            page,
            "Where in the read errors are expected",
            &[],
            survey::places(&survey.places)?,
            note,
        )?;
        html::section(
            page,
            "How long reads are",
            &[],
            survey::lengths(&survey.lengths)?,
            "The scale of their number is logarithmic.",
        )
    }
}
