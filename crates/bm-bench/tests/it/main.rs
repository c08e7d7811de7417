//! A machine measured in half a second: the rows of engines that run, and of those that do not.
// A test stops where it panics.
#![allow(clippy::unwrap_used)]

use bm_bench::power::{Mark, Meter, Watts};
use bm_bench::{Bench, Clock, DeviceReport, EngineEntry, Outcome, Plan, RealClock};
use bm_infer::backend::Embedded;
use bm_infer::{Backend, InferError, ModelFile, Session};
use bm_quality::ModelPackage;

/// An engine that runs nothing, for a reason with a path.
struct Nothing(fn() -> InferError);

impl Backend for Nothing {
    fn name(&self) -> &'static str {
        "nothing"
    }

    fn describe(&self) -> String {
        "nothing (/home/jane/lib/nothing.so)".to_owned()
    }

    fn check(&self) -> Result<(), InferError> {
        Err((self.0)())
    }

    fn load(&self, _: &ModelFile) -> Result<Box<dyn Session>, InferError> {
        Err((self.0)())
    }
}

/// The embedded engine, with a name of a file in its description.
struct Named(Embedded);

impl Backend for Named {
    fn name(&self) -> &'static str {
        "named"
    }

    fn describe(&self) -> String {
        "Named 1.2 (/home/jane doe/lib/named.so), CPU".to_owned()
    }

    fn check(&self) -> Result<(), InferError> {
        self.0.check()
    }

    fn load(&self, model: &ModelFile) -> Result<Box<dyn Session>, InferError> {
        self.0.load(model)
    }
}

/// A source that shows 4 W.
struct FourWatts;

impl Meter for FourWatts {
    fn name(&self) -> &'static str {
        "four watts"
    }

    fn mark(&mut self, clock: &dyn Clock) -> Result<Mark, String> {
        let seconds = clock.now().as_secs_f64();
        Ok(Mark { unix: clock.unix(), seconds, joules: Some(4.0 * seconds) })
    }

    fn between(&mut self, _: &Mark, _: &Mark, _: &dyn Clock) -> Result<Watts, String> {
        Ok(Watts { total: 4.0, ..Watts::default() })
    }
}

fn measured(meter: Result<&mut dyn Meter, String>) -> DeviceReport {
    let entry = |name, backend: Box<dyn Backend>| EngineEntry { name, backend: Ok(backend) };
    let unavailable = || InferError::BackendUnavailable {
        backend: "nothing",
        reason: "/home/jane doe/lib/nothing.so is not there".to_owned(),
        source: None,
    };
    let unsupported = || InferError::ModelUnsupported {
        model: "mean-q20".to_owned(),
        backend: "nothing",
        reason: "it is too deep".to_owned(),
    };
    let failed = || InferError::Run { backend: "nothing", source: "no answer".into() };
    Bench {
        engines: vec![
            entry("embedded", Box::new(Embedded::new())),
            entry("named", Box::new(Named(Embedded::new()))),
            entry("missing", Box::new(Nothing(unavailable))),
            entry("refusing", Box::new(Nothing(unsupported))),
            entry("failing", Box::new(Nothing(failed))),
            EngineEntry { name: "left out", backend: Err("built without it".to_owned()) },
        ],
        models: vec![ModelPackage::embedded("mean-q20").unwrap().into()],
        plan: Plan { seconds: 0.5, batches: vec![1, 64], threads: vec![1, 2] },
        private: vec!["/home/jane doe".to_owned()],
    }
    .run(&RealClock::start(), meter, &mut |_| ())
}

#[test]
fn engines_that_do_not_run_are_rows_with_their_reason() {
    let report = measured(Err("there is no meter".to_owned()));
    let rows: Vec<_> = report
        .engines
        .iter()
        .map(|row| (row.engine.as_str(), row.outcome, row.reason.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        rows,
        [
            ("embedded", Outcome::Ok, ""),
            ("named", Outcome::Ok, ""),
            ("missing", Outcome::Skipped, "…/nothing.so is not there"),
            ("refusing", Outcome::Refused, "it is too deep"),
            ("failing", Outcome::Fail, "the nothing backend failed: no answer"),
            ("left out", Outcome::Skipped, "built without it"),
        ]
    );
    assert_eq!(report.engines[1].runtime.as_deref(), Some("Named 1.2 (…/named.so), CPU"));
    assert_eq!(report.engines[1].max_difference, Some(0.0));
    assert_eq!(report.energy.reason.as_deref(), Some("there is no meter"));
    // Two engines, two numbers of threads, two batches of short reads and one of long ones.
    assert_eq!(report.speed.len(), 2 * 2 * 3);
    for row in &report.speed {
        // A machine under load may have had no time for a second call.
        let Some(measured) = &row.measured else {
            assert!(row.reason.is_some());
            continue;
        };
        assert!(measured.calls >= 1 && measured.reads_per_s > 0.0);
        let [slowest, fastest] = measured.reads_per_s_range;
        assert!(slowest <= measured.reads_per_s && measured.reads_per_s <= fastest);
        assert!(measured.call_p50_s <= measured.call_p95_s);
    }
    assert!(!serde_json::to_string(&report).unwrap().contains("jane"));
}

#[test]
fn energy_is_measured_for_each_engine_and_the_report_is_read_back() {
    let report = measured(Ok(&mut FourWatts));
    assert_eq!(report.energy.source.as_deref(), Some("four watts"));
    assert_eq!(report.energy.loads.len(), 2);
    for load in &report.energy.loads {
        let joules = load.joules_per_million_reads.unwrap();
        assert!((joules * load.reads_per_s / 4e6 - 1.0).abs() < 1e-9);
        assert_eq!(load.joules_per_million_reads_above_idle, Some(0.0));
    }
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<DeviceReport>(&text).unwrap(), report);
}
