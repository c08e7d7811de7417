//! Engines and models measured on a machine: agreement, speed, time per call, energy.
//!
//! [`Bench::run`] measures every model on every engine with reads that it makes up, by a fixed seed.
//! The result is a [`DeviceReport`]: numbers and names that can be sent to others, without names of
//! hosts, users or folders.
//!
//! - *Agreement.* The largest difference of a probability, and of a read's expected errors per base,
//!   from the embedded engine.
//! - *Speed.* For each batch size and number of threads, the median of several repeats. The repeats
//!   of all rows take turns, so that a machine that becomes warm or busy slows all of them alike.
//!   Every row has the same part of the time, so a slow engine has fewer calls and not more time.
//! - *Energy.* One load for each model and engine, with the largest batch on all threads, after a
//!   time without load. [`power`] has the sources.

mod agreement;
mod bench;
mod clock;
mod histogram;
mod load;
mod machine;
mod not_run;
mod plan_log;
pub mod power;
mod private;
mod reads;
mod report;
mod speed;

pub use bench::{Bench, EngineEntry, Plan};
pub use clock::{Clock, RealClock};
pub use machine::Machine;
pub use not_run::NotRun;
pub use plan_log::planned;
pub use report::{
    DeviceReport, EnergyFacts, EngineFacts, FORMAT, LoadFacts, Outcome, PlannedOperation, Settings,
    Speed, SpeedRow,
};

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
