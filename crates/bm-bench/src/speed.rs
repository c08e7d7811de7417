//! Rows that are measured in turns, in a time that is divided equally.

use std::thread;
use std::time::Duration;

use crate::clock::Clock;
use crate::histogram::Histogram;
use crate::reads::Reads;
use crate::report::Speed;

/// Repeats of each row, after one to warm up.
pub(crate) const REPEATS: usize = 5;

/// Scores reads, for one thread.
pub(crate) trait Runner: Send {
    /// Scores the first `count` reads in one call.
    ///
    /// # Errors
    ///
    /// In words.
    fn call(&mut self, reads: &Reads, count: usize) -> Result<(), String>;
}

/// The runners of an engine and a model, one for each thread.
pub(crate) type Runners<'a> = Vec<Box<dyn Runner + 'a>>;

/// What is measured in a row.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    /// Number of the engine and model.
    pub(crate) pair: usize,
    pub(crate) reads: &'a Reads,
    pub(crate) batch: usize,
    pub(crate) threads: usize,
}

/// Measures all tasks in turns.
///
/// Returns the speed of each task, or why it has none. Every task gets the same part of `time`; one
/// call is made however long it takes.
pub(crate) fn measure(
    pairs: &mut [Runners<'_>],
    tasks: &[Task<'_>],
    time: Duration,
    clock: &dyn Clock,
) -> Vec<Result<Speed, String>> {
    let part = time / tasks.len().max(1) as u32;
    let turn = part / (REPEATS as u32 + 1);
    let mut rows: Vec<_> = tasks.iter().map(|_| Row::default()).collect();
    for round in 0..=REPEATS {
        for (row, task) in rows.iter_mut().zip(tasks) {
            // A task whose calls are longer than its turns has fewer repeats.
            if row.failed.is_some() || (round > 0 && row.spent >= turn * (round as u32 + 1)) {
                continue;
            }
            let runners = pairs.get_mut(task.pair).map_or(&mut [][..], |runners| {
                let threads = task.threads.min(runners.len());
                &mut runners[..threads]
            });
            let start = clock.now();
            let slice = run(runners, task, turn, clock);
            row.spent += clock.now().saturating_sub(start);
            match slice {
                // The first calls fill caches and take memory.
                Ok(_) if round == 0 => {}
                Ok(slice) => row.slices.push(slice),
                Err(reason) => row.failed = Some(reason),
            }
        }
    }
    rows.into_iter().map(|row| row.close(part)).collect()
}

/// What was measured so far.
#[derive(Default)]
struct Row {
    spent: Duration,
    slices: Vec<Slice>,
    failed: Option<String>,
}

impl Row {
    fn close(self, part: Duration) -> Result<Speed, String> {
        if let Some(reason) = self.failed {
            return Err(reason);
        }
        if self.slices.is_empty() {
            return Err(format!(
                "the first call took {:.2} s, longer than the {:.2} s of a row; allow more time",
                self.spent.as_secs_f64(),
                part.as_secs_f64()
            ));
        }
        let mut rates: Vec<_> = self.slices.iter().map(|slice| slice.reads_per_s).collect();
        rates.sort_by(f64::total_cmp);
        let mut times = Histogram::default();
        self.slices.iter().for_each(|slice| times.add_all(&slice.times));
        let reads: f64 = self.slices.iter().map(|slice| slice.reads).sum();
        let cpu: Option<Duration> = self.slices.iter().map(|slice| slice.cpu).sum();
        Ok(Speed {
            repeats: rates.len(),
            calls: times.count(),
            reads_per_s: median(&rates),
            reads_per_s_range: [rates[0], rates[rates.len() - 1]],
            call_p50_s: times.quantile(0.5),
            call_p95_s: times.quantile(0.95),
            cpu_s_per_million_reads: cpu.map(|cpu| cpu.as_secs_f64() / reads * 1e6),
        })
    }
}

/// Returns the median of sorted numbers, at least one.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

/// A repeat.
pub(crate) struct Slice {
    pub(crate) reads: f64,
    pub(crate) reads_per_s: f64,
    times: Histogram,
    cpu: Option<Duration>,
}

/// Calls all runners for some time, at least once, each on a thread of its own.
pub(crate) fn run(
    runners: &mut [Box<dyn Runner + '_>],
    task: &Task<'_>,
    time: Duration,
    clock: &dyn Clock,
) -> Result<Slice, String> {
    let cpu = clock.cpu();
    let outcomes = match runners {
        [] => return Err("it was not loaded".to_owned()),
        [only] => vec![calls(only.as_mut(), task, time, clock)],
        several => thread::scope(|scope| {
            let threads: Vec<_> = several
                .iter_mut()
                .map(|runner| scope.spawn(|| calls(runner.as_mut(), task, time, clock)))
                .collect();
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|_| Err("a thread ended".to_owned()))
            };
            threads.into_iter().map(join).collect()
        }),
    };
    let cpu = clock.cpu().zip(cpu).map(|(after, before)| after.saturating_sub(before));
    let mut slice = Slice { reads: 0.0, reads_per_s: 0.0, times: Histogram::default(), cpu };
    for outcome in outcomes {
        let (times, took) = outcome?;
        let reads = times.count() as f64 * task.batch as f64;
        slice.reads += reads;
        // Each thread by its own time: none waits for the last call of another one.
        slice.reads_per_s += reads / took.as_secs_f64().max(1e-9);
        slice.times.add_all(&times);
    }
    Ok(slice)
}

/// Calls one runner for some time, at least once; returns the times of the calls, and their sum.
fn calls(
    runner: &mut dyn Runner,
    task: &Task<'_>,
    time: Duration,
    clock: &dyn Clock,
) -> Result<(Histogram, Duration), String> {
    let mut times = Histogram::default();
    let start = clock.now();
    let mut before = start;
    loop {
        runner.call(task.reads, task.batch)?;
        let now = clock.now();
        times.add(now.saturating_sub(before));
        before = now;
        if now.saturating_sub(start) >= time {
            return Ok((times, now.saturating_sub(start)));
        }
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::clock::testing::HandClock;

    /// A runner whose calls take a fixed time per call and per read.
    struct Fixed<'a> {
        clock: &'a HandClock,
        per_call: Duration,
        per_read: Duration,
        fails: bool,
        order: &'a Mutex<Vec<Duration>>,
    }

    impl Runner for Fixed<'_> {
        fn call(&mut self, _: &Reads, count: usize) -> Result<(), String> {
            let time = self.per_call + self.per_read * count as u32;
            self.clock.pass(time);
            if let Ok(mut order) = self.order.lock() {
                order.push(self.per_call);
            }
            if self.fails { Err("the device does not answer".to_owned()) } else { Ok(()) }
        }
    }

    /// Measures rows of runners: microseconds per call and per read, and whether they fail. Returns
    /// their speeds, and the calls in order, by their times.
    fn rows(
        clock: &HandClock,
        seconds: u64,
        kinds: &[(u64, u64, bool)],
    ) -> (Vec<Result<Speed, String>>, Vec<Duration>) {
        let order = Mutex::new(Vec::new());
        let reads = Reads::new(1, 10);
        let runner = |(per_call, per_read, fails): &(u64, u64, bool)| -> Runners<'_> {
            vec![Box::new(Fixed {
                clock,
                per_call: Duration::from_micros(*per_call),
                per_read: Duration::from_micros(*per_read),
                fails: *fails,
                order: &order,
            })]
        };
        let mut pairs: Vec<_> = kinds.iter().map(runner).collect();
        let task = |pair| Task { pair, reads: &reads, batch: 16, threads: 1 };
        let tasks: Vec<_> = (0..kinds.len()).map(task).collect();
        let results = measure(&mut pairs, &tasks, Duration::from_secs(seconds), clock);
        drop(pairs);
        (results, order.into_inner().unwrap())
    }

    #[test]
    fn speed_and_times_of_calls_are_those_of_the_clock() {
        let clock = HandClock::default();
        let (results, order) = rows(&clock, 12, &[(100, 10, false), (1000, 0, false)]);
        let [first, second] = &results[..] else { panic!("two rows") };
        let first = first.as_ref().unwrap();
        assert_eq!(first.repeats, REPEATS);
        // 16 reads in 260 microseconds.
        assert!((first.reads_per_s / (16.0 / 260e-6) - 1.0).abs() < 1e-9);
        assert!((first.call_p50_s / 260e-6 - 1.0).abs() < 0.0101);
        assert!((first.call_p95_s / 260e-6 - 1.0).abs() < 0.0101);
        assert_eq!(
            first.cpu_s_per_million_reads.map(|it| (it * 1e6).round()),
            Some((260.0 / 16.0 * 1e6_f64).round())
        );
        assert!((second.as_ref().unwrap().reads_per_s / 16e3 - 1.0).abs() < 1e-9);
        // The rows take turns: six for each.
        let changes = order.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(changes, 2 * (REPEATS + 1) - 1);
        assert!(clock.now() <= Duration::from_secs(13), "{:?}", clock.now());
    }

    #[test]
    fn slow_calls_have_fewer_repeats_and_not_more_time() {
        let clock = HandClock::default();
        // Rows have 6 s, turns 1 s. A call of 3 s is repeated once, one of 7 s is not.
        let (results, _) =
            rows(&clock, 18, &[(3_000_000, 0, false), (7_000_000, 0, false), (10, 0, false)]);
        assert_eq!(results[0].as_ref().map(|speed| speed.repeats), Ok(1));
        assert!(results[1].as_ref().is_err_and(|reason| reason.contains("took 7.00 s")));
        assert_eq!(results[2].as_ref().map(|speed| speed.repeats), Ok(REPEATS));
        assert!(clock.now() <= Duration::from_secs(20));
    }

    #[test]
    fn a_runner_that_fails_is_not_called_again() {
        let clock = HandClock::default();
        let (results, order) = rows(&clock, 1, &[(7, 0, true), (9, 0, false)]);
        assert_eq!(results[0], Err("the device does not answer".to_owned()));
        assert!(results[1].is_ok());
        assert_eq!(order.iter().filter(|time| time.as_micros() == 7).count(), 1);
    }

    #[test]
    fn medians_of_odd_and_even_numbers() {
        assert_eq!(median(&[1.0]), 1.0);
        assert_eq!(median(&[1.0, 3.0]), 2.0);
        assert_eq!(median(&[1.0, 3.0, 9.0]), 3.0);
    }
}
