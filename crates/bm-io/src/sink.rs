//! Destinations of the text of an output: a plain file, compressed blocks, or a format of the
//! caller.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::path::given_up;

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
    pub(crate) inner: Arc<File>,
    pub(crate) wanted: Arc<AtomicBool>,
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if !self.wanted.load(Ordering::Relaxed) {
            return Err(given_up());
        }
        (&*self.inner).write(buf)
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
