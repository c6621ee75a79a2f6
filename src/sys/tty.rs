//! The modes of the controlling terminal while lines are edited, and their restoration at every end of the process: also in
//! a signal handler, and when the process stops (SIGTSTP) and goes on.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::io;
use std::mem::MaybeUninit;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use super::unix::{die_by, is_ignored};

/// The terminal keeps marks around what is pasted, or does so no more.
const MARKS_ON: &[u8] = b"\x1b[?2004h";
const MARKS_OFF: &[u8] = b"\x1b[?2004l";

/// The terminal, opened without blocking for the rest of the process; -1: not yet.
static TERMINAL: AtomicI32 = AtomicI32::new(-1);
/// The terminal has our modes.
static IS_RAW: AtomicBool = AtomicBool::new(false);
/// The process was stopped while the terminal had our modes.
static WAS_STOPPED: AtomicBool = AtomicBool::new(false);
/// Our modes mark what is pasted.
static MARKS: AtomicBool = AtomicBool::new(false);
static PREPARED: Once = Once::new();

/// Modes of a terminal, which signal handlers read.
struct Modes(UnsafeCell<MaybeUninit<libc::termios>>);

// SAFETY: written by `enter` alone, on the one thread that has the terminal, while `IS_RAW` is false; read while it is true.
unsafe impl Sync for Modes {}

static BEFORE: Modes = Modes(UnsafeCell::new(MaybeUninit::uninit()));
static OURS: Modes = Modes(UnsafeCell::new(MaybeUninit::uninit()));

/// Gives every key to this process as it is pressed. The keys that make signals go on doing so, and Enter is LF, unless
/// `takes_all` (then there are no marks around what is pasted either); output is not changed. To be called in the foreground.
///
/// # Errors
/// There is no controlling terminal, or it refuses.
pub fn enter(takes_all: bool) -> io::Result<()> {
    let terminal = open()?;
    if !IS_RAW.load(Ordering::Acquire) {
        // SAFETY: the places are static, and nobody reads them while `IS_RAW` is false.
        unsafe {
            let mut modes: libc::termios = std::mem::zeroed();
            check(libc::tcgetattr(terminal, &raw mut modes))?;
            (*BEFORE.0.get()).write(modes);
            modes.c_lflag &= !(libc::ICANON | libc::ECHO | libc::IEXTEN);
            modes.c_iflag &= !(libc::INLCR | libc::IGNCR | libc::ISTRIP);
            if takes_all {
                modes.c_lflag &= !libc::ISIG;
                modes.c_iflag &= !(libc::IXON | libc::ICRNL);
            } else {
                modes.c_iflag |= libc::ICRNL;
            }
            modes.c_cc[libc::VMIN] = 1;
            modes.c_cc[libc::VTIME] = 0;
            (*OURS.0.get()).write(modes);
        }
        MARKS.store(!takes_all, Ordering::Relaxed);
        PREPARED.call_once(prepare);
        IS_RAW.store(true, Ordering::Release);
    }
    set_ours(terminal)
}

/// Gives the terminal back as it was, if it has our modes and is this job's. Allowed in a signal handler.
pub fn restore() {
    let terminal = TERMINAL.load(Ordering::Acquire);
    if terminal < 0 || !IS_RAW.swap(false, Ordering::AcqRel) || !is_in_foreground(terminal) {
        return;
    }
    // SAFETY: `BEFORE` was written before `IS_RAW` was set; both calls are async-signal-safe.
    unsafe {
        if MARKS.load(Ordering::Relaxed) {
            libc::write(terminal, MARKS_OFF.as_ptr().cast(), MARKS_OFF.len());
        }
        libc::tcsetattr(terminal, libc::TCSANOW, (*BEFORE.0.get()).as_ptr());
    }
}

/// Whether the process was stopped since the last call of [`was_lost`].
pub fn was_stopped() -> bool {
    WAS_STOPPED.load(Ordering::Acquire)
}

/// Whether the terminal was given to another job since the last call: the process was stopped, or the modes are not ours any more.
pub fn was_lost() -> bool {
    let terminal = TERMINAL.load(Ordering::Acquire);
    if WAS_STOPPED.swap(false, Ordering::AcqRel) {
        return true;
    }
    // SAFETY: a zeroed termios is a place to write to.
    unsafe {
        let mut modes: libc::termios = std::mem::zeroed();
        terminal >= 0 && libc::tcgetattr(terminal, &raw mut modes) == 0 && modes.c_lflag & libc::ICANON != 0
    }
}

fn set_ours(terminal: i32) -> io::Result<()> {
    // SAFETY: `OURS` was written before; both calls are async-signal-safe.
    unsafe {
        check(libc::tcsetattr(terminal, libc::TCSANOW, (*OURS.0.get()).as_ptr()))?;
        if MARKS.load(Ordering::Relaxed) {
            libc::write(terminal, MARKS_ON.as_ptr().cast(), MARKS_ON.len());
        }
    }
    Ok(())
}

fn open() -> io::Result<i32> {
    let known = TERMINAL.load(Ordering::Acquire);
    if known >= 0 {
        return Ok(known);
    }
    let flags = libc::O_RDWR | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the path ends with NUL.
    let terminal = unsafe { libc::open(c"/dev/tty".as_ptr(), flags) };
    check(terminal)?;
    TERMINAL.store(terminal, Ordering::Release);
    Ok(terminal)
}

fn is_in_foreground(terminal: i32) -> bool {
    // SAFETY: both only look, and are async-signal-safe.
    unsafe { libc::tcgetpgrp(terminal) == libc::getpgrp() }
}

/// Ends and stops of the process that nothing else sees restore the terminal.
fn prepare() {
    // SAFETY: the functions stay for the rest of the process, and call only what is async-signal-safe.
    unsafe {
        libc::atexit(at_exit);
        for (signal, handler) in
            [(libc::SIGTSTP, on_stop as *const () as usize), (libc::SIGQUIT, on_quit as *const () as usize)]
        {
            if !is_ignored(signal) {
                install(signal, handler);
            }
        }
    }
}

extern "C" fn at_exit() {
    restore();
}

extern "C" fn on_quit(signal: i32) {
    die_by(signal);
}

/// Stops the process as if there were no handler, and takes the terminal again afterwards if it is this job's.
extern "C" fn on_stop(signal: i32) {
    let was_raw = IS_RAW.load(Ordering::Acquire);
    WAS_STOPPED.store(was_raw, Ordering::Release);
    restore();
    // SAFETY: all of these are async-signal-safe, and get places on this stack frame. The error number is the interrupted code's.
    unsafe {
        #[cfg(target_os = "linux")]
        let errno = *libc::__errno_location();
        let mut ours: libc::sigaction = std::mem::zeroed();
        let mut default: libc::sigaction = std::mem::zeroed();
        default.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(signal, &raw const default, &raw mut ours);
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::raise(signal);
        // The process stops in this call, unless nobody could let it go on (an orphaned process group).
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
        libc::sigaction(signal, &raw const ours, std::ptr::null_mut());
        let terminal = TERMINAL.load(Ordering::Acquire);
        if was_raw && is_in_foreground(terminal) && set_ours(terminal).is_ok() {
            IS_RAW.store(true, Ordering::Release);
        }
        #[cfg(target_os = "linux")]
        {
            *libc::__errno_location() = errno;
        }
    }
}

/// # Safety
/// The handler calls only what is async-signal-safe.
unsafe fn install(signal: i32, handler: usize) {
    // SAFETY: a zeroed sigaction with a handler is whole.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = libc::SA_RESTART;
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
