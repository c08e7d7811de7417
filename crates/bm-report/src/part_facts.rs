//! A part of a run whose reports were merged: what it says of its own.

use bm_pipeline::ReadTotals;
use serde::{Deserialize, Serialize};

use crate::adapter_facts::MateAdapters;
use crate::library_facts::LibraryFacts;
use crate::run_facts::{Domain, EngineFacts, ModelFacts, Time};
use crate::text;

/// A part of a run: its files, and what was found in its first reads.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct PartFacts {
    /// The files of the part.
    pub inputs: Vec<String>,
    /// Its outputs, the main one first.
    pub outputs: Vec<String>,
    /// Which reads of the files, if not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardFacts>,
    /// The name of the sample, if it is one of a sheet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<String>,
    /// The model that scored it, if it is a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelFacts>,
    /// The table of scores, if one was used instead of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<String>,
    /// Its reads.
    pub reads: ReadTotals,
    /// The adapters of each mate in its first reads, if they were looked for or told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adapters_found: Vec<MateAdapters>,
    /// What else of its reads is of the library, if anything was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library: Option<LibraryFacts>,
    /// Whether the model applies to it.
    pub domain: Option<Domain>,
    /// Its engine.
    pub engine: Option<EngineFacts>,
    /// Duration and speed.
    pub time: Time,
}

/// A shard: which reads of the files a part has.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct ShardFacts {
    /// Its number, from 1.
    pub index: u32,
    /// Number of shards of the files.
    pub of: u32,
}

impl PartFacts {
    /// Returns whether the part has no reads, which say nothing of model, adapters or library.
    pub(crate) fn is_empty(&self) -> bool {
        self.reads.r#in == 0
    }

    /// Returns whether its inputs say nothing of which reads it has: whether it is of a stream. Shards
    /// are of one stream.
    pub(crate) fn is_of_stream(&self) -> bool {
        self.shard.is_none() && self.inputs.iter().any(|input| text::is_stream(input))
    }
}
