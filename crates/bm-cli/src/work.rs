//! Small tasks, compressing and inflating, that any thread does which has time for them; results in
//! order.
//!
//! Threads of `stages.rs` take tasks before anything else, so a run is as busy as it has threads,
//! whatever it spends its time on. Who waits for a result does not count on them: it does tasks
//! itself until the result is there. So nobody can wait for ever, and a command without workers
//! needs none.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bgzf::{CompressionLevel, Compressor};
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded, unbounded};
use sirocco::Format;
use sirocco::inflate::Decoder;

/// Results that are asked for ahead of the one that is needed, for each worker.
const AHEAD: usize = 2;

/// What a thread keeps from task to task, because it is costly to make.
pub(crate) struct Tools {
    gzip: Option<(u8, Compressor)>,
    zstd: Option<(u8, zstd::bulk::Compressor<'static>)>,
    decoder: Box<Decoder>,
}

impl Default for Tools {
    fn default() -> Self {
        Self { gzip: None, zstd: None, decoder: Box::new(Decoder::new(Format::Gzip)) }
    }
}

impl Tools {
    /// Returns what compresses blocks of gzip at `level`.
    ///
    /// # Errors
    ///
    /// If there is no such level.
    pub(crate) fn gzip(&mut self, level: u8) -> io::Result<&mut Compressor> {
        of_level(&mut self.gzip, level, || {
            Ok(Compressor::new(CompressionLevel::new(level).map_err(io::Error::other)?))
        })
    }

    /// Returns what compresses frames of zstd at `level`, each with its checksum.
    ///
    /// # Errors
    ///
    /// If there is no memory for it.
    pub(crate) fn zstd(&mut self, level: u8) -> io::Result<&mut zstd::bulk::Compressor<'static>> {
        of_level(&mut self.zstd, level, || {
            let mut compressor = zstd::bulk::Compressor::new(level.into())?;
            compressor.include_checksum(true)?;
            Ok(compressor)
        })
    }

    /// Returns what inflates, at the start of a member.
    pub(crate) fn decoder(&mut self) -> &mut Decoder {
        self.decoder.reset();
        &mut self.decoder
    }
}

/// Returns what is kept if it is of `level`, or makes another.
fn of_level<T>(
    kept: &mut Option<(u8, T)>,
    level: u8,
    make: impl FnOnce() -> io::Result<T>,
) -> io::Result<&mut T> {
    let tool = match kept.take() {
        Some((of, tool)) if of == level => tool,
        _ => make()?,
    };
    Ok(&mut kept.insert((level, tool)).1)
}

/// One task. It sends its result itself.
pub(crate) struct Task(Box<dyn FnOnce(&mut Tools) + Send>);

impl Task {
    /// Does it. A task that panics has no result, and who waits for it learns so.
    pub(crate) fn run(self, tools: &mut Tools) {
        if catch_unwind(AssertUnwindSafe(|| (self.0)(tools))).is_err() {
            *tools = Tools::default();
        }
    }
}

/// Tasks that wait for a thread with time for them.
#[derive(Clone)]
pub(crate) struct Tasks {
    give: Sender<Task>,
    take: Receiver<Task>,
    workers: usize,
}

impl Tasks {
    /// Makes tasks that so many workers will take, or none: then who asks does them.
    pub(crate) fn of(workers: usize) -> Self {
        // Not bounded here: who asks does not ask for more than some results ahead.
        let (give, take) = unbounded();
        Self { give, take, workers }
    }

    /// Returns where workers take tasks from.
    pub(crate) fn queue(&self) -> &Receiver<Task> {
        &self.take
    }
}

/// Results of tasks, in the order in which they were asked for.
pub(crate) struct InOrder<T> {
    tasks: Tasks,
    tools: Tools,
    waiting: VecDeque<Receiver<T>>,
}

impl<T: Send + 'static> InOrder<T> {
    pub(crate) fn new(tasks: &Tasks) -> Self {
        Self { tasks: tasks.clone(), tools: Tools::default(), waiting: VecDeque::new() }
    }

    /// Returns whether enough was asked for.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() > AHEAD * self.tasks.workers
    }

    /// Asks for the result of `task`.
    pub(crate) fn ask(&mut self, task: impl FnOnce(&mut Tools) -> T + Send + 'static) {
        let (give, take) = bounded(1);
        let task = Task(Box::new(move |tools| {
            // Who asked may have given up.
            let _ = give.send(task(tools));
        }));
        self.waiting.push_back(take);
        // We hold the other end too, so it takes everything.
        let _ = self.tasks.give.send(task);
    }

    /// Returns the next result if it is there.
    ///
    /// # Errors
    ///
    /// If its task panicked.
    pub(crate) fn ready(&mut self) -> io::Result<Option<T>> {
        match self.waiting.front().map(Receiver::try_recv) {
            None | Some(Err(TryRecvError::Empty)) => Ok(None),
            Some(Err(TryRecvError::Disconnected)) => {
                self.waiting.pop_front();
                Err(lost())
            }
            Some(Ok(result)) => {
                self.waiting.pop_front();
                Ok(Some(result))
            }
        }
    }

    /// Gives up what was asked for.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
    }

    /// Returns the next result, or nothing if none was asked for.
    ///
    /// # Errors
    ///
    /// If its task panicked.
    pub(crate) fn next(&mut self) -> io::Result<Option<T>> {
        loop {
            if let Some(result) = self.ready()? {
                return Ok(Some(result));
            }
            if let Ok(task) = self.tasks.take.try_recv() {
                task.run(&mut self.tools);
                continue;
            }
            // Somebody is at it.
            return self
                .waiting
                .pop_front()
                .map(|result| result.recv().map_err(|_| lost()))
                .transpose();
        }
    }
}

fn lost() -> io::Error {
    io::Error::other("a worker stopped unexpectedly; this is a bug in bm")
}

#[cfg(test)]
// A test says by panicking that it failed.
#[allow(clippy::unwrap_used)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn results_come_in_the_order_of_asking_with_and_without_workers() {
        for workers in [0, 3] {
            let tasks = Tasks::of(workers);
            thread::scope(|scope| {
                for _ in 0..workers {
                    let queue = tasks.queue().clone();
                    scope.spawn(move || {
                        queue.iter().take(50).for_each(|task| task.run(&mut Tools::default()))
                    });
                }
                let mut results = InOrder::new(&tasks);
                let mut taken = Vec::new();
                for number in 0..200_u64 {
                    results.ask(move |_| {
                        thread::sleep(std::time::Duration::from_micros(number * 7919 % 300));
                        number
                    });
                    if results.is_full() {
                        taken.extend(results.next().unwrap());
                    }
                }
                while let Some(number) = results.next().unwrap() {
                    taken.push(number);
                }
                assert!(taken.iter().copied().eq(0..200));
                // Those that still wait for their share.
                for _ in 0..50 * workers {
                    results.ask(|_| 0);
                }
            });
        }
    }

    #[test]
    fn a_task_that_panics_is_an_error_for_who_waits_and_the_next_one_is_not() {
        let mut results = InOrder::new(&Tasks::of(0));
        results.ask(|_| panic!("as the test wants it"));
        results.ask(|_| 2);
        assert!(results.next().unwrap_err().to_string().contains("a bug in bm"));
        assert_eq!(results.next().unwrap(), Some(2));
        assert_eq!(results.next().unwrap(), None);
    }
}
