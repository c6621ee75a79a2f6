//! Lists of addresses as Ncat has them: networks whose last bits do not matter, ranges of octets, files of words.
//!
//! Owns how they are written here, as networks. Names are left as they are.

use std::path::Path;

use crate::cli::access;
use crate::config::access::{Network, NetworkError};
use crate::error::sentence;

/// Most networks that one word may stand for.
const MOST: usize = 4096;

/// The networks and names of a list with commas. Empty entries do not count.
///
/// # Errors
/// What is wrong with one of them.
pub(super) fn of_words(list: &str) -> Result<Vec<String>, String> {
    let words: Vec<&str> = list.split(',').filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Err(format!("error in host specification \"{}\"", list.escape_debug()));
    }
    all(words.into_iter())
}

/// The same of a file, whose words are separated by white space; what follows a `#` is a comment.
///
/// # Errors
/// It cannot be read, or has such a word.
pub(super) fn of_file(path: &str) -> Result<Vec<String>, String> {
    let text = access::text_of(Path::new(path))
        .map_err(|cause| format!("can't open {}: {}", path.escape_debug(), sentence(&cause)))?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    all(lines.flat_map(str::split_whitespace))
}

fn all<'a>(words: impl Iterator<Item = &'a str>) -> Result<Vec<String>, String> {
    Ok(words.map(networks).collect::<Result<Vec<_>, _>>()?.concat())
}

/// What one word stands for.
fn networks(word: &str) -> Result<Vec<String>, String> {
    match word.parse::<Network>() {
        Ok(_) => Ok(vec![word.to_owned()]),
        Err(NetworkError::HostBits(network)) => Ok(vec![network.to_string()]),
        Err(NetworkError::TooManyBits(_)) => Err(format!(
            "Illegal netmask in \"{0}\". Must be smaller than address bit length. (error in host specification \"{0}\")",
            word.escape_debug()
        )),
        Err(NetworkError::NotANetwork | NetworkError::Zone) => match ranges(word) {
            Some(octets) => of_ranges(octets).ok_or_else(|| {
                format!("error in host specification \"{}\": it stands for too many networks", word.escape_debug())
            }),
            None => Ok(vec![word.to_owned()]),
        },
    }
}

/// The least and the greatest value of four octets, one of which is a range.
fn ranges(word: &str) -> Option<[(u8, u8); 4]> {
    let number = |text: &str, default: u8| if text.is_empty() { Some(default) } else { text.parse().ok() };
    let octet = |part: &str| match part.split_once('-') {
        None if part == "*" => Some((0, 255)),
        None => part.parse().ok().map(|value| (value, value)),
        Some((least, greatest)) => Some((number(least, 0)?, number(greatest, 255)?)).filter(|(a, b)| a <= b),
    };
    let octets: Vec<_> = word.split('.').map(octet).collect::<Option<_>>()?;
    octets.try_into().ok()
}

/// The networks of all addresses with such octets; `None`: they are too many.
fn of_ranges(octets: [(u8, u8); 4]) -> Option<Vec<String>> {
    // Octets at the end that may be anything are no part of the network.
    let given = 4 - octets.iter().rev().take_while(|range| **range == (0, 255)).count();
    let mut all = vec![(0_u32, 0_u32)];
    for (at, (least, greatest)) in octets.iter().take(given).enumerate() {
        let blocks = if at + 1 == given {
            blocks(*least, *greatest)
        } else {
            (*least..=*greatest).map(|value| (value, 8)).collect()
        };
        if all.len() * blocks.len() > MOST {
            return None;
        }
        let before = 8 * at as u32;
        let with = |(first, _): (u32, u32)| {
            blocks.iter().map(move |(value, bits)| (first | u32::from(*value) << (24 - before), before + bits))
        };
        all = all.into_iter().flat_map(with).collect();
    }
    Some(all.into_iter().map(|(first, bits)| format!("{}/{bits}", std::net::Ipv4Addr::from(first))).collect())
}

/// Blocks of values that begin with the same bits, and how many these are; together they are the range.
fn blocks(least: u8, greatest: u8) -> Vec<(u8, u32)> {
    let (mut at, end, mut all) = (u32::from(least), u32::from(greatest) + 1, Vec::new());
    while at < end {
        let mut size = 256;
        while at % size != 0 || at + size > end {
            size /= 2;
        }
        all.push((at as u8, 8 - size.trailing_zeros()));
        at += size;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_networks_and_names() {
        for (list, wanted) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1/8", "127.0.0.0/8"),
            ("127.0.0.1,10.0.0.0/8,", "127.0.0.1 10.0.0.0/8"),
            ("192.168.1.*", "192.168.1.0/24"),
            ("10.*.*.*", "10.0.0.0/8"),
            ("*.*.*.*", "0.0.0.0/0"),
            ("10.0.0.1-4", "10.0.0.1/32 10.0.0.2/31 10.0.0.4/32"),
            ("10.0.2-3.*", "10.0.2.0/23"),
            ("10.0.0-1.5", "10.0.0.5/32 10.0.1.5/32"),
            ("10.0.0.128-", "10.0.0.128/25"),
            ("localhost,::1", "localhost ::1"),
            ("1.2.3", "1.2.3"),
            ("5", "5"),
        ] {
            assert_eq!(of_words(list).map(|all| all.join(" ")), Ok(wanted.to_owned()), "{list}");
        }
        for list in ["", ",", "10.0.0.1/33", "*.*.*.1"] {
            assert!(of_words(list).is_err(), "{list}");
        }
    }
}
