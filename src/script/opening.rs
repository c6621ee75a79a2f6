//! Opening what a script reads: regular files only, because a pipe or a device could block every connection.
//!
//! A file is opened without blocking and looked at afterwards, because its name may change meanwhile. The script itself may
//! also come through a descriptor of this process (`-s /dev/stdin`, `-s <(…)`): it is read with the limits of the run.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::error::cause;

/// Opens a regular file.
pub(super) fn regular(path: &Path, options: &mut OpenOptions) -> Result<File, String> {
    // Looked at before, too: opening a device can have effects, and a socket cannot be opened at all.
    if let Ok(known) = path.metadata() {
        check(&known)?;
    }
    let file = options.custom_flags(libc::O_NONBLOCK).open(path).map_err(|fault| cause(&fault))?;
    check(&file.metadata().map_err(|fault| cause(&fault))?)?;
    Ok(file)
}

/// The same, without following a link in the last part of the path.
pub(super) fn regular_itself(path: &Path, options: &mut OpenOptions) -> Result<File, String> {
    let check = |known: &Metadata| check(known).map_err(|_| "not a regular file".to_owned());
    if let Ok(known) = path.symlink_metadata() {
        check(&known)?;
    }
    let file = options.custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW).open(path).map_err(|fault| cause(&fault))?;
    check(&file.metadata().map_err(|fault| cause(&fault))?)?;
    Ok(file)
}

/// Reads a script, at most `limit` bytes. `until`: the time limit of the run.
pub(super) fn read_script(path: &Path, limit: u64, until: Option<Instant>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let is_regular = path.metadata().is_ok_and(|known| known.is_file() || known.is_dir());
    if is_regular || !is_descriptor(path) {
        let file = regular(path, OpenOptions::new().read(true))?;
        file.take(limit).read_to_end(&mut bytes).map_err(|fault| cause(&fault))?;
        return Ok(bytes);
    }
    // A new open file description: the flag does not reach the one that the shell shares.
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let mut stream = opened.map_err(|fault| cause(&fault))?.take(limit);
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(bytes),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => wait(stream.get_ref(), until)?,
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            Err(fault) => return Err(cause(&fault)),
        }
    }
}

/// Waits until there is something to read.
fn wait(file: &File, until: Option<Instant>) -> Result<(), String> {
    let rest = until.map(|until| until.saturating_duration_since(Instant::now()));
    if rest.is_some_and(|rest| rest.is_zero()) {
        return Err("the run's time limit has passed".to_owned());
    }
    let rest = rest.map(|rest| Timespec { tv_sec: rest.as_secs() as i64, tv_nsec: i64::from(rest.subsec_nanos()) });
    match poll(&mut [PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN)], rest.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(fault) => Err(cause(&fault.into())),
    }
}

/// Whether a path names a descriptor of a process.
fn is_descriptor(path: &Path) -> bool {
    path == Path::new("/dev/stdin")
        || path.starts_with("/dev/fd")
        || (path.starts_with("/proc") && path.parent().is_some_and(|parent| parent.ends_with("fd")))
}

fn check(known: &Metadata) -> Result<(), String> {
    match kind(known.file_type()) {
        _ if known.is_file() => Ok(()),
        "a directory" => Err("is a directory".to_owned()),
        kind => Err(format!("is {kind}, not a regular file")),
    }
}

fn kind(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            path("fifo"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        std::fs::write(path("file"), "let a;").unwrap();
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        std::os::unix::fs::symlink("fifo", path("fifolink")).unwrap();
        let said = |path: &Path| read_script(path, 100, None);
        for (name, what) in [("socket", "a socket"), ("fifo", "a FIFO"), ("fifolink", "a FIFO")] {
            assert_eq!(said(&path(name)), Err(format!("is {what}, not a regular file")));
        }
        assert_eq!(said(folder.path()), Err("is a directory".to_owned()));
        assert_eq!(said(Path::new("/dev/null")), Err("is a device, not a regular file".to_owned()));
        assert_eq!(said(&path("file")), Ok(b"let a;".to_vec()));
        assert_eq!(said(&path("link")), Ok(b"let a;".to_vec()));
        let refused = regular_itself(&path("link"), OpenOptions::new().read(true));
        assert_eq!(refused.map(drop), Err("not a regular file".to_owned()));
        assert_eq!(said(&path("none")), Err("no such file or directory".to_owned()));
    }

    #[test]
    fn a_descriptor_is_read_until_its_end_or_the_limit() {
        let (reader, mut writer) = io::pipe().unwrap();
        let path = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
        let soon = Some(Instant::now() + Duration::from_millis(20));
        let late = read_script(Path::new(&path), 100, soon);
        assert_eq!(late, Err("the run's time limit has passed".to_owned()));
        io::Write::write_all(&mut writer, b"let a;").unwrap();
        let slow = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            io::Write::write_all(&mut writer, b" let b;").unwrap();
        });
        assert_eq!(read_script(Path::new(&path), 100, None), Ok(b"let a; let b;".to_vec()));
        slow.join().unwrap();
        assert!(!is_descriptor(Path::new("/tmp/fd")) && is_descriptor(Path::new("/proc/self/fd/3")));
    }
}
