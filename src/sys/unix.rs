//! Signal dispositions, descriptors given by number and the environment, on Unix.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// The value of an environment variable, which is removed: children of this process do not get it, and what others may read of
/// its environment (`/proc/PID/environ`) is overwritten with `*`. Call it only while there is one thread.
pub fn take_variable(name: &str) -> Option<OsString> {
    let value = std::env::var_os(name)?;
    let name = CString::new(name).ok()?;
    // SAFETY: the command line is read before another thread starts. What getenv(3) returns is a NUL-terminated string of the
    // environment, which may be written to, and nobody else has it.
    unsafe {
        let text = libc::getenv(name.as_ptr());
        if !text.is_null() {
            let length = CStr::from_ptr(text).to_bytes().len();
            std::ptr::write_bytes(text, b'*', length);
        }
        libc::unsetenv(name.as_ptr());
    }
    Some(value)
}

/// Whether a signal is ignored (sigaction(2)). One that was ignored when the process started must stay so: `nohup` and
/// background jobs of shell scripts rely on it.
pub fn is_ignored(signal: i32) -> bool {
    // SAFETY: a zeroed sigaction is a valid place to write to; a null new action changes nothing.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut old) == 0 && old.sa_sigaction == libc::SIG_IGN
    }
}

/// Ignores a signal from now on.
///
/// # Errors
/// The system does not know the signal.
pub fn ignore(signal: i32) -> io::Result<()> {
    // SAFETY: SIG_IGN runs no code of this process.
    if unsafe { libc::signal(signal, libc::SIG_IGN) } == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Ends the process by the default action of a signal. Where that does not kill, as in process 1 of a container, it ends
/// with the number a shell shows for it. Its terminal is as it was before. Allowed in a signal handler.
pub fn die_by(signal: i32) -> ! {
    super::tty::restore();
    // SAFETY: all of these are async-signal-safe (signal-safety(7)), and get places on this stack frame.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
        libc::raise(signal);
        libc::_exit(128 + signal)
    }
}

/// Whether another descriptor can be opened now.
///
/// # Errors
/// `EMFILE` if none is left.
pub fn has_descriptors() -> io::Result<()> {
    rustix::io::dup(rustix::stdio::stderr()).map(drop).map_err(io::Error::from)
}

/// Whether a descriptor is a datagram socket, or one of another type; `None`: it is no socket (socket(7) `SO_TYPE`).
pub fn is_datagram_socket(fd: RawFd) -> Option<bool> {
    let mut kind: libc::c_int = 0;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: both places live on this stack frame; a bad number or no socket gives an error.
    let result =
        unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_TYPE, (&raw mut kind).cast(), &raw mut length) };
    (result == 0).then_some(kind == libc::SOCK_DGRAM)
}

/// Whether a number is an open descriptor (fcntl(2) `F_GETFD`).
pub fn is_open_fd(fd: RawFd) -> bool {
    // SAFETY: F_GETFD only looks; a bad number gives EBADF.
    unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
}

/// Takes ownership of a descriptor by its number, for `--ready-fd`. 0, 1 and 2 are duplicated, because the process
/// still uses them.
///
/// # Errors
/// `EBADF` if the number is not open; `EMFILE` if 0, 1 or 2 cannot be duplicated.
pub fn take_fd(fd: RawFd) -> io::Result<File> {
    if !is_open_fd(fd) {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    if fd <= 2 {
        // SAFETY: the descriptor is open, checked above, and dup gives a new one that nobody else owns.
        let copy = unsafe { libc::dup(fd) };
        if copy < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `copy` is a fresh descriptor owned by nobody else.
        return Ok(File::from(unsafe { OwnedFd::from_raw_fd(copy) }));
    }
    // SAFETY: the descriptor is open, checked above; the user named it on the command line for this one use,
    // and this function is called once for it before any other descriptor is opened.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// The names of the network interfaces, which are the zones of link-local addresses; none if the system does not say.
pub fn interfaces() -> Vec<String> {
    let mut names = Vec::new();
    // SAFETY: the list is valid until it is freed, and ends with an entry whose index is 0 and whose name is null.
    unsafe {
        let list = libc::if_nameindex();
        let mut entry = list;
        while !entry.is_null() && (*entry).if_index != 0 && !(*entry).if_name.is_null() {
            names.push(CStr::from_ptr((*entry).if_name).to_string_lossy().into_owned());
            entry = entry.add(1);
        }
        if !list.is_null() {
            libc::if_freenameindex(list);
        }
    }
    names
}

/// The number of a network interface.
///
/// # Errors
/// There is none of this name.
pub fn interface_index(name: &str) -> io::Result<u32> {
    let name = CString::new(name)?;
    // SAFETY: the name ends with a NUL and lives through the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        number => Ok(number),
    }
}

/// Bytes written to a TCP socket that the peer has not acknowledged; a FIN counts as one (tcp(7) `TIOCOUTQ`).
/// 0 if the system does not support it.
pub fn unacknowledged(socket: &impl AsRawFd) -> usize {
    let mut waiting: libc::c_int = 0;
    // SAFETY: TIOCOUTQ writes one int to the address given, which lives on this stack frame.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut waiting) };
    if result == 0 { usize::try_from(waiting).unwrap_or(0) } else { 0 }
}

/// Whether a TCP connection is over for the system, by RST or because both sides have ended: nothing will be acknowledged any
/// more. False if the system does not tell.
pub fn is_over(socket: &impl AsRawFd) -> bool {
    #[cfg(target_os = "linux")]
    {
        /// `TCP_CLOSE` of the kernel's list of states.
        const CLOSED: u8 = 7;
        let mut state = 0_u8;
        let mut length = size_of::<u8>() as libc::socklen_t;
        // SAFETY: the first byte of TCP_INFO is the state, and no more than `length` bytes are written to this stack frame.
        let result = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_INFO,
                (&raw mut state).cast(),
                &raw mut length,
            )
        };
        result == 0 && state == CLOSED
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = socket;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_have_names() {
        let names = interfaces();
        assert!(names.iter().any(|name| name.starts_with("lo")), "{names:?}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_connection_that_was_reset_is_over() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut ours = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (theirs, _) = listener.accept().unwrap();
        assert!(!is_over(&ours));
        socket2::SockRef::from(&theirs).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(theirs);
        assert!(io::Read::read(&mut ours, &mut [0]).is_err());
        assert!(is_over(&ours));
    }

    #[test]
    fn a_descriptor_that_is_not_open_is_refused() {
        assert!(is_open_fd(2));
        assert!(!is_open_fd(100_000));
        assert_eq!(take_fd(100_000).map(|_| ()).unwrap_err().raw_os_error(), Some(libc::EBADF));
    }
}
