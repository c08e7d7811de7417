//! The Python module `bm`: probabilities and expected errors of reads, as arrays.
//!
//! The work is bm-pipeline's, on as many threads as there are processors, without holding the
//! interpreter's lock. So the results are those of `bm score`, with the same check whether the model
//! applies. The calling thread only waits and handles signals, so that Ctrl-C ends a call.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use bm_io::IoError;
use bm_pipeline::{
    Cancellation, Inputs, PipelineError, RunSettings, ScoreSource, Silent, score_reads,
};
use bm_quality::{ModelPackage, Verdict};
use bm_reads::fastq::Fault;
use bm_reads::{ReadError, ReadRef};
use crossbeam_channel::{RecvTimeoutError, bounded};
use numpy::{PyArray1, ToPyArray};
use pyo3::exceptions::{PyException, PyOSError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// Time between two looks at signals.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);
/// Reads of an iterable that are copied before other Python threads get their turn.
const READS_PER_PAUSE: usize = 1024;
/// Longest wait for the end of a cancelled run.
const CANCELLED_WAIT: Duration = Duration::from_millis(400);

/// Scores of reads: arrays with one value per read, in input order; NaN for a read that cannot be
/// scored.
#[pyclass(frozen, module = "bm")]
#[derive(Default)]
struct Scores {
    #[pyo3(get)]
    names: Vec<String>,
    probability: Vec<f32>,
    expected_errors: Option<Vec<f32>>,
    passes: Vec<bool>,
    /// The model's threshold: a read passes at this probability or above.
    #[pyo3(get)]
    threshold: f32,
    /// The model's id and version.
    #[pyo3(get)]
    model: String,
    /// What scored the reads: "model", or "reported-errors" where the model does not apply.
    #[pyo3(get)]
    scored_by: &'static str,
    /// Why the model does not apply to the reads, one clause per reason; empty if it applies.
    #[pyo3(get)]
    reasons: Vec<String>,
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
        self.passes.to_pyarray(py)
    }

    fn __len__(&self) -> usize {
        self.probability.len()
    }

    fn __repr__(&self) -> String {
        let passing = self.passes.iter().filter(|passes| **passes).count();
        let scored_by = match self.scored_by {
            "model" => String::new(),
            other => format!("{other}, not by "),
        };
        format!(
            "<bm.Scores of {} reads by {scored_by}{}: {passing} pass at {}>",
            self.probability.len(),
            self.model,
            self.threshold
        )
    }
}

/// Score reads, as `bm score` does.
///
/// Parameters
/// ----------
/// reads : path of a FASTQ file, plain or compressed (gzip, zstd, bzip2, xz); or iterable of
///     (sequence, quality) or of (name, sequence, quality), each str or bytes.
/// model : str, optional
///     Id of an embedded model, or path of a package or .onnx file. A model that is given is used
///     even if it does not apply to the reads. If None: the default model, or the errors that the
///     qualities report if it does not apply to the first reads.
/// threads : int, optional
///     Number of threads; one per processor if None.
///
/// Returns
/// -------
/// Scores
///     One value per read, in input order.
///
/// Raises
/// ------
/// ValueError
///     A read is malformed, a file is damaged, or the model does not exist. The text is that of
///     `bm score`.
/// TypeError
///     An element of the iterable is not a tuple of two or three str or bytes.
/// OSError
///     A file cannot be opened.
/// KeyboardInterrupt
///     Ctrl-C was pressed. The call ends within a second, also while it waits for a pipe.
#[pyfunction]
#[pyo3(signature = (reads, *, model = None, threads = None))]
fn score(
    py: Python<'_>,
    reads: &Bound<'_, PyAny>,
    model: Option<String>,
    threads: Option<usize>,
) -> PyResult<Scores> {
    let is_path = reads.is_instance_of::<PyString>() || reads.hasattr("__fspath__")?;
    let (inputs, names) = if is_path {
        (Inputs::single(reads.extract::<PathBuf>()?), None)
    } else {
        let InMemory { names, text } = in_memory(py, reads)?;
        (Inputs::text(text), Some(names))
    };
    let mut settings = RunSettings::new(inputs);
    settings.engine.model = model;
    if let Some(threads) = threads {
        settings.threads = threads.max(1);
    }
    let cancellation = Cancellation::default();
    settings.cancellation = Some(cancellation.clone());
    interruptible(py, &cancellation, move || scores(&settings, names))
}

/// Returns the result of `run`, or the exception that a signal handler raised in the meantime.
///
/// `run` has a thread of its own, because only Python's main thread handles signals, and that is the
/// calling thread or waits for it. After an exception, the run is cancelled and usually over before
/// this returns. A run that does not react, because the system does not return from opening or
/// reading a file, ends by itself later, without result.
fn interruptible<T: Send + 'static>(
    py: Python<'_>,
    cancellation: &Cancellation,
    run: impl FnOnce() -> PyResult<T> + Send + 'static,
) -> PyResult<T> {
    let (give, take) = bounded(1);
    let thread = thread::Builder::new().name("bm-score".to_owned()).spawn(move || {
        // Nobody takes the result of a run that was given up.
        let _ = give.send(run());
    })?;
    loop {
        match py.detach(|| take.recv_timeout(SIGNAL_INTERVAL)) {
            Ok(outcome) => {
                // The thread has nothing left to do.
                let _ = py.detach(|| thread.join());
                return outcome;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err(
                    "scoring stopped unexpectedly; this is a bug in bm",
                ));
            }
        }
        if let Err(raised) = py.check_signals() {
            cancellation.cancel();
            py.detach(move || {
                if take.recv_timeout(CANCELLED_WAIT).is_ok() {
                    let _ = thread.join();
                }
            });
            return Err(raised);
        }
    }
}

/// Ids of the embedded models.
#[pyfunction]
fn models() -> Vec<&'static str> {
    ModelPackage::embedded_ids().collect()
}

/// Reads of an iterable, copied: Python code may change its own objects while the reads are scored.
#[derive(Default)]
struct InMemory {
    /// Names as they were given.
    names: Vec<String>,
    /// The reads as FASTQ.
    text: Vec<u8>,
}

impl InMemory {
    /// Adds a read that can be written as a record of four lines.
    fn push(&mut self, read: ReadRef<'_>) -> Result<(), String> {
        // A read that is empty or has no known base gets NaN; a malformed read is an error.
        match read.check_scorable() {
            Ok(()) => {}
            // These are found before the qualities are checked.
            Err(ReadError::EmptyRead | ReadError::NoKnownBase) => {
                bm_reads::check_quality(read.quality_scores).map_err(|error| error.to_string())?;
            }
            Err(error) => return Err(error.to_string()),
        }
        let is_line_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        // All other bytes that are no bases are found when the text is read.
        if let Some(position) = read.sequence.iter().position(is_line_end) {
            let byte = read.sequence[position];
            return Err(Fault::InvalidBase { position, byte }.to_string());
        }
        self.names.push(String::from_utf8_lossy(read.name).into_owned());
        self.text.push(b'@');
        let without_line_ends = |byte: &u8| if is_line_end(byte) { b' ' } else { *byte };
        self.text.extend(read.name.iter().map(without_line_ends));
        for part in [&b"\n"[..], read.sequence, b"\n+\n", read.quality_scores, b"\n"] {
            self.text.extend_from_slice(part);
        }
        Ok(())
    }
}

fn in_memory(py: Python<'_>, reads: &Bound<'_, PyAny>) -> PyResult<InMemory> {
    let mut all = InMemory::default();
    for (number, read) in reads.try_iter()?.enumerate() {
        // An iterator that is not written in Python neither looks at signals nor lets others run.
        py.check_signals()?;
        if number % READS_PER_PAUSE == 0 {
            py.detach(|| {});
        }
        let parts: Vec<Bound<'_, PyAny>> = read?.extract().map_err(|error: PyErr| {
            // KeyboardInterrupt and SystemExit say nothing about the read.
            if !error.is_instance_of::<PyException>(py) {
                return error;
            }
            PyTypeError::new_err(format!(
                "read {number}: expected (sequence, quality) or (name, sequence, quality)"
            ))
        })?;
        let parts = parts.iter().map(bytes).collect::<PyResult<Vec<_>>>()?;
        let default_name = number.to_string();
        let (name, sequence, quality_scores) = match parts[..] {
            [sequence, quality_scores] => (default_name.as_bytes(), sequence, quality_scores),
            [name, sequence, quality_scores] => (name, sequence, quality_scores),
            _ => {
                return Err(PyTypeError::new_err(format!(
                    "read {number}: {} parts, expected two or three",
                    parts.len()
                )));
            }
        };
        all.push(ReadRef { name, sequence, quality_scores })
            .map_err(|error| PyValueError::new_err(format!("read {number}: {error}")))?;
    }
    Ok(all)
}

fn bytes<'a>(part: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if let Ok(text) = part.cast::<PyString>() {
        return Ok(text.to_str()?.as_bytes());
    }
    match part.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.as_bytes()),
        Err(_) => Err(PyTypeError::new_err("expected str or bytes")),
    }
}

/// Scores the reads of a file, or those in memory, which have these names.
fn scores(settings: &RunSettings, names: Option<Vec<String>>) -> PyResult<Scores> {
    let is_in_memory = names.is_some();
    let mut scores = Scores { names: names.unwrap_or_default(), ..Scores::default() };
    let mut errors = Vec::new();
    let done = score_reads(settings, &Silent, |scored, decision| {
        for (mate, fate) in scored.template.mates().iter().zip(decision.fates()) {
            let prediction = scored.prediction(mate);
            scores.probability.push(prediction.probability().map_or(f32::NAN, |p| p.get()));
            errors.push(prediction.expected_errors().unwrap_or(f32::NAN));
            scores.passes.push(fate.verdict == Verdict::Pass);
            if !is_in_memory {
                scores.names.push(String::from_utf8_lossy(mate.record.name()).into_owned());
            }
        }
    })
    .map_err(|error| raised(&error, is_in_memory))?;
    let ScoreSource::Model { engine, applicability, .. } = &done.source else {
        return Err(PyRuntimeError::new_err("no model scored the reads; this is a bug in bm"));
    };
    let facts = engine.package.facts();
    Ok(Scores {
        expected_errors: facts.counts_errors().then_some(errors),
        threshold: facts.threshold.get(),
        model: format!("{} version {}", facts.id, facts.version),
        scored_by: applicability.scored_by().name(),
        reasons: applicability.reasons().collect(),
        ..scores
    })
}

/// Returns the exception for an error, with the text that `bm score` prints.
fn raised(error: &PipelineError, is_in_memory: bool) -> PyErr {
    match error {
        // A list has numbers of reads, from 0, and no bytes.
        PipelineError::Io(IoError::Records { source, .. }) if is_in_memory => {
            PyValueError::new_err(format!("read {}: {}", source.record - 1, source.fault))
        }
        PipelineError::Io(IoError::System { .. }) => PyOSError::new_err(error.with_causes()),
        PipelineError::Stopped(_) => PyRuntimeError::new_err(error.with_causes()),
        _ => PyValueError::new_err(error.with_causes()),
    }
}

/// Expected errors per read, and the probability that a read is good.
#[pymodule]
fn bm(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<Scores>()?;
    module.add_function(wrap_pyfunction!(score, module)?)?;
    module.add_function(wrap_pyfunction!(models, module)?)
}
