//! Progress bar and messages on the terminal.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bm_io::Input;
use bm_pipeline::{Observer, Task};
use console::Term;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal;

/// Columns of a terminal that is not too narrow for a bar and the number of reads in a second.
const WIDE: u16 = 76;

/// Prints messages on stderr and, on a terminal, a progress bar.
pub(crate) struct TerminalObserver {
    quiet: bool,
    pass: Mutex<Option<Pass>>,
    /// Warnings that were printed: of two passes over a file, both would warn.
    warned: Mutex<BTreeSet<String>>,
}

/// A pass over an input.
struct Pass {
    bar: ProgressBar,
    /// Bytes of the file read so far, if its size is known.
    consumed: Option<Arc<AtomicU64>>,
    /// Whether the terminal has room for more than what must be shown.
    is_wide: bool,
    reads: u64,
    began: Instant,
}

impl TerminalObserver {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet, pass: Mutex::new(None), warned: Mutex::default() }
    }

    fn with_pass(&self, act: impl FnOnce(&mut Option<Pass>)) {
        act(&mut self.pass.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Shows the bar of the next task instead of the last one.
    fn replace(&self, next: Pass) {
        self.with_pass(|pass| {
            if let Some(last) = pass.replace(next) {
                last.bar.finish_and_clear();
            }
            if let Some(next) = pass {
                next.bar.tick();
            }
        });
    }

    /// Prints while no bar is shown.
    fn above_bar(&self, print: impl FnOnce()) {
        self.with_pass(|pass| match pass {
            Some(pass) => pass.bar.suspend(print),
            None => print(),
        });
    }
}

impl Observer for TerminalObserver {
    fn pass_begins(&self, task: Task, input: &Input) {
        self.replace(Pass::begin(task, input, self.quiet));
    }

    fn task_begins(&self, task: Task) {
        self.replace(Pass::without_input(task, self.quiet));
    }

    fn reads_done(&self, reads: usize) {
        self.with_pass(|pass| {
            if let Some(pass) = pass {
                pass.update(reads);
            }
        });
    }

    fn pass_ends(&self) {
        self.with_pass(|pass| {
            if let Some(pass) = pass.take() {
                pass.bar.finish_and_clear();
            }
        });
    }

    fn note(&self, line: &str) {
        if !self.quiet {
            self.above_bar(|| terminal::note(line));
        }
    }

    fn warn(&self, line: &str) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.insert(line.to_owned()) {
            self.above_bar(|| terminal::warn(line));
        }
    }
}

impl Pass {
    fn begin(task: Task, input: &Input, quiet: bool) -> Self {
        let bytes = input.bytes();
        let is_wide = Term::stderr().size_checked().is_none_or(|(_, columns)| columns >= WIDE);
        let template = match bytes {
            Some(_) if is_wide => "{prefix} {wide_bar} {percent:>3} %  {msg}  {eta} left",
            Some(_) => "{prefix} {percent:>3} %  {msg}",
            None => "{spinner} {prefix} {msg}  {elapsed}",
        };
        let consumed = bytes.map(|_| Arc::clone(input.consumed()));
        let bar = bar(task, bytes, template, quiet);
        Self { bar, consumed, is_wide, reads: 0, began: Instant::now() }
    }

    /// Without a thread of its own that would move a spinner, as there may be none to have.
    fn without_input(task: Task, quiet: bool) -> Self {
        let bar = bar(task, None, "{prefix} …", quiet);
        Self { bar, consumed: None, is_wide: true, reads: 0, began: Instant::now() }
    }

    fn update(&mut self, reads: usize) {
        self.reads += reads as u64;
        if let Some(consumed) = &self.consumed {
            self.bar.set_position(consumed.load(Ordering::Relaxed));
        }
        if !self.bar.is_hidden() {
            let reads = HumanCount(self.reads);
            let rate = self.reads as f64 / self.began.elapsed().as_secs_f64().max(1e-3);
            let rate = HumanCount(rate as u64);
            self.bar.set_message(match self.is_wide {
                true => format!("{reads} reads, {rate}/s"),
                false => format!("{reads} reads"),
            });
        }
    }
}

/// Returns the bar of a task, which nothing is shown of yet.
fn bar(task: Task, bytes: Option<u64>, template: &str, quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(bytes, target).with_prefix(name(task));
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Returns what a task is called: with the number of reads, it fits 40 columns.
fn name(task: Task) -> &'static str {
    match task {
        Task::Learning => "learning",
        Task::CountingAgain => "counting",
        Task::Merging => "merging the parts",
        Task::Labelling => "finding errors in a sample",
        Task::Training => "training the network",
        Task::Weighing => "weighing the k-mers",
        Task::Ranking => "ranking",
        Task::Scoring => "scoring",
        Task::Embedding => "embedding",
        _ => "working",
    }
}
