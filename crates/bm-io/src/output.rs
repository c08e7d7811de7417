//! Writes outputs so that a file under its final name is always complete.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::NamedTempFile;

use crate::IoError;
use crate::block_writer::BlockWriter;
use crate::compression::{Compression, Format};
use crate::interrupted::Part;
use crate::path::{folder, given_up, is_stdio, target};
use crate::sink::{OutputStream, Sink, Stream};

/// Size of the write buffer, in bytes. The text of a batch is larger, so it is written directly and
/// not copied.
const BUFFER: usize = 64 * 1024;

/// One output. If it is dropped before [`Output::finish`], it leaves no file behind and writes
/// nothing more.
pub struct Output {
    path: PathBuf,
    /// The file itself, if the path is a link to it.
    target: PathBuf,
    /// Present until the output is complete.
    sink: Option<Box<dyn Sink>>,
    /// Cleared when the output is given up.
    wanted: Arc<AtomicBool>,
    /// The file under its temporary name; present until it gets its final name.
    unnamed: Option<(tempfile::TempPath, Part)>,
}

impl Output {
    /// Starts an output at `path`: stdout if it is `-`, compressed if its name says so.
    ///
    /// A regular file is written beside its final name and renamed by [`Output::finish`]; a device
    /// or a pipe is written directly.
    ///
    /// # Errors
    ///
    /// If the path is one of `inputs`, its name promises a format that is not written, or it cannot
    /// be created.
    pub fn create(
        path: &Path,
        inputs: &[&Path],
        compression: &Compression,
    ) -> Result<Self, IoError> {
        refuse_other_formats(path)?;
        Self::create_as(path, inputs, |stream| {
            Ok(match Format::of_name(path) {
                Some(format) => Box::new(
                    BlockWriter::new(stream, format, compression)
                        .map_err(|error| refused(path, &error))?,
                ),
                None => Box::new(stream),
            })
        })
    }

    /// Starts an output in a format of the caller: `sink` writes it to the stream of the file.
    ///
    /// # Errors
    ///
    /// If the path is one of `inputs` or cannot be created, or the error of `sink`.
    pub fn create_as(
        path: &Path,
        inputs: &[&Path],
        sink: impl FnOnce(OutputStream) -> Result<Box<dyn Sink>, IoError>,
    ) -> Result<Self, IoError> {
        let target = target(path);
        let (stream, unnamed): (Box<dyn Write + Send>, _) = if is_stdio(path) {
            (Box::new(io::stdout()), None)
        } else {
            refuse_inputs(path, inputs)?;
            match fs::metadata(path) {
                Ok(metadata) if metadata.is_dir() => {
                    return Err(IoError::Refused(format!(
                        "{}: is a folder, expected a file name for the output",
                        path.display()
                    )));
                }
                Ok(metadata) if !metadata.is_file() => {
                    let cannot = IoError::system(format!("{}: cannot be written", path.display()));
                    let file = fs::OpenOptions::new().write(true).open(path).map_err(cannot)?;
                    (Box::new(file), None)
                }
                _ => {
                    let (file, unnamed) = beside(path, &target)?.into_parts();
                    let part = Part::new(&unnamed);
                    (Box::new(file), Some((unnamed, part)))
                }
            }
        };
        let wanted = Arc::new(AtomicBool::new(true));
        let stream = Stream { inner: stream, wanted: Arc::clone(&wanted) };
        let sink = sink(BufWriter::with_capacity(BUFFER, stream))?;
        Ok(Self { path: path.to_owned(), target, sink: Some(sink), wanted, unnamed })
    }

    /// Returns the name of the output in messages.
    pub fn name(&self) -> String {
        if is_stdio(&self.path) { "stdout".to_owned() } else { self.path.display().to_string() }
    }

    /// Writes all of `text`.
    ///
    /// # Errors
    ///
    /// The error of the operating system, with the name of the output.
    pub fn write_text(&mut self, text: &[u8]) -> Result<(), IoError> {
        self.write_all(text).map_err(|source| IoError::System { what: self.name(), source })
    }

    /// Returns an unnamed temporary file on the disk of the output: the folder for temporary files
    /// may be small, or in memory.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn spool(&self) -> io::Result<File> {
        if self.unnamed.is_some() {
            tempfile::tempfile_in(folder(&self.target))
        } else {
            tempfile::tempfile()
        }
    }

    /// Writes everything that is buffered and gives the file its name.
    ///
    /// # Errors
    ///
    /// The error of the operating system; the final name then keeps its old file, or none.
    pub fn finish(self) -> Result<(), IoError> {
        finish_all(vec![self])
    }

    /// Writes everything that is buffered. The file still has its temporary name; nothing can be
    /// written after this.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn complete(&mut self) -> Result<(), IoError> {
        match self.sink.take() {
            Some(sink) => sink.finish().map_err(IoError::system(self.name())),
            None => Ok(()),
        }
    }

    /// Gives the complete file its final name.
    fn rename(&mut self) -> Result<(), IoError> {
        let Some((unnamed, _part)) = self.unnamed.take() else { return Ok(()) };
        let failed = IoError::system(format!("{}: cannot be given its name", self.name()));
        unnamed.persist(&self.target).map_err(|error| failed(error.error))
    }
}

/// Finishes the outputs of one run: none gets its name before all are complete. The first one gets
/// its name last, so a program that waits for it finds the others there.
///
/// # Errors
///
/// As [`Output::finish`].
pub fn finish_all(mut outputs: Vec<Output>) -> Result<(), IoError> {
    outputs.iter_mut().rev().try_for_each(Output::complete)?;
    outputs.iter_mut().rev().try_for_each(Output::rename)
}

impl Drop for Output {
    fn drop(&mut self) {
        self.wanted.store(false, Ordering::Relaxed);
    }
}

impl Write for Output {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.sink.as_mut().ok_or_else(given_up)?.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.as_mut().ok_or_else(given_up)?.flush()
    }
}

/// Refuses two outputs under one name: they would overwrite each other.
///
/// # Errors
///
/// With the path that is named twice.
pub fn refuse_twins<'a>(
    outputs: impl IntoIterator<Item = Option<&'a PathBuf>>,
) -> Result<(), IoError> {
    let mut seen = Vec::new();
    for path in outputs.into_iter().flatten() {
        // Two paths to one file are the same output, even if the file does not exist yet; a device
        // takes any number of outputs.
        let identity = match path.file_name() {
            Some(name) if !path.exists() => fs::canonicalize(folder(path))
                .map_or_else(|_| path.clone(), |folder| folder.join(name)),
            _ => target(path),
        };
        if seen.contains(&identity) && (is_stdio(path) || !path.exists() || path.is_file()) {
            return Err(IoError::Refused(format!(
                "{}: is named for two outputs; give each its own",
                path.display()
            )));
        }
        seen.push(identity);
    }
    Ok(())
}

/// Returns a new file in the folder of `target`, with the usual permissions; messages call it
/// `path`.
fn beside(path: &Path, target: &Path) -> Result<NamedTempFile, IoError> {
    let folder = folder(target);
    if !folder.is_dir() {
        return Err(IoError::Refused(format!(
            "{}: cannot be created, there is no folder {}",
            path.display(),
            folder.display()
        )));
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".bm-").suffix(".partial");
    // Opened here and not by tempfile, which makes files readable by their owner only and puts a
    // temporary name into its error.
    let open = |place: &Path| File::options().read(true).write(true).create_new(true).open(place);
    builder
        .make_in(folder, open)
        .map_err(IoError::system(format!("{}: cannot be created", path.display())))
}

/// Refuses a name that ends like a format that is not written: it would mislead readers of the
/// file.
fn refuse_other_formats(path: &Path) -> Result<(), IoError> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("parquet") => Err(IoError::Refused(format!(
            "{}: .parquet is for the table of `bm score`; give the output another name",
            path.display()
        ))),
        Some(extension @ ("bz2" | "xz" | "sam" | "bam" | "cram")) => {
            Err(IoError::Refused(format!(
                "{}: .{extension} is not written; end the name in .gz for gzip, .zst for zstd, or \
                 in anything else for plain text",
                path.display()
            )))
        }
        _ => Ok(()),
    }
}

/// Refuses an output over an input, which would be lost.
fn refuse_inputs(path: &Path, inputs: &[&Path]) -> Result<(), IoError> {
    let Ok(output) = fs::canonicalize(path) else { return Ok(()) };
    for input in inputs.iter().filter(|input| !is_stdio(input)) {
        if fs::canonicalize(input).is_ok_and(|input| input == output) {
            return Err(IoError::Refused(format!(
                "{}: is an input too; give the output another name",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Puts the name of the output before a message.
fn refused(path: &Path, error: &IoError) -> IoError {
    IoError::Refused(format!("{}: {error}", path.display()))
}
