//! The modes of the terminal while lines are edited, or hidden as they are typed, and their restoration at every end of the
//! process: also in a signal handler, and when the process stops (SIGTSTP) and goes on.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::io;
use std::mem::MaybeUninit;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, Ordering};

use super::unix::{die_by, is_ignored};

/// The terminal keeps marks around what is pasted, or does so no more.
const MARKS_ON: &[u8] = b"\x1b[?2004h";
const MARKS_OFF: &[u8] = b"\x1b[?2004l";

/// The terminal, opened without blocking for the rest of the process, or stdin; -1: not yet.
static TERMINAL: AtomicI32 = AtomicI32::new(-1);
/// Which modes the terminal has: [`THEIRS`], [`HIDDEN`] or [`RAW`].
static STATE: AtomicU8 = AtomicU8::new(THEIRS);
/// The modes that it had before.
const THEIRS: u8 = 0;
/// It edits lines, and does not show them.
const HIDDEN: u8 = 1;
/// It gives every key.
const RAW: u8 = 2;
/// The process was stopped while the terminal gave every key.
static WAS_STOPPED: AtomicBool = AtomicBool::new(false);
/// Our modes mark what is pasted.
static MARKS: AtomicBool = AtomicBool::new(false);
static PREPARED: Once = Once::new();

/// Modes of a terminal, which signal handlers read.
struct Modes(UnsafeCell<MaybeUninit<libc::termios>>);

// SAFETY: each place is written by `enter` and `hide` alone, on the one thread that has the terminal, in a `STATE` in which no
// handler reads it.
unsafe impl Sync for Modes {}

static BEFORE: Modes = Modes(UnsafeCell::new(MaybeUninit::uninit()));
static WITHOUT_ECHO: Modes = Modes(UnsafeCell::new(MaybeUninit::uninit()));
static OURS: Modes = Modes(UnsafeCell::new(MaybeUninit::uninit()));

/// Gives every key to this process as it is pressed. The keys that make signals go on doing so, and Enter is LF, unless
/// `takes_all` (then there are no marks around what is pasted either); output is not changed. To be called in the foreground.
///
/// # Errors
/// There is no controlling terminal, or it refuses.
pub fn enter(takes_all: bool) -> io::Result<()> {
    let terminal = open()?;
    let state = STATE.load(Ordering::Acquire);
    if state != RAW {
        // SAFETY: the places are static, and nobody reads `OURS` in another state than `RAW`, nor `BEFORE` in `THEIRS`.
        unsafe {
            if state == THEIRS {
                (*BEFORE.0.get()).write(modes_of(terminal)?);
            }
            let mut modes = (*BEFORE.0.get()).assume_init();
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
        STATE.store(RAW, Ordering::Release);
    }
    set_raw(terminal)
}

/// Lets the terminal that is stdin go on editing its lines, without showing them; the end of a line is shown. To be called in
/// the foreground, and again where another job may have had the terminal. Changes nothing while every key is given.
///
/// # Errors
/// stdin is no terminal, or it refuses.
pub fn hide(is_controlling: bool) -> io::Result<()> {
    let terminal = if is_controlling { open()? } else { libc::STDIN_FILENO };
    match STATE.load(Ordering::Acquire) {
        RAW => return Ok(()),
        HIDDEN => {}
        _ => {
            let modes = modes_of(terminal)?;
            if modes.c_lflag & libc::ECHO == 0 {
                // It is somebody else's to show it again.
                return Ok(());
            }
            // SAFETY: the places are static, and nobody reads them in this state.
            unsafe {
                (*BEFORE.0.get()).write(modes);
                (*WITHOUT_ECHO.0.get()).write(without_echo(modes));
            }
            TERMINAL.store(terminal, Ordering::Release);
            PREPARED.call_once(prepare);
            STATE.store(HIDDEN, Ordering::Release);
        }
    }
    set_hidden(terminal)
}

fn without_echo(mut modes: libc::termios) -> libc::termios {
    modes.c_lflag &= !libc::ECHO;
    modes.c_lflag |= libc::ECHONL;
    modes
}

fn modes_of(terminal: i32) -> io::Result<libc::termios> {
    // SAFETY: a zeroed termios is a place to write to.
    unsafe {
        let mut modes: libc::termios = std::mem::zeroed();
        check(libc::tcgetattr(terminal, &raw mut modes))?;
        Ok(modes)
    }
}

/// Gives the terminal back as it was, if it has our modes and is this job's. Allowed in a signal handler.
pub fn restore() {
    let terminal = TERMINAL.load(Ordering::Acquire);
    let state = if terminal < 0 { THEIRS } else { STATE.swap(THEIRS, Ordering::AcqRel) };
    if state == THEIRS || !is_in_foreground(terminal) {
        return;
    }
    // SAFETY: `BEFORE` was written before `STATE` was set; both calls are async-signal-safe.
    unsafe {
        if state == RAW && MARKS.load(Ordering::Relaxed) {
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
    terminal >= 0 && modes_of(terminal).is_ok_and(|modes| modes.c_lflag & libc::ICANON != 0)
}

fn set_hidden(terminal: i32) -> io::Result<()> {
    // SAFETY: `WITHOUT_ECHO` was written before; the call is async-signal-safe.
    unsafe { check(libc::tcsetattr(terminal, libc::TCSANOW, (*WITHOUT_ECHO.0.get()).as_ptr())) }
}

fn set_raw(terminal: i32) -> io::Result<()> {
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
    // A terminal that is no more than stdin has no jobs.
    // SAFETY: both only look, and are async-signal-safe.
    terminal == libc::STDIN_FILENO || unsafe { libc::tcgetpgrp(terminal) == libc::getpgrp() }
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
    let state = STATE.load(Ordering::Acquire);
    WAS_STOPPED.store(state == RAW, Ordering::Release);
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
        let set_again = if state == RAW { set_raw } else { set_hidden };
        if state != THEIRS && is_in_foreground(terminal) && set_again(terminal).is_ok() {
            STATE.store(state, Ordering::Release);
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
