//! Addresses of host names, as the system looks them up: getaddrinfo(3), also in a program that is linked statically.
//!
//! A static glibc has the sources `files` and `dns` of nsswitch.conf(5) in it. Any other (mDNS, systemd-resolved, LDAP)
//! it would load from the system, whose glibc may be another version. So where nsswitch.conf names such a source,
//! getent(1) is asked, which is the system's own.

use std::ffi::{CStr, c_char, c_int};
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::process::{Command, Stdio};
use std::sync::Once;

/// Whether glibc is part of this program.
const HAS_GLIBC: bool = cfg!(all(target_env = "gnu", target_feature = "crt-static"));

/// Exit status of getent(1) for a name that no source knows.
const NOT_FOUND: i32 = 2;

/// Looks a host name up; waits for the network where it must.
///
/// # Errors
/// The resolver's own, or `NotFound`.
pub fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    // Numbers, also with a zone, are nobody's name.
    if HAS_GLIBC && !host.contains(':') && host.parse::<IpAddr>().is_err() {
        let sources = fs::read_to_string("/etc/nsswitch.conf").unwrap_or_default();
        if !is_built_in(&sources)
            && let Some(found) = ask_getent(host, port)
        {
            return found;
        }
        use_built_in();
    }
    Ok((host, port).to_socket_addrs()?.collect())
}

/// Whether the text of nsswitch.conf(5) names only sources of hosts that are in glibc.
fn is_built_in(text: &str) -> bool {
    let mut lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim_start());
    let Some(sources) = lines.find_map(|line| line.strip_prefix("hosts:")) else { return true };
    let mut is_action = false;
    sources.split_whitespace().all(|word| {
        is_action |= word.starts_with('[');
        let is_known = is_action || word == "files" || word == "dns";
        is_action &= !word.ends_with(']');
        is_known
    })
}

/// Asks getent(1); `None` if there is none here.
fn ask_getent(host: &str, port: u16) -> Option<io::Result<Vec<SocketAddr>>> {
    let output =
        Command::new("getent").args(["ahosts", "--", host]).stdin(Stdio::null()).stderr(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Some(Ok(listed(&String::from_utf8_lossy(&output.stdout), port))),
        Ok(output) if output.status.code() == Some(NOT_FOUND) => {
            Some(Err(io::Error::new(ErrorKind::NotFound, "Name or service not known")))
        }
        _ => None,
    }
}

/// The addresses in the output of `getent ahosts`: one a line, followed by the type of its socket.
fn listed(output: &str, port: u16) -> Vec<SocketAddr> {
    output.lines().filter_map(|line| address(line.split_whitespace().next()?, port)).collect()
}

/// An address as getent(1) writes it; a link-local one has a zone.
fn address(text: &str, port: u16) -> Option<SocketAddr> {
    let ip: IpAddr = text.split('%').next()?.parse().ok()?;
    if ip.to_string() == text { Some(SocketAddr::new(ip, port)) } else { (text, port).to_socket_addrs().ok()?.next() }
}

/// Keeps a static glibc to the sources that it has in it.
#[cfg(target_env = "gnu")]
#[allow(unsafe_code)]
fn use_built_in() {
    unsafe extern "C" {
        fn __nss_configure_lookup(database: *const c_char, sources: *const c_char) -> c_int;
    }
    static ONCE: Once = Once::new();
    const HOSTS: &CStr = c"hosts";
    const SOURCES: &CStr = c"files dns";
    // SAFETY: both are texts that end in a zero and live for ever; glibc has its own lock, and keeps copies.
    ONCE.call_once(|| unsafe {
        __nss_configure_lookup(HOSTS.as_ptr(), SOURCES.as_ptr());
    });
}

#[cfg(not(target_env = "gnu"))]
fn use_built_in() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_glibc_itself_need_nobody_else() {
        for text in
            ["", "passwd: files sss\n", "hosts: files dns\n", "# hosts: mdns\n hosts:\tdns [!UNAVAIL=return] files # x"]
        {
            assert!(is_built_in(text), "{text}");
        }
        for text in [
            "hosts: files mdns4_minimal [NOTFOUND=return] dns\n",
            "hosts: files [NOTFOUND = return] resolve",
            "passwd: files\nhosts: mymachines",
        ] {
            assert!(!is_built_in(text), "{text}");
        }
    }

    #[test]
    fn what_getent_lists_are_addresses() {
        let text = "127.0.0.1       STREAM localhost\n127.0.0.1       DGRAM\n::1 STREAM x\nfe80::1%7 RAW\nfe80::1%no-such RAW\nx\n\n";
        let found: Vec<String> = listed(text, 80).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["127.0.0.1:80", "127.0.0.1:80", "[::1]:80", "[fe80::1%7]:80"]);
    }

    #[test]
    fn getent_and_glibc_agree() {
        let Some(found) = ask_getent("localhost", 7) else { return };
        let found = found.unwrap();
        assert!(!found.is_empty());
        for address in ("localhost", 7).to_socket_addrs().unwrap() {
            assert!(found.contains(&address), "{address}: {found:?}");
        }
        assert_eq!(
            ask_getent("no-such-name.invalid", 7).unwrap().unwrap_err().to_string(),
            "Name or service not known"
        );
    }
}
