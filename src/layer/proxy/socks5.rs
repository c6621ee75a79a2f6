//! SOCKS 5 (RFC 1928) with user name and password (RFC 1929): the client's side of a CONNECT.

use std::net::IpAddr;

use super::{Answer, Dialogue};
use crate::proxy::{Destination, Host, Login, Stage, TARGET_REFUSED};

const VERSION: u8 = 5;
const CONNECT: u8 = 1;
const NO_LOGIN: u8 = 0;
const PASSWORD: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
/// The version of the negotiation about user and password.
const PASSWORD_VERSION: u8 = 1;

/// The client's side.
#[derive(Debug)]
pub(super) struct Socks5 {
    destination: Destination,
    login: Option<Login>,
    /// A login without a password is none.
    needs_password: bool,
    awaits: Awaits,
}

/// What has to come next.
#[derive(Clone, Copy, Debug)]
enum Awaits {
    Method,
    LoginResult,
    Reply,
}

impl Socks5 {
    pub(super) fn new(destination: &Destination, login: Option<Login>, needs_password: bool) -> Self {
        Self { destination: destination.clone(), login, needs_password, awaits: Awaits::Method }
    }

    fn choose(&mut self, method: u8) -> Result<Answer, String> {
        match (method, &self.login) {
            (NO_LOGIN, _) => Ok(self.request()),
            (PASSWORD, Some(Login { password: None, .. })) if self.needs_password => {
                Err("it wants a user and a password, and there is no password".into())
            }
            (PASSWORD, Some(login)) => {
                self.awaits = Awaits::LoginResult;
                Ok(Answer::Next(2, login_message(login)))
            }
            (NONE_ACCEPTABLE, Some(_)) => {
                Err("it takes none of our ways to log in, a user and a password included".into())
            }
            (NONE_ACCEPTABLE | PASSWORD, None) => Err("it wants a user and a password".into()),
            (method, _) => Err(format!("it has chosen the way {method} to log in, which was not offered")),
        }
    }

    fn request(&mut self) -> Answer {
        self.awaits = Awaits::Reply;
        let mut message = vec![VERSION, CONNECT, 0];
        match &self.destination.host {
            Host::Name(name) => {
                // Names are at most 255 bytes: `check_route`.
                message.extend([NAME, u8::try_from(name.len()).unwrap_or(u8::MAX)]);
                message.extend_from_slice(name.as_bytes());
            }
            Host::Ip(IpAddr::V4(address)) => {
                message.push(IPV4);
                message.extend(address.octets());
            }
            Host::Ip(IpAddr::V6(address)) => {
                message.push(IPV6);
                message.extend(address.octets());
            }
        }
        message.extend(self.destination.port.to_be_bytes());
        Answer::Next(2, message)
    }
}

impl Dialogue for Socks5 {
    fn begin(&mut self) -> Vec<u8> {
        match self.login {
            None => vec![VERSION, 1, NO_LOGIN],
            Some(_) => vec![VERSION, 2, NO_LOGIN, PASSWORD],
        }
    }

    fn stage(&self) -> Stage {
        match self.awaits {
            Awaits::Method => Stage::First,
            Awaits::LoginResult => Stage::Login,
            Awaits::Reply => Stage::Reply,
        }
    }

    fn answer(&mut self, received: &[u8]) -> Result<Answer, String> {
        let wanted = if matches!(self.awaits, Awaits::LoginResult) { PASSWORD_VERSION } else { VERSION };
        match received {
            [version, ..] if *version != wanted => return Err(super::strange(received, "SOCKS 5")),
            [_, _, ..] => {}
            _ => return Ok(Answer::Incomplete),
        }
        match self.awaits {
            Awaits::Method => self.choose(received[1]),
            Awaits::LoginResult if received[1] == 0 => Ok(self.request()),
            Awaits::LoginResult => Err("it does not accept the user and the password".to_owned()),
            Awaits::Reply => reply(received),
        }
    }
}

fn login_message(login: &Login) -> Vec<u8> {
    let mut message = vec![PASSWORD_VERSION];
    for part in [login.user.as_slice(), login.password.as_deref().unwrap_or_default()] {
        // Each part is at most 255 bytes: `Proxy::check_login`.
        message.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
        message.extend_from_slice(part);
    }
    message
}

/// The reply to the request. A refusal counts as soon as its code is there: many proxies send no more.
fn reply(received: &[u8]) -> Result<Answer, String> {
    if received[1] != 0 {
        return Err(reason(received[1]));
    }
    let address = match received.get(3) {
        None => return Ok(Answer::Incomplete),
        Some(&IPV4) => 4,
        Some(&IPV6) => 16,
        Some(&NAME) => match received.get(4) {
            Some(length) => 1 + usize::from(*length),
            None => return Ok(Answer::Incomplete),
        },
        Some(kind) => return Err(format!("its answer is malformed: {kind} is no type of an address")),
    };
    let length = 4 + address + 2;
    Ok(if received.len() < length { Answer::Incomplete } else { Answer::Done(length) })
}

fn reason(code: u8) -> String {
    let words = match code {
        1 => "it failed, and does not say why",
        2 => "its rules do not allow this connection",
        3 => "the network is unreachable from it",
        4 => "the host is unreachable from it",
        5 => TARGET_REFUSED,
        6 => "the time to live has passed on the way",
        7 => "it does not know the command CONNECT",
        8 => "it does not know this type of address",
        // Those of Tor, for onion services.
        0xf0 => "the onion service is not found",
        0xf1 => "the descriptor of the onion service is invalid",
        0xf2 => "the introduction to the onion service failed",
        0xf3 => "the rendezvous with the onion service failed",
        0xf4 => "the onion service wants an authorization",
        0xf5 => "the authorization for the onion service is wrong",
        0xf6 => "the address of the onion service is invalid",
        0xf7 => "the introduction to the onion service timed out",
        _ => return format!("it refused, with the unknown code {code}"),
    };
    format!("{words} (code {code})")
}
