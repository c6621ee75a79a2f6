//! SOCKS 4 and 4a: the client's side of a CONNECT.

use std::net::IpAddr;

use super::{Answer, Dialogue};
use crate::proxy::{Destination, Host, Login};

const VERSION: u8 = 4;
const CONNECT: u8 = 1;
const GRANTED: u8 = 90;
/// Length of a reply: version, code, port, address.
const REPLY: usize = 8;
/// The address that says a name follows (4a).
const NAME_FOLLOWS: [u8; 4] = [0, 0, 0, 1];

/// The client's side. A name is sent as 4a does; for plain SOCKS 4 it was resolved before.
#[derive(Debug)]
pub(super) struct Socks4 {
    destination: Destination,
    login: Option<Login>,
}

impl Socks4 {
    pub(super) fn new(destination: &Destination, login: Option<Login>) -> Self {
        Self { destination: destination.clone(), login }
    }
}

impl Dialogue for Socks4 {
    fn begin(&mut self) -> Vec<u8> {
        let mut message = vec![VERSION, CONNECT];
        message.extend(self.destination.port.to_be_bytes());
        let name = match &self.destination.host {
            Host::Ip(IpAddr::V4(address)) => {
                message.extend(address.octets());
                None
            }
            // No IPv6 address comes here: `check_route`.
            Host::Ip(address) => Some(address.to_string()),
            Host::Name(name) => Some(name.clone()),
        };
        if name.is_some() {
            message.extend(NAME_FOLLOWS);
        }
        message.extend(self.login.iter().flat_map(|login| &login.user));
        message.push(0);
        if let Some(name) = name {
            message.extend(name.as_bytes());
            message.push(0);
        }
        message
    }

    fn answer(&mut self, received: &[u8]) -> Result<Answer, String> {
        match received {
            [version, ..] if *version != 0 => Err(super::strange(received, "SOCKS 4")),
            [_, GRANTED, ..] => Ok(if received.len() < REPLY { Answer::Incomplete } else { Answer::Done(REPLY) }),
            [_, code, ..] => Err(reason(*code)),
            _ => Ok(Answer::Incomplete),
        }
    }
}

fn reason(code: u8) -> String {
    let words = match code {
        91 => "it refused, or could not reach the target",
        92 => "it refused, because it cannot ask our identd who we are",
        93 => "it refused, because our identd names another user",
        _ => return format!("it refused, with the unknown code {code}"),
    };
    format!("{words} (code {code})")
}
