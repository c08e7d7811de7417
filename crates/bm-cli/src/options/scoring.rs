//! What `filter` and `score` share: which reads, what scores them, and what decides.

use std::path::PathBuf;

use anyhow::Result;
use bm_io::Durability;
use bm_pipeline::{FileGroup, RunSettings};

use crate::options::criteria::CriteriaArgs;
use crate::options::engine::EngineArgs;
use crate::options::input::{IgnoreArgs, InputArgs, QualityArgs, StrictArgs, inputs_of};
use crate::options::learning::LearningArgs;
use crate::options::reports::ReportArgs;
use crate::options::rules::RulesArgs;
use crate::options::running::{RunArgs, WritingArgs};
use crate::options::shard::ShardArgs;
use crate::options::tags::command_line;
use crate::options::trimming::TrimmingArgs;

/// Reads, model, criteria, rules and threads.
#[derive(Debug, clap::Args)]
pub(crate) struct ScoringArgs {
    #[command(flatten)]
    pub(crate) reports: ReportArgs,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    criteria: CriteriaArgs,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    trimming: TrimmingArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    learning: LearningArgs,
    #[command(flatten)]
    ignore: IgnoreArgs,
    #[command(flatten)]
    quality: QualityArgs,
    #[command(flatten)]
    strict: StrictArgs,
    #[command(flatten)]
    shard: ShardArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    writing: WritingArgs,
}

impl ScoringArgs {
    /// Returns whether outputs are on the disk when they get their names.
    pub(crate) fn durability(&self) -> Durability {
        self.writing.durability()
    }

    /// Returns the files that are named, in groups.
    ///
    /// # Errors
    ///
    /// If it is not clear which files are of mates.
    pub(crate) fn groups(&self) -> Result<Vec<FileGroup>> {
        self.input.groups()
    }

    /// Returns a flag that is given and is for pairs only.
    pub(crate) fn pair_flag(&self) -> Option<&'static str> {
        self.input.pair_flag()
    }

    /// Returns the settings of a run of these files, with the table of scores that takes the place of the
    /// model, if there is one.
    ///
    /// # Errors
    ///
    /// If the adapters that are given cannot be read.
    pub(crate) fn settings(
        &self,
        groups: Vec<FileGroup>,
        scores: Option<PathBuf>,
    ) -> Result<RunSettings> {
        let mut inputs = inputs_of(groups, &self.quality, &self.strict);
        inputs.ignore_quality = self.ignore.ignores();
        inputs.shard = self.shard.shard;
        Ok(RunSettings {
            inputs,
            engine: self.engine.choice(),
            scores,
            goal: None,
            screen: None,
            reported_errors: false,
            learning_bytes: self.learning.bytes(),
            evidence: true,
            criteria: self.criteria.criteria(),
            rules: self.rules.rules(),
            trimming: self.trimming.trimming(),
            adapters: self.trimming.adapters.choice()?,
            pair_mode: self.input.pair_mode(),
            threads: self.run.threads(),
            level: self.writing.level,
            durability: self.writing.durability(),
            surveys: self.reports.needs_survey(),
            profiles: self.reports.needs_profile(),
            cancellation: None,
            command_line: command_line(),
        })
    }
}
