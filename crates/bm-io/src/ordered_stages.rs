//! Passes items through three stages on a fixed number of threads: items are read one after
//! another, processed in parallel, and taken in the order of reading.
//!
//! No stage has a thread of its own. Each thread does the most urgent step next, so all threads are
//! busy whichever stage takes the time, and a single thread does everything without waiting.
//! Deadlock is impossible: a waiting thread holds no item, and a thread that holds an item always
//! returns it, with a result or an error.
//!
//! Memory is bounded twice. A fixed number of items circulates; and while the items in flight weigh
//! as much as the [`Budget`] allows, no further item is read. An item's weight is known only when it
//! is read: one that exceeds the budget waits until the items before it are taken, and is processed
//! alone. So there is always an item that can go on.
//!
//! A pool such as rayon's processes items in any order and does not limit their number in memory;
//! order and limit on top of it would need the same bookkeeping as here.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, select};
use thiserror::Error;

use crate::tasks::{Tasks, Tools};

/// Items per thread: one being processed, one waiting for that, one waiting to be taken.
const ITEMS_PER_THREAD: usize = 3;

/// An item heavier than this fraction of the budget is not used again: it would keep its memory.
const HEAVY: usize = 64;

/// The memory of all items together.
pub struct Budget<F> {
    /// Largest weight of all items in flight, in bytes. A single item may be heavier.
    pub bytes: usize,
    /// Returns the memory in bytes that an item takes at most, from when it is read until it is
    /// taken.
    pub weight: F,
}

/// A stage panicked.
#[derive(Clone, Copy, Debug, Error)]
#[error("{stage} stopped unexpectedly; this is a bug in bm")]
pub struct StageStopped {
    stage: &'static str,
}

/// Reads items, processes them on as many threads as there are `workers`, and takes them in the
/// order of reading; in between, threads do `tasks`. Items in flight stay within the `budget`.
///
/// If the system gives fewer threads, those that there are do the work; the calling thread is one.
///
/// `read` fills an item, which may be a used one, and returns whether there may be more. If it
/// fails, the items before are taken first.
///
/// # Errors
///
/// The first error in the order of the items, or [`StageStopped`] if a stage panicked or there are
/// no workers.
pub fn run<T: Default + Send, W: Send, E: From<StageStopped> + Send>(
    workers: Vec<W>,
    tasks: &Tasks,
    budget: Budget<impl Fn(&T) -> usize + Sync>,
    read: impl FnMut(&mut T) -> Result<bool, E> + Send,
    work: impl Fn(&mut W, &mut T) -> Result<(), E> + Sync,
    take: impl FnMut(&T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let threads = workers.len();
    let (ring, bell) = bounded(threads);
    let state = State {
        empty: (0..ITEMS_PER_THREAD * threads).map(|_| T::default()).collect(),
        filled: VecDeque::new(),
        worked: BTreeMap::new(),
        reader: Some(read),
        taker: Some(take),
        read: 0,
        taken: 0,
        in_flight: 0,
        at_end: false,
        outcome: None,
    };
    let stages = Stages { threads, tasks, budget, work, ring, bell, state: Mutex::new(state) };
    thread::scope(|scope| {
        let mut workers = workers.into_iter();
        let ours = workers.next();
        for worker in workers {
            let stages = &stages;
            let spawned = thread::Builder::new().spawn_scoped(scope, move || stages.serve(worker));
            if spawned.is_err() {
                // The system gives no more threads.
                break;
            }
        }
        // The calling thread is one of the workers.
        if let Some(worker) = ours {
            stages.serve(worker);
        }
    });
    stages
        .state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .outcome
        .unwrap_or(Err(StageStopped { stage: "a run without workers" }.into()))
}

/// State common to all threads.
struct Stages<'a, T, R, F, K, E, B> {
    threads: usize,
    tasks: &'a Tasks,
    budget: Budget<B>,
    work: F,
    /// Wakes waiting threads: one message each, and no more messages than threads.
    ring: Sender<()>,
    bell: Receiver<()>,
    state: Mutex<State<T, R, K, E>>,
}

struct State<T, R, K, E> {
    /// Items to be filled.
    empty: Vec<T>,
    /// Items to be processed, with their number.
    filled: VecDeque<(u64, Weighed<T>)>,
    /// Processed items that wait to be taken, or the error in their place.
    worked: BTreeMap<u64, Result<Weighed<T>, E>>,
    /// The reader, unless a thread is reading.
    reader: Option<R>,
    /// The taker, unless a thread is taking.
    taker: Option<K>,
    /// Items read.
    read: u64,
    /// Items taken.
    taken: u64,
    /// Weight of the items that were read and not taken yet, in bytes.
    in_flight: usize,
    /// Whether the last item was read.
    at_end: bool,
    /// How the run ended.
    outcome: Option<Result<(), E>>,
}

/// An item that was read, and its weight.
struct Weighed<T> {
    item: T,
    weight: usize,
}

/// The next step of a thread.
enum Step<T, R, K, E> {
    Take(K, Result<Weighed<T>, E>),
    Work(u64, Weighed<T>),
    Read(R, T),
    Wait,
    Stop,
}

impl<T, R, F, K, E, B> Stages<'_, T, R, F, K, E, B>
where
    T: Default,
    B: Fn(&T) -> usize,
    R: FnMut(&mut T) -> Result<bool, E>,
    K: FnMut(&T) -> Result<(), E>,
    E: From<StageStopped>,
{
    /// Does the most urgent step until everything is done.
    fn serve<W>(&self, mut worker: W)
    where
        F: Fn(&mut W, &mut T) -> Result<(), E>,
    {
        let mut tools = Tools::default();
        loop {
            // Another thread may be waiting for the result of a task.
            if let Ok(task) = self.tasks.queue().try_recv() {
                task.run(&mut tools);
                continue;
            }
            match self.next() {
                Step::Take(taker, item) => self.take(taker, item),
                Step::Work(number, mut weighed) => {
                    let item = &mut weighed.item;
                    let outcome = guarded("a worker", || (self.work)(&mut worker, item));
                    self.lock().worked.insert(number, outcome.map(|()| weighed));
                }
                Step::Read(reader, item) => self.read(reader, item),
                Step::Wait => {
                    select! {
                        recv(self.tasks.queue()) -> task => {
                            task.into_iter().for_each(|task| task.run(&mut tools));
                        }
                        recv(self.bell) -> _ => {}
                    }
                    continue;
                }
                Step::Stop => break self.wake(),
            }
            self.wake();
        }
    }

    /// Wakes waiting threads.
    fn wake(&self) {
        for _ in 0..self.threads {
            // If there is no room, there are enough messages for all threads.
            let _ = self.ring.try_send(());
        }
    }

    /// Chooses the next step: finished items are taken first, then enough is read ahead.
    fn next(&self) -> Step<T, R, K, E> {
        let mut state = self.lock();
        let state = &mut *state;
        if state.outcome.is_some() {
            return Step::Stop;
        }
        if let Some(taker) = state.taker.take() {
            match state.worked.remove(&state.taken) {
                Some(item) => return Step::Take(taker, item),
                None if state.at_end && state.taken == state.read => {
                    state.outcome = Some(Ok(()));
                    return Step::Stop;
                }
                None => state.taker = Some(taker),
            }
        }
        let is_over = state.in_flight > self.budget.bytes;
        if state.filled.len() < self.threads
            && !state.at_end
            && (state.in_flight < self.budget.bytes || state.taken == state.read)
            && let Some(reader) = state.reader.take()
        {
            match state.empty.pop() {
                Some(item) => return Step::Read(reader, item),
                None => state.reader = Some(reader),
            }
        }
        // Nothing is read after an item that exceeds the budget, so it is the last one.
        let waits = |number| is_over && number + 1 == state.read && number != state.taken;
        match state.filled.front() {
            Some((number, _)) if waits(*number) => Step::Wait,
            _ => state
                .filled
                .pop_front()
                .map_or(Step::Wait, |(number, item)| Step::Work(number, item)),
        }
    }

    fn read(&self, mut reader: R, mut item: T) {
        let more = guarded("the reader", || reader(&mut item));
        let weight = (self.budget.weight)(&item);
        let mut state = self.lock();
        let number = state.read;
        state.read += 1;
        state.at_end = !matches!(more, Ok(true));
        match more {
            Ok(_) => {
                state.in_flight += weight;
                state.filled.push_back((number, Weighed { item, weight }));
            }
            Err(error) => _ = state.worked.insert(number, Err(error)),
        }
        state.reader = Some(reader);
    }

    fn take(&self, mut taker: K, item: Result<Weighed<T>, E>) {
        let outcome = item.and_then(|Weighed { item, weight }| {
            guarded("the writer", || taker(&item))?;
            let is_heavy = weight > self.budget.bytes / HEAVY;
            Ok((if is_heavy { T::default() } else { item }, weight))
        });
        let mut state = self.lock();
        match outcome {
            Ok((item, weight)) => {
                state.taken += 1;
                state.in_flight -= weight;
                state.empty.push(item);
                state.taker = Some(taker);
            }
            Err(error) => state.outcome = Some(Err(error)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T, R, K, E>> {
        // Nothing that can panic runs while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a stage. A panic becomes an error: otherwise the other threads would wait for the item that
/// the stage held.
fn guarded<T, E: From<StageStopped>>(
    stage: &'static str,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let caught = catch_unwind(AssertUnwindSafe(work));
    caught.unwrap_or_else(|_: Box<dyn Any + Send>| Err(StageStopped { stage }.into()))
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// The error of a stage in these tests.
    #[derive(Debug, Error)]
    enum Failure {
        #[error("{0}")]
        Fault(String),
        #[error(transparent)]
        Stopped(#[from] StageStopped),
        #[error(transparent)]
        Io(#[from] io::Error),
    }

    /// The item at which each stage fails, and how.
    #[derive(Clone, Copy, Default)]
    struct Faults {
        read: Option<u64>,
        work: Option<u64>,
        take: Option<u64>,
        panics: bool,
    }

    /// Sends this many numbers through this many threads, at varying speed; returns the numbers
    /// taken.
    fn numbers(count: u64, threads: usize, faults: Faults) -> (Vec<u64>, Result<(), Failure>) {
        let fail = move |at: Option<u64>, number: u64, what: &str| {
            if at != Some(number) {
                return Ok(());
            }
            assert!(!faults.panics, "as the test wants it");
            Err(Failure::Fault(format!("{what} {number}")))
        };
        let nap = |number: u64, salt: u64| {
            thread::sleep(Duration::from_micros((number * 7919 + salt * 104_729) % 200))
        };
        let (mut next, mut taken) = (0, Vec::new());
        let outcome = run(
            vec![0_u64; threads],
            &Tasks::for_workers(threads),
            Budget { bytes: usize::MAX, weight: |_: &_| 1 },
            |item: &mut (u64, u64)| {
                nap(next, 1);
                fail(faults.read, next, "reading")?;
                *item = (next, 0);
                next += 1;
                Ok(next < count)
            },
            |worker, item| {
                nap(item.0, 2);
                fail(faults.work, item.0, "working on")?;
                *worker += 1;
                item.1 = item.0 * item.0;
                Ok(())
            },
            |item| {
                nap(item.0, 3);
                fail(faults.take, item.0, "taking")?;
                assert_eq!(item.1, item.0 * item.0);
                taken.push(item.0);
                Ok(())
            },
        );
        (taken, outcome)
    }

    #[test]
    fn items_are_processed_once_and_taken_in_order() {
        for threads in [1, 2, 3, 8] {
            for count in [1, 2, 300] {
                let (taken, outcome) = numbers(count, threads, Faults::default());
                outcome.unwrap();
                assert!(taken.into_iter().eq(0..count), "{count} items, {threads} threads");
            }
        }
    }

    #[test]
    fn a_failing_stage_ends_the_run_after_the_items_before_it() {
        for panics in [false, true] {
            for threads in [1, 2, 8] {
                for at in [0, 1, 57] {
                    let faults = Faults { panics, ..Faults::default() };
                    for (faults, expected) in [
                        (Faults { read: Some(at), ..faults }, ["reading", "the reader stopped"]),
                        (Faults { work: Some(at), ..faults }, ["working on", "a worker stopped"]),
                        (Faults { take: Some(at), ..faults }, ["taking", "the writer stopped"]),
                    ] {
                        let (taken, outcome) = numbers(100, threads, faults);
                        let message = outcome.unwrap_err().to_string();
                        assert!(message.starts_with(expected[usize::from(panics)]), "{message}");
                        assert!(taken.into_iter().eq(0..at), "{message}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_first_error_is_the_one_reported() {
        for _ in 0..20 {
            let (taken, outcome) = numbers(
                100,
                4,
                Faults { read: Some(30), work: Some(29), take: Some(31), panics: false },
            );
            assert_eq!(outcome.unwrap_err().to_string(), "working on 29");
            assert_eq!(taken.len(), 29);
        }
    }

    #[test]
    fn all_tasks_requested_during_the_run_are_done() {
        use crate::tasks::InOrder;

        for threads in [1, 2, 4] {
            let tasks = Tasks::for_workers(threads);
            let mut results = InOrder::new(&tasks);
            let (mut left, mut sum) = (100, 0);
            run(
                vec![(); threads],
                &tasks,
                Budget { bytes: 1, weight: |(): &_| 1 },
                |_: &mut ()| {
                    left -= 1;
                    Ok::<_, Failure>(left > 0)
                },
                |(), ()| Ok(()),
                |()| {
                    results.request(|_| 1);
                    while results.is_full() {
                        sum += results.next()?.unwrap_or_default();
                    }
                    Ok(())
                },
            )
            .unwrap();
            while let Some(one) = results.next().unwrap() {
                sum += one;
            }
            assert_eq!(sum, 100);
        }
    }

    /// An item whose weight is known when it is read. It counts the weight of all items there are.
    #[derive(Default)]
    struct Heavy<'a> {
        number: u64,
        weight: usize,
        all: Option<&'a AtomicUsize>,
    }

    impl Drop for Heavy<'_> {
        fn drop(&mut self) {
            if let Some(all) = self.all {
                all.fetch_sub(self.weight, Ordering::SeqCst);
            }
        }
    }

    #[test]
    fn items_in_flight_stay_within_the_budget_and_a_heavier_one_is_processed_alone() {
        const BUDGET: usize = 100;
        // Light items, all of a kind, some at the budget, some far beyond it.
        let weights = |i: u64| match i % 17 {
            3 => 1_000,
            5 | 6 => 100,
            7 => 101,
            11..=13 => 60,
            _ => 1 + (i % 7) as usize,
        };
        for threads in [1, 2, 8, 32] {
            let (all, working) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let mut next = 0;
            let mut taken = Vec::new();
            run(
                vec![(); threads],
                &Tasks::for_workers(threads),
                Budget { bytes: BUDGET, weight: |item: &Heavy<'_>| item.weight },
                |item: &mut Heavy<'_>| {
                    let before = all.load(Ordering::SeqCst);
                    assert!(before < BUDGET || before == 0, "{before} in flight");
                    all.fetch_add(weights(next), Ordering::SeqCst);
                    *item = Heavy { number: next, weight: weights(next), all: Some(&all) };
                    next += 1;
                    Ok::<_, Failure>(next < 400)
                },
                |(), item| {
                    let now = item.weight + working.fetch_add(item.weight, Ordering::SeqCst);
                    assert!(now <= BUDGET || now == item.weight, "{now} are processed");
                    thread::sleep(Duration::from_micros(item.number * 7919 % 150));
                    working.fetch_sub(item.weight, Ordering::SeqCst);
                    Ok(())
                },
                |item| {
                    taken.push(item.number);
                    Ok(())
                },
            )
            .unwrap();
            assert!(taken.into_iter().eq(0..400), "{threads} threads");
        }
    }
}
