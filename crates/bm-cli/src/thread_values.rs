//! Registers the destructors of thread-local values.
//!
//! The standard library asks the C library to do that (`__cxa_thread_atexit_impl`). glibc takes the few
//! bytes for it from its own `calloc`, and aborts where there are none, past the allocator of the
//! program: two lines instead of one, no cleaning up, and no exit code. The linker prefers this function
//! to glibc's. It takes the bytes from the allocator of the program.

// A function for the linker and one that the C library calls, both with pointers.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::ptr::{self, null_mut};
use std::sync::OnceLock;

type Destructor = unsafe extern "C" fn(*mut c_void);

/// A value of this thread, and what was registered before it.
struct Registered {
    destructor: Destructor,
    value: *mut c_void,
    before: *mut Registered,
}

thread_local! {
    /// What was registered last in this thread. It has no destructor itself.
    static LAST: Cell<*mut Registered> = const { Cell::new(null_mut()) };
}

/// Registers `destructor` for `value`, to be called when this thread ends; the last one is called first.
/// In the main thread none is called, which the standard library allows.
#[unsafe(no_mangle)]
extern "C" fn __cxa_thread_atexit_impl(
    destructor: Destructor,
    value: *mut c_void,
    _library: *mut c_void,
) -> c_int {
    static KEY: OnceLock<Option<libc::pthread_key_t>> = OnceLock::new();
    let key = *KEY.get_or_init(|| {
        let mut key = 0;
        // SAFETY: the function has the type that is asked for, and is there as long as the program.
        let code = unsafe { libc::pthread_key_create(&raw mut key, Some(call_all)) };
        (code == 0).then_some(key)
    });
    let Some(key) = key else { return -1 };
    let registered = Registered { destructor, value, before: LAST.get() };
    LAST.set(Box::into_raw(Box::new(registered)));
    // The value of the key only has to be other than null for `call_all` to be called.
    // SAFETY: the key exists, and is never deleted.
    unsafe { libc::pthread_setspecific(key, ptr::from_ref(&KEY).cast()) }
}

/// Calls the destructors of the thread that ends, those too that are registered meanwhile.
extern "C" fn call_all(_: *mut c_void) {
    while !LAST.get().is_null() {
        // SAFETY: it was made from a box, and is taken off the list before anything else can see it.
        let last = unsafe { Box::from_raw(LAST.get()) };
        LAST.set(last.before);
        // SAFETY: who registered it says that this function may be called with this value.
        unsafe { (last.destructor)(last.value) };
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::sync::{Arc, Mutex};
    use std::thread;

    use super::LAST;

    type Names = Arc<Mutex<Vec<u8>>>;

    struct NamesItself(Cell<Option<(Names, u8)>>);

    impl Drop for NamesItself {
        fn drop(&mut self) {
            if let Some((names, name)) = self.0.take() {
                // The last value registers another one while the thread ends.
                if name == 2 {
                    LATE.with(|late| late.0.set(Some((Arc::clone(&names), 3))));
                }
                names.lock().unwrap().push(name);
            }
        }
    }

    thread_local! {
        static FIRST: NamesItself = const { NamesItself(Cell::new(None)) };
        static SECOND: NamesItself = const { NamesItself(Cell::new(None)) };
        static LATE: NamesItself = const { NamesItself(Cell::new(None)) };
        static WITHOUT_CONST: RefCell<Vec<u8>> = RefCell::new(vec![1]);
    }

    #[test]
    fn destructors_are_called_when_a_thread_ends_the_last_one_first() {
        let names = Arc::new(Mutex::new(Vec::new()));
        let in_thread = Arc::clone(&names);
        thread::spawn(move || {
            FIRST.with(|value| value.0.set(Some((Arc::clone(&in_thread), 1))));
            SECOND.with(|value| value.0.set(Some((Arc::clone(&in_thread), 2))));
            WITHOUT_CONST.with_borrow_mut(|values| values.push(2));
            assert!(!LAST.get().is_null(), "the standard library did not come here");
        })
        .join()
        .unwrap();
        assert_eq!(*names.lock().unwrap(), [2, 3, 1]);
        assert_eq!(Arc::strong_count(&names), 1);
    }
}
