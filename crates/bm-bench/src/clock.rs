//! Time, which tests replace.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The times that a measurement needs.
pub trait Clock: Sync {
    /// Returns the time since any fixed moment.
    fn now(&self) -> Duration;

    /// Returns the processor time of all threads of this process; `None` if the system does not say.
    fn cpu(&self) -> Option<Duration>;

    /// Returns seconds since the beginning of 1970.
    fn unix(&self) -> f64;

    /// Waits.
    fn sleep(&self, time: Duration);
}

/// The clocks of the system.
#[derive(Clone, Copy, Debug)]
pub struct RealClock {
    start: Instant,
}

impl RealClock {
    /// Returns a clock whose time is 0 now.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for RealClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    #[cfg(unix)]
    fn cpu(&self) -> Option<Duration> {
        use rustix::time::{ClockId, clock_gettime};

        let time = clock_gettime(ClockId::ProcessCPUTime);
        Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
    }

    #[cfg(not(unix))]
    fn cpu(&self) -> Option<Duration> {
        None
    }

    fn unix(&self) -> f64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
    }

    fn sleep(&self, time: Duration) {
        thread::sleep(time);
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A clock that tests move by hand. Its processor time is the time that [`HandClock::pass`] lets
    /// pass, and not the time of sleeps.
    #[derive(Debug, Default)]
    pub(crate) struct HandClock {
        nanoseconds: AtomicU64,
        worked: AtomicU64,
    }

    impl HandClock {
        pub(crate) fn pass(&self, time: Duration) {
            self.nanoseconds.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
            self.worked.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
        }
    }

    impl Clock for HandClock {
        fn now(&self) -> Duration {
            Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
        }

        fn cpu(&self) -> Option<Duration> {
            Some(Duration::from_nanos(self.worked.load(Ordering::Relaxed)))
        }

        fn unix(&self) -> f64 {
            1_796_000_000.0 + self.now().as_secs_f64()
        }

        fn sleep(&self, time: Duration) {
            self.nanoseconds.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
        }
    }
}
