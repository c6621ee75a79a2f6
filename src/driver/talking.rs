//! Talking: what the user asks of tcpx by commands behind `~`.
//!
//! Owns what each command does to the connections that typed lines go to, and the answers. The words are `editor::command`'s.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use encoding_rs::Encoding;

use crate::codec::escape::{parse_hex, show_line};
use crate::codec::labels::{self, lookup};
use crate::codec::typed::TextFilter;
use crate::config::{Charset, show_duration};
use crate::driver::parts::Parts;
use crate::driver::shutdown::GRACE;
use crate::editor::command::{Command, help};
use crate::editor::keys;
use crate::error::cause;
use crate::language::say;
use crate::net::reactor::Slot;
use crate::output::hexdump::Hexdump;
use crate::session::{CloseReason, ConnView, FileToSend};

/// Maximum size of a file that is converted, in bytes: it is read as a whole.
const MOST_CONVERTED: u64 = 64 << 20;

/// Why a command does nothing.
type Refused = String;

impl Parts {
    /// Carries out a command that was typed, and answers it.
    pub(super) fn obey_typed(&mut self, command: &Command) {
        let answer = match command {
            Command::Help => Ok(help(self.chooses_clients())),
            Command::Leave => {
                self.stop(Some(GRACE));
                return;
            }
            Command::Hex => self.switch_hexdump(),
            Command::Info => Ok(self.tell_info()),
            Command::Encoding(label) => self.change_encoding(label),
            Command::NoEncoding => Ok(self.set_encoding(None)),
            Command::Bytes(hex) => self.send_typed_bytes(hex),
            Command::File(path) => self.send_typed_file(path),
            Command::Choose(number) => self.choose_client(*number),
            Command::HalfClose => self.on_all_targets(|parts, slot| {
                parts.work_on(slot, |peer| peer.link.shutdown());
                Ok(())
            }),
            Command::Reset => self.on_all_targets(|parts, slot| {
                parts.work_on(slot, |peer| peer.link.reset(CloseReason::Reset));
                Ok(())
            }),
        };
        let answer = match answer {
            Ok(text) => text.lines().map(|line| say(line).into_owned() + "\n").collect(),
            Err(why) => format!("tcpx: {}\n", show_line(&keys::shown(&say(&why)))),
        };
        if let Some(lines) = self.typed_lines.as_ref().filter(|_| !answer.is_empty()) {
            lines.say(&answer);
        }
    }

    /// Works on each connection that typed lines go to.
    fn on_all_targets(
        &mut self,
        mut work: impl FnMut(&mut Self, Slot) -> Result<(), Refused>,
    ) -> Result<String, Refused> {
        let targets = self.typed_targets()?;
        targets.into_iter().try_for_each(|slot| work(self, slot)).map(|()| String::new())
    }

    fn typed_targets(&self) -> Result<Vec<Slot>, Refused> {
        let targets = self.stdin_targets();
        if targets.is_empty() { Err("there is no connection to send to".into()) } else { Ok(targets) }
    }

    fn send_typed_bytes(&mut self, hex: &str) -> Result<String, Refused> {
        if hex.is_empty() {
            return Err("~s needs bytes, as in ~s 0d0a".into());
        }
        let bytes = parse_hex(hex).map_err(|error| format!("~s {hex}: {error}"))?;
        self.on_all_targets(|parts, slot| {
            parts.work_on(slot, |peer| {
                let bytes = peer.link.view().text.raw(bytes.clone());
                peer.link.send(bytes);
            });
            Ok(())
        })
    }

    /// A file is sent as stdin is: converted if there is an encoding.
    fn send_typed_file(&mut self, name: &str) -> Result<String, Refused> {
        if name.is_empty() {
            return Err("~f needs the name of a file".into());
        }
        let failed = |error: std::io::Error| format!("~f {name}: {}", cause(&error));
        let mut filter = TextFilter::new(&self.config.text);
        let is_converted = !filter.is_open() || self.config.is_datagram();
        let charset = self.stdin.charset();
        let (mut file, length) = open_typed(name, charset).map_err(failed)?;
        if !is_converted {
            return self.on_all_targets(|parts, slot| {
                // Each connection reads it at its own pace.
                let (file, length) = open_typed(name, charset).map_err(failed)?;
                let file = FileToSend { name: name.to_owned(), file, length, sent: 0 };
                parts.work_on(slot, |peer| peer.files.push(&mut peer.link, file));
                Ok(())
            });
        }
        if length > MOST_CONVERTED {
            return Err(format!("~f {name}: with an encoding a file may have {MOST_CONVERTED} bytes"));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let (piece, fault) = filter.push(&bytes);
        let (rest, cut) = filter.finish();
        if let Some(fault) = fault.or(cut) {
            return Err(format!("~f {name}: it has to be UTF-8 when there is an encoding: {fault}"));
        }
        let targets = self.typed_targets()?;
        for piece in [&piece, &rest] {
            // All of it is sent, or nothing.
            if let Some(why) = self.objection_to(&targets, piece, None) {
                return Err(format!("~f {name}: {why}"));
            }
        }
        self.send_piece(&targets, &piece);
        self.send_piece(&targets, &rest);
        Ok(String::new())
    }

    /// Another encoding for both directions, from the next byte on.
    fn change_encoding(&mut self, label: &str) -> Result<String, Refused> {
        if label.is_empty() {
            return Ok(format!("encoding: {}\n", self.encoding_name()));
        }
        let charset = lookup(label).map_err(|error| match error.suggestion() {
            Some(nearest) => format!("{error}; did you mean ~e {nearest}?"),
            None => error.to_string(),
        })?;
        Ok(self.set_encoding(Some(charset)))
    }

    /// `None`: bytes as they are.
    fn set_encoding(&mut self, charset: Option<Charset>) -> String {
        let text = &mut self.config.text;
        text.recv = charset;
        text.send = match charset {
            Some(Charset::Named(encoding)) => Some(encoding),
            Some(Charset::Auto(_)) | None => None,
        };
        self.stdin.change_text(text);
        self.settings.decode_output = charset.is_some();
        for slot in self.stdin_targets() {
            self.work_on(slot, |peer| {
                peer.link.view().text.set_charset(charset.unwrap_or(Charset::Named(encoding_rs::UTF_8)));
                peer.link.set_decoded(charset.is_some());
            });
        }
        format!("encoding: {}\n", self.encoding_name())
    }

    fn encoding_name(&self) -> String {
        match (self.config.text.recv, self.config.text.send) {
            (None, None) => "none: bytes as they are".to_owned(),
            (Some(Charset::Auto(region)), _) => labels::auto_label(region).to_owned(),
            (Some(Charset::Named(recv)), send) if send == Some(recv) => labels::name(recv).to_owned(),
            (recv, send) => {
                let recv = match recv {
                    Some(Charset::Named(encoding)) => labels::name(encoding),
                    _ => "none",
                };
                format!("{recv} received, {} sent", send.map_or("none", labels::name))
            }
        }
    }

    fn switch_hexdump(&mut self) -> Result<String, Refused> {
        if self.config.output.hex {
            return Err("~x: -x shows everything as a hex dump already".into());
        }
        let messages = self.stderr.messages();
        let labels = !self.config.is_single_peer();
        let is_on =
            self.io.observers.switch(|| Box::new(Hexdump::new(labels, Box::new(move |text| messages.say(text)))));
        Ok(if is_on { "hex dump on\n".into() } else { "hex dump off\n".into() })
    }

    // ---- clients --------------------------------------------------------------------------------------

    fn choose_client(&mut self, number: u64) -> Result<String, Refused> {
        let view =
            self.peers.iter().map(|peer| peer.link.view()).find(|view| view.id == number && view.info.can_send());
        let name = view
            .map(|view| show_line(&view.name()).into_owned())
            .ok_or_else(|| format!("there is no client {number}"))?;
        self.chosen = Some(number);
        Ok(format!("lines go to client {number}, {name}\n"))
    }

    fn tell_info(&self) -> String {
        let mut text = String::new();
        let targets = self.stdin_targets();
        for peer in self.peers.iter().filter(|peer| self.receives_stdin(peer)) {
            let mark = match (self.chooses_clients(), targets.contains(&peer.slot)) {
                (false, _) => String::new(),
                (true, true) => format!("* ~{} ", peer.id()),
                (true, false) => format!("  ~{} ", peer.id()),
            };
            text.push_str(&mark);
            text.push_str(&show_line(&self.describe(peer.link.view())));
            text.push('\n');
        }
        if text.is_empty() {
            text.push_str("no connection\n");
        }
        text
    }

    fn describe(&self, view: &ConnView) -> String {
        let info = &view.info;
        let age = self.io.now.saturating_duration_since(info.opened());
        let age = show_duration(std::time::Duration::from_millis(age.as_millis() as u64));
        let mut text = format!(
            "{} from {}, open for {age}, {} bytes received, {} sent; encoding: {}",
            info.peer(),
            info.local(),
            info.bytes_in(),
            info.bytes_out(),
            self.encoding_name()
        );
        if let Some(tls) = info.tls() {
            // Writing to a String cannot fail.
            let _ = write!(text, "; {}, {}", tls.version, tls.suite);
        }
        if !info.can_send() {
            text.push_str("; our side has ended");
        }
        if info.eof() {
            text.push_str("; the peer's side has ended");
        }
        text
    }
}

/// The file with a typed name: the bytes of the terminal, as a shell in it would have them, or else UTF-8.
fn open_typed(name: &str, charset: Option<&'static Encoding>) -> std::io::Result<(File, u64)> {
    let mut bytes = Vec::with_capacity(name.len());
    keys::to_bytes(name, charset, &mut bytes);
    match open(OsStr::from_bytes(&bytes)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && charset.is_some() => open(name.as_ref()),
        result => result,
    }
}

/// A regular file and its length. `~/` is the home folder.
fn open(name: &OsStr) -> std::io::Result<(File, u64)> {
    let below_home = name.as_bytes().strip_prefix(b"~/").map(OsStr::from_bytes);
    let home = below_home.and_then(|rest| Some(PathBuf::from(std::env::var_os("HOME")?).join(rest)));
    let path = home.unwrap_or_else(|| PathBuf::from(name));
    // Without waiting for the writer of a pipe.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let found = file.metadata()?;
    if found.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    if !found.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    Ok((file, found.len()))
}
