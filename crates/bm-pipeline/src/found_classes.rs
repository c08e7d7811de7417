//! The classes that the templates of a batch come from.

use bm_classes::{Evidence, Matcher};
use bm_quality::Prediction;
use bm_reads::Phred;

use crate::base_probabilities::BaseProbabilities;
use crate::part::Part;
use crate::screen::Screen;
use crate::templates::TemplateBatch;

/// What looks the reads of one thread up.
#[derive(Default)]
pub(crate) struct ClassFinder {
    matcher: Matcher,
    joined: Evidence,
    errors: Vec<f32>,
}

/// The probabilities of the classes of each template of a batch.
#[derive(Default)]
pub(crate) struct FoundClasses {
    /// For each template, those of all classes and of none.
    probabilities: Vec<f32>,
    /// Numbers of a template.
    width: usize,
}

/// The classes that one template may come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TemplateClasses<'a> {
    /// The probability of each class, by its number, and then that of none; they add up to one.
    pub probabilities: &'a [f32],
    /// Whether the template is not wanted, whatever its scores are.
    pub is_removed: bool,
}

impl TemplateClasses<'_> {
    /// Returns the class that the template is said to be of, as a place in `probabilities`: none if that is
    /// at least as probable as all classes together, otherwise the most probable class, the first of equals.
    pub fn best(&self) -> usize {
        let Some((none, classes)) = self.probabilities.split_last() else { return 0 };
        if *none >= 0.5 {
            return classes.len();
        }
        let better = |best: usize, (number, p): (usize, &f32)| {
            if *p > classes.get(best).copied().unwrap_or(0.0) { number } else { best }
        };
        classes.iter().enumerate().fold(0, better)
    }
}

impl FoundClasses {
    /// Looks the reads of a batch up: of each, the part of the sample, by the error probabilities of its
    /// bases, or those that its qualities report where they are not known. Mates add up.
    pub(crate) fn fill(
        &mut self,
        finder: &mut ClassFinder,
        screen: &Screen,
        batch: (&TemplateBatch, &[Part], &[Prediction], &BaseProbabilities),
    ) {
        let (templates, parts, predictions, bases) = batch;
        let index = screen.classes().index();
        let ClassFinder { matcher, joined, errors } = finder;
        self.clear();
        self.width = index.names().len() + 1;
        for template in templates.templates() {
            for (number, mate) in template.mates().iter().enumerate() {
                let part = parts.get(mate.index).map(|part| part.scored.clone());
                let part = part.unwrap_or(0..mate.record.sequence.len());
                let letters = mate.record.sequence.get(part.clone()).unwrap_or_default();
                let is_scored = matches!(predictions.get(mate.index), Some(Prediction::Scored(_)));
                let known = bases.of(mate.index);
                let errors = if is_scored && known.len() == letters.len() {
                    known
                } else {
                    let scores = mate.record.quality_scores.get(part).unwrap_or_default();
                    reported(scores, errors);
                    &errors[..]
                };
                let found = matcher.look_up(index, letters, errors);
                if number == 0 {
                    joined.clone_from(found);
                } else {
                    joined.join(found);
                }
            }
            joined.probabilities_into(index, &mut self.probabilities);
        }
    }

    /// Forgets the templates.
    pub(crate) fn clear(&mut self) {
        self.probabilities.clear();
        self.width = 0;
    }

    /// Returns the classes of the template with this number; `None` if they were not looked for.
    pub(crate) fn of(&self, number: usize, screen: Option<&Screen>) -> Option<TemplateClasses<'_>> {
        let start = number.checked_mul(self.width).filter(|_| self.width > 0)?;
        let probabilities = self.probabilities.get(start..start + self.width)?;
        Some(TemplateClasses { probabilities, is_removed: screen?.removes(probabilities) })
    }
}

/// Replaces `errors` by the error probabilities that quality scores report.
fn reported(quality_scores: &[u8], errors: &mut Vec<f32>) {
    errors.clear();
    errors.extend(
        quality_scores.iter().map(|byte| {
            Phred::from_byte(*byte).map_or(0.0, |phred| phred.error_probability() as f32)
        }),
    );
}
