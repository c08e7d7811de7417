//! A progress bar on a terminal, nothing elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::input::Input;

/// How far through the input we are.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// Bytes of the file read, where its size is known.
    consumed: Option<Arc<AtomicU64>>,
    reads: AtomicU64,
    began: Instant,
}

impl Progress {
    /// Shows a bar on stderr if that is a terminal.
    pub(crate) fn new(input: &Input, quiet: bool) -> Self {
        let target =
            if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(input.bytes, target);
        let template = match input.bytes {
            Some(_) => "{bar:30} {percent:>3} %  {msg}  {eta} left",
            None => "{spinner} {msg}  {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self {
            bar,
            consumed: input.bytes.map(|_| Arc::clone(&input.consumed)),
            reads: AtomicU64::new(0),
            began: Instant::now(),
        }
    }

    /// Says that so many more reads are done.
    pub(crate) fn update(&self, reads: usize) {
        let reads = self.reads.fetch_add(reads as u64, Ordering::Relaxed) + reads as u64;
        if let Some(consumed) = &self.consumed {
            self.bar.set_position(consumed.load(Ordering::Relaxed));
        }
        if !self.bar.is_hidden() {
            let a_second = reads as f64 / self.began.elapsed().as_secs_f64().max(1e-3);
            self.bar.set_message(format!(
                "{} reads, {}/s",
                HumanCount(reads),
                HumanCount(a_second as u64)
            ));
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
