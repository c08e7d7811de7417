//! Reading allocates nothing once the buffers have grown. A separate test binary, because it
//! replaces the allocator to count allocations.
// Tests fail by panicking.
#![allow(clippy::unwrap_used)]
// The methods of an allocator are unsafe; this one passes every call on to the system's.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bm_reads::fastq::{Reader, Record};

thread_local! {
    // Counted per thread: the test harness allocates on other threads.
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

/// Returns the number of allocations by `work`.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn every_allocation_is_counted() {
    let mut values = Vec::with_capacity(1);
    assert_eq!(allocations(|| values.push(1)), 0);
    assert_eq!(allocations(|| values.extend([2; 100])), 1);
}

#[test]
fn reading_after_the_longest_record_allocates_nothing() {
    let mut text = Vec::new();
    for i in 0..100 {
        let bases = 150 - i % 7;
        text.extend_from_slice(
            format!("@read{i:03} lane 1\n{}\n+\n{}\n", "A".repeat(bases), "I".repeat(bases))
                .as_bytes(),
        );
    }
    let (mut reader, mut record) = (Reader::new(&text[..]), Record::default());
    assert!(reader.read_record(&mut record).unwrap());
    let mut records = 1;
    let count = allocations(|| {
        while reader.read_record(&mut record).unwrap() {
            records += 1;
        }
    });
    assert_eq!((records, count), (100, 0));
}
