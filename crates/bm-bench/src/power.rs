//! Where the power of a machine can be read.
//!
//! A [`Meter`] marks moments while the machine is idle or under load, and tells the power between two
//! of them. On Linux this is [`Rapl`], the counters of the processor's package. On macOS it is
//! [`PowerMetrics`], the output of `powermetrics`, which needs an administrator and runs beside.

mod here;
mod powermetrics;
mod rapl;

use serde::{Deserialize, Serialize};

pub use here::of_this_machine;
pub use powermetrics::{PowerMetrics, Sample, samples};
pub use rapl::Rapl;

use crate::clock::Clock;

/// Power, in watts. A part that the source does not show is `None`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Watts {
    /// All parts that the source shows: the processor's package.
    pub total: f64,
    /// The processor cores.
    pub cpu: Option<f64>,
    /// The graphics processor.
    pub gpu: Option<f64>,
    /// The Neural Engine.
    pub neural_engine: Option<f64>,
}

/// A moment, and what the source's counter showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Seconds since the beginning of 1970.
    pub unix: f64,
    /// Seconds of a clock that is never set.
    pub seconds: f64,
    /// Energy since the first mark, in joules, if the source counts it.
    pub joules: Option<f64>,
}

/// A source of power readings.
pub trait Meter {
    /// Returns the source's name in reports.
    fn name(&self) -> &'static str;

    /// Marks a moment.
    ///
    /// # Errors
    ///
    /// In words, if the source cannot be read.
    fn mark(&mut self, clock: &dyn Clock) -> Result<Mark, String>;

    /// Returns the mean power between two marks.
    ///
    /// # Errors
    ///
    /// In words, if the source has no reading of this time.
    fn between(&mut self, from: &Mark, to: &Mark, clock: &dyn Clock) -> Result<Watts, String>;
}
