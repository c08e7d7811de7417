//! Opens and reads pipes, sockets and terminals so that a cancelled run does not wait for them.
//!
//! Opening a named pipe waits for its writer, and reading waits for data: for ever, perhaps. Here
//! both wait in short intervals and look at the [`Cancellation`] in between. Only on Linux: other
//! systems may report a named pipe without a writer as ended, so they wait as always.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::cancellation::Cancellation;

/// Opens a file; a named pipe is opened without waiting for its writer.
#[cfg(target_os = "linux")]
pub(crate) fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    // This changes nothing for regular files.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path)
}

/// Opens a file.
#[cfg(not(target_os = "linux"))]
pub(crate) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Returns stdin as a stream that a cancelled run does not wait for.
#[cfg(target_os = "linux")]
pub(crate) fn stdin(
    stdin: &io::Stdin,
    cancellation: &Cancellation,
) -> io::Result<Box<dyn Read + Send>> {
    use std::os::fd::AsFd;

    // Without the buffer of the standard library: the system does not know what is left in it.
    let stdin = File::from(stdin.as_fd().try_clone_to_owned()?);
    Ok(stream(stdin, cancellation))
}

/// Returns stdin.
#[cfg(not(target_os = "linux"))]
pub(crate) fn stdin(_: &io::Stdin, _: &Cancellation) -> io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(io::stdin()))
}

/// Returns an open pipe, socket or device as a stream that a cancelled run does not wait for.
#[cfg(target_os = "linux")]
pub(crate) fn stream(file: File, cancellation: &Cancellation) -> Box<dyn Read + Send> {
    Box::new(Waiting { file, cancellation: cancellation.clone() })
}

/// Returns an open pipe, socket or device.
#[cfg(not(target_os = "linux"))]
pub(crate) fn stream(file: File, _: &Cancellation) -> Box<dyn Read + Send> {
    Box::new(file)
}

/// A stream whose data may take any time to arrive.
#[cfg(target_os = "linux")]
struct Waiting {
    file: File,
    cancellation: Cancellation,
}

#[cfg(target_os = "linux")]
impl Read for Waiting {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        use rustix::io::Errno;

        /// How long a cancelled run may go on waiting: 0.05 s.
        const INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

        loop {
            self.cancellation.check()?;
            let mut stream = [PollFd::new(&self.file, PollFlags::IN)];
            match poll(&mut stream, Some(&INTERVAL)) {
                Ok(0) | Err(Errno::INTR) => continue,
                outcome => outcome?,
            };
            match self.file.read(buf) {
                // Another process took the data.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
        }
    }
}
