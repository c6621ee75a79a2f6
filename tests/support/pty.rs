//! A pseudo-terminal: the test has the master, tcpx the terminal.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, Termios, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

use super::Collected;

/// A pseudo-terminal; its output is collected.
pub(crate) struct Pty {
    keyboard: Option<File>,
    side: OwnedFd,
    pub(crate) screen: Collected,
}

impl Pty {
    pub(crate) fn new() -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pty");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("a usable pty");
        let name = ptsname(&master, Vec::new()).expect("the pty's name");
        let side = open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).expect("the pty's side");
        tcsetwinsize(&side, Winsize { ws_row: 25, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 }).expect("a size");
        let keyboard = File::from(master);
        let screen = Collected::of(Some(keyboard.try_clone().expect("a second handle")));
        Self { keyboard: Some(keyboard), side, screen }
    }

    /// The terminal as a program's stdin, stdout or stderr.
    pub(crate) fn side(&self) -> OwnedFd {
        self.side.try_clone().expect("a second handle")
    }

    pub(crate) fn type_in(&mut self, keys: &[u8]) {
        self.keyboard.as_mut().expect("a keyboard").write_all(keys).expect("type");
    }

    /// Waits for bytes in its output.
    #[track_caller]
    pub(crate) fn wait_bytes(&self, wanted: &[u8]) {
        let found = self.screen.wait(|bytes| bytes.windows(wanted.len()).any(|seen| seen == wanted));
        assert!(found, "{} does not come on the screen: {:?}", wanted.escape_ascii(), self.screen.text());
    }

    /// Waits for words in its output.
    #[track_caller]
    pub(crate) fn wait_screen(&self, words: &str) {
        let found = self.screen.wait(|bytes| String::from_utf8_lossy(bytes).contains(words));
        assert!(found, "{words:?} does not come on the screen: {:?}", self.screen.text());
    }

    pub(crate) fn modes(&self) -> Termios {
        tcgetattr(self.side.as_fd()).expect("terminal modes")
    }

    /// Makes it a line for bytes: no editing, no echo, nothing converted.
    pub(crate) fn make_raw(&self) {
        let mut modes = self.modes();
        modes.make_raw();
        tcsetattr(&self.side, OptionalActions::Now, &modes).expect("raw modes");
    }

    /// Whether what is typed is shown by the terminal itself.
    pub(crate) fn echoes(&self) -> bool {
        self.modes().local_modes.contains(LocalModes::ECHO)
    }

    /// Whether the modes are those a shell sets: echo, line editing, signals.
    pub(crate) fn is_sane(&self) -> bool {
        self.modes().local_modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }
}
