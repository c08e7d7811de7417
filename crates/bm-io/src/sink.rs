//! Where the text of an output goes: to a plain file, into compressed blocks, or into a format of
//! the caller's.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::path::given_up;

/// Takes the text of an output and writes it in its own format.
///
/// A format of one's own implements it over the [`OutputStream`] that
/// [`Output::create_as`](crate::Output::create_as) hands out, for example a table of columns.
pub trait Sink: Write + Send {
    /// Writes everything that is still buffered, and what closes the format.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// The bytes of an output on their way to the file, buffered.
pub type OutputStream = BufWriter<Stream>;

/// Bytes that are written as long as the output is wanted.
///
/// Writers with a buffer write it out when they are dropped: after an error that would make a part
/// look like a whole.
pub struct Stream {
    pub(crate) inner: Box<dyn Write + Send>,
    pub(crate) wanted: Arc<AtomicBool>,
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if !self.wanted.load(Ordering::Relaxed) {
            return Err(given_up());
        }
        self.inner.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Plain text.
impl Sink for OutputStream {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.flush()
    }
}
