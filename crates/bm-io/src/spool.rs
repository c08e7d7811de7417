//! A temporary file with a name, for what opens its input by a path.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::unfinished::Unfinished;

/// Permissions: nobody else reads it.
const MODE: u32 = 0o600;

/// A temporary file. It is removed when it is dropped, when the program is stopped by a signal, and if it
/// was killed, by the next run that makes a file in the same folder.
pub struct Spool {
    file: File,
    unfinished: Unfinished,
}

impl Spool {
    /// Makes an empty file in a folder.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        let (file, unfinished) = Unfinished::file(folder, MODE)?;
        Ok(Self { file, unfinished })
    }

    /// Returns the file, to write to it.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.unfinished.path()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn it_has_a_name_while_it_lives() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spool = Spool::new(folder.path()).expect("a file");
        spool.file().write_all(b"reads").expect("the disk has room");
        assert_eq!(std::fs::read(spool.path()).expect("the file"), b"reads");
        let path = spool.path().to_owned();
        drop(spool);
        assert!(!path.exists());
    }
}
