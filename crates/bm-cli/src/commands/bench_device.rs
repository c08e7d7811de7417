//! `bm bench-device`: what the engines do on this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use bm_bench::power::{self, Meter, PowerMetrics};
use bm_bench::{Bench, DeviceReport, EngineEntry, Outcome, Plan, PlannedOperation, RealClock};
use bm_io::{Compression, Output};
use bm_pipeline::{BackendChoice, EngineChoice, open_package};
use bm_quality::{ModelPackage, QualityModel};
use bm_report::{words, write_json};

use crate::options::engine::EngineArgs;
use crate::options::values;
use crate::terminal;

/// How long CoreML has to write its plan, which it makes beside the loading of the model.
const FOR_PLAN: Duration = Duration::from_secs(2);

/// Measure the engines on this machine: agreement, speed, time per call, energy
///
/// Takes a minute and a half, and needs no files: the reads are made up, always the same ones. Every
/// model runs on every engine, with several batch sizes, on one thread and on all. The first lines say
/// for each model and engine: `ok`, `FAIL`, `refused` or `skipped`, as `bm selfcheck` does. Without
/// --backend, all engines are measured; without --model, all embedded models.
///
/// Energy is read from the processor's counters (RAPL) on Linux. macOS shows it to an administrator
/// only: in a second terminal, type
///
///   sudo powermetrics --samplers cpu_power,ane_power -i 200 -b 1 -o power.txt
///
/// then `bm bench-device --power power.txt` here, and stop the first with Ctrl-C at the end.
///
/// Please attach the file of --json to a report. It names the processor and the versions of system and
/// libraries, and no host, user or folder.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    engine: EngineArgs,
    /// Write all figures as JSON
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    json: Option<PathBuf>,
    /// The output of powermetrics, text or property lists, which runs meanwhile (macOS)
    #[arg(long, value_name = "FILE", help_heading = "Measurement")]
    power: Option<PathBuf>,
    /// Time for all, in seconds; with less than a minute, figures scatter more
    #[arg(
        long,
        value_name = "N",
        default_value_t = 90.0,
        value_parser = values::seconds,
        help_heading = "Measurement"
    )]
    seconds: f64,
    /// Load the model on CoreML, and let it write its plan to stderr
    #[arg(long, hide = true)]
    log_plan: bool,
}

impl Args {
    /// Measures, and prints the figures.
    pub(crate) fn run(&self) -> Result<()> {
        let choice = self.engine.choice();
        if self.log_plan {
            return log_plan(&choice);
        }
        check_named(&choice)?;
        let bench = self.bench(&choice)?;
        let json = self
            .json
            .as_deref()
            .map(|path| Output::create(path, &[], &Compression::on_this_thread(None)));
        let mut json = json.transpose()?;
        let mut files = match &self.power {
            Some(path) => Some(
                PowerMetrics::open(path)
                    .map_err(|reason| anyhow!("{}: {reason}", path.display()))?,
            ),
            None => None,
        };
        let mut counters = power::of_this_machine();
        let meter: Result<&mut dyn Meter, String> = match (&mut files, &mut counters) {
            (Some(file), _) => Ok(file),
            (None, Ok(counters)) => Ok(counters),
            (None, Err(reason)) => Err(reason.clone()),
        };
        let mut report = bench.run(&RealClock::start(), meter, &mut |line| {
            terminal::note(&format!("bm: {line}"));
        });
        for row in &mut report.engines {
            if row.engine == BackendChoice::CoreMl.name() && row.outcome == Outcome::Ok {
                row.plan = plan(choice.model.as_deref().unwrap_or(&row.model), &choice);
            }
        }
        terminal::print(format!("{}\n", terminal::harmless(&words::device(&report))).as_bytes())?;
        if let Some(json) = &mut json {
            write_json(&report, json)?;
        }
        if let Some(json) = json {
            json.finish()?;
        }
        close(&report, choice.backend != BackendChoice::Auto)
    }

    fn bench(&self, choice: &EngineChoice) -> Result<Bench> {
        let models: Vec<Option<&str>> = match &choice.model {
            Some(model) => vec![Some(model)],
            None => ModelPackage::embedded_ids().map(Some).collect(),
        };
        let named = [choice.backend];
        let engines: &[BackendChoice] = match choice.backend {
            BackendChoice::Auto => &BackendChoice::ENGINES,
            _ => &named,
        };
        let entry = |engine: &BackendChoice| EngineEntry {
            name: engine.name(),
            backend: choice.backend(*engine).map_err(|error| error.to_string()),
        };
        let models = models.into_iter().map(|model| Ok(Arc::new(open_package(model)?)));
        Ok(Bench {
            engines: engines.iter().map(entry).collect(),
            models: models.collect::<Result<_>>()?,
            plan: Plan { seconds: self.seconds, ..Plan::default() },
            private: private(choice),
        })
    }
}

/// Checks an engine or a library that was named, before anything is measured.
fn check_named(choice: &EngineChoice) -> Result<()> {
    let named = match choice.backend {
        BackendChoice::Auto if choice.ort_library.is_some() => BackendChoice::OnnxRuntime,
        BackendChoice::Auto => return Ok(()),
        named => named,
    };
    Ok(choice.backend(named)?.check()?)
}

/// Returns an error if an engine gives wrong probabilities, or if one was named and does not run.
fn close(report: &DeviceReport, is_named: bool) -> Result<()> {
    let failed = report.engines.iter().filter(|row| row.outcome == Outcome::Fail).count();
    if failed > 0 {
        bail!("{failed} of the lines above say FAIL; do not use this engine on this machine");
    }
    let has_run = report.engines.iter().any(|row| row.outcome == Outcome::Ok);
    match report.engines.first() {
        Some(row) if is_named && !has_run => {
            let reason = row.reason.as_deref().unwrap_or_default();
            bail!("nothing was measured: {}: {reason}", row.engine)
        }
        _ => Ok(()),
    }
}

/// Returns the paths that nobody else needs to know.
fn private(choice: &EngineChoice) -> Vec<String> {
    let folder = |path: Option<&Path>| path.and_then(Path::parent).map(Path::to_owned);
    let library = choice.ort_library.as_deref();
    [
        std::env::home_dir(),
        std::env::current_dir().ok(),
        std::env::current_exe().ok().and_then(|path| folder(Some(&path))),
        folder(library),
        folder(library.and_then(|path| path.canonicalize().ok()).as_deref()),
        std::env::var_os("ORT_DYLIB_PATH").and_then(|path| folder(Some(path.as_ref()))),
    ]
    .into_iter()
    .flatten()
    .map(|path| path.to_string_lossy().into_owned())
    .collect()
}

/// Returns CoreML's plan for a model. A process of its own loads the model: the system's library writes
/// the plan to stderr.
fn plan(model: &str, choice: &EngineChoice) -> Vec<PlannedOperation> {
    let Ok(program) = std::env::current_exe() else { return Vec::new() };
    let mut command = Command::new(program);
    command.args(["bench-device", "--log-plan", "--backend", "coreml", "-m", model]);
    if let Some(library) = &choice.ort_library {
        command.arg("--ort-lib").arg(library);
    }
    // The system's log goes to stderr, too.
    command.env("CFLOG_FORCE_STDERR", "YES").stdin(Stdio::null()).stdout(Stdio::null());
    match command.output() {
        Ok(output) => bm_bench::planned(&String::from_utf8_lossy(&output.stderr)),
        Err(_) => Vec::new(),
    }
}

fn log_plan(choice: &EngineChoice) -> Result<()> {
    let backend = choice.coreml_logging_plan()?;
    QualityModel::new(Arc::new(choice.package()?), backend.as_ref()).context("coreml")?;
    thread::sleep(FOR_PLAN);
    Ok(())
}
