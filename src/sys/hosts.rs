//! Names of addresses, from `/etc/hosts` alone: nothing is asked over the network, so nothing waits.

use std::fs;
use std::net::IpAddr;

/// The name of an address in hosts(5).
pub fn name_of(address: IpAddr) -> Option<String> {
    named(&fs::read_to_string("/etc/hosts").ok()?, address)
}

/// The first name of an address in the text of a hosts file.
fn named(text: &str, address: IpAddr) -> Option<String> {
    text.lines().find_map(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        (words.next()?.parse() == Ok(address)).then(|| words.next().map(str::to_owned))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_an_address_counts() {
        let text = "# hosts\n127.0.0.1\tlocalhost here\n::1 ip6-localhost\n10.0.0.1 # nobody\n";
        let of = |address: &str| named(text, address.parse().unwrap());
        assert_eq!(of("127.0.0.1").as_deref(), Some("localhost"));
        assert_eq!(of("::1").as_deref(), Some("ip6-localhost"));
        assert_eq!(of("10.0.0.1"), None);
        assert_eq!(of("10.0.0.2"), None);
    }
}
