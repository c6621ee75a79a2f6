//! What OpenBSD's nc and Ncat say of a proxy that does not open the way, and Ncat of one that does.
//!
//! Owns these sentences, and what the answers of proxies are to those tools.

use crate::config::{Config, Role};
use crate::proxy::{Answer, Heard, ProxyKind, Stage};

/// The proxy of a run as those tools see it.
#[derive(Debug)]
pub(super) struct Proxied {
    kind: ProxyKind,
    /// Its user name and password are in one word, without a colon.
    login_is_bare: bool,
    has_login: bool,
    heard: Heard,
    /// The host behind it, if that is a name.
    name: Option<String>,
    /// What is said of that name instead.
    told: Option<String>,
}

impl Proxied {
    /// The first proxy of this run.
    pub(super) fn of(config: &Config) -> Option<Self> {
        let proxy = config.proxies.first()?;
        let host = match &config.role {
            Role::Connect(connect) => connect.target.host(),
            _ => None,
        };
        let name = host.filter(|host| host.parse::<std::net::IpAddr>().is_err()).map(str::to_owned);
        Some(Self {
            kind: proxy.kind,
            login_is_bare: proxy.login.as_ref().is_some_and(|login| login.password.is_none()),
            has_login: proxy.login.is_some(),
            heard: proxy.heard.clone(),
            name,
            told: config.output.target_is_told.clone(),
        })
    }

    /// What nc says of its last answer, without `nc: `; `None`: it was not reached.
    pub(super) fn to_nc(&self) -> Option<String> {
        let answer = self.heard.last();
        Some(match (self.kind, answer.stage) {
            (_, Stage::Unreached) => return None,
            (ProxyKind::Http, _) => line_to_nc(&answer),
            (ProxyKind::Socks4 | ProxyKind::Socks4a, _) => match answer.bytes[..] {
                [_, code, ..] if !(answer.has_ended && code == GRANTED) => {
                    format!("connection failed, SOCKSv4 error: {}", reason_of_socks4(code))
                }
                _ => cut_short(answer.bytes.len(), 8),
            },
            (ProxyKind::Socks5, Stage::Reply) => match answer.bytes[..] {
                [_, 0, _, kind, ..] if answer.has_ended && matches!(kind, IPV4 | IPV6) => {
                    cut_short(answer.bytes.len() - 4, if kind == IPV4 { 6 } else { 18 })
                }
                [_, 0, _, _, ..] => "connection failed, unsupported address type".to_owned(),
                [_, code, ..] if code != 0 => {
                    let reason = reason_of_socks5(code).map_or("Unknown error", |(to_nc, _)| to_nc);
                    format!("connection failed, SOCKSv5 error: {reason}")
                }
                _ => cut_short(answer.bytes.len(), 4),
            },
            (ProxyKind::Socks5, _) if answer.has_ended => cut_short(answer.bytes.len(), 3),
            (ProxyKind::Socks5, _) => "authentication method negotiation failed".to_owned(),
        })
    }

    /// What Ncat says of its last answer, without `Ncat: `; `None`: it was not reached.
    pub(super) fn to_ncat(&self) -> Option<String> {
        let answer = self.heard.last();
        Some(match (self.kind, answer.stage) {
            (_, Stage::Unreached) => return None,
            (ProxyKind::Http, _) => self.status_to_ncat(&answer),
            (ProxyKind::Socks4 | ProxyKind::Socks4a, _) => match answer.bytes[..] {
                [_, code, ..] if !(answer.has_ended && code == GRANTED) => "Proxy connection failed.".to_owned(),
                _ => "Error: short response from proxy.".to_owned(),
            },
            (ProxyKind::Socks5, stage) => format!("Error: {}.", self.socks5_to_ncat(stage, &answer)),
        })
    }

    /// Whether it asks for a login in no way that Ncat knows, which ends like a wrong line there.
    pub(super) fn asks_for_the_unknown(&self) -> bool {
        let answer = self.heard.last();
        let is_asked = self.kind == ProxyKind::Http && status(&answer.bytes) == Some(407) && self.has_login;
        is_asked && !["basic", "digest"].iter().any(|way| offers(&answer.bytes, way))
    }

    /// The lines of Ncat's `-v` about the talk with it, as far as that has come. `place`: where it is.
    pub(super) fn story(&self, place: Option<&str>) -> Vec<String> {
        let answer = self.heard.last();
        let is_socks5 = self.kind == ProxyKind::Socks5;
        let mut lines = Vec::new();
        if answer.stage == Stage::Unreached {
            return lines;
        }
        if self.kind != ProxyKind::Http {
            lines.extend(place.map(|place| format!("Connected to proxy {place}")));
        }
        let is_refused = answer.bytes.starts_with(&[SOCKS5, LOGIN]);
        if is_socks5 && (answer.wants_login || (answer.stage == Stage::First && is_refused)) {
            lines.push("Doing username and password authentication.".to_owned());
        } else if is_socks5 && answer.stage >= Stage::Reply {
            lines.push("No authentication needed.".to_owned());
        }
        if !is_socks5 || answer.stage >= Stage::Reply {
            let by_proxy = || Some(format!("Host {} will be resolved by the proxy.", self.name.as_ref()?));
            lines.extend(self.told.clone().or_else(by_proxy));
        }
        if is_socks5 && answer.stage == Stage::Done {
            lines.push("connection succeeded.".to_owned());
        }
        lines
    }

    fn status_to_ncat(&self, answer: &Answer) -> String {
        let bytes = &answer.bytes;
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let is_cut = line.len() == bytes.len() && answer.has_ended;
        match (is_cut || line.len() >= LONGEST_LINE, status(bytes)) {
            (true, _) => "Error reading proxy response Status-Line.".to_owned(),
            (_, Some(407)) if self.asks_for_the_unknown() => "Unknown authentication type.".to_owned(),
            (_, Some(407)) if self.has_login && self.login_is_bare && offers(bytes, "digest") => {
                "Error building Proxy-Authorization header.".to_owned()
            }
            (_, _) if !has_whole_head(bytes) && bytes.starts_with(b"HTTP/") => {
                "Error reading proxy response header.".to_owned()
            }
            (_, code) => format!("Proxy returned status code {}.", code.map_or(-1, i32::from)),
        }
    }

    fn socks5_to_ncat(&self, stage: Stage, answer: &Answer) -> &'static str {
        match (stage, &answer.bytes[..]) {
            (Stage::Login, [version, 0, ..]) if *version != 0 => "malformed proxy authentication response",
            (Stage::Login, [_, _, ..]) => "authentication failed",
            (Stage::Login, _) => "malformed proxy authentication response",
            (Stage::Reply, [version, ..]) if *version != SOCKS5 => "wrong SOCKS version in request response",
            (Stage::Reply, [_, 0, _, kind, ..]) if !matches!(*kind, IPV4 | NAME | IPV6) => {
                "invalid proxy bind address type"
            }
            (Stage::Reply, [_, code, ..]) if *code != 0 => {
                reason_of_socks5(*code).map_or("unassigned value in the reply", |(_, to_ncat)| to_ncat)
            }
            (Stage::Reply, _) => "malformed request response from proxy",
            (_, [] | [SOCKS5]) => "malformed connect response from proxy",
            (_, [SOCKS5, LOGIN, ..]) if self.has_login => "invalid username:password combo",
            (_, [SOCKS5, NONE, ..]) => "no acceptable authentication method proposed",
            (_, [SOCKS5, ..]) => "proxy selected invalid authentication method",
            _ => "wrong SOCKS version in connect response",
        }
    }
}

const SOCKS5: u8 = 5;
const LOGIN: u8 = 2;
const NONE: u8 = 0xff;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
/// The code of SOCKS 4 for a way that is open.
const GRANTED: u8 = 90;
/// The longest line of a proxy that nc and Ncat read.
const LONGEST_LINE: usize = 1024;

fn cut_short(read: usize, awaited: usize) -> String {
    format!("read failed ({read}/{awaited}): Broken pipe")
}

fn line_to_nc(answer: &Answer) -> String {
    let line = answer.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let (has_line, line) = (line.len() < answer.bytes.len(), String::from_utf8_lossy(line.trim_ascii_end()));
    let is_open = ["HTTP/1.0 200 ", "HTTP/1.1 200 "].iter().any(|open| line.starts_with(&open[..12]));
    match (has_line, is_open) {
        (false, _) if answer.has_ended => "proxy read: Broken pipe".to_owned(),
        _ if line.len() >= LONGEST_LINE => "proxy read too long".to_owned(),
        (true, true) if answer.has_ended => "proxy read: Broken pipe".to_owned(),
        (true, true) if !has_whole_head(&answer.bytes) => "Too many proxy headers received".to_owned(),
        _ => format!("Proxy error: \"{line}\""),
    }
}

fn reason_of_socks4(code: u8) -> &'static str {
    match code {
        91 => "Request rejected or failed",
        92 => "SOCKS server cannot connect to identd on the client",
        93 => "Client program and identd report different user-ids",
        _ => "Unknown error",
    }
}

/// What a code of SOCKS 5 is to nc, and to Ncat.
fn reason_of_socks5(code: u8) -> Option<(&'static str, &'static str)> {
    Some(match code {
        1 => ("General SOCKS server failure", "general SOCKS server failure"),
        2 => ("Connection not allowed by ruleset", "connection not allowed by ruleset"),
        3 => ("Network unreachable", "Network unreachable"),
        4 => ("Host unreachable", "Host unreachable"),
        5 => ("Connection refused", "Connection refused"),
        6 => ("TTL expired", "TTL expired"),
        7 => ("Command not supported", "Command not supported"),
        8 => ("Address type not supported", "Address type not supported"),
        _ => return None,
    })
}

/// The status code of the answer of an HTTP proxy.
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\n').next()?;
    let line = str::from_utf8(line).ok()?.strip_prefix("HTTP/")?;
    let (version, rest) = line.split_once(' ')?;
    let is_version = version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && version.contains('.');
    let code = rest.trim_start().split(char::is_whitespace).next()?;
    code.parse().ok().filter(|_| is_version)
}

fn has_whole_head(answer: &[u8]) -> bool {
    let has = |end: &[u8]| answer.windows(end.len()).any(|window| window == end);
    has(b"\n\r\n") || has(b"\n\n")
}

/// Whether an HTTP proxy offers this way to log in.
fn offers(answer: &[u8], way: &str) -> bool {
    let head = String::from_utf8_lossy(answer).to_ascii_lowercase();
    head.lines()
        .filter_map(|line| line.strip_prefix("proxy-authenticate:"))
        .any(|value| value.split(',').any(|part| part.split_whitespace().next() == Some(way)))
}
