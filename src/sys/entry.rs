//! The entry point of the process: C's `main` instead of Rust's.
//!
//! Before Rust's `main`, the standard library reads the memory map of the process to find the end of its stack, which
//! takes a tenth of the time of a whole `tcpx connect -z`. The rest of its start-up is done here.
#![allow(unsafe_code)]

use std::ffi::{CStr, OsStr, OsString, c_char, c_int, c_void};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use crate::sys::unix::is_open_fd;

/// Defines C's `main` for a `#![no_main]` program: `begin` of the given module takes argv and does not return. The module
/// re-exports [`prepare`].
#[doc(hidden)]
#[macro_export]
macro_rules! entry {
    ($($module:ident)::+) => {
        #[allow(unsafe_code)]
        mod entry {
            use std::ffi::{c_char, c_int};

            // SAFETY: no other symbol of the program has this name.
            #[unsafe(no_mangle)]
            extern "C" fn main(count: c_int, words: *const *const c_char) -> c_int {
                // SAFETY: the arguments of C's `main`, before anything else has run.
                $($module)::+::begin(unsafe { $($module)::+::prepare(count, words) })
            }
        }
    };
}

/// Sets up the process as the standard library does (SIGPIPE ignored, descriptors 0 to 2 open), with SIGCHLD as it is by default, and
/// returns argv.
///
/// A write without a reader is then an error instead of a signal, and no opened file becomes stdin, stdout or stderr. Where a
/// parent has left SIGCHLD ignored, the kernel would reap programs, and nobody would learn how they have ended. The allocator keeps
/// what is freed, see [`keep_freed_memory`].
///
/// # Safety
/// Must be called once, first, with the arguments of C's `main`.
pub unsafe fn prepare(count: c_int, words: *const *const c_char) -> Vec<OsString> {
    // SAFETY: no handler is set, and no other thread runs yet.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
    }
    keep_freed_memory();
    for fd in 0..=2 {
        if !is_open_fd(fd) {
            // Read-only, so that a write to a stdout that was closed (`>&-`) fails instead of being lost.
            let access = if fd == 1 { libc::O_RDONLY } else { libc::O_RDWR };
            // SAFETY: the path is NUL-terminated; open(2) uses the lowest free number, which is `fd`.
            unsafe { libc::open(c"/dev/null".as_ptr(), access) };
        }
    }
    let count = usize::try_from(count).unwrap_or(0);
    WORDS.store(words.cast_mut().cast(), Ordering::Relaxed);
    COUNT.store(count, Ordering::Relaxed);
    // SAFETY: the caller passes `count` pointers to NUL-terminated strings.
    let word = |at| OsStr::from_bytes(unsafe { CStr::from_ptr(*words.add(at)) }.to_bytes()).to_owned();
    (0..count).map(word).collect()
}

/// Bytes at the end of the heap that glibc keeps although they are free, and size from which a value gets pages of its own.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: c_int = 4 << 20;

/// Lets glibc keep some MiB that are free at the end of its heap. By default it gives them back from a limit on that follows the largest
/// value so far (mallopt(3)), and pieces of a bulk transfer can be just that large: then each of them moves the end of the heap twice,
/// and all its pages are zeroed anew.
fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: numbers for the allocator, before another thread runs.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, KEPT);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}

/// The arguments of C's `main`, once [`prepare`] was called.
static WORDS: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Overwrites bytes of an argument of the process with `*`, so that `ps` does not show them. Does nothing where there is no
/// such argument.
pub fn overwrite(word: usize, bytes: Range<usize>) {
    let words: *const *mut c_char = WORDS.load(Ordering::Relaxed).cast_const().cast();
    if words.is_null() || word >= COUNT.load(Ordering::Relaxed) {
        return;
    }
    // SAFETY: `words` are the `COUNT` arguments of C's `main`, which live as long as the process and may be written to.
    // Nothing reads them meanwhile: they were copied by `prepare`.
    unsafe {
        let text = *words.add(word);
        if bytes.end <= CStr::from_ptr(text).to_bytes().len() {
            ptr::write_bytes(text.add(bytes.start), b'*', bytes.len());
        }
    }
}
