//! Passes items through three stages on a fixed number of threads: items are read one after
//! another, processed in parallel, and taken in the order of reading.
//!
//! No stage has a thread of its own. Each thread does the most urgent step next, so all threads are
//! busy whichever stage takes the time, and a single thread does everything without waiting. A
//! fixed number of items circulates, so memory is bounded. Deadlock is impossible: a waiting thread
//! holds no item, and a thread that holds an item always returns it, with a result or an error.
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

/// A stage panicked.
#[derive(Clone, Copy, Debug, Error)]
#[error("{stage} stopped unexpectedly; this is a bug in bm")]
pub struct StageStopped {
    stage: &'static str,
}

/// Reads items, processes them on as many threads as there are `workers`, and takes them in the
/// order of reading; in between, threads do `tasks`.
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
        at_end: false,
        outcome: None,
    };
    let stages = Stages { threads, tasks, work, ring, bell, state: Mutex::new(state) };
    thread::scope(|scope| {
        let mut workers = workers.into_iter();
        let ours = workers.next();
        for worker in workers {
            let stages = &stages;
            scope.spawn(move || stages.serve(worker));
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
struct Stages<'a, T, R, F, K, E> {
    threads: usize,
    tasks: &'a Tasks,
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
    filled: VecDeque<(u64, T)>,
    /// Processed items that wait to be taken, or the error in their place.
    worked: BTreeMap<u64, Result<T, E>>,
    /// The reader, unless a thread is reading.
    reader: Option<R>,
    /// The taker, unless a thread is taking.
    taker: Option<K>,
    /// Items read.
    read: u64,
    /// Items taken.
    taken: u64,
    /// Whether the last item was read.
    at_end: bool,
    /// How the run ended.
    outcome: Option<Result<(), E>>,
}

/// The next step of a thread.
enum Step<T, R, K, E> {
    Take(K, Result<T, E>),
    Work(u64, T),
    Read(R, T),
    Wait,
    Stop,
}

impl<T, R, F, K, E> Stages<'_, T, R, F, K, E>
where
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
                Step::Work(number, mut item) => {
                    let outcome = guarded("a worker", || (self.work)(&mut worker, &mut item));
                    self.lock().worked.insert(number, outcome.map(|()| item));
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
        if state.filled.len() < self.threads
            && !state.at_end
            && let Some(reader) = state.reader.take()
        {
            match state.empty.pop() {
                Some(item) => return Step::Read(reader, item),
                None => state.reader = Some(reader),
            }
        }
        state.filled.pop_front().map_or(Step::Wait, |(number, item)| Step::Work(number, item))
    }

    fn read(&self, mut reader: R, mut item: T) {
        let more = guarded("the reader", || reader(&mut item));
        let mut state = self.lock();
        let number = state.read;
        state.read += 1;
        state.at_end = !matches!(more, Ok(true));
        match more {
            Ok(_) => state.filled.push_back((number, item)),
            Err(error) => _ = state.worked.insert(number, Err(error)),
        }
        state.reader = Some(reader);
    }

    fn take(&self, mut taker: K, item: Result<T, E>) {
        let outcome = item.and_then(|item| guarded("the writer", || taker(&item)).map(|()| item));
        let mut state = self.lock();
        match outcome {
            Ok(item) => {
                state.taken += 1;
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
    use std::time::Duration;

    use std::io;

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
}
