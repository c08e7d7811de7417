//! The Python module `bm`: probabilities and expected errors of reads, as arrays.
//!
//! It runs on as many threads as there are processors, without holding the interpreter's lock. The
//! results equal those of `bm score`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use bm_infer::backend::Embedded;
use bm_quality::{ModelPackage, Prediction, QualityError, QualityModel};
use bm_reads::ReadRef;
use bm_reads::fastq::{Reader, Record};
use flate2::bufread::MultiGzDecoder;
use numpy::{PyArray1, ToPyArray};
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// Bytes read from a file at once.
const BUFFER: usize = 256 * 1024;

/// A copy of a read: Python code may change its own objects while the model runs.
struct Owned {
    name: Vec<u8>,
    sequence: Vec<u8>,
    quality_scores: Vec<u8>,
}

impl Owned {
    fn as_read(&self) -> ReadRef<'_> {
        ReadRef { name: &self.name, sequence: &self.sequence, quality_scores: &self.quality_scores }
    }
}

/// Results of a model: arrays with one value per read, in input order; NaN for a read that cannot
/// be scored.
#[pyclass(frozen, module = "bm")]
struct Scores {
    #[pyo3(get)]
    names: Vec<String>,
    probability: Vec<f32>,
    expected_errors: Option<Vec<f32>>,
    /// The model's threshold: a read passes at this probability or above.
    #[pyo3(get)]
    threshold: f32,
    /// The model's id and version.
    #[pyo3(get)]
    model: String,
}

#[pymethods]
impl Scores {
    /// Probability that the read is good, float32 [reads].
    #[getter]
    fn probability<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        self.probability.to_pyarray(py)
    }

    /// Expected number of wrong bases, float32 [reads]; None if the model does not estimate errors.
    #[getter]
    fn expected_errors<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<f32>>> {
        self.expected_errors.as_ref().map(|errors| errors.to_pyarray(py))
    }

    /// Whether each read passes at the model's threshold, bool [reads].
    #[getter]
    fn passes<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<bool>> {
        self.probability.iter().map(|p| *p >= self.threshold).collect::<Vec<_>>().to_pyarray(py)
    }

    fn __len__(&self) -> usize {
        self.probability.len()
    }

    fn __repr__(&self) -> String {
        let passing = self.probability.iter().filter(|p| **p >= self.threshold).count();
        format!(
            "<bm.Scores of {} reads by {}: {passing} pass at {}>",
            self.probability.len(),
            self.model,
            self.threshold
        )
    }
}

/// Score reads.
///
/// Parameters
/// ----------
/// reads : list of (sequence, quality) or of (name, sequence, quality), each str or bytes;
///     or the path of a FASTQ file, plain or gzip.
/// model : str
///     Id of an embedded model, or path of a package or .onnx file.
/// threads : int, optional
///     Number of threads; one per processor if None.
///
/// Returns
/// -------
/// Scores
///     One value per read, in input order.
#[pyfunction]
#[pyo3(signature = (reads, *, model = "read-error", threads = None))]
fn score(
    py: Python<'_>,
    reads: &Bound<'_, PyAny>,
    model: &str,
    threads: Option<usize>,
) -> PyResult<Scores> {
    let package = package(model)?;
    let threads = threads
        .or_else(|| thread::available_parallelism().ok().map(usize::from))
        .unwrap_or(1)
        .max(1);
    let path = if reads.is_instance_of::<PyString>() || reads.hasattr("__fspath__")? {
        Some(reads.extract::<PathBuf>()?)
    } else {
        None
    };
    let owned = match path {
        Some(path) => py.detach(move || of_file(&path))?,
        None => of_list(reads)?,
    };
    py.detach(move || predict(package, &owned, threads))
}

/// Ids of the embedded models.
#[pyfunction]
fn models() -> Vec<&'static str> {
    ModelPackage::embedded_ids().collect()
}

fn package(model: &str) -> PyResult<ModelPackage> {
    let embedded = ModelPackage::embedded_ids().any(|id| id == model);
    let package = if embedded || !std::path::Path::new(model).exists() {
        ModelPackage::embedded(model)
    } else {
        ModelPackage::open(model.as_ref())
    };
    package.map_err(|error| PyValueError::new_err(words(&error)))
}

fn of_list(reads: &Bound<'_, PyAny>) -> PyResult<Vec<Owned>> {
    let mut all = Vec::new();
    for (number, read) in reads.try_iter()?.enumerate() {
        let parts: Vec<Bound<'_, PyAny>> = read?.extract().map_err(|_| {
            PyTypeError::new_err(format!(
                "read {number}: expected (sequence, quality) or (name, sequence, quality)"
            ))
        })?;
        let bytes = parts.iter().map(bytes).collect::<PyResult<Vec<_>>>()?;
        let [name, sequence, quality_scores] = match <[Vec<u8>; 2]>::try_from(bytes) {
            Ok([sequence, quality_scores]) => {
                [number.to_string().into_bytes(), sequence, quality_scores]
            }
            Err(bytes) => <[Vec<u8>; 3]>::try_from(bytes).map_err(|bytes| {
                PyTypeError::new_err(format!(
                    "read {number}: {} parts, expected two or three",
                    bytes.len()
                ))
            })?,
        };
        let read = Owned { name, sequence, quality_scores };
        // A read that is empty or has no known base gets NaN; a malformed read is an error.
        match read.as_read().check_scorable() {
            Ok(()) | Err(bm_reads::ReadError::EmptyRead | bm_reads::ReadError::NoKnownBase) => {
                all.push(read)
            }
            Err(error) => return Err(PyValueError::new_err(format!("read {number}: {error}"))),
        }
    }
    Ok(all)
}

fn bytes(part: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(text) = part.cast::<PyString>() {
        return Ok(text.to_str()?.as_bytes().to_vec());
    }
    match part.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.as_bytes().to_vec()),
        Err(_) => Err(PyTypeError::new_err("expected str or bytes")),
    }
}

fn of_file(path: &std::path::Path) -> PyResult<Vec<Owned>> {
    let failed = |error: &dyn std::error::Error| {
        PyOSError::new_err(format!("{}: {}", path.display(), words(error)))
    };
    let mut stored =
        BufReader::with_capacity(BUFFER, File::open(path).map_err(|error| failed(&error))?);
    let is_gzip = stored.fill_buf().map_err(|error| failed(&error))?.starts_with(&[0x1f, 0x8b]);
    let text: Box<dyn Read> =
        if is_gzip { Box::new(MultiGzDecoder::new(stored)) } else { Box::new(stored) };
    let (mut reader, mut record, mut all) = (Reader::new(text), Record::default(), Vec::new());
    while reader
        .read_record(&mut record)
        .map_err(|error| PyValueError::new_err(format!("{}: {}", path.display(), words(&error))))?
    {
        let [name, sequence, quality_scores] =
            [record.name(), record.sequence(), record.quality_scores()].map(<[u8]>::to_vec);
        all.push(Owned { name, sequence, quality_scores });
    }
    Ok(all)
}

fn predict(package: ModelPackage, reads: &[Owned], threads: usize) -> PyResult<Scores> {
    let package = Arc::new(package);
    let of = |reads: &[Owned]| -> Result<Vec<Prediction>, QualityError> {
        let mut predictions = Vec::with_capacity(reads.len());
        let mut model = QualityModel::new(Arc::clone(&package), &Embedded::new())?;
        model.predict_into(reads.iter().map(Owned::as_read), &mut predictions)?;
        Ok(predictions)
    };
    let parts = thread::scope(|scope| {
        let of = &of;
        let parts = reads.chunks(reads.len().div_ceil(threads).max(1));
        let workers: Vec<_> = parts.map(|part| scope.spawn(move || of(part))).collect();
        workers.into_iter().map(|worker| worker.join()).collect::<Vec<_>>()
    });
    let mut predictions = Vec::with_capacity(reads.len());
    for part in parts {
        let part = part.map_err(|_| {
            PyRuntimeError::new_err("a worker stopped unexpectedly; this is a bug in bm")
        })?;
        predictions.extend(part.map_err(|error| PyRuntimeError::new_err(words(&error)))?);
    }
    let facts = package.facts();
    Ok(Scores {
        names: reads.iter().map(|read| String::from_utf8_lossy(&read.name).into_owned()).collect(),
        probability: predictions
            .iter()
            .map(|prediction| prediction.probability().map_or(f32::NAN, |p| p.get()))
            .collect(),
        expected_errors: facts.counts_errors().then(|| {
            predictions
                .iter()
                .map(|prediction| prediction.expected_errors().unwrap_or(f32::NAN))
                .collect()
        }),
        threshold: facts.threshold.get(),
        model: format!("{} version {}", facts.id, facts.version),
    })
}

/// Returns the message of an error, followed by those of its causes.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

/// Expected errors per read, and the probability that a read is good.
#[pymodule]
fn bm(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<Scores>()?;
    module.add_function(wrap_pyfunction!(score, module)?)?;
    module.add_function(wrap_pyfunction!(models, module)?)
}
