//! SHA-256 digests of bytes and of streams.

use std::fmt;
use std::io::{self, Read, Write};

use sha2::Digest;

/// A SHA-256 digest, displayed as lower-case hexadecimal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Returns the digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }
}

/// A reader or writer that passes bytes on and computes their SHA-256 digest.
#[derive(Clone, Debug)]
pub struct Digesting<T> {
    inner: T,
    digest: sha2::Sha256,
    bytes: u64,
}

impl<T> Digesting<T> {
    /// Returns the wrapper of `inner`.
    pub fn new(inner: T) -> Self {
        Self { inner, digest: sha2::Sha256::new(), bytes: 0 }
    }

    /// Returns the digest and the number of the bytes that were read or written.
    pub fn finish(self) -> (Sha256, u64) {
        (Sha256(self.digest.finalize().into()), self.bytes)
    }

    fn add(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.add(&buf[..read]);
        Ok(read)
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buf)?;
        self.add(&buf[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
