//! The end of a compressed file. If it is missing, the file may have been cut off between two of its
//! parts, where nothing else shows it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::IoError;

/// What a compressed file lacks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lack {
    /// The empty block at the end of BGZF.
    Block = 1,
    /// Everything: the name says that the file is compressed, but it has no bytes.
    Bytes = 2,
}

/// Whether a compressed input had its end, as far as it was read. Its copies are of the same input.
#[derive(Clone, Debug)]
pub struct StoredEnd {
    name: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    is_required: AtomicBool,
    /// A [`Lack`], or 0.
    lack: AtomicU8,
}

impl StoredEnd {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), shared: Arc::default() }
    }

    /// Makes a missing end an error, where it is found: when the input has been read.
    ///
    /// # Errors
    ///
    /// If the end is known to be missing.
    pub fn require(&self) -> Result<(), IoError> {
        self.shared.is_required.store(true, Ordering::Relaxed);
        match self.lack() {
            Some(lack) => Err(IoError::Refused(format!("{}: {}", self.name, refusal(lack)))),
            None => Ok(()),
        }
    }

    /// Returns a warning, one line, if the end is missing. Ask when the input has been read.
    pub fn warning(&self) -> Option<String> {
        let what = match self.lack()? {
            Lack::Block => "has no BGZF end-of-file block, so it may be truncated",
            Lack::Bytes => "is empty, which no compressed file is, so it may be truncated",
        };
        Some(format!("{}: {what}; compare it with the original (--strict refuses it)", self.name))
    }

    fn lack(&self) -> Option<Lack> {
        let lack = self.shared.lack.load(Ordering::Relaxed);
        [Lack::Block, Lack::Bytes].into_iter().find(|one| *one as u8 == lack)
    }

    /// Notes what is missing; an error if the end is required.
    pub(crate) fn missing(&self, lack: Lack) -> io::Result<()> {
        self.shared.lack.store(lack as u8, Ordering::Relaxed);
        if self.shared.is_required.load(Ordering::Relaxed) {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, refusal(lack)));
        }
        Ok(())
    }
}

fn refusal(lack: Lack) -> &'static str {
    match lack {
        Lack::Block => {
            "the BGZF end-of-file block is missing, so the file may be truncated; copy or download \
             it again, or leave out --strict if its writer leaves out the block"
        }
        Lack::Bytes => {
            "is empty, which no compressed file is, so it may be truncated; copy or download it \
             again, or leave out --strict"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_end_is_a_warning_or_an_error() {
        let end = StoredEnd::new("x.gz");
        assert!(end.warning().is_none() && end.require().is_ok());
        let error = end.clone().missing(Lack::Block).expect_err("the end is required");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        for (lack, word) in [(Lack::Block, "BGZF end-of-file block"), (Lack::Bytes, "is empty")] {
            let end = StoredEnd::new("x.gz");
            assert!(end.missing(lack).is_ok());
            let warning = end.warning().unwrap_or_default();
            assert!(warning.starts_with("x.gz: ") && warning.contains(word), "{warning}");
            // The end may have been found missing before it was required.
            let error = end.require().expect_err("it is known to be missing").to_string();
            assert!(error.starts_with("x.gz: ") && error.contains(word), "{error}");
        }
    }
}
