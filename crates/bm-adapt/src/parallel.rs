//! Work on several threads, with results that do not depend on their number.

use rayon::ThreadPoolBuilder;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

/// Returns the results of `work` for all items, in the order of the items, computed on at most
/// `threads` threads.
///
/// The threads end with the call. A panic of `work` is passed on.
pub(crate) fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let mut threads = threads.min(items.len());
    while threads > 1 {
        if let Ok(pool) = ThreadPoolBuilder::new().num_threads(threads).build() {
            // Items are large, so each may go to another thread.
            return pool.install(|| items.par_iter().with_max_len(1).map(&work).collect());
        }
        // The system gives no more threads: slower, with the same result.
        threads /= 2;
    }
    items.iter().map(work).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::panic::catch_unwind;
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items_on_any_number_of_threads() {
        for length in [0, 1, 2, 100] {
            let items: Vec<usize> = (0..length).collect();
            let expected: Vec<usize> = items.iter().map(|item| item * item).collect();
            for threads in [0, 1, 2, 3, 8, 200] {
                assert_eq!(in_parallel(&items, threads, |item| item * item), expected);
            }
        }
    }

    #[test]
    fn items_are_worked_on_at_the_same_time_by_no_more_than_the_given_threads() {
        // No thread gets past the barrier alone.
        let barrier = Barrier::new(2);
        let wait = |_: &usize| {
            barrier.wait();
            thread::current().id()
        };
        let threads: HashSet<_> =
            in_parallel(&[0, 1, 2, 3, 4, 5, 6, 7], 2, wait).into_iter().collect();
        assert_eq!(threads.len(), 2);
    }

    #[test]
    fn a_panic_is_passed_on() {
        for threads in [1, 2, 4] {
            let work = |item: &usize| assert_ne!(*item, 5, "item 5");
            let items: Vec<usize> = (0..8).collect();
            let panic = catch_unwind(|| in_parallel(&items, threads, work)).expect_err("a panic");
            let message = panic.downcast_ref::<String>().map_or("", String::as_str);
            assert!(message.contains("item 5"), "{threads} threads: {message}");
        }
    }
}
