//! HTTP CONNECT (RFC 9110, 9.3.6): the client's side.
//!
//! A login goes with the first request, as Basic, unless it waits to be asked for; a proxy that asks for it, or for Digest, is
//! asked again: on the same connection, or on another if it ends that one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::digest::{Asked, Challenge, challenges, strongest};
use super::{Answer, Dialogue};
use crate::codec::escape::show_bytes;
use crate::proxy::{self, Destination, Login, Proxy};

/// How every answer begins.
const START: &[u8] = b"HTTP/";
/// The name of the header that asks for a login.
const AUTHENTICATE: &[u8] = b"proxy-authenticate";
/// Most bytes of the page that comes with a refusal.
const MAX_BODY: usize = 1 << 20;
/// Most bytes of the proxy's own words in a message.
const MAX_QUOTED: usize = 200;

/// The client's side.
#[derive(Debug)]
pub(super) struct Connect {
    destination: Destination,
    login: Option<Login>,
    /// The login waits until it is asked for.
    waits: bool,
    /// A login without a password is told as it is.
    is_bare: bool,
    /// What was asked for on a connection before this one.
    asked: proxy::Asked,
    /// A number for the logins of this connection.
    salt: u128,
    /// Whether the login was told as Basic.
    has_told: bool,
    /// How often it was asked by Digest.
    digests: u8,
    /// Received bytes in which no end of the head was found.
    searched: usize,
}

/// How a login is told.
#[derive(Debug)]
enum Way {
    Basic,
    Digest(Asked),
}

impl Connect {
    pub(super) fn new(destination: &Destination, proxy: &Proxy, salt: u128) -> Self {
        Self {
            destination: destination.clone(),
            login: proxy.login.clone(),
            waits: proxy.waits_to_be_asked,
            is_bare: proxy.tells_bare_login,
            asked: proxy.asked.clone(),
            salt,
            has_told: false,
            digests: 0,
            searched: 0,
        }
    }

    /// What the head of an answer means; `length` is that of the head.
    fn judge(&mut self, head: &[u8], length: usize) -> Result<Answer, String> {
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
        let Some((code, words)) = status(line) else {
            return Err(format!("its answer is malformed: \"{}\"", quoted(line)));
        };
        match code {
            // An interim answer; the one that counts follows.
            100..=199 => {
                self.searched = 0;
                Ok(Answer::Next(length, Vec::new()))
            }
            // Whatever its headers say: an answer that opens the way has no body.
            200..=299 => Ok(Answer::Done(length)),
            407 if let Some(way) = self.way(&challenges(headers(head, AUTHENTICATE))) => match length_of_body(head) {
                Some(body) if body <= MAX_BODY => {
                    self.searched = 0;
                    Ok(Answer::NextBehind(length, body, self.request(Some(&way))))
                }
                _ => {
                    self.asked.note(headers(head, AUTHENTICATE).map(<[u8]>::to_vec).collect());
                    Err("it wants a login, and ends the connection".to_owned())
                }
            },
            407 => {
                let wanted = header(head, AUTHENTICATE).map(|value| format!(", by {}", quoted(value)));
                let wanted = wanted.unwrap_or_default();
                Err(match self.login {
                    Some(_) => format!("it does not accept the user and the password{wanted} ({})", quoted(words)),
                    None => format!("it wants a user and a password{wanted} ({})", quoted(words)),
                })
            }
            _ => Err(format!("it refused: {}", quoted(words))),
        }
    }
}

impl Connect {
    /// How the login is told to a proxy that offers this: by Digest once, and once more if what it asked for has grown old
    /// meanwhile; or as Basic, once.
    fn way(&self, offers: &[Challenge]) -> Option<Way> {
        let login = self.login.as_ref()?;
        let Some(asked) = strongest(offers) else {
            let is_new = !self.has_told && offers.iter().any(Challenge::is_basic);
            return is_new.then_some(Way::Basic);
        };
        if self.is_bare && login.password.is_none() {
            return None;
        }
        let is_new = self.digests == 0 || (self.digests == 1 && asked.is_stale);
        is_new.then_some(Way::Digest(asked))
    }

    /// The request, with the login.
    fn request(&mut self, way: Option<&Way>) -> Vec<u8> {
        let to = self.destination.to_string();
        let mut message = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n").into_bytes();
        if let (Some(login), Some(way)) = (&self.login, way) {
            let value = match way {
                Way::Basic => {
                    self.has_told = true;
                    let pair = match &login.password {
                        None if self.is_bare => login.user.clone(),
                        password => [&login.user[..], password.as_deref().unwrap_or_default()].join(&b':'),
                    };
                    format!("Basic {}", STANDARD.encode(pair))
                }
                Way::Digest(asked) => {
                    self.digests += 1;
                    let nonce = format!("{:032x}", self.salt.wrapping_add(self.digests.into()));
                    asked.answer(login, "CONNECT", &to, &nonce)
                }
            };
            message.extend(format!("Proxy-Authorization: {value}\r\n").into_bytes());
        }
        message.extend(b"\r\n");
        message
    }
}

impl Dialogue for Connect {
    fn begin(&mut self) -> Vec<u8> {
        let way = match self.asked.ways() {
            Some(ways) => self.way(&challenges(ways.iter().map(Vec::as_slice))),
            None if self.waits => None,
            None => Some(Way::Basic),
        };
        self.request(way.as_ref())
    }

    fn answer(&mut self, received: &[u8]) -> Result<Answer, String> {
        let compared = received.len().min(START.len());
        if received[..compared] != START[..compared] {
            return Err(super::strange(received, "HTTP"));
        }
        // The end of the head may have begun in what was searched before.
        let from = self.searched.saturating_sub(3);
        let Some(length) = end_of_head(received, from) else {
            self.searched = received.len();
            return Ok(Answer::Incomplete);
        };
        self.judge(&received[..length], length)
    }
}

/// Length of the head with the empty line at its end; a line may end with LF alone.
fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    (from..bytes.len()).find_map(|at| match &bytes[at..] {
        [b'\n', b'\r', b'\n', ..] => Some(at + 3),
        [b'\n', b'\n', ..] => Some(at + 2),
        _ => None,
    })
}

/// The status code of the first line, and the line from there on.
fn status(line: &[u8]) -> Option<(u16, &[u8])> {
    let version = line.strip_prefix(START)?;
    let at = version.iter().position(|byte| *byte == b' ')?;
    let is_version = version[..at].iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') && at > 0;
    let words = version[at..].trim_ascii_start();
    let digits = words.split(|byte| *byte == b' ').next()?;
    let is_code = digits.len() == 3 && digits.iter().all(u8::is_ascii_digit);
    let code = str::from_utf8(digits).ok()?.parse().ok()?;
    (is_version && is_code).then_some((code, words))
}

/// The value of the first header of this name.
fn header<'a>(head: &'a [u8], name: &'a [u8]) -> Option<&'a [u8]> {
    headers(head, name).next()
}

/// The values of all headers of this name.
fn headers<'a>(head: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    head.split(|byte| *byte == b'\n').skip(1).filter_map(move |line| {
        let at = line.iter().position(|byte| *byte == b':')?;
        line[..at].eq_ignore_ascii_case(name).then(|| line[at + 1..].trim_ascii())
    })
}

/// The length of the body behind a head; `None`: the connection ends after it, or it cannot be told.
fn length_of_body(head: &[u8]) -> Option<usize> {
    let says = |name: &'static [u8], word: &[u8]| {
        headers(head, name)
            .any(|value| value.split(|byte| *byte == b',').any(|one| one.trim_ascii().eq_ignore_ascii_case(word)))
    };
    if says(b"connection", b"close") || says(b"proxy-connection", b"close") || says(b"transfer-encoding", b"chunked") {
        return None;
    }
    match header(head, b"content-length") {
        Some(length) => str::from_utf8(length).ok()?.parse().ok(),
        None => Some(0),
    }
}

fn quoted(bytes: &[u8]) -> String {
    if bytes.len() > MAX_QUOTED {
        return format!("{}...", show_bytes(&bytes[..MAX_QUOTED]));
    }
    show_bytes(bytes)
}
