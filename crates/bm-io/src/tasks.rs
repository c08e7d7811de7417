//! Small tasks, such as compressing a block, for any free thread; results come in order of request.
//!
//! The threads of [`ordered_stages`](crate::ordered_stages) take tasks before anything else, so all
//! threads stay busy. A thread that needs a result does not depend on the others: it does tasks
//! from the queue itself until the result is ready. So no thread can wait for ever, and tasks are
//! done even without worker threads.

use std::collections::VecDeque;
use std::hint::black_box;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bgzf::{CompressionLevel, Compressor};
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded, unbounded};
use sirocco::Format;
use sirocco::inflate::Decoder;

use crate::fastq_deflate::Encoder;

/// Results requested ahead, per worker.
const AHEAD: usize = 2;

/// Most results requested ahead at any number of workers: of blocks of gzip, with their text, some
/// 30 MB.
const MOST_AHEAD: usize = 256;

/// Compressors and decompressors, reused from task to task because they are costly to create.
pub struct Tools {
    gzip: Option<(u8, Compressor)>,
    zstd: Option<(u8, zstd::bulk::Compressor<'static>)>,
    decoder: Box<Decoder>,
    fastq: Option<Box<Encoder>>,
}

impl Default for Tools {
    fn default() -> Self {
        let decoder = Box::new(Decoder::new(Format::Gzip));
        Self { gzip: None, zstd: None, decoder, fastq: None }
    }
}

impl Tools {
    /// Returns the compressor of gzip blocks at `level`.
    ///
    /// # Errors
    ///
    /// If there is no such level, or no memory for it.
    pub fn gzip(&mut self, level: u8) -> io::Result<&mut Compressor> {
        of_level(&mut self.gzip, level, || {
            // The library takes its memory itself, and panics where there is none.
            has_memory(if level < 10 { 1 << 20 } else { 10 << 20 })?;
            Ok(Compressor::new(CompressionLevel::new(level).map_err(io::Error::other)?))
        })
    }

    /// Returns the compressor of zstd frames at `level`; each frame has a checksum.
    ///
    /// # Errors
    ///
    /// If there is no memory for it.
    pub fn zstd(&mut self, level: u8) -> io::Result<&mut zstd::bulk::Compressor<'static>> {
        of_level(&mut self.zstd, level, || {
            let mut compressor = zstd::bulk::Compressor::new(level.into())?;
            compressor.include_checksum(true)?;
            Ok(compressor)
        })
    }

    /// Returns the encoder of FASTQ.
    pub(crate) fn fastq(&mut self) -> &mut Encoder {
        self.fastq.get_or_insert_default()
    }

    /// Returns the inflater, ready for the start of a gzip member.
    pub fn decoder(&mut self) -> &mut Decoder {
        self.decoder.reset();
        &mut self.decoder
    }
}

/// Returns an error if there is no memory for this many bytes.
fn has_memory(bytes: usize) -> io::Result<()> {
    let mut memory: Vec<u8> = Vec::new();
    memory.try_reserve_exact(bytes).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    black_box(&mut memory);
    Ok(())
}

/// Returns the kept tool if it has this level; otherwise creates one.
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
pub struct Task(Box<dyn FnOnce(&mut Tools) + Send>);

impl Task {
    /// Does the task. A task that panics sends no result, which is an error for the requester.
    pub fn run(self, tools: &mut Tools) {
        if catch_unwind(AssertUnwindSafe(|| (self.0)(tools))).is_err() {
            *tools = Tools::default();
        }
    }
}

/// A queue of tasks for free threads.
#[derive(Clone)]
pub struct Tasks {
    give: Sender<Task>,
    take: Receiver<Task>,
    workers: usize,
}

impl Tasks {
    /// Returns a queue that this many workers take from. With none, the thread that needs a result
    /// does the task itself.
    pub fn for_workers(workers: usize) -> Self {
        // Not bounded here: `InOrder::is_full` limits how far ahead results are requested.
        let (give, take) = unbounded();
        Self { give, take, workers }
    }

    /// Returns the end of the queue that workers take tasks from.
    pub fn queue(&self) -> &Receiver<Task> {
        &self.take
    }
}

/// Results of tasks, in the order in which they were requested.
pub struct InOrder<T> {
    tasks: Tasks,
    tools: Tools,
    most_ahead: usize,
    waiting: VecDeque<Receiver<T>>,
}

impl<T: Send + 'static> InOrder<T> {
    /// Returns a list without requests, whose tasks go to `tasks`.
    pub fn new(tasks: &Tasks) -> Self {
        Self {
            tasks: tasks.clone(),
            tools: Tools::default(),
            most_ahead: MOST_AHEAD,
            waiting: VecDeque::new(),
        }
    }

    /// Requests at most this many results ahead, for results that take much memory.
    #[must_use]
    pub fn at_most(self, most_ahead: usize) -> Self {
        Self { most_ahead, ..self }
    }

    /// Returns whether enough results are requested ahead.
    pub fn is_full(&self) -> bool {
        self.waiting.len() > (AHEAD * self.tasks.workers).min(self.most_ahead)
    }

    /// Requests the result of `task`.
    pub fn request(&mut self, task: impl FnOnce(&mut Tools) -> T + Send + 'static) {
        let (give, take) = bounded(1);
        let task = Task(Box::new(move |tools| {
            // The requester may have stopped waiting.
            let _ = give.send(task(tools));
        }));
        self.waiting.push_back(take);
        // This cannot fail: the receiving end is held here too.
        let _ = self.tasks.give.send(task);
    }

    /// Returns the next result if it is ready.
    ///
    /// # Errors
    ///
    /// If its task panicked.
    pub fn ready(&mut self) -> io::Result<Option<T>> {
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

    /// Drops all requests.
    pub fn forget(&mut self) {
        self.waiting.clear();
    }

    /// Waits for the next result; `None` if nothing was requested.
    ///
    /// # Errors
    ///
    /// If its task panicked.
    #[allow(clippy::should_implement_trait)] // It can fail, which an iterator hides.
    pub fn next(&mut self) -> io::Result<Option<T>> {
        loop {
            if let Some(result) = self.ready()? {
                return Ok(Some(result));
            }
            if let Ok(task) = self.tasks.take.try_recv() {
                task.run(&mut self.tools);
                continue;
            }
            // Another thread is doing the task.
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
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn results_come_in_the_order_of_requests_with_and_without_workers() {
        for workers in [0, 3] {
            let tasks = Tasks::for_workers(workers);
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
                    results.request(move |_| {
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
                // Further tasks, so that every worker gets its fifty.
                for _ in 0..50 * workers {
                    results.request(|_| 0);
                }
            });
        }
    }

    #[test]
    fn a_task_that_panics_is_an_error_and_the_next_one_is_not() {
        let mut results = InOrder::new(&Tasks::for_workers(0));
        results.request(|_| panic!("as the test wants it"));
        results.request(|_| 2);
        assert!(results.next().unwrap_err().to_string().contains("a bug in bm"));
        assert_eq!(results.next().unwrap(), Some(2));
        assert_eq!(results.next().unwrap(), None);
    }
}
