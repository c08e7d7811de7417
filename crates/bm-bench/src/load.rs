//! Power without load, and under the load of each engine and model.

use std::time::Duration;

use crate::clock::Clock;
use crate::power::{Mark, Meter, Watts};
use crate::report::{EnergyFacts, LoadFacts};
use crate::speed::{Runners, Slice, Task, run};

/// Measures energy in `time`, which is divided equally.
pub(crate) fn measure(
    pairs: &mut [Runners<'_>],
    tasks: &[(Task<'_>, [String; 2])],
    meter: &mut dyn Meter,
    time: Duration,
    clock: &dyn Clock,
) -> EnergyFacts {
    let part = time / (tasks.len() as u32 + 1);
    let idle = phase(meter, clock, || {
        clock.sleep(part);
        Ok(())
    });
    // All loads are over before the meter is asked: the samples of some come later.
    let loads: Vec<_> = tasks
        .iter()
        .map(|(task, _)| {
            let runners = pairs.get_mut(task.pair).map_or(&mut [][..], Vec::as_mut_slice);
            let threads = task.threads.min(runners.len());
            phase(meter, clock, || run(&mut runners[..threads], task, part, clock))
        })
        .collect();
    let idle = idle.and_then(|([from, to], ())| meter.between(&from, &to, clock));
    let idle_watts = idle.as_ref().ok().map(|watts| watts.total);
    let loads = loads.into_iter().zip(tasks).map(|(load, (_, [engine, model]))| {
        let facts = |seconds, reads_per_s, watts: Option<Watts>, reason| LoadFacts {
            engine: engine.clone(),
            model: model.clone(),
            seconds,
            reads_per_s,
            watts,
            joules_per_million_reads: watts.map(|watts| watts.total / reads_per_s * 1e6),
            joules_per_million_reads_above_idle: watts
                .zip(idle_watts)
                .map(|(watts, idle)| (watts.total - idle) / reads_per_s * 1e6),
            reason,
        };
        match load {
            Err(reason) => facts(0.0, 0.0, None, Some(reason)),
            Ok(([from, to], Slice { reads, .. })) => {
                let seconds = to.seconds - from.seconds;
                let watts = meter.between(&from, &to, clock);
                let reason = watts.as_ref().err().cloned();
                facts(seconds, reads / seconds, watts.ok(), reason)
            }
        }
    });
    let loads = loads.collect();
    EnergyFacts {
        source: Some(meter.name().to_owned()),
        loads,
        reason: idle.as_ref().err().cloned(),
        idle: idle.ok(),
    }
}

/// Does something between two marks.
fn phase<T>(
    meter: &mut dyn Meter,
    clock: &dyn Clock,
    what: impl FnOnce() -> Result<T, String>,
) -> Result<([Mark; 2], T), String> {
    let from = meter.mark(clock)?;
    let result = what()?;
    Ok(([from, meter.mark(clock)?], result))
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clock::testing::HandClock;
    use crate::reads::Reads;
    use crate::speed::Runner;

    /// 3 W without load, and 7 W more for each second of work.
    struct Counter;

    impl Meter for Counter {
        fn name(&self) -> &'static str {
            "counter"
        }

        fn mark(&mut self, clock: &dyn Clock) -> Result<Mark, String> {
            let (now, worked) = (clock.now().as_secs_f64(), clock.cpu().unwrap().as_secs_f64());
            Ok(Mark { unix: clock.unix(), seconds: now, joules: Some(3.0 * now + 7.0 * worked) })
        }

        fn between(&mut self, from: &Mark, to: &Mark, _: &dyn Clock) -> Result<Watts, String> {
            let joules = to.joules.unwrap() - from.joules.unwrap();
            Ok(Watts { total: joules / (to.seconds - from.seconds), ..Watts::default() })
        }
    }

    struct Worker<'a>(&'a HandClock);

    impl Runner for Worker<'_> {
        fn call(&mut self, _: &Reads, count: usize) -> Result<(), String> {
            self.0.pass(Duration::from_micros(count as u64));
            Ok(())
        }
    }

    #[test]
    fn energy_per_read_is_power_over_speed() {
        let clock = HandClock::default();
        let reads = Reads::new(1, 10);
        let mut pairs: Vec<Runners<'_>> = vec![vec![Box::new(Worker(&clock))], vec![]];
        let names = ["embedded".to_owned(), "model".to_owned()];
        let task = |pair| (Task { pair, reads: &reads, batch: 1000, threads: 4 }, names.clone());
        let facts =
            measure(&mut pairs, &[task(0), task(1)], &mut Counter, Duration::from_secs(9), &clock);
        assert_eq!(facts.source.as_deref(), Some("counter"));
        assert_eq!(facts.idle.map(|watts| watts.total.round()), Some(3.0));
        let load = &facts.loads[0];
        // A million reads in a second, at 10 W.
        assert!((load.reads_per_s / 1e6 - 1.0).abs() < 1e-9 && (load.seconds - 3.0).abs() < 0.01);
        assert!((load.joules_per_million_reads.unwrap() - 10.0).abs() < 1e-6, "{load:?}");
        assert!((load.joules_per_million_reads_above_idle.unwrap() - 7.0).abs() < 1e-6);
        let failed = &facts.loads[1];
        assert_eq!(failed.reason.as_deref(), Some("it was not loaded"));
        assert_eq!((failed.watts, failed.joules_per_million_reads), (None, None));
    }
}
