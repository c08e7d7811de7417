//! Bounds the memory of batches that pass from one thread to others.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The bytes of all batches in flight, and how many there may be.
#[derive(Clone)]
pub struct InFlight {
    shared: Arc<Shared>,
}

struct Shared {
    most: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Bytes in flight.
    held: usize,
    is_closed: bool,
}

/// A batch in flight; dropping it lets others pass.
pub struct Held {
    shared: Arc<Shared>,
    bytes: usize,
}

impl InFlight {
    /// Returns a bound of this many bytes. A batch that is larger passes alone.
    pub fn new(most: usize) -> Self {
        let (state, changed) = (Mutex::default(), Condvar::new());
        Self { shared: Arc::new(Shared { most: most.max(1), state, changed }) }
    }

    /// Waits until fewer bytes are in flight than there may be, so that the next batch can be read;
    /// returns `false` if no batch is needed any more.
    ///
    /// Whoever waits must hold no batch that others need.
    pub fn wait(&self) -> bool {
        let mut state = self.shared.lock();
        while state.held >= self.shared.most && !state.is_closed {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.is_closed
    }

    /// Says that no batch is needed any more. Nobody waits then.
    pub fn close(&self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
    }

    /// Counts a batch of this many bytes until the result is dropped.
    pub fn hold(&self, bytes: usize) -> Held {
        self.shared.lock().held += bytes;
        Held { shared: Arc::clone(&self.shared), bytes }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.lock().held -= self.bytes;
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use std::thread;

    use crossbeam_channel::unbounded;

    use super::*;

    #[test]
    fn a_reader_waits_while_the_bound_is_reached() {
        for (most, sizes) in [(100, [30, 30, 30, 30, 500, 1]), (0, [1, 0, 7, 3, 2, 1])] {
            let in_flight = InFlight::new(most);
            // Not bounded itself.
            let (give, take) = unbounded();
            thread::scope(|scope| {
                let reader = in_flight.clone();
                scope.spawn(move || {
                    for size in sizes {
                        assert!(reader.wait());
                        let before = reader.shared.lock().held;
                        assert!(before < most.max(1), "{before} bytes are in flight");
                        give.send((size, reader.hold(size))).unwrap();
                    }
                });
                let taken = take.iter().inspect(|_| thread::yield_now()).map(|(size, _)| size);
                assert!(taken.eq(sizes));
            });
            assert_eq!(in_flight.shared.lock().held, 0);
        }
    }

    #[test]
    fn nobody_waits_when_no_batch_is_needed() {
        let in_flight = InFlight::new(10);
        let _held = in_flight.hold(10);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| in_flight.wait());
            in_flight.close();
            assert!(!waiting.join().unwrap());
        });
    }
}
