//! Where the process begins.
//!
//! That is C's `main`: before Rust's own, the standard library reads the memory map of the process to find the
//! end of its stack, a tenth of the time of a whole `tcpx connect -z`. What else it does there is done here.
#![allow(unsafe_code)]

use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStrExt;

use crate::sys::unix::is_open_fd;

/// Defines `main` of a program that is built without Rust's: it runs a function that takes the words of the command line
/// and does not return.
#[doc(hidden)]
#[macro_export]
macro_rules! entry {
    ($run:ident) => {
        #[allow(unsafe_code)]
        mod entry {
            use std::ffi::{c_char, c_int};

            // SAFETY: nothing else in the program has this name.
            #[unsafe(no_mangle)]
            extern "C" fn main(count: c_int, words: *const *const c_char) -> c_int {
                // SAFETY: as C's `main` gets them, before anything else has run.
                super::$run(unsafe { $crate::sys::entry::prepare(count, words) })
            }
        }
    };
}

/// Signals and descriptors as every Rust program has them: a write without a reader is an error and no signal, and
/// whatever is opened never becomes stdin, stdout or stderr.
///
/// Gives the words of the command line.
///
/// # Safety
/// To be called once, first, with what C's `main` was called with.
pub unsafe fn prepare(count: c_int, words: *const *const c_char) -> Vec<OsString> {
    // SAFETY: no handler is set, and no other thread runs yet.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    for fd in 0..=2 {
        if !is_open_fd(fd) {
            // What is written to a stdout that was closed (`>&-`) is lost, and that is to be an error.
            let access = if fd == 1 { libc::O_RDONLY } else { libc::O_RDWR };
            // SAFETY: the path ends with a zero; the lowest number that is free is this one.
            unsafe { libc::open(c"/dev/null".as_ptr(), access) };
        }
    }
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: so many pointers to strings that end with a zero, says the caller.
    let word = |at| OsStr::from_bytes(unsafe { CStr::from_ptr(*words.add(at)) }.to_bytes()).to_owned();
    (0..count).map(word).collect()
}
