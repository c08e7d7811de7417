//! Classes of references that reads are looked up in: shipped, or from a file.

use std::fmt;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use bm_classes::{Builder, ClassIndex, Options, shipped, shipped_names};
use bm_io::open_file;

use crate::PipelineError;
use crate::reference_text::{ReferenceSequence, ReferenceText};

/// Bytes read from a file at once.
const BUFFER: usize = 1 << 20;

/// Classes of references, and their name in messages.
pub struct Classes {
    name: String,
    path: Option<PathBuf>,
    index: ClassIndex,
}

impl fmt::Debug for Classes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Classes").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Classes {
    /// Opens the classes of a file that [`MakeClasses`](crate::MakeClasses) wrote, or those that are shipped
    /// under this name, such as `phix`: a path of more than a name is always a file.
    ///
    /// # Errors
    ///
    /// If there is no such file, or it has no classes of this version.
    pub fn open(path: &Path) -> Result<Self, PipelineError> {
        if let Some((name, fasta)) = path.to_str().and_then(|name| Some((name, shipped(name)?))) {
            return Self::shipped(name, fasta);
        }
        if !path.exists() && path.components().count() == 1 {
            let names: Vec<&str> = shipped_names().collect();
            return PipelineError::refuse(format!(
                "{}: there is no such file, and these are the names of shipped classes: {}",
                path.display(),
                names.join(", ")
            ));
        }
        let name = path.display().to_string();
        let (file, state) = open_file(path, "file of classes")?;
        let Some(state) = state else {
            return PipelineError::refuse(format!(
                "{name}: is no regular file, and classes are read from one"
            ));
        };
        let mut reader = BufReader::with_capacity(BUFFER, file);
        let index = ClassIndex::read(&mut reader, state.bytes())
            .map_err(PipelineError::at(name.as_str()))?;
        Ok(Self { name, path: Some(path.to_owned()), index })
    }

    fn shipped(name: &str, fasta: &str) -> Result<Self, PipelineError> {
        let mut builder = Builder::default();
        let failed = || PipelineError::at(format!("shipped class {name}"));
        builder.begin(name).map_err(failed())?;
        push_shipped(&mut builder, name, fasta)?;
        let index = builder.finish(&Options::default()).map_err(failed())?;
        Ok(Self { name: name.to_owned(), path: None, index })
    }

    /// Returns the name in messages: the path, or that of the shipped class.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the file, if the classes are from one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns the names of the classes, in the order of their numbers.
    pub fn names(&self) -> &[String] {
        self.index.names()
    }

    pub(crate) fn index(&self) -> &ClassIndex {
        &self.index
    }
}

/// Adds the references of a shipped class to the class that was begun last; returns the number of sequences.
pub(crate) fn push_shipped(
    builder: &mut Builder,
    name: &str,
    fasta: &str,
) -> Result<u64, PipelineError> {
    let mut text = ReferenceText::new(format!("shipped class {name}"), fasta.as_bytes());
    let (mut sequence, mut sequences) = (ReferenceSequence::default(), 0);
    while text.read(&mut sequence)? {
        builder.push(&sequence.letters).map_err(PipelineError::at(text.name.as_str()))?;
        sequences += 1;
    }
    Ok(sequences)
}
