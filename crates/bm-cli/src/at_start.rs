//! Looks at the standard streams before the standard library opens `/dev/null` in place of closed ones.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether stdin and stdout are closed.
static CLOSED: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];

/// Returns whether a standard stream, 0 or 1, was closed when the program started.
pub(crate) fn is_closed(descriptor: usize) -> bool {
    CLOSED.get(descriptor).is_some_and(|closed| closed.load(Ordering::Relaxed))
}

extern "C" fn look() {
    for (descriptor, closed) in (0..).zip(&CLOSED) {
        // SAFETY: the call reads the flags of a descriptor, or fails if there is none; it touches no
        // memory.
        #[allow(unsafe_code)]
        let is_open = unsafe { libc::fcntl(descriptor, libc::F_GETFD) } >= 0;
        closed.store(!is_open, Ordering::Relaxed);
    }
}

/// Called by the loader before `main` of the standard library.
// SAFETY: the loader calls every function of this section, with arguments that a C function may ignore.
// `look` needs nothing of the standard library that has to be started first.
#[allow(unsafe_code)]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
#[used]
static LOOK: extern "C" fn() = look;
