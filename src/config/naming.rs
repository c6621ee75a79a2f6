//! `NameTemplate`: the names of files of which each connection has one (`-o` with `%n`, `%a` or `%t`, `--output-dir`).
//!
//! Owns the letters and what a safe name is. Opens nothing.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A name with places to fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTemplate {
    /// The folder that the names are in.
    folder: Option<PathBuf>,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    /// `%n`: the number of the connection.
    Number,
    /// `%a`: the address of the peer.
    Peer,
    /// `%t`: when the connection was opened, in UTC.
    Time,
}

impl NameTemplate {
    /// Reads a template. The error says what follows a percent sign and should not.
    ///
    /// # Errors
    /// An unknown letter, or nothing, behind a percent sign.
    pub fn parse(text: &Path) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = Vec::new();
        let mut bytes = text.as_os_str().as_bytes().iter().copied();
        while let Some(byte) = bytes.next() {
            let part = match (byte, if byte == b'%' { bytes.next() } else { None }) {
                (b'%', Some(b'n')) => Part::Number,
                (b'%', Some(b'a')) => Part::Peer,
                (b'%', Some(b't')) => Part::Time,
                (b'%', Some(b'%')) => {
                    plain.push(b'%');
                    continue;
                }
                (b'%', other) => {
                    let rest: Vec<u8> = other.into_iter().chain(bytes).collect();
                    let letter = String::from_utf8_lossy(&rest).chars().next();
                    return Err(letter.map_or_else(|| "%".to_owned(), |letter| format!("%{letter}")));
                }
                (other, _) => {
                    plain.push(other);
                    continue;
                }
            };
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(part);
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { folder: None, parts })
    }

    /// The names of `--output-dir` alone: number and peer.
    pub fn plain() -> Self {
        Self { folder: None, parts: vec![Part::Number, Part::Text(b"-".to_vec()), Part::Peer] }
    }

    /// The same names in a folder.
    pub fn within(self, folder: &Path) -> Self {
        Self { folder: Some(folder.to_owned()), ..self }
    }

    /// The name, if it is the same for all connections.
    pub fn constant(&self) -> Option<PathBuf> {
        let text = |part: &Part| if let Part::Text(text) = part { Some(text.clone()) } else { None };
        let texts = self.parts.iter().map(text).collect::<Option<Vec<_>>>()?;
        Some(self.path(texts.concat()))
    }

    /// Whether no two connections have the same name.
    pub fn is_numbered(&self) -> bool {
        self.parts.contains(&Part::Number)
    }

    /// The folder that all names are in, as far as it is the same for all connections.
    pub fn home(&self) -> Option<PathBuf> {
        let first = match self.parts.first() {
            Some(Part::Text(text)) => text.clone(),
            _ => Vec::new(),
        };
        let end = first.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
        Some(self.path(first[..end].to_vec())).filter(|path| !path.as_os_str().is_empty())
    }

    /// The name for one connection; `time` is in seconds since 1970.
    pub fn name(&self, number: u64, peer: &str, time: u64) -> PathBuf {
        let mut name = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => name.extend(text),
                Part::Number => name.extend(number.to_string().bytes()),
                Part::Peer => name.extend(safe(peer).bytes()),
                Part::Time => name.extend(stamp(time).bytes()),
            }
        }
        self.path(name)
    }

    fn path(&self, name: Vec<u8>) -> PathBuf {
        let name = OsString::from_vec(name);
        match &self.folder {
            Some(folder) if name.is_empty() => folder.clone(),
            Some(folder) => folder.join(name),
            None => PathBuf::from(name),
        }
    }
}

/// An address as a part of a file name: what would leave the folder, or cannot be seen, is an underscore.
fn safe(peer: &str) -> String {
    peer.chars().map(|c| if c == '/' || c == '\\' || c.is_control() { '_' } else { c }).collect()
}

/// A time in UTC, as in `20260131T235959`.
fn stamp(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days since the first of March of the year 0, in eras of 400 years: leap days come last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, year) = if month < 10 { (month + 3, year) } else { (month - 9, year + 1) };
    let year = year + era * 400;
    format!("{year:04}{month:02}{date:02}T{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_in() {
        let table = [
            ("x", "127.0.0.1:5", "x"),
            ("%n", "127.0.0.1:5", "7"),
            ("d/%n-%a.log", "127.0.0.1:5", "d/7-127.0.0.1:5.log"),
            ("%a", "[::1]:5", "[::1]:5"),
            ("%a", "unix:/tmp/../x", "unix:_tmp_.._x"),
            ("%a", "a\n\u{1b}b", "a__b"),
            ("100%%-%n%n", "", "100%-77"),
            ("%t", "", "20260228T235959"),
        ];
        for (text, peer, name) in table {
            let template = NameTemplate::parse(Path::new(text)).unwrap();
            assert_eq!(template.name(7, peer, 1_772_323_199), PathBuf::from(name), "{text}");
        }
        let folder = NameTemplate::plain().within(Path::new("/d"));
        assert_eq!(folder.name(1, "h:2", 0), PathBuf::from("/d/1-h:2"));
    }

    #[test]
    fn other_letters_are_refused() {
        for (text, said) in [("a%q", "%q"), ("a%", "%"), ("%é", "%é"), ("%N", "%N")] {
            assert_eq!(NameTemplate::parse(Path::new(text)), Err(said.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_name_without_places_is_one_for_all() {
        let constant = |text: &str| NameTemplate::parse(Path::new(text)).unwrap().constant();
        assert_eq!(constant("a%%b"), Some(PathBuf::from("a%b")));
        assert_eq!(constant("a%n"), None);
        let home = |text: &str| NameTemplate::parse(Path::new(text)).unwrap().home();
        assert_eq!(home("a/b/c%n"), Some(PathBuf::from("a/b/")));
        assert_eq!(home("c%n/x"), None);
        assert_eq!(NameTemplate::plain().within(Path::new("d")).home(), Some(PathBuf::from("d")));
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        let table = [
            (0, "19700101T000000"),
            (951_782_400, "20000229T000000"),
            (951_868_799, "20000229T235959"),
            (951_868_800, "20000301T000000"),
            (1_735_689_599, "20241231T235959"),
            (4_107_542_400, "21000301T000000"),
        ];
        for (seconds, text) in table {
            assert_eq!(stamp(seconds), text);
        }
    }
}
