//! Writes outputs so that a file under its final name is always complete.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::IoError;
use crate::block_writer::BlockWriter;
use crate::compression::{Compression, Format};
use crate::destination::{Destination, Identity, Replaced};
use crate::naming::{Complete, Durability, Unnamed, name_all, sync};
use crate::path::{folder, given_up, is_stdio, name};
use crate::sink::{OutputStream, Sink, Stream};
use crate::spool::Spool;
use crate::system;
use crate::unfinished::Unfinished;

/// Size of the write buffer, in bytes. The text of a batch is larger, so it is written directly and
/// not copied.
const BUFFER: usize = 64 * 1024;

/// One output. If it is dropped before [`Output::finish`], it leaves no file behind and writes
/// nothing more.
pub struct Output {
    path: PathBuf,
    /// The file or stream, to which the sink writes; present until the output is complete.
    file: Option<Arc<File>>,
    /// Present until the output is complete.
    sink: Option<Box<dyn Sink>>,
    /// Cleared when the output is given up.
    wanted: Arc<AtomicBool>,
    /// The file under its temporary name, and its final name; `None` for a stream.
    unnamed: Option<(Unfinished, PathBuf)>,
    /// The file that goes, if this output removes one.
    removed: Option<File>,
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
        refuse_inputs(path, &Destination::of(path)?.identity(), inputs)?;
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

    /// Starts an output of BAM: the caller writes the bytes of the format, of which BGZF blocks are made.
    ///
    /// # Errors
    ///
    /// As [`Output::create`].
    pub fn create_bam(
        path: &Path,
        inputs: &[&Path],
        compression: &Compression,
    ) -> Result<Self, IoError> {
        Self::create_as(path, inputs, |stream| {
            let blocks = BlockWriter::new(stream, Format::Gzip, compression);
            Ok(Box::new(blocks.map_err(|error| refused(path, &error))?))
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
        let destination = Destination::of(path)?;
        refuse_inputs(path, &destination.identity(), inputs)?;
        let (file, unnamed) = match destination {
            Destination::Descriptor(_) | Destination::Special(_) => {
                let cannot = IoError::system(format!("{}: cannot be written", shown(path)));
                (destination.open_stream().map_err(cannot)?, None)
            }
            Destination::File(target) => {
                let replaced = Replaced::at(path, &target)?;
                let cannot = || IoError::system(format!("{}: cannot be created", path.display()));
                let mode = Replaced::mode(replaced.as_ref());
                let (file, unfinished) =
                    Unfinished::file(folder(&target), mode).map_err(cannot())?;
                if let Some(replaced) = replaced {
                    let cannot =
                        IoError::system(format!("{}: cannot keep its permissions", path.display()));
                    replaced.pass_on(&file).map_err(cannot)?;
                }
                (file, Some((unfinished, target)))
            }
        };
        let file = Arc::new(file);
        let wanted = Arc::new(AtomicBool::new(true));
        let stream = Stream::new(Arc::clone(&file), Arc::clone(&wanted), unnamed.is_some());
        let sink = sink(BufWriter::with_capacity(BUFFER, stream))?;
        let (path, removed) = (path.to_owned(), None);
        Ok(Self { path, file: Some(file), sink: Some(sink), wanted, unnamed, removed })
    }

    /// Returns the name of the output in messages.
    pub fn name(&self) -> String {
        shown(&self.path)
    }

    /// Writes all of `text`.
    ///
    /// # Errors
    ///
    /// The error of the operating system, with the name of the output.
    pub fn write_text(&mut self, text: &[u8]) -> Result<(), IoError> {
        self.write_all(text).map_err(|source| IoError::System { what: self.name(), source })
    }

    /// Returns an output that writes no file but removes the one that has its name, when the outputs of
    /// the run get their names. `None` if there is no such file, or if it is not of an earlier run: this
    /// is what `is_earlier` tells from the file.
    pub fn into_removal(mut self, is_earlier: impl FnOnce(&File) -> bool) -> Option<Self> {
        let (_, target) = self.unnamed.as_ref()?;
        fs::symlink_metadata(target).ok().filter(fs::Metadata::is_file)?;
        self.removed = File::open(target).ok().filter(is_earlier);
        self.removed.is_some().then_some(self)
    }

    /// Returns an unnamed temporary file on the disk of the output: the folder for temporary files
    /// may be small, or in memory.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn spool(&self) -> io::Result<File> {
        match &self.unnamed {
            Some((_, target)) => tempfile::tempfile_in(folder(target)),
            None => tempfile::tempfile(),
        }
    }

    /// Returns whether [`Output::begin_anew`] can be used: the output is a file.
    pub fn can_begin_anew(&self) -> bool {
        self.unnamed.is_some()
    }

    /// Writes everything that is buffered, and `text` over the first bytes of the file. Nothing can be
    /// written after this. It is for outputs that are not compressed and are files
    /// ([`Output::can_begin_anew`]).
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn begin_anew(&mut self, text: &[u8]) -> Result<(), IoError> {
        self.flush_all()?;
        let written = match self.file.as_deref() {
            Some(mut file) => file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(text)),
            None => Err(given_up()),
        };
        written.map_err(IoError::system(self.name()))
    }

    /// Returns a temporary file with a name, at the same place.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn named_spool(&self) -> io::Result<Spool> {
        match &self.unnamed {
            Some((_, target)) => Spool::new(folder(target)),
            None => Spool::new(&std::env::temp_dir()),
        }
    }

    /// Writes everything that is buffered, asks the system to store it, and gives the file its name.
    ///
    /// # Errors
    ///
    /// The error of the operating system; the final name then keeps its old file, or none.
    pub fn finish(self) -> Result<(), IoError> {
        finish_all(vec![self], Durability::OnDisk)
    }

    /// Writes everything that is buffered. Nothing can be written after this.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn flush_all(&mut self) -> Result<(), IoError> {
        match self.sink.take() {
            Some(sink) => sink.finish().map_err(IoError::system(self.name())),
            None => Ok(()),
        }
    }

    /// Writes everything that is buffered, and closes the file, which still has its temporary name.
    ///
    /// # Errors
    ///
    /// The error of the operating system, which may be the first to say that what was written before
    /// is not stored.
    pub fn complete(mut self, durability: Durability) -> Result<Complete, IoError> {
        self.flush_all()?;
        let name = self.name();
        let failed = || IoError::system(name.clone());
        let unnamed = self.unnamed.take().map(|(unfinished, target)| Unnamed {
            unfinished,
            target,
            folder: None,
            removed: self.removed.take(),
        });
        if let Some(file) = self.file.take() {
            if durability == Durability::OnDisk {
                sync(&file).map_err(failed())?;
            }
            // The sink has given up its part, so the file is closed here.
            if let Some(file) = Arc::into_inner(file) {
                system::close(file).map_err(failed())?;
            }
        }
        Ok(Complete { name, unnamed, durability })
    }
}

/// Completes the outputs of a run and gives them their names: none gets its name before all are
/// complete, and if one cannot get its name, all names keep what they had. The first output gets its
/// name last, so a program that waits for it finds the others there.
///
/// # Errors
///
/// As [`Output::complete`] and [`name_all`].
pub fn finish_all(outputs: Vec<Output>, durability: Durability) -> Result<(), IoError> {
    let mut complete = outputs
        .into_iter()
        .rev()
        .map(|output| output.complete(durability))
        .collect::<Result<Vec<_>, _>>()?;
    complete.reverse();
    name_all(complete)
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

/// Refuses two outputs that would overwrite each other: under one name, or in one open file.
///
/// # Errors
///
/// With the path that is named twice, or the first path at which nothing can be written.
pub fn refuse_twins<'a>(outputs: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), IoError> {
    let mut seen: Vec<Identity> = Vec::new();
    for path in outputs {
        let identity = Destination::of(path)?.identity();
        if seen.iter().any(|other| identity.collides(other)) {
            return Err(IoError::Refused(format!(
                "{}: is named for two outputs; give each its own",
                shown(path)
            )));
        }
        seen.push(identity);
    }
    Ok(())
}

/// Returns whether a path means stdout, by whatever name.
pub fn is_stdout(path: &Path) -> bool {
    Destination::of(path).is_ok_and(|destination| destination.is_stdout())
}

/// Returns the name of an output in messages.
fn shown(path: &Path) -> String {
    if is_stdio(path) { "stdout".to_owned() } else { path.display().to_string() }
}

/// Refuses an output over an input, or in its open file: the input would be lost.
fn refuse_inputs(path: &Path, identity: &Identity, inputs: &[&Path]) -> Result<(), IoError> {
    let Some(input) = inputs.iter().find(|input| identity.is_input(input)) else { return Ok(()) };
    let other = if **input == *path { String::new() } else { format!(" ({})", name(input)) };
    Err(IoError::Refused(format!(
        "{}: is an input too{other}; give the output another name",
        shown(path)
    )))
}

/// Formats of files whose names end like this are not written: archives, compression, alignments,
/// sequences without qualities, tables.
const NOT_WRITTEN: [&str; 34] = [
    "7z", "arrow", "bam", "bgzf", "br", "bz", "bz2", "cram", "csv", "fa", "fas", "fasta",
    "feather", "fna", "gzip", "lz", "lz4", "lzma", "lzo", "rar", "sam", "snappy", "sz", "tar",
    "tbz2", "tgz", "txz", "ubam", "xls", "xlsx", "xz", "z", "zip", "zstd",
];

/// Refuses a name that ends like a format that is not written, or in upper case: it would mislead
/// readers of the file.
fn refuse_other_formats(path: &Path) -> Result<(), IoError> {
    let Some(suffix) = path.extension().and_then(|extension| extension.to_str()) else {
        return Ok(());
    };
    let refuse = |what: String| Err(IoError::Refused(format!("{}: {what}", path.display())));
    let lower = suffix.to_ascii_lowercase();
    if NOT_WRITTEN.contains(&lower.as_str()) {
        return refuse(format!(
            ".{suffix} is not written; end the name in .gz for gzip, .zst for zstd, or in another \
             suffix, such as .fastq or .tsv, for plain text"
        ));
    }
    if lower == "parquet" && suffix == lower {
        return refuse(
            ".parquet is for the table of `bm score`; give the output another name".to_owned(),
        );
    }
    let is_known = lower == "parquet" || Format::of_suffix(&lower).is_some();
    if is_known && suffix != lower {
        return refuse(format!(
            "would be plain text; write .{suffix} in lower case, .{lower}, to get that format"
        ));
    }
    Ok(())
}

/// Puts the name of the output before a message.
fn refused(path: &Path, error: &IoError) -> IoError {
    IoError::Refused(format!("{}: {error}", path.display()))
}
