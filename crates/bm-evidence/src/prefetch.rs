//! Asking the processor for memory before it is needed.

/// Has what a reference points to brought into the cache, while the processor goes on with other things.
///
/// On processors for which there is no such instruction here it does nothing: it never changes a result.
#[inline(always)]
#[allow(unsafe_code)]
pub(crate) fn prefetch<T>(what: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE, which has the instruction, is part of every x86-64. It reads nothing that the program could see and cannot
        // fault, and the address is that of a reference.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(what).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = what;
}
