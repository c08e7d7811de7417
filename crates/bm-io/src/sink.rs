//! Destinations of the text of an output: a plain file, compressed blocks, or a format of the
//! caller.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::path::given_up;
use crate::system;

/// Takes the text of an output and writes it in its own format.
///
/// Implement this trait for a format of your own, for example a table of columns, on top of the
/// [`OutputStream`] of [`Output::create_as`](crate::Output::create_as).
pub trait Sink: Write + Send {
    /// Writes everything that is still buffered, and the end of the format.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// The bytes of an output on their way to the file, buffered.
pub type OutputStream = BufWriter<Stream>;

/// A stream that stops writing when the output is abandoned.
///
/// Buffered writers write their buffer when they are dropped; after an error, an incomplete output
/// would then look complete.
pub struct Stream {
    inner: Arc<File>,
    wanted: Arc<AtomicBool>,
    /// Bytes written, and those of them that the system was asked to store; `None` for a stream
    /// that is not stored.
    stored: Option<(u64, u64)>,
}

impl Stream {
    /// Bytes that are stored at once.
    const PART: u64 = 8 << 20;

    pub(crate) fn new(inner: Arc<File>, wanted: Arc<AtomicBool>, is_stored: bool) -> Self {
        Self { inner, wanted, stored: is_stored.then_some((0, 0)) }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if !self.wanted.load(Ordering::Relaxed) {
            return Err(given_up());
        }
        let count = (&*self.inner).write(buf)?;
        if let Some((written, stored)) = &mut self.stored {
            *written += count as u64;
            if *written - *stored >= Self::PART {
                system::begin_storing(&self.inner, *stored, *written - *stored);
                *stored = *written;
            }
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.inner).flush()
    }
}

/// Plain text.
impl Sink for OutputStream {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.flush()
    }
}
