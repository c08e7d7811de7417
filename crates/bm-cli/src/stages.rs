//! Items that go through three stages on so many threads: read one after another, worked on at
//! once, taken in order.
//!
//! No stage has a thread of its own: each thread does what is most wanted next, so that as many are
//! busy as were asked for, however the work divides, and one thread alone does everything without
//! waiting for another. There are only so many items, and they go around, so memory is bounded.
//! Nobody can wait for ever: who waits holds nothing, and whatever somebody holds comes back, with
//! a result or an error.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context, Result, anyhow};
use crossbeam_channel::{Receiver, Sender, bounded, select};

use crate::work::{Tasks, Tools};

/// Items for each thread: one in its hands, one that waits for it, one that waits for its turn.
const ITEMS_PER_THREAD: usize = 3;

/// Has items read, worked on by as many threads as there are `workers`, and taken in the order of
/// reading; in between, threads do `tasks`.
///
/// `read` fills an item, which may be one that was taken before, and returns whether there may be
/// more. Where it fails, the items before are taken first.
///
/// # Errors
///
/// The first error in the order of the items, or that a stage panicked.
pub(crate) fn run<T: Default + Send, W: Send>(
    workers: Vec<W>,
    tasks: &Tasks,
    read: impl FnMut(&mut T) -> Result<bool> + Send,
    work: impl Fn(&mut W, &mut T) -> Result<()> + Sync,
    take: impl FnMut(&T) -> Result<()> + Send,
) -> Result<()> {
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
        // The calling thread is one of them.
        if let Some(worker) = ours {
            stages.serve(worker);
        }
    });
    stages
        .state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .outcome
        .context("nobody did the work; this is a bug in bm")?
}

/// What threads share.
struct Stages<'a, T, R, F, K> {
    threads: usize,
    tasks: &'a Tasks,
    work: F,
    /// Wakes those who wait: one message each, and no more than there are threads.
    ring: Sender<()>,
    bell: Receiver<()>,
    state: Mutex<State<T, R, K>>,
}

struct State<T, R, K> {
    /// Items to be filled.
    empty: Vec<T>,
    /// Items to be worked on, with their number.
    filled: VecDeque<(u64, T)>,
    /// Items that wait for their turn, or why there is none.
    worked: BTreeMap<u64, Result<T>>,
    /// Who reads, unless somebody is at it.
    reader: Option<R>,
    /// Who takes, unless somebody is at it.
    taker: Option<K>,
    /// Items read.
    read: u64,
    /// Items taken.
    taken: u64,
    /// Whether the last item was read.
    at_end: bool,
    /// How it ended.
    outcome: Option<Result<()>>,
}

/// What a thread does next.
enum Job<T, R, K> {
    Take(K, Result<T>),
    Work(u64, T),
    Read(R, T),
    Wait,
    Stop,
}

impl<T, R, F, K> Stages<'_, T, R, F, K>
where
    R: FnMut(&mut T) -> Result<bool>,
    K: FnMut(&T) -> Result<()>,
{
    /// Does whatever is wanted until everything is done.
    fn serve<W>(&self, mut worker: W)
    where
        F: Fn(&mut W, &mut T) -> Result<()>,
    {
        let mut tools = Tools::default();
        loop {
            // Somebody may be waiting for the result of a task.
            if let Ok(task) = self.tasks.queue().try_recv() {
                task.run(&mut tools);
                continue;
            }
            match self.next() {
                Job::Take(taker, item) => self.take(taker, item),
                Job::Work(number, mut item) => {
                    let outcome = guarded("a worker", || (self.work)(&mut worker, &mut item));
                    self.lock().worked.insert(number, outcome.map(|()| item));
                }
                Job::Read(reader, item) => self.read(reader, item),
                Job::Wait => {
                    select! {
                        recv(self.tasks.queue()) -> task => task.into_iter().for_each(|task| task.run(&mut tools)),
                        recv(self.bell) -> _ => {}
                    }
                    continue;
                }
                Job::Stop => break self.wake(),
            }
            self.wake();
        }
    }

    /// Has those who wait look again.
    fn wake(&self) {
        for _ in 0..self.threads {
            // Where there is no room, there are enough messages for everybody.
            let _ = self.ring.try_send(());
        }
    }

    /// Chooses: what is done is given away first, then there must be enough to do.
    fn next(&self) -> Job<T, R, K> {
        let mut state = self.lock();
        let state = &mut *state;
        if state.outcome.is_some() {
            return Job::Stop;
        }
        if let Some(taker) = state.taker.take() {
            match state.worked.remove(&state.taken) {
                Some(item) => return Job::Take(taker, item),
                None if state.at_end && state.taken == state.read => {
                    state.outcome = Some(Ok(()));
                    return Job::Stop;
                }
                None => state.taker = Some(taker),
            }
        }
        if state.filled.len() < self.threads
            && !state.at_end
            && let Some(reader) = state.reader.take()
        {
            match state.empty.pop() {
                Some(item) => return Job::Read(reader, item),
                None => state.reader = Some(reader),
            }
        }
        state.filled.pop_front().map_or(Job::Wait, |(number, item)| Job::Work(number, item))
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

    fn take(&self, mut taker: K, item: Result<T>) {
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

    fn lock(&self) -> MutexGuard<'_, State<T, R, K>> {
        // Nothing that can panic is done while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does a stage's work. One that panicked would leave the others waiting for what it held.
fn guarded<T>(who: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let caught = catch_unwind(AssertUnwindSafe(work));
    caught.unwrap_or_else(|_: Box<dyn Any + Send>| {
        Err(anyhow!("{who} stopped unexpectedly; this is a bug in bm"))
    })
}

#[cfg(test)]
// A test says by panicking that it failed.
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use anyhow::bail;

    use super::*;

    /// Where something goes wrong, and how.
    #[derive(Clone, Copy, Default)]
    struct Faults {
        read: Option<u64>,
        work: Option<u64>,
        take: Option<u64>,
        panics: bool,
    }

    /// Sends so many numbers through so many threads that take different times; returns what was
    /// taken.
    fn numbers(count: u64, threads: usize, faults: Faults) -> (Vec<u64>, Result<()>) {
        let fail = move |at: Option<u64>, number: u64, what: &str| {
            if at != Some(number) {
                return Ok(());
            }
            assert!(!faults.panics, "as the test wants it");
            bail!("{what} {number}")
        };
        let nap = |number: u64, salt: u64| {
            thread::sleep(Duration::from_micros((number * 7919 + salt * 104_729) % 200))
        };
        let (mut next, mut taken) = (0, Vec::new());
        let outcome = run(
            vec![0_u64; threads],
            &Tasks::of(threads),
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
    fn items_are_worked_on_once_and_taken_in_order() {
        for threads in [1, 2, 3, 8] {
            for count in [1, 2, 300] {
                let (taken, outcome) = numbers(count, threads, Faults::default());
                outcome.unwrap();
                assert!(taken.into_iter().eq(0..count), "{count} items, {threads} threads");
            }
        }
    }

    #[test]
    fn what_fails_ends_the_run_after_the_items_before_it() {
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
    fn the_first_error_is_the_one_that_is_told() {
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
    fn tasks_that_are_asked_for_meanwhile_are_all_done() {
        use crate::work::InOrder;

        for threads in [1, 2, 4] {
            let tasks = Tasks::of(threads);
            let mut results = InOrder::new(&tasks);
            let (mut left, mut sum) = (100, 0);
            run(
                vec![(); threads],
                &tasks,
                |_: &mut ()| {
                    left -= 1;
                    Ok(left > 0)
                },
                |(), ()| Ok(()),
                |()| {
                    results.ask(|_| 1);
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
