//! SHA-256 digests, of bytes and of what streams by.

use std::fmt;
use std::io::{self, Read, Write};

use sha2::Digest;

/// A SHA-256 digest; it prints as lower-case hexadecimal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Returns the digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }
}

/// Makes the digest of what goes through it.
#[derive(Clone, Debug)]
pub struct Digesting<T> {
    inner: T,
    digest: sha2::Sha256,
    bytes: u64,
}

impl<T> Digesting<T> {
    /// Returns one that passes everything on.
    pub fn new(inner: T) -> Self {
        Self { inner, digest: sha2::Sha256::new(), bytes: 0 }
    }

    /// Returns the digest of what went through, and how many bytes that were.
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
