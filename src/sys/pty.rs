//! Pseudoterminals for programs.
//!
//! Owns the one step between fork and exec that makes a terminal that of the program.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// The size of a terminal that nobody sees.
const SIZE: Winsize = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };

/// Opens a pseudoterminal: our side, and that of the program.
///
/// # Errors
/// Errors of `posix_openpt(3)` and of opening the program's side.
pub fn open() -> io::Result<(OwnedFd, File)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let name = name.to_str().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let theirs = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open(Path::new(name))?;
    tcsetwinsize(&theirs, SIZE)?;
    rustix::io::ioctl_fionbio(&ours, true)?;
    Ok((ours, theirs))
}

/// Makes the program the leader of a session, with the terminal on its stdin.
#[allow(unsafe_code)]
pub fn own_terminal(command: &mut Command) {
    // SAFETY: between fork and exec only system calls are made, without memory of the parent.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()?;
            rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
            Ok(())
        });
    }
}
