//! Asking for memory before it is needed, and giving it back: what safe functions do not do.

/// Has what a reference points to brought into the cache, while the processor goes on with other
/// things.
///
/// On processors for which there is no such instruction here it does nothing: it never changes a
/// result.
#[inline(always)]
#[allow(unsafe_code)]
pub(crate) fn prefetch<T>(what: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE, which has the instruction, is part of every x86-64. It reads nothing that
        // the program could see and cannot fault, and the address is that of a reference.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(what).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = what;
}

/// Gives the system back what was freed: the allocator of glibc keeps it otherwise, for as long as
/// something lies behind it.
#[allow(unsafe_code)]
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: any thread may call it at any time, and what is in use stays as it is.
    unsafe {
        libc::malloc_trim(0);
    }
}
