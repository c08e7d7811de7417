//! `bm embed` as a library: a vector for every read, as an array or a table.

mod npy_rows;
mod vector_table;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bm_infer::{Backend, InferError};
use bm_io::ordered_stages::{self, Budget};
use bm_io::{Cancellation, Compression, Durability, Format, Output, Tasks, finish_all};
use bm_quality::{Embedder, EmbeddingPackage, QualityError};

use self::npy_rows::NpyRows;
use self::vector_table::VectorTable;
use crate::PipelineError;
use crate::engine::{BackendChoice, EngineChoice};
use crate::inputs::Inputs;
use crate::observer::{Observer, Task};
use crate::pipeline::{BATCH_BYTES, MEMORY_BYTES};
use crate::template_reader::TemplateReader;
use crate::templates::TemplateBatch;

/// Memory of a batch in bytes per byte of its text, beside the vectors.
const BYTES_PER_TEXT: usize = 2;

/// The same per read, beside its vector: the positions of the record, and its name in two texts.
const BYTES_PER_READ: usize = 256;

/// Writes a vector for every read, in the order of the reads. Those of two mates follow each other.
#[derive(Clone, Debug)]
pub struct Embed {
    /// The reads.
    pub inputs: Inputs,
    /// Where the vectors go: an array of numpy if the name ends in `.npy`, a table if it ends in
    /// `.parquet`; `-` is stdout, for an array.
    pub output: PathBuf,
    /// Where the names of the reads go, a line for each row; a table has them.
    pub names: Option<PathBuf>,
    /// The engine, and the folder of a package; without one, the model that bm ships.
    pub engine: EngineChoice,
    /// Threads; no output depends on their number.
    pub threads: usize,
    /// Compression level of the table and of the names; `None` for the default of their format.
    pub level: Option<u8>,
    /// Whether outputs are on the disk when they get their names.
    pub durability: Durability,
    /// A switch that ends the run from another thread.
    pub cancellation: Option<Cancellation>,
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Embedded {
    /// Reads, and rows.
    pub reads: u64,
    /// Of these, those whose vector is zeros: too short, or too many unknown bases.
    pub without: u64,
    /// Values of a vector.
    pub dimensions: usize,
    /// The model's id and version.
    pub model: String,
    /// The engine that ran.
    pub engine: String,
    /// Duration of the run.
    pub wall: Duration,
}

impl Embed {
    /// Returns the outputs.
    pub fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.output).chain(&self.names)
    }

    /// Writes the vectors and gives the outputs their names.
    ///
    /// # Errors
    ///
    /// If an input is broken, the model or its engine cannot be used, or an output cannot be written;
    /// no output exists then.
    pub fn run(&self, observer: &dyn Observer) -> Result<Embedded, PipelineError> {
        let began = Instant::now();
        let package = match &self.engine.model {
            Some(folder) => EmbeddingPackage::open(Path::new(folder))?,
            None => EmbeddingPackage::shipped()?,
        };
        let backend = self.backend(&package)?;
        let embedders = (0..self.threads.max(1)).map(|_| Embedder::new(&package, backend.as_ref()));
        let embedders = embedders.collect::<Result<Vec<_>, _>>()?;
        let dimensions = embedders.first().map_or(0, Embedder::dimensions);
        let compression =
            Compression { level: self.level, tasks: Tasks::for_workers(self.threads) };
        let mut rows = self.create(dimensions, &compression)?;
        let (reads, without) = self.pass(embedders, &mut rows, &compression.tasks, observer)?;
        finish_all(rows.finish(reads)?, self.durability)?;
        let manifest = package.manifest();
        Ok(Embedded {
            reads,
            without,
            dimensions,
            model: format!("{} version {}", manifest.id, manifest.version),
            engine: backend.describe(),
            wall: began.elapsed(),
        })
    }

    /// Returns the engine: by default the embedded one, or ONNX Runtime for a model that it cannot run.
    fn backend(&self, package: &EmbeddingPackage) -> Result<Box<dyn Backend>, PipelineError> {
        let choice = match self.engine.backend {
            BackendChoice::Auto if self.engine.ort_library.is_some() => BackendChoice::OnnxRuntime,
            backend => backend,
        };
        let backend = self.engine.backend(choice)?;
        match Embedder::new(package, backend.as_ref()) {
            Err(QualityError::Infer(InferError::ModelUnsupported { .. }))
                if choice == BackendChoice::Auto =>
            {
                self.engine.backend(BackendChoice::OnnxRuntime)
            }
            _ => Ok(backend),
        }
    }

    /// Starts the outputs.
    fn create(&self, dimensions: usize, compression: &Compression) -> Result<Rows, PipelineError> {
        let mut inputs = self.inputs.paths();
        inputs.extend(self.engine.ort_library.as_deref());
        let names = self.names.iter().map(|path| Output::create(path, &inputs, compression));
        let names = names.collect::<Result<Vec<_>, _>>()?.pop();
        let plain = || Output::create_as(&self.output, &inputs, |stream| Ok(Box::new(stream)));
        let vectors = match self.output.extension().and_then(|it| it.to_str()) {
            Some("parquet") => {
                let level = Format::Zstd.level(compression.level)?;
                let has_pairs = self.inputs.has_pairs();
                let table = VectorTable::new(plain()?, dimensions, has_pairs, level)?;
                Vectors::Table(Box::new(table))
            }
            Some("npy") => Vectors::Array(Box::new(NpyRows::new(plain()?, dimensions)?)),
            _ if bm_io::is_stdout(&self.output) => {
                Vectors::Array(Box::new(NpyRows::new(plain()?, dimensions)?))
            }
            _ => {
                return PipelineError::refuse(format!(
                    "{}: expected a name that ends in .npy, for an array, or in .parquet, for a table",
                    self.output.display()
                ));
            }
        };
        Ok(Rows { vectors, names })
    }

    /// Reads all reads and writes their rows; returns the number of reads, and of those without a
    /// vector.
    fn pass(
        &self,
        embedders: Vec<Embedder>,
        rows: &mut Rows,
        tasks: &Tasks,
        observer: &dyn Observer,
    ) -> Result<(u64, u64), PipelineError> {
        let cancellation = self.cancellation.as_ref();
        let mut reader = TemplateReader::open_for(&self.inputs, tasks, cancellation)?;
        observer.pass_begins(Task::Embedding, reader.leading());
        let per_read = BYTES_PER_READ + 4 * embedders.first().map_or(0, Embedder::dimensions);
        let weight = |batch: &Batch| {
            batch.templates.bytes() * BYTES_PER_TEXT + batch.templates.len() * per_read
        };
        let (mut reads, mut without) = (0, 0);
        let read = |batch: &mut Batch| {
            cancellation.map_or(Ok(()), Cancellation::check)?;
            let group = reader.group();
            let more = reader.read(&mut batch.templates, BATCH_BYTES)?;
            if reader.group() != group {
                observer.pass_ends();
                observer.pass_begins(Task::Embedding, reader.leading());
            }
            Ok(more)
        };
        let work = |embedder: &mut Embedder, batch: &mut Batch| batch.embed(embedder);
        let take = |batch: &Batch| {
            reads += batch.templates.len() as u64;
            without += batch.without as u64;
            observer.reads_done(batch.templates.len());
            rows.write(batch)
        };
        let budget = Budget { bytes: MEMORY_BYTES, weight };
        ordered_stages::run(embedders, tasks, budget, read, work, take)?;
        observer.pass_ends();
        reader.warnings().for_each(|line| observer.warn(&line));
        Ok((reads, without))
    }
}

/// Reads that are processed together.
#[derive(Default)]
struct Batch {
    templates: TemplateBatch,
    /// **Shape:** `[reads, dimensions]`.
    vectors: Vec<f32>,
    without: usize,
}

impl Batch {
    fn embed(&mut self, embedder: &mut Embedder) -> Result<(), PipelineError> {
        let Self { templates, vectors, without } = self;
        vectors.clear();
        let mates = templates.templates().flat_map(|template| {
            let mates = template.mates();
            [mates.first(), mates.get(1)].map(|mate| mate.map(|mate| mate.record.as_read()))
        });
        *without = embedder
            .embed_into(mates.flatten(), vectors)
            .map_err(PipelineError::at("embedding reads"))?;
        Ok(())
    }
}

/// Where rows go.
struct Rows {
    vectors: Vectors,
    names: Option<Output>,
}

enum Vectors {
    Array(Box<NpyRows>),
    Table(Box<VectorTable>),
}

impl Rows {
    fn write(&mut self, batch: &Batch) -> Result<(), PipelineError> {
        if let Vectors::Array(rows) = &mut self.vectors {
            rows.append(&batch.vectors)?;
        }
        let is_table = matches!(self.vectors, Vectors::Table(_));
        if !is_table && self.names.is_none() {
            return Ok(());
        }
        let mut names = Vec::new();
        let mut row = 0;
        for template in batch.templates.templates() {
            let mates = template.mates();
            for (place, mate) in mates.iter().enumerate() {
                let name = mate.record.name();
                if let Vectors::Table(table) = &mut self.vectors {
                    let number = if mates.len() == 2 { place as i32 + 1 } else { 0 };
                    table.push(name, number, row, &batch.vectors)?;
                }
                names.extend_from_slice(name);
                names.push(b'\n');
                row += 1;
            }
        }
        if let Some(output) = &mut self.names {
            output.write_text(&names)?;
        }
        Ok(())
    }

    /// Completes what is written; returns the outputs, the main one first.
    fn finish(self, rows: u64) -> Result<Vec<Output>, PipelineError> {
        let vectors = match self.vectors {
            Vectors::Array(array) => array.finish(rows)?,
            Vectors::Table(table) => table.finish()?,
        };
        Ok(std::iter::once(vectors).chain(self.names).collect())
    }
}
