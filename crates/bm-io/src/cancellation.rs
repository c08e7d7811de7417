//! A switch that ends a run from outside.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

/// A switch that ends a run from another thread. Copies are the same switch.
///
/// Whoever starts the run keeps one copy and gives another to the run, which looks at it between
/// batches and while it waits for a pipe. A switch cannot be reset: each run has its own.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Asks the run to end. It ends after its current batches, with an error.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns whether the run was asked to end.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns an error once the run was asked to end.
    ///
    /// # Errors
    ///
    /// [`Cancelled`].
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }
}

/// A run was ended by its [`Cancellation`].
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[error("cancelled")]
pub struct Cancelled;

impl From<Cancelled> for io::Error {
    /// Not `Interrupted`, after which readers try again.
    fn from(cancelled: Cancelled) -> Self {
        Self::other(cancelled)
    }
}

/// A stream that ends with an error once its run is cancelled.
pub(crate) struct Cancellable<R> {
    pub(crate) inner: R,
    pub(crate) cancellation: Cancellation,
}

impl<R: Read> Read for Cancellable<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.cancellation.check()?;
        self.inner.read(buf)
    }
}

impl<R: BufRead> BufRead for Cancellable<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.cancellation.check()?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.inner.consume(count);
    }
}
