//! The measurement of a machine.

use std::sync::Arc;
use std::time::Duration;

use bm_infer::Backend;
use bm_infer::backend::Embedded;
use bm_quality::{ModelPackage, Prediction, QualityError, QualityModel};

use crate::clock::Clock;
use crate::machine::Machine;
use crate::not_run::{NotRun, with_causes};
use crate::power::Meter;
use crate::private::without_paths;
use crate::reads::{Reads, SEED};
use crate::report::{DeviceReport, EnergyFacts, EngineFacts, FORMAT, Outcome, Settings, SpeedRow};
use crate::speed::{Runner, Runners, Task};
use crate::{agreement, load, speed};

/// Bases of a long read.
const LONG: usize = 20_000;

/// Reads of a batch of long reads.
const LONG_BATCH: usize = 16;

/// Bases of a short read.
const SHORT: usize = 150;

/// Reads that engines are compared on, and that show how blocks are filled.
const COMPARED: usize = 4096;

/// Fraction of the time for energy, if it can be read.
const FOR_ENERGY: f64 = 0.35;

/// An engine.
pub struct EngineEntry {
    /// Its name.
    pub name: &'static str,
    /// The engine, or why this program does not have it.
    pub backend: Result<Box<dyn Backend>, String>,
}

/// How long and what to measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Time for all, in seconds.
    pub seconds: f64,
    /// Reads in a call, at least one.
    pub batches: Vec<usize>,
    /// Numbers of threads; the last one is that of the loads.
    pub threads: Vec<usize>,
}

impl Default for Plan {
    /// 90 seconds; batches of 1 to 4096 reads; one thread, and all.
    fn default() -> Self {
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        let mut threads = vec![1, all];
        threads.dedup();
        Self { seconds: 90.0, batches: vec![1, 16, 256, 4096], threads }
    }
}

/// A measurement.
pub struct Bench {
    /// The engines.
    pub engines: Vec<EngineEntry>,
    /// The models.
    pub models: Vec<Arc<ModelPackage>>,
    /// How long and what to measure.
    pub plan: Plan,
    /// Texts that the report must not have, such as the path of the home folder.
    pub private: Vec<String>,
}

impl Bench {
    /// Measures. `meter` is the source of power readings, or why there is none; `note` gets a line
    /// for each step.
    ///
    /// An engine that does not run is a row with its reason, and no error.
    pub fn run(
        &self,
        clock: &dyn Clock,
        meter: Result<&mut dyn Meter, String>,
        note: &mut dyn FnMut(&str),
    ) -> DeviceReport {
        let start = clock.now();
        let machine = Machine::this();
        let most = self.plan.batches.iter().copied().max().unwrap_or(1);
        let [short, long] = [Reads::new(most.max(COMPARED), SHORT), Reads::new(LONG_BATCH, LONG)];
        let all = self.plan.threads.last().copied().unwrap_or(1);
        let (mut engines, mut names, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
        for package in &self.models {
            for entry in &self.engines {
                note(&format!("loading {} on {}", package.facts().id, entry.name));
                let (facts, runners) = self.open(entry, package, &short);
                if facts.outcome == Outcome::Ok {
                    names.push([facts.engine.clone(), facts.model.clone()]);
                    pairs.push(runners);
                }
                engines.push(facts);
            }
        }
        let mut tasks = Vec::new();
        for pair in 0..pairs.len() {
            for threads in &self.plan.threads {
                let task = |reads, batch| Task { pair, reads, batch, threads: *threads };
                tasks.extend(self.plan.batches.iter().map(|batch| task(&short, *batch)));
                tasks.push(task(&long, LONG_BATCH));
            }
        }
        // What loading took is not there for measuring; a tenth of the time is, in any case.
        let spent = clock.now().saturating_sub(start).as_secs_f64();
        let rest = (self.plan.seconds - spent).max(0.1 * self.plan.seconds);
        let for_energy = if meter.is_ok() { FOR_ENERGY * rest } else { 0.0 };
        note(&format!("measuring for {:.0} s: {} rows", rest, tasks.len()));
        let time = Duration::from_secs_f64(rest - for_energy);
        let measured = speed::measure(&mut pairs, &tasks, time, clock);
        let speed = tasks.iter().zip(measured).map(|(task, measured)| {
            let [engine, model] = names[task.pair].clone();
            let (measured, reason) = match measured {
                Ok(speed) => (Some(speed), None),
                Err(reason) => (None, Some(without_paths(&reason, &self.private))),
            };
            SpeedRow {
                engine,
                model,
                read_bases: task.reads.bases(),
                batch: task.batch,
                threads: task.threads,
                measured,
                reason,
            }
        });
        let speed = speed.collect();
        let energy = match meter {
            Ok(meter) => {
                note(&format!("measuring energy for {for_energy:.0} s"));
                let load = |pair| Task { pair, reads: &short, batch: most, threads: all };
                let loads: Vec<_> = names
                    .iter()
                    .enumerate()
                    .map(|(pair, names)| (load(pair), names.clone()))
                    .collect();
                let time = Duration::from_secs_f64(for_energy);
                load::measure(&mut pairs, &loads, meter, time, clock)
            }
            Err(reason) => EnergyFacts { reason: Some(reason), ..EnergyFacts::default() },
        };
        DeviceReport {
            format: FORMAT,
            program: "bm".to_owned(),
            command: "bench-device".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            machine,
            settings: Settings {
                seconds: self.plan.seconds,
                seed: SEED,
                read_bases: [SHORT, LONG],
                batches: [self.plan.batches.clone(), vec![LONG_BATCH]],
            },
            engines,
            speed,
            energy,
            wall_s: clock.now().saturating_sub(start).as_secs_f64(),
        }
    }

    /// Loads a model on an engine, for all threads, and compares it with the embedded engine.
    fn open(
        &self,
        entry: &EngineEntry,
        package: &Arc<ModelPackage>,
        reads: &Reads,
    ) -> (EngineFacts, Runners<'static>) {
        let mut facts = EngineFacts {
            engine: entry.name.to_owned(),
            runtime: None,
            model: package.facts().id.clone(),
            model_version: package.facts().version,
            outcome: Outcome::Ok,
            reason: None,
            max_difference: None,
            tolerance: None,
            padding: None,
            plan: Vec::new(),
        };
        let opened = match &entry.backend {
            Ok(backend) => self.compare(backend.as_ref(), package, reads, &mut facts),
            Err(reason) => Err(NotRun::Skipped(reason.clone())),
        };
        let (outcome, reason, runners) = match opened {
            Ok(runners) => (facts.outcome, facts.reason.take(), runners),
            Err(NotRun::Skipped(reason)) => (Outcome::Skipped, Some(reason), Vec::new()),
            Err(NotRun::Refused(reason)) => (Outcome::Refused, Some(reason), Vec::new()),
            Err(NotRun::Failed(reason)) => (Outcome::Fail, Some(reason), Vec::new()),
        };
        facts.outcome = outcome;
        facts.reason = reason.map(|reason| without_paths(&reason, &self.private));
        (facts, runners)
    }

    fn compare(
        &self,
        backend: &dyn Backend,
        package: &Arc<ModelPackage>,
        reads: &Reads,
        facts: &mut EngineFacts,
    ) -> Result<Runners<'static>, NotRun> {
        let open = |backend: &dyn Backend| QualityModel::new(Arc::clone(package), backend);
        let mut first = open(backend).map_err(not_run)?;
        facts.runtime = Some(without_paths(&backend.describe(), &self.private));
        facts.tolerance = Some(backend.tolerance());
        // The embedded engine does not run every model; then there is nothing to compare with.
        if let Ok(mut reference) = open(&Embedded::new()) {
            let difference = agreement::max_difference(&mut first, &mut reference, reads, COMPARED)
                .map_err(not_run)?;
            facts.max_difference = Some(difference);
            if difference > backend.tolerance() {
                facts.outcome = Outcome::Fail;
                facts.reason =
                    Some("its probabilities are not those of the embedded engine".to_owned());
                return Ok(Vec::new());
            }
        }
        facts.padding = first.filling().and_then(|filling| filling.padding());
        let all = self.plan.threads.iter().copied().max().unwrap_or(1);
        let mut runners = vec![Scorer::boxed(first)];
        while runners.len() < all {
            runners.push(Scorer::boxed(open(backend).map_err(not_run)?));
        }
        Ok(runners)
    }
}

fn not_run(error: QualityError) -> NotRun {
    match error {
        QualityError::Infer(error) => error.into(),
        error => NotRun::Failed(with_causes(&error)),
    }
}

/// A model on an engine, with the memory of one thread.
struct Scorer {
    model: QualityModel,
    predictions: Vec<Prediction>,
}

impl Scorer {
    fn boxed(model: QualityModel) -> Box<dyn Runner> {
        Box::new(Self { model, predictions: Vec::new() })
    }
}

impl Runner for Scorer {
    fn call(&mut self, reads: &Reads, count: usize) -> Result<(), String> {
        self.predictions.clear();
        self.model
            .predict_into(reads.first(count), &mut self.predictions)
            .map_err(|error| with_causes(&error))
    }
}
