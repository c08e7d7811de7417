//! Progress bar and messages on the terminal.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bm_io::Input;
use bm_pipeline::Observer;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal;

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
}

impl Observer for TerminalObserver {
    fn pass_begins(&self, input: &Input) {
        self.with_pass(|pass| *pass = Some(Pass::begin(input, self.quiet)));
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
            terminal::note(line);
        }
    }

    fn warn(&self, line: &str) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.insert(line.to_owned()) {
            self.with_pass(|pass| match pass {
                Some(pass) => pass.bar.suspend(|| terminal::warn(line)),
                None => terminal::warn(line),
            });
        }
    }
}

impl Pass {
    fn begin(input: &Input, quiet: bool) -> Self {
        let target =
            if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bytes = input.bytes();
        let bar = ProgressBar::with_draw_target(bytes, target);
        let template = match bytes {
            Some(_) => "{bar:30} {percent:>3} %  {msg}  {eta} left",
            None => "{spinner} {msg}  {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let consumed = bytes.map(|_| Arc::clone(input.consumed()));
        Self { bar, consumed, reads: 0, began: Instant::now() }
    }

    fn update(&mut self, reads: usize) {
        self.reads += reads as u64;
        if let Some(consumed) = &self.consumed {
            self.bar.set_position(consumed.load(Ordering::Relaxed));
        }
        if !self.bar.is_hidden() {
            let rate = self.reads as f64 / self.began.elapsed().as_secs_f64().max(1e-3);
            let (reads, rate) = (HumanCount(self.reads), HumanCount(rate as u64));
            self.bar.set_message(format!("{reads} reads, {rate}/s"));
        }
    }
}
