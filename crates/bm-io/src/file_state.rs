//! Whether a file that is read twice is the same file both times.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::IoError;

/// Identity, size and times of a regular file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FileState {
    device: u64,
    number: u64,
    bytes: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    /// The same of the last change of anything but the access time: a modification time can be set
    /// back, this one cannot.
    changed: (i64, i64),
}

impl FileState {
    /// Returns the state of an open file; `None` for a stream.
    ///
    /// # Errors
    ///
    /// The error of the operating system; messages call the file `name`.
    pub fn of(file: &File, name: &str) -> Result<Option<Self>, IoError> {
        let metadata = file.metadata().map_err(IoError::system(name))?;
        Ok(metadata.is_file().then(|| Self::of_metadata(&metadata)))
    }

    /// Returns the state of the file at a path; `None` for a stream, or where there is no file.
    pub fn at(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok().filter(Metadata::is_file)?;
        Some(Self::of_metadata(&metadata))
    }

    fn of_metadata(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            number: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Returns the size in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Checks that a file had this state when it was read before; messages call it `name`.
    ///
    /// # Errors
    ///
    /// With what has changed.
    pub fn check(&self, before: &Self, name: &str) -> Result<(), IoError> {
        let what = if (self.device, self.number) != (before.device, before.number) {
            "it is another file now".to_owned()
        } else if self.bytes != before.bytes {
            format!("it had {} bytes and has {}", before.bytes, self.bytes)
        } else if (self.modified, self.changed) != (before.modified, before.changed) {
            "it was written or changed".to_owned()
        } else {
            return Ok(());
        };
        Err(IoError::Refused(format!(
            "{name}: changed while it was read twice: {what}; run again when nothing writes to it"
        )))
    }
}
