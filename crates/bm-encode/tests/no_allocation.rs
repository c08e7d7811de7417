//! Encoding allocates nothing once its memory has grown. This is a binary of its own, because it
//! counts allocations.
// A test fails by panicking.
#![allow(clippy::unwrap_used)]
// The methods of an allocator are unsafe; this one passes every call on.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bm_encode::{CodeEncoder, Encoder, FeatureBatch, QualityPlace, Scalar150};

use bm_reads::ReadRef;

thread_local! {
    // Per thread: the test harness allocates on other threads.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns the number of allocations of `work`.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

const READS: [ReadRef<'static>; 3] = [
    ReadRef { name: b"r1", sequence: &[b'A'; 150], quality_scores: &[b'I'; 150] },
    ReadRef { name: b"r2", sequence: b"ACGTN", quality_scores: b"!5?I~" },
    ReadRef { name: b"wrong", sequence: b"ACGT", quality_scores: b"II I" },
];

#[test]
fn the_counter_counts() {
    let mut values = Vec::with_capacity(1);
    assert_eq!(allocations(|| values.push(1)), 0);
    assert_eq!(allocations(|| values.extend([2; 100])), 1);
}

#[test]
fn encoding_allocates_nothing() {
    let mut row = vec![0.0; 300];
    let count = allocations(|| {
        for read in READS {
            // The third read is refused: an error allocates nothing either.
            assert_eq!(Scalar150.encode_into(read, &mut row).is_ok(), read.name != b"wrong");
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn codes_allocate_nothing_once_there_is_room() {
    let mut codes = Vec::with_capacity(1000);
    let count = allocations(|| {
        for read in READS {
            assert_eq!(QualityPlace.encode_into(read, &mut codes).is_ok(), read.name != b"wrong");
        }
    });
    assert_eq!((count, codes.len()), (0, 155));
}

#[test]
fn a_batch_that_was_full_once_allocates_nothing() {
    let mut batch = FeatureBatch::new(Scalar150.encoding());
    let mut fill = || {
        batch.clear();
        for _ in 0..100 {
            for read in READS {
                assert_eq!(batch.push(&Scalar150, read).is_ok(), read.name != b"wrong");
            }
        }
        batch.rows()
    };
    assert_eq!(fill(), 200);
    assert_eq!(
        allocations(|| {
            fill();
        }),
        0
    );
}
