//! The lists of `--allow` and `--deny`: networks, names of hosts, and files of both.
//!
//! Owns the form of such a file and the messages about what is no network. A name is looked up here, once: a list is the
//! same for the whole run.

use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;

use super::args::ServerArgs;
use crate::codec::escape::show_line;
use crate::config::Family;
use crate::config::access::{Access, Network, NetworkError};
use crate::error::{Error, Result, cause};
use crate::net::dial;

/// Longest file of networks, in bytes.
const LONGEST_FILE: u64 = 64 << 20;

/// The lists of a listener. `no_dns`: names are refused.
pub(super) fn resolve(args: &ServerArgs, no_dns: bool) -> Result<Access> {
    let lookup: &Lookup = if no_dns { &refuse_name } else { &addresses_of };
    Ok(Access {
        allow: (!args.allow.is_empty()).then(|| list("--allow", &args.allow, lookup)).transpose()?,
        deny: list("--deny", &args.deny, lookup)?,
    })
}

/// Addresses of a host name.
type Lookup = dyn Fn(&str) -> Result<Vec<IpAddr>>;

fn addresses_of(host: &str) -> Result<Vec<IpAddr>> {
    let found = dial::resolve(host, 0, Family::Any).map_err(|cause| Error::unresolved(host.to_owned(), cause))?;
    Ok(found.into_iter().map(|address| address.ip()).collect())
}

fn refuse_name(host: &str) -> Result<Vec<IpAddr>> {
    Err(Error::usage_hint(
        format!("-n resolves no names, and the list of clients has {}", show_line(host)),
        "write its addresses, or leave -n out",
    ))
}

fn list(option: &str, words: &[String], lookup: &Lookup) -> Result<Vec<Network>> {
    let mut networks = Vec::new();
    for word in words {
        match word.strip_prefix('@') {
            Some("") => {
                return Err(Error::usage_hint(format!("{option} @ names no file"), "write @FILE, as in @clients.txt"));
            }
            Some(file) => of_file(option, Path::new(file), lookup, &mut networks)?,
            None => {
                for part in word.split(',').map(str::trim) {
                    networks.extend(entry(&format!("{option} {}", show_line(part)), part, lookup)?);
                }
            }
        }
    }
    Ok(networks)
}

/// Adds the networks of a file: any number on a line, with blanks or commas between them; what follows a # is a comment.
fn of_file(option: &str, file: &Path, lookup: &Lookup, networks: &mut Vec<Network>) -> Result<()> {
    let name = file.display().to_string();
    let text = text_of(file).map_err(|cause| Error::Read { source_name: name.clone(), cause })?;
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        for word in line.split(|letter: char| letter.is_whitespace() || letter == ',').filter(|word| !word.is_empty()) {
            let place = format!("{option} @{}, line {}: {}", show_line(&name), number + 1, show_line(word));
            networks.extend(entry(&place, word, lookup).map_err(|error| at(&place, error))?);
        }
    }
    Ok(())
}

/// The text of a file of networks.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn text_of(file: &Path) -> std::result::Result<String, String> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|opened| opened.take(LONGEST_FILE + 1).read_to_end(&mut bytes));
    read.map_err(|error| cause(&error))?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err("it is too long for a list of networks".to_owned());
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

/// A name that is not resolved, with the place where it stands.
fn at(place: &str, error: Error) -> Error {
    match error {
        Error::Resolve { cause, .. } => Error::Resolve { host: place.to_owned(), cause },
        error => error,
    }
}

/// Parses one network, or looks a name up: then each of its addresses is one. `place` says where it stands.
fn entry(place: &str, text: &str, lookup: &Lookup) -> Result<Vec<Network>> {
    if !may_be_name(text) {
        return Ok(vec![network(place, text)?]);
    }
    lookup(text)?.into_iter().map(|address| network(place, &address.to_string())).collect()
}

/// Whether this is a name of a host, and no address that is written wrong.
fn may_be_name(text: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_');
    text.chars().all(is_word) && text.contains(char::is_alphabetic) && !text.starts_with(['-', '.'])
}

/// Parses one network; `place` says where it stands.
fn network(place: &str, text: &str) -> Result<Network> {
    let example = "write an address or a network, as in 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32";
    text.parse().map_err(|error| match error {
        NetworkError::NotANetwork if text.is_empty() => {
            Error::usage_hint(format!("{}: an entry is empty", place.trim_end()), example)
        }
        NetworkError::NotANetwork => Error::usage_hint(format!("{place} is no IP address or network"), example),
        NetworkError::TooManyBits(most) => {
            Error::usage_hint(format!("{place} has too many bits: {most} is the most"), example)
        }
        NetworkError::HostBits(network) => Error::usage_hint(
            format!("{place} is an address within the network {network}"),
            format!("for the network write {network}; for the address alone leave the / out"),
        ),
        NetworkError::Zone => Error::usage_hint(
            format!("{place} has a zone, and a client is known by its address alone"),
            "leave out the % and what follows; --bind-device takes clients of one interface only",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(result: Result<Vec<Network>>) -> String {
        match result {
            Ok(networks) => networks.iter().map(Network::to_string).collect::<Vec<_>>().join(" "),
            Err(error) => format!("{} {error} | {}", error.exit().code(), error.hint().unwrap_or_default()),
        }
    }

    /// A resolver that knows one name.
    fn known(host: &str) -> Result<Vec<IpAddr>> {
        match host {
            "two.example" => Ok(vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()]),
            _ => Err(Error::Resolve { host: host.to_owned(), cause: "nobody knows it".to_owned() }),
        }
    }

    fn words(words: &[&str]) -> String {
        said(list("--allow", &words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>(), &known))
    }

    #[test]
    fn words_are_networks_or_several_with_commas() {
        assert_eq!(words(&["10.0.0.0/8", "::1,192.0.2.7"]), "10.0.0.0/8 ::1/128 192.0.2.7/32");
        let hint = "write an address or a network, as in 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32";
        for (word, wanted) in [
            ("", "--allow: an entry is empty"),
            ("10.0.0.256", "--allow 10.0.0.256 is no IP address or network"),
            ("two.example/24", "--allow two.example/24 is no IP address or network"),
            ("-x", "--allow -x is no IP address or network"),
            ("10.0.0.1,", "--allow: an entry is empty"),
            ("10.0.0.0/99", "--allow 10.0.0.0/99 has too many bits: 32 is the most"),
        ] {
            assert_eq!(words(&[word]), format!("2 {wanted} | {hint}"));
        }
        assert_eq!(
            words(&["192.168.1.7/24"]),
            "2 --allow 192.168.1.7/24 is an address within the network 192.168.1.0/24 \
             | for the network write 192.168.1.0/24; for the address alone leave the / out"
        );
    }

    #[test]
    fn a_name_stands_for_all_its_addresses() {
        assert_eq!(words(&["two.example,10.0.0.1"]), "192.0.2.1/32 2001:db8::1/128 10.0.0.1/32");
        assert_eq!(words(&["10.0.0.1,none.example"]), "6 resolve none.example: nobody knows it | ");
        let said = said(list("--deny", &["two.example".to_owned()], &refuse_name));
        assert_eq!(
            said,
            "2 -n resolves no names, and the list of clients has two.example | write its addresses, or leave -n out"
        );
    }

    #[test]
    fn a_file_has_comments_and_its_lines_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        let word = format!("@{}", path.display());
        std::fs::write(&path, "# ours\n10.0.0.0/8, ::1\r\n\n\t192.0.2.7 # a guest\n#1.2.3.4\ntwo.example").unwrap();
        let both = "192.0.2.1/32 2001:db8::1/128";
        assert_eq!(words(&["1.1.1.1", &word]), format!("1.1.1.1/32 10.0.0.0/8 ::1/128 192.0.2.7/32 {both}"));
        std::fs::write(&path, "10.0.0.0/8\n10.0.0.1/8\n").unwrap();
        let wanted = format!("2 --allow {word}, line 2: 10.0.0.1/8 is an address within the network 10.0.0.0/8");
        assert!(words(&[&word]).starts_with(&wanted));
        std::fs::write(&path, b"\n\nwho\xff\n").unwrap();
        assert!(words(&[&word]).starts_with(&format!("2 --allow {word}, line 3: who")));
        std::fs::write(&path, "\u{feff}10.0.0.0/8\n").unwrap();
        assert_eq!(words(&[&word]), "10.0.0.0/8", "behind a byte order mark");
        std::fs::write(&path, "10.0.0.0/8\n\nnobody.example\n").unwrap();
        let unknown = words(&[&word]);
        assert!(
            unknown.starts_with("6 ") && unknown.contains(&format!("--allow {word}, line 3: nobody.example")),
            "{unknown}"
        );
        assert_eq!(words(&["@"]), "2 --allow @ names no file | write @FILE, as in @clients.txt");
        std::fs::write(&path, "# nobody\n").unwrap();
        assert_eq!(words(&[&word]), "");
        std::fs::remove_file(&path).unwrap();
        assert!(words(&[&word]).starts_with(&format!("26 read {}: ", path.display())));
    }
}
