//! The lists of `--allow` and `--deny`: networks, and files of networks.
//!
//! Owns the form of such a file and the messages about what is no network.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::args::ServerArgs;
use crate::codec::escape::show_line;
use crate::config::access::{Access, Network, NetworkError};
use crate::error::{Error, Result, cause};

/// Longest file of networks, in bytes.
const LONGEST_FILE: u64 = 64 << 20;

/// The lists of a listener.
pub(super) fn resolve(args: &ServerArgs) -> Result<Access> {
    Ok(Access {
        allow: (!args.allow.is_empty()).then(|| list("--allow", &args.allow)).transpose()?,
        deny: list("--deny", &args.deny)?,
    })
}

fn list(option: &str, words: &[String]) -> Result<Vec<Network>> {
    let mut networks = Vec::new();
    for word in words {
        match word.strip_prefix('@') {
            Some(file) => of_file(option, Path::new(file), &mut networks)?,
            None => {
                for part in word.split(',') {
                    networks.push(network(&format!("{option} {}", show_line(part)), part)?);
                }
            }
        }
    }
    Ok(networks)
}

/// Adds the networks of a file: any number on a line, with blanks or commas between them; what follows a # is a comment.
fn of_file(option: &str, file: &Path, networks: &mut Vec<Network>) -> Result<()> {
    let name = file.display().to_string();
    let failed = |cause| Error::Read { source_name: name.clone(), cause };
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|opened| opened.take(LONGEST_FILE + 1).read_to_end(&mut bytes));
    read.map_err(|error| failed(cause(&error)))?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(failed("it is too long for a list of networks".to_owned()));
    }
    let text = String::from_utf8_lossy(&bytes);
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        for word in line.split(|letter: char| letter.is_whitespace() || letter == ',').filter(|word| !word.is_empty()) {
            networks.push(network(
                &format!("{option} @{}, line {}: {}", show_line(&name), number + 1, show_line(word)),
                word,
            )?);
        }
    }
    Ok(())
}

/// Parses one network; `place` says where it stands.
fn network(place: &str, text: &str) -> Result<Network> {
    let example = "write an address or a network, as in 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32";
    text.parse().map_err(|error| match error {
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

    fn words(words: &[&str]) -> String {
        said(list("--allow", &words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>()))
    }

    #[test]
    fn words_are_networks_or_several_with_commas() {
        assert_eq!(words(&["10.0.0.0/8", "::1,192.0.2.7"]), "10.0.0.0/8 ::1/128 192.0.2.7/32");
        let hint = "write an address or a network, as in 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32";
        for (word, wanted) in [
            ("", "--allow  is no IP address or network"),
            ("host", "--allow host is no IP address or network"),
            ("10.0.0.1,", "--allow  is no IP address or network"),
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
    fn a_file_has_comments_and_its_lines_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        let word = format!("@{}", path.display());
        std::fs::write(&path, "# ours\n10.0.0.0/8, ::1\r\n\n\t192.0.2.7 # a guest\n#1.2.3.4").unwrap();
        assert_eq!(words(&["1.1.1.1", &word]), "1.1.1.1/32 10.0.0.0/8 ::1/128 192.0.2.7/32");
        std::fs::write(&path, "10.0.0.0/8\n10.0.0.1/8\n").unwrap();
        let wanted = format!("2 --allow {word}, line 2: 10.0.0.1/8 is an address within the network 10.0.0.0/8");
        assert!(words(&[&word]).starts_with(&wanted));
        std::fs::write(&path, b"\n\nwho\xff\n").unwrap();
        assert!(words(&[&word]).starts_with(&format!("2 --allow {word}, line 3: who")));
        std::fs::write(&path, "# nobody\n").unwrap();
        assert_eq!(words(&[&word]), "");
        std::fs::remove_file(&path).unwrap();
        assert!(words(&[&word]).starts_with(&format!("26 read {}: ", path.display())));
        assert!(words(&["@"]).starts_with("26 "));
    }
}
