//! Work on several threads, with results that do not depend on their number.

use std::panic::resume_unwind;
use std::thread;

/// Returns what `work` makes of each item, in their order, on at most so many threads.
pub(crate) fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let mut done = Vec::with_capacity(items.len());
    for items in items.chunks(threads.max(1)) {
        done.extend(thread::scope(|scope| {
            let workers: Vec<_> = items.iter().map(|item| scope.spawn(|| work(item))).collect();
            let results = workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
            results.collect::<Vec<_>>()
        }));
    }
    done
}
