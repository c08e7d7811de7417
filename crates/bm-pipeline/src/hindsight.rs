//! After a run: what other settings would have kept of its first reads.

use bm_adapt::Choice;
use bm_io::{Cancellation, Tasks};
use bm_quality::{Applicability, Criteria, LongReads};
use bm_reads::conversion::Conversion;

use crate::PipelineError;
use crate::applicability;
use crate::decide::{Decider, ScoredTemplate};
use crate::engine::{Engine, EngineChoice};
use crate::fate::Decision;
use crate::inserts::{AdapterChoice, RunInserts};
use crate::learned::Learned;
use crate::losses::Losses;
use crate::model_alone::ModelAlone;
use crate::pipeline::{BATCH_BYTES, MEMORY_BYTES, Plan, Product, trial};
use crate::sample_parts::{of_sample, parts_of};
use crate::screen::Screen;
use crate::tally::Tally;
use crate::templates::TemplateBatch;
use crate::trim::Trimming;

/// A run that is over, and its first reads.
pub(crate) struct Hindsight<'a> {
    pub(crate) trimming: Trimming,
    pub(crate) adapters: &'a AdapterChoice,
    /// The model that was asked for, and its engine.
    pub(crate) choice: &'a EngineChoice,
    /// Whether no criterion was given.
    pub(crate) is_by_default: bool,
    pub(crate) decider: &'a Decider,
    /// Where inserts end, if the run looked for that.
    pub(crate) inserts: Option<&'a RunInserts>,
    /// Which bases were written as one.
    pub(crate) conversion: Option<Conversion>,
    pub(crate) screen: Option<&'a Screen>,
    /// The first batches; the run counted them apart ([`Tally::first`]).
    pub(crate) first: &'a [TemplateBatch],
    pub(crate) tally: &'a Tally,
    pub(crate) tasks: &'a Tasks,
    pub(crate) cancellation: Option<&'a Cancellation>,
}

/// No product.
struct Nothing;

impl Product for Nothing {
    fn write(&self, _: &ScoredTemplate<'_>, _: &Decision, _: &mut [Vec<u8>]) {}
}

impl Hindsight<'_> {
    /// Returns why most reads are not kept; `None` if at least half of them are.
    pub(crate) fn losses(
        &self,
        model: Option<(&mut Engine, &Applicability)>,
    ) -> Result<Option<Losses>, PipelineError> {
        let Some(mut losses) = Losses::of(&self.tally.totals, &self.tally.near_misses) else {
            return Ok(None);
        };
        let trimming = self.trimming;
        if let Some((engine, applicability)) = model
            && losses.may_be_ends()
            && !trimming.ends
        {
            let trimming = Trimming { adapters: true, poly: true, ends: true, ..trimming };
            let with_support = !engine.package.has_evidence();
            let mut inserts = RunInserts::learn(self.first, self.adapters, with_support);
            if self.inserts.is_some_and(RunInserts::merges) {
                inserts = inserts.with_merging();
            }
            if let Some(of_run) = self.inserts {
                inserts = inserts.splitting_like(of_run);
            }
            let plan = Plan { trimming, ..self.plan(self.decider, Some(&inserts)) };
            for model in applicability::models(applicability, engine, 1)? {
                losses.try_trimming(self.first, &self.tally.first, model, &plan)?;
            }
        }
        Ok(Some(losses))
    }

    /// Returns what the base model alone would keep; `None` if that is what scored the reads.
    pub(crate) fn alone(
        &self,
        engine: &mut Engine,
        applicability: &Applicability,
        learned: &Learned,
    ) -> Result<Option<ModelAlone>, PipelineError> {
        let is_adapted =
            learned.adaptation.choice == Choice::Adapted || engine.package.has_evidence();
        let Some(first) = self.first.first().filter(|_| is_adapted) else { return Ok(None) };
        // As the run without --adapt: only what is trimmed is left out.
        let trims = self.trimming.needs_inserts() || self.trimming.ends;
        let divides = |inserts: &RunInserts| inserts.merges() || inserts.splits();
        let inserts = self.inserts.filter(|inserts| trims || divides(inserts));
        let mut base = Engine::open(self.choice.package()?, self.choice)?;
        let parts = parts_of(first, inserts);
        let named = self.choice.model.is_some();
        let applies = applicability::check(&base, named, of_sample(first, &parts))?;
        let mut decider = *self.decider;
        if self.is_by_default {
            decider.criteria = match applies.long_reads() {
                Some(LongReads { max_error_rate, .. }) => Criteria {
                    max_expected_error_rate: Some(max_error_rate),
                    ..Criteria::default()
                },
                None => base.package.facts().threshold.into(),
            };
        }
        let plan = self.plan(&decider, inserts);
        let mut models = applicability::models(&applies, &mut base, 2)?.into_iter();
        let Some(model) = models.next() else { return Ok(None) };
        let mut alone = ModelAlone::compare(self.first, &self.tally.first, model, &plan)?;
        if alone.keeps_far_more()
            && let (Some(model), Some(adapted)) =
                (models.next(), applicability::models(applicability, engine, 1)?.pop())
        {
            let plan = self.plan(&decider, self.inserts);
            let plan = Plan { surveys: true, wants_bases: true, ..plan };
            let base = trial(self.first, model, &plan)?;
            alone.explain(&base, &trial(self.first, adapted, &plan)?);
        }
        Ok(Some(alone))
    }

    fn plan<'a>(
        &'a self,
        decider: &'a Decider,
        inserts: Option<&'a RunInserts>,
    ) -> Plan<'a, Nothing> {
        Plan {
            decider,
            product: &Nothing,
            inserts,
            conversion: self.conversion,
            // The first reads are of one kind.
            unpaired: None,
            trimming: self.trimming,
            screen: self.screen,
            wants_bases: self.screen.is_some() || inserts.is_some_and(RunInserts::merges),
            surveys: false,
            yields: false,
            profiling: None,
            splits: false,
            batch_bytes: BATCH_BYTES,
            memory_bytes: MEMORY_BYTES,
            tasks: self.tasks,
            cancellation: self.cancellation,
        }
    }
}
