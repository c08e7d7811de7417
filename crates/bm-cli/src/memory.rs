//! The allocator of the program: where there is no memory, one line and exit code 1 instead of an
//! abort.
//!
//! Rust programs abort when memory runs out, and leave their unfinished outputs behind. Here, the
//! failing thread removes them and ends the program. It may hold any lock, so it waits for none, and
//! runs no destructor. Programs that use the crates as libraries keep their own allocator.

// The methods of an allocator are unsafe; this one passes every call on to the system's.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::{self, Write};
use std::panic;
use std::ptr::{self, null_mut};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::thread;
use std::time::Duration;

/// The system's allocator, which ends the program where it has no memory.
pub(crate) struct EndsProgram;

/// Memory that is released before cleaning up, which needs some.
const RESERVE: Layout = Layout::new::<[u8; 1 << 20]>();

static RESERVED: AtomicPtr<u8> = AtomicPtr::new(null_mut());

/// Set by the thread that ends the program.
static ENDING: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread ends the program.
    static ENDS_HERE: Cell<bool> = const { Cell::new(false) };
}

/// Sets memory aside for cleaning up.
pub(crate) fn reserve() {
    // SAFETY: the layout has a size.
    let reserved = unsafe { System.alloc(RESERVE) };
    RESERVED.store(reserved, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator unchanged; where that fails, the call does not
// return, or returns null as it does.
unsafe impl GlobalAlloc for EndsProgram {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        or_end(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        or_end(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        or_end(unsafe { System.realloc(pointer, layout, size) }, size)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[inline(always)]
fn or_end(memory: *mut u8, size: usize) -> *mut u8 {
    if memory.is_null() { end(format_args!("{size} bytes more were")) } else { memory }
}

/// Makes a thread for which there is no memory end the program in the same way: when a thread starts,
/// the standard library panics where it has no memory for its signal stack.
pub(crate) fn end_for_want_of_stacks() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str().unwrap_or_default();
        if text.contains("alternative stack") {
            end(format_args!("the stack of a thread was"));
        }
        others(panic);
    }));
}

/// Ends the program because what is needed is not there. Returns only while this thread does so
/// already.
#[cold]
#[inline(never)]
fn end(needed: fmt::Arguments<'_>) -> *mut u8 {
    if ENDS_HERE.get() {
        // Cleaning up needs memory too, and goes without.
        return null_mut();
    }
    if ENDING.swap(true, Ordering::SeqCst) {
        // Another thread ends the program.
        loop {
            thread::sleep(Duration::from_secs(1));
        }
    }
    ENDS_HERE.set(true);
    let reserved = RESERVED.swap(null_mut(), Ordering::Relaxed);
    if !reserved.is_null() {
        // SAFETY: it was allocated with this layout, and nobody else has it.
        unsafe { System.dealloc(reserved, RESERVE) };
    }
    let mut line = Line { bytes: [0; 256], length: 0 };
    // A text that does not fit is cut off.
    let _ = writeln!(
        line,
        "bm: not enough memory: {needed} needed; give it more memory (ulimit -v, the limit of the \
         job), fewer threads (-j), or less for learning (--max-memory)"
    );
    line.print();
    bm_cli::remove_unfinished();
    // SAFETY: it does not return. Handlers and destructors, which might wait for a lock, do not run.
    unsafe { libc::_exit(1) }
}

/// A line that is put together without an allocator.
struct Line {
    bytes: [u8; 256],
    length: usize,
}

impl Line {
    /// Writes the line to stderr.
    fn print(&self) {
        let mut rest = &self.bytes[..self.length];
        while !rest.is_empty() {
            // SAFETY: the pointer and the length are those of a slice.
            let written =
                unsafe { libc::write(libc::STDERR_FILENO, ptr::from_ref(rest).cast(), rest.len()) };
            match usize::try_from(written) {
                Ok(written) if written > 0 => rest = &rest[written.min(rest.len())..],
                _ => return,
            }
        }
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.bytes[self.length..];
        let count = text.len().min(room.len());
        room[..count].copy_from_slice(&text.as_bytes()[..count]);
        self.length += count;
        if count < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}
