//! Prefetching memory and releasing it, for which no safe function exists.

/// Starts to load the memory behind a reference into the cache, without waiting for it.
///
/// Never changes a result. Does nothing on other processors than x86-64.
#[inline(always)]
#[allow(unsafe_code)]
pub(crate) fn prefetch<T>(what: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the instruction is part of SSE, which every x86-64 has. It has no visible effect
        // and cannot fault, and the address comes from a reference.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(what).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = what;
}

/// Returns freed memory to the system. glibc's allocator otherwise keeps it as long as anything
/// above it on the heap is in use.
#[allow(unsafe_code)]
pub(crate) fn release_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: any thread may call it at any time; memory in use is not touched.
    unsafe {
        libc::malloc_trim(0);
    }
}
