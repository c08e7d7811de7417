//! The Python module `bm`: probabilities and expected errors of reads, as arrays.
//!
//! The work is bm-pipeline's, on as many threads as there are processors, without holding the
//! interpreter's lock. So the results are those of `bm score`, with the same check whether the model
//! applies. The calling thread only waits and handles signals, so that Ctrl-C ends a call.

use std::ffi::OsString;
use std::ops::Range;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use bm_io::IoError;
use bm_pipeline::{
    AdapterChoice, Cancellation, GivenAdapter, Inputs, PipelineError, RunSettings, ScoreSource,
    Silent, Trimming, score_reads,
};
use bm_quality::{ModelPackage, Verdict};
use bm_reads::fastq::{Fault, QualityOffset};
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
    parts: Option<Parts>,
    /// The model's threshold: a read passes at this probability or above.
    #[pyo3(get)]
    threshold: f32,
    /// The model's id and version.
    #[pyo3(get)]
    model: String,
    /// Most expected errors per base of a read that passes; None where the threshold decides. Long
    /// reads to which the model does not apply have such a limit.
    #[pyo3(get)]
    max_ee_rate: Option<f64>,
    /// What scored the reads: "model", or "reported-errors" where the model does not apply.
    #[pyo3(get)]
    scored_by: &'static str,
    /// Why the model does not apply to the reads, one clause per reason; empty if it applies.
    #[pyo3(get)]
    reasons: Vec<String>,
}

/// The part of each read to keep, and its adapter.
#[derive(Default)]
struct Parts {
    keep_from: Vec<i64>,
    keep_to: Vec<i64>,
    adapter_bases: Vec<i64>,
}

impl Parts {
    fn push(&mut self, keep: Range<usize>, adapter_bases: usize) {
        // A read has less than 2^63 bases.
        self.keep_from.push(keep.start as i64);
        self.keep_to.push(keep.end as i64);
        self.adapter_bases.push(adapter_bases as i64);
    }
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

    /// First base to keep of each read, from 0, int64 [reads]; None if reads are not trimmed.
    #[getter]
    fn keep_from<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<i64>>> {
        self.parts.as_ref().map(|parts| parts.keep_from.to_pyarray(py))
    }

    /// Base before which what is to be kept of each read ends, int64 [reads]; None if reads are not
    /// trimmed.
    #[getter]
    fn keep_to<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<i64>>> {
        self.parts.as_ref().map(|parts| parts.keep_to.to_pyarray(py))
    }

    /// Number of bases at the end of each read that are adapter, int64 [reads]; None if reads are not
    /// trimmed.
    #[getter]
    fn adapter_bases<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<i64>>> {
        self.parts.as_ref().map(|parts| parts.adapter_bases.to_pyarray(py))
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
        let limit = match self.max_ee_rate {
            Some(rate) => format!("with at most {rate} expected errors per base"),
            None => format!("at {}", self.threshold),
        };
        format!(
            "<bm.Scores of {} reads by {scored_by}{}: {passing} pass {limit}>",
            self.probability.len(),
            self.model
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
/// trim : bool, str, or iterable of str, optional
///     What is cut where it is not worth keeping, as by `bm score --trim`: some of "adapters", "poly",
///     "ends", or True for all. Scores and verdicts are those of what is left.
/// trim_price : float, optional
///     What a wrong base costs, in right bases, where ends are cut.
/// cut_front, cut_tail : int, optional
///     Bases cut off the start and the end of every read.
/// adapters : str, path, or iterable of these, optional
///     Sequences or FASTA files, instead of the adapters that the first reads show. An empty iterable:
///     there are none.
/// phred_offset : 33 or 64, optional
///     Offset of the quality scores, as `bm score --phred33` and `--phred64`. If None: 33, and reads
///     that look like Phred+64 are refused.
///
/// Returns
/// -------
/// Scores
///     One value per read, in input order.
///
/// Raises
/// ------
/// ValueError
///     A read is malformed, a file is damaged, the model does not exist, or an option has a value that
///     it cannot have. The text is that of `bm score`.
/// TypeError
///     An element of the iterable is not a tuple of two or three str or bytes.
/// OSError
///     A file cannot be opened.
/// KeyboardInterrupt
///     Ctrl-C was pressed. The call ends within a second, also while it waits for a pipe.
#[pyfunction]
#[pyo3(signature = (
    reads, *, model = None, threads = None, trim = None, trim_price = None, cut_front = 0,
    cut_tail = 0, adapters = None, phred_offset = None
))]
// Python's keyword arguments.
#[allow(clippy::too_many_arguments)]
fn score(
    py: Python<'_>,
    reads: &Bound<'_, PyAny>,
    model: Option<String>,
    threads: Option<usize>,
    trim: Option<&Bound<'_, PyAny>>,
    trim_price: Option<f64>,
    cut_front: usize,
    cut_tail: usize,
    adapters: Option<&Bound<'_, PyAny>>,
    phred_offset: Option<i64>,
) -> PyResult<Scores> {
    let parts = trim.map_or(Ok(Trimming::NONE), trimmed_parts)?;
    let price = trim_price.map(price).transpose()?;
    let trimming = Trimming { price, cut_front, cut_tail, ..parts };
    let adapters = adapters.map_or(Ok(AdapterChoice::Found), told)?;
    let is_path = reads.is_instance_of::<PyString>() || reads.hasattr("__fspath__")?;
    let offset = match phred_offset {
        None => QualityOffset::Unstated,
        Some(33) => QualityOffset::Phred33,
        Some(64) => QualityOffset::Phred64,
        Some(other) => {
            return Err(PyValueError::new_err(format!("phred_offset: {other} is not 33 or 64")));
        }
    };
    let (mut inputs, names) = if is_path {
        (Inputs::single(reads.extract::<PathBuf>()?), None)
    } else {
        let InMemory { names, text } = in_memory(py, reads)?;
        (Inputs::text(text), Some(names))
    };
    inputs.offset = offset;
    let mut settings = RunSettings::new(inputs);
    settings.engine.model = model;
    settings.trimming = trimming;
    settings.adapters = adapters;
    if let Some(threads) = threads {
        settings.threads = threads.max(1);
    }
    let cancellation = Cancellation::default();
    settings.cancellation = Some(cancellation.clone());
    interruptible(py, &cancellation, move || scores(&settings, names))
}

/// Returns what is cut: everything, nothing, or the parts that are named.
fn trimmed_parts(trim: &Bound<'_, PyAny>) -> PyResult<Trimming> {
    if let Ok(all) = trim.extract::<bool>() {
        return Ok(if all { Trimming::ALL } else { Trimming::NONE });
    }
    let parts: Vec<String> = if trim.is_instance_of::<PyString>() {
        trim.extract::<String>()?.split(',').map(str::to_owned).collect()
    } else {
        let parts = trim.try_iter().and_then(|parts| parts.map(|part| part?.extract()).collect());
        parts.map_err(|_| PyTypeError::new_err("trim: expected True, False, or names of parts"))?
    };
    let mut trimming = Trimming::NONE;
    for part in parts {
        *match part.as_str() {
            "adapters" => &mut trimming.adapters,
            "poly" => &mut trimming.poly,
            "ends" => &mut trimming.ends,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "trim: {part:?} is not one of \"adapters\", \"poly\", \"ends\""
                )));
            }
        } = true;
    }
    Ok(trimming)
}

fn price(price: f64) -> PyResult<f32> {
    if (0.0..=1e6).contains(&price) {
        return Ok(price as f32);
    }
    Err(PyValueError::new_err(format!(
        "trim_price: {price} is not a number of right bases, such as 19"
    )))
}

/// Returns the adapters that are given, or that there are none.
fn told(adapters: &Bound<'_, PyAny>) -> PyResult<AdapterChoice> {
    let mut arguments: Vec<OsString> = Vec::new();
    if adapters.is_instance_of::<PyString>() || adapters.hasattr("__fspath__")? {
        arguments.push(adapters.extract::<PathBuf>()?.into());
    } else {
        for adapter in adapters.try_iter()? {
            arguments.push(adapter?.extract::<PathBuf>()?.into());
        }
    }
    if arguments.is_empty() {
        return Ok(AdapterChoice::Forbidden);
    }
    let mut all = Vec::new();
    for argument in arguments {
        let given = GivenAdapter::parse(argument).map_err(|error| raised(&error.into(), false))?;
        all.extend(given);
    }
    Ok(AdapterChoice::Told([all, Vec::new()]))
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
    let mut parts = Parts::default();
    let done = score_reads(settings, &Silent, |scored, decision| {
        for (mate, fate) in scored.template.mates().iter().zip(decision.fates()) {
            let prediction = scored.prediction(mate);
            scores.probability.push(prediction.probability().map_or(f32::NAN, |p| p.get()));
            errors.push(prediction.expected_errors().unwrap_or(f32::NAN));
            scores.passes.push(fate.verdict == Verdict::Pass);
            parts.push(fate.keep.of(mate.record.sequence.len()), scored.adapter_bases(mate));
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
        parts: settings.trimming.cuts().then_some(parts),
        threshold: facts.threshold.get(),
        max_ee_rate: done.decider.criteria.max_expected_error_rate,
        model: format!("{} version {}", facts.id, facts.version),
        scored_by: applicability.scored_by().name(),
        reasons: applicability.reasons().collect(),
        ..scores
    })
}

/// Returns the exception for an error, with the text that `bm score` prints.
fn raised(error: &PipelineError, is_in_memory: bool) -> PyErr {
    match error {
        // Not a fault of one read.
        PipelineError::Io(IoError::Records { source, .. })
            if is_in_memory && matches!(source.fault, Fault::LooksLikePhred64 { .. }) =>
        {
            PyValueError::new_err(source.fault.to_string())
        }
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
