//! What was measured: numbers and names, as the JSON has them.

use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::power::Watts;

/// Version of the format of [`DeviceReport`].
pub const FORMAT: u32 = 1;

/// What was measured on a machine.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct DeviceReport {
    /// Version of the format, [`FORMAT`].
    pub format: u32,
    /// `bm`.
    pub program: String,
    /// `bench-device`.
    pub command: String,
    /// Version of this crate.
    pub version: String,
    /// The machine.
    pub machine: Machine,
    /// How it was measured.
    pub settings: Settings,
    /// A row for each model and engine: whether it runs.
    pub engines: Vec<EngineFacts>,
    /// A row for each model, engine, batch size and number of threads.
    pub speed: Vec<SpeedRow>,
    /// Energy.
    pub energy: EnergyFacts,
    /// Time of the whole measurement, in seconds.
    pub wall_s: f64,
}

/// How it was measured.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Settings {
    /// The time that was allowed, in seconds.
    pub seconds: f64,
    /// The seed of the reads.
    pub seed: u64,
    /// Bases of a short read and of a long one.
    pub read_bases: [usize; 2],
    /// Reads in a call, for short reads and for long ones.
    pub batches: [Vec<usize>; 2],
}

/// Whether an engine runs a model.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It runs, and its probabilities are those of the embedded engine within its tolerance.
    Ok,
    /// It runs, and its probabilities differ by more; or it failed.
    Fail,
    /// It does not run this model.
    Refused,
    /// It is not on this machine.
    Skipped,
}

/// An engine and a model.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct EngineFacts {
    /// The engine's name.
    pub engine: String,
    /// Engine, version and device.
    pub runtime: Option<String>,
    /// The model's id.
    pub model: String,
    /// The model's version.
    pub model_version: u32,
    /// Whether it runs.
    pub outcome: Outcome,
    /// Why it does not.
    pub reason: Option<String>,
    /// Largest difference of a probability, or of a read's expected errors per base, from the
    /// embedded engine; `None` if that does not run the model.
    pub max_difference: Option<f32>,
    /// How much they may differ.
    pub tolerance: Option<f32>,
    /// Fraction of the device's blocks that was padding when 4096 short reads were scored in a call;
    /// `None` for an engine that takes any shape.
    pub padding: Option<f64>,
    /// CoreML's plan, if it was logged: a plan is no proof that it ran there.
    pub plan: Vec<PlannedOperation>,
}

/// An operation of a CoreML model.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct PlannedOperation {
    /// The operation's name, such as `ios17.conv`.
    pub operation: String,
    /// The device that CoreML prefers: `Neural Engine`, `GPU`, `CPU` or `unknown`.
    pub device: String,
    /// Its fraction of the estimated cost of the model.
    pub cost: Option<f64>,
}

/// A row of the measurement of speed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct SpeedRow {
    /// The engine's name.
    pub engine: String,
    /// The model's id.
    pub model: String,
    /// Bases of a read.
    pub read_bases: usize,
    /// Reads in a call.
    pub batch: usize,
    /// Threads, each of which makes calls.
    pub threads: usize,
    /// What was measured; `None` if a call takes longer than the time of a row, or failed.
    pub measured: Option<Speed>,
    /// Why nothing was measured.
    pub reason: Option<String>,
}

/// Speed and time per call.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Speed {
    /// Number of repeats.
    pub repeats: usize,
    /// Calls in all repeats.
    pub calls: u64,
    /// Reads per second of all threads: median of the repeats.
    pub reads_per_s: f64,
    /// The slowest and the fastest repeat.
    pub reads_per_s_range: [f64; 2],
    /// Median of the times of all calls, in seconds, to 1 %.
    pub call_p50_s: f64,
    /// The time that 95 % of the calls are not above, in seconds, to 1 %.
    pub call_p95_s: f64,
    /// Processor time of the whole program per million reads, in seconds: what is left of the
    /// processor for other work.
    pub cpu_s_per_million_reads: Option<f64>,
}

/// Energy.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct EnergyFacts {
    /// `rapl` or `powermetrics`; `None` if nothing could be read.
    pub source: Option<String>,
    /// Why energy could not be read.
    pub reason: Option<String>,
    /// Power without load.
    pub idle: Option<Watts>,
    /// A row for each model and engine.
    pub loads: Vec<LoadFacts>,
}

/// Power and energy under load: the largest batch of short reads on all threads.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct LoadFacts {
    /// The engine's name.
    pub engine: String,
    /// The model's id.
    pub model: String,
    /// Length of the load, in seconds.
    pub seconds: f64,
    /// Reads per second.
    pub reads_per_s: f64,
    /// Power; `None` if it could not be read.
    pub watts: Option<Watts>,
    /// Energy per million reads, in joules, of all that the source shows.
    pub joules_per_million_reads: Option<f64>,
    /// The same without the power of the idle machine.
    pub joules_per_million_reads_above_idle: Option<f64>,
    /// Why there is no power, or no load.
    pub reason: Option<String>,
}
