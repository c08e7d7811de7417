//! Writes results so that a file under its final name is always whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

use crate::compress::{Blocks, Compression, Format};
use crate::input;
use crate::interrupted::Part;
use crate::parquet_table::ParquetTable;

/// Bytes gathered before they are written. Fewer than the text of a batch has, which goes out as it
/// is and is not copied.
const BUFFER: usize = 64 * 1024;

/// One output. Dropped before [`Output::finish`], it leaves no file behind and writes nothing more.
pub(crate) struct Output {
    path: PathBuf,
    /// The file itself, where the path is a link to one.
    place: PathBuf,
    /// Present until the output is finished.
    sink: Option<Sink>,
    /// Cleared when the output is given up.
    wanted: Arc<AtomicBool>,
    /// Present until the output is finished: the file that gets its name last.
    unnamed: Option<(tempfile::TempPath, Part)>,
}

enum Sink {
    Plain(BufWriter<Stream>),
    Blocks(Box<Blocks<BufWriter<Stream>>>),
    Table(Box<ParquetTable<BufWriter<Stream>>>),
}

/// Where bytes go, as long as they are wanted.
///
/// Writers with a buffer write it out when they are dropped: after an error that would make a part
/// look like a whole.
struct Stream {
    inner: Box<dyn Write + Send>,
    wanted: Arc<AtomicBool>,
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

impl Output {
    /// Starts an output at `path`: stdout if it is `-`, compressed if its name says so.
    ///
    /// A regular file is written beside its final name and renamed by [`Output::finish`]; a device
    /// or a pipe is written as it is.
    ///
    /// # Errors
    ///
    /// If the path is one of `inputs`, or cannot be created.
    pub(crate) fn create(path: &Path, inputs: &[&Path], compression: &Compression) -> Result<Self> {
        if is_parquet(path) {
            bail!(
                "{}: .parquet is for the table of `bm score`; give the output another name",
                path.display()
            );
        }
        Self::open(path, inputs, compression)
    }

    /// The same for the text of a table, which becomes Parquet if the name ends in `.parquet`.
    ///
    /// # Errors
    ///
    /// As [`Output::create`].
    pub(crate) fn create_table(
        path: &Path,
        inputs: &[&Path],
        compression: &Compression,
    ) -> Result<Self> {
        Self::open(path, inputs, compression)
    }

    fn open(path: &Path, inputs: &[&Path], compression: &Compression) -> Result<Self> {
        let place = place(path);
        let (stream, unnamed): (Box<dyn Write + Send>, _) = if input::is_stdio(path) {
            (Box::new(io::stdout()), None)
        } else {
            refuse_inputs(path, inputs)?;
            refuse_other_formats(path)?;
            match fs::metadata(path) {
                Ok(metadata) if metadata.is_dir() => {
                    bail!("{}: is a folder, expected a file name for the output", path.display())
                }
                Ok(metadata) if !metadata.is_file() => {
                    let file = fs::OpenOptions::new().write(true).open(path);
                    (
                        Box::new(
                            file.with_context(|| format!("{}: cannot be written", path.display()))?,
                        ),
                        None,
                    )
                }
                _ => {
                    let (file, unnamed) = beside(path, &place)?.into_parts();
                    let part = Part::new(&unnamed);
                    (Box::new(file), Some((unnamed, part)))
                }
            }
        };
        let wanted = Arc::new(AtomicBool::new(true));
        let stream =
            BufWriter::with_capacity(BUFFER, Stream { inner: stream, wanted: Arc::clone(&wanted) });
        let sink = match Format::of_name(path) {
            _ if is_parquet(path) => {
                let level = Format::Zstd
                    .level(compression.level)
                    .with_context(|| path.display().to_string())?;
                Sink::Table(Box::new(ParquetTable::new(stream, level)))
            }
            Some(format) => Sink::Blocks(Box::new(
                Blocks::new(stream, format, compression)
                    .with_context(|| path.display().to_string())?,
            )),
            None => Sink::Plain(stream),
        };
        Ok(Self { path: path.to_owned(), place, sink: Some(sink), wanted, unnamed })
    }

    /// Returns what messages call the output.
    pub(crate) fn name(&self) -> String {
        if input::is_stdio(&self.path) {
            "stdout".to_owned()
        } else {
            self.path.display().to_string()
        }
    }

    /// Returns an unnamed file on the disk that the output goes to: the folder for temporary files
    /// may be small, or in memory.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn spool(&self) -> io::Result<File> {
        if self.unnamed.is_some() {
            tempfile::tempfile_in(folder(&self.place))
        } else {
            tempfile::tempfile()
        }
    }

    /// Writes out what is buffered and gives the file its name.
    ///
    /// # Errors
    ///
    /// What the system says; a file under the final name is then the one that was there before, or
    /// none.
    pub(crate) fn finish(self) -> Result<()> {
        finish_all(vec![self])
    }

    /// Writes out what is buffered, and nothing after it.
    fn complete(&mut self) -> Result<()> {
        let written = match self.sink.take().ok_or_else(given_up) {
            Ok(Sink::Plain(stream)) => Ok(stream),
            Ok(Sink::Blocks(blocks)) => blocks.finish(),
            Ok(Sink::Table(table)) => table.finish(),
            Err(error) => Err(error),
        };
        written.and_then(|mut stream| stream.flush()).with_context(|| self.name())
    }

    /// Gives the file, which is complete, its name.
    fn name_it(&mut self) -> Result<()> {
        let Some((unnamed, _part)) = self.unnamed.take() else { return Ok(()) };
        let named = unnamed.persist(&self.place).map_err(|error| error.error);
        named.with_context(|| format!("{}: cannot be given its name", self.name()))
    }
}

/// Finishes the outputs of one run. The first one gets its name last: whoever waits for it finds
/// the others there, and none gets one before all are complete.
///
/// # Errors
///
/// As [`Output::finish`].
pub(crate) fn finish_all(mut outputs: Vec<Output>) -> Result<()> {
    outputs.iter_mut().rev().try_for_each(Output::complete)?;
    outputs.iter_mut().rev().try_for_each(Output::name_it)
}

impl Drop for Output {
    fn drop(&mut self) {
        self.wanted.store(false, Ordering::Relaxed);
    }
}

impl Write for Output {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Some(Sink::Plain(stream)) => stream.write(buf),
            Some(Sink::Blocks(blocks)) => blocks.write(buf),
            Some(Sink::Table(table)) => table.write(buf),
            None => Err(given_up()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Some(Sink::Plain(stream)) => stream.flush(),
            Some(Sink::Blocks(blocks)) => blocks.flush(),
            Some(Sink::Table(table)) => table.flush(),
            None => Err(given_up()),
        }
    }
}

fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "parquet")
}

fn given_up() -> io::Error {
    io::Error::other("the output was given up")
}

/// Returns the file that `path` is or links to: renaming over a link would replace the link and not
/// the file.
fn place(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Returns the folder that a file is in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Two outputs under one name would overwrite each other.
pub(crate) fn refuse_twins<'a>(
    outputs: impl IntoIterator<Item = Option<&'a PathBuf>>,
) -> Result<()> {
    let mut seen = Vec::new();
    for path in outputs.into_iter().flatten() {
        // Two paths to one file are the same output, whether it exists yet or not; a device takes
        // any number.
        let identity = match path.file_name() {
            Some(name) if !path.exists() => fs::canonicalize(folder(path))
                .map_or_else(|_| path.clone(), |folder| folder.join(name)),
            _ => place(path),
        };
        if seen.contains(&identity) && (input::is_stdio(path) || !path.exists() || path.is_file()) {
            bail!("{}: is named for two outputs; give each its own", path.display());
        }
        seen.push(identity);
    }
    Ok(())
}

/// Returns a new file in the folder of `place`, with the permissions that a plainly created one
/// would have; `path` is what messages call it.
fn beside(path: &Path, place: &Path) -> Result<NamedTempFile> {
    let folder = folder(place);
    if !folder.is_dir() {
        bail!("{}: cannot be created, there is no folder {}", path.display(), folder.display());
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".bm-").suffix(".partial");
    // Opened here and not by tempfile, which gives files to their owner alone and puts a name into
    // its error that means nothing to the user.
    let open = |place: &Path| File::options().read(true).write(true).create_new(true).open(place);
    builder.make_in(folder, open).with_context(|| format!("{}: cannot be created", path.display()))
}

/// A name that promises a format that is not written would mislead whoever reads the file.
fn refuse_other_formats(path: &Path) -> Result<()> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some(extension @ ("bz2" | "xz" | "sam" | "bam" | "cram")) => {
            bail!(
                "{}: .{extension} is not written; end the name in .gz for gzip, .zst for zstd, or in anything else for plain text",
                path.display()
            )
        }
        _ => Ok(()),
    }
}

/// Writing over what is being read would lose it.
fn refuse_inputs(path: &Path, inputs: &[&Path]) -> Result<()> {
    let Ok(output) = fs::canonicalize(path) else { return Ok(()) };
    for input in inputs.iter().filter(|input| !input::is_stdio(input)) {
        if fs::canonicalize(input).is_ok_and(|input| input == output) {
            bail!("{}: is an input too; give the output another name", path.display());
        }
    }
    Ok(())
}
