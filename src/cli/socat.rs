//! Addresses of socat, as in `TCP-LISTEN:9000,fork -`, written as a command of tcpx.
//!
//! Owns the addresses that have a counterpart here, and what is said of the others.

use super::options_elsewhere::TLS;

/// What tcpx has for a line of socat.
pub(super) enum Counterpart {
    /// The command without `tcpx`, and what it does not do.
    Command(Vec<String>, Option<&'static str>),
    Missing(&'static str),
}

/// The counterpart of a line in which a word is an address of socat.
pub(super) fn counterpart(words: &[&str]) -> Option<Counterpart> {
    let addresses: Vec<_> = words.iter().filter_map(|word| Address::read(word)).collect();
    if addresses.iter().any(|address| address.kind.contains("SSL")) {
        return Some(Counterpart::Missing(TLS));
    }
    let listener = addresses.iter().find(|address| address.listens());
    let mut places = addresses.iter().filter(|address| !address.listens());
    let program = addresses.iter().find_map(Address::program);
    let server = places.find_map(Address::connect);
    let Some(listener) = listener else {
        let mut command = vec!["connect".to_owned()];
        command.extend(addresses.iter().flat_map(Address::further_tries));
        if addresses.iter().any(Address::is_datagram) {
            command.push("-u".to_owned());
        }
        command.extend(server?);
        command.extend(program.into_iter().flatten());
        return Some(Counterpart::Command(command, None));
    };
    let mut command = vec!["listen".to_owned()];
    let echoes = words.iter().any(|word| word.eq_ignore_ascii_case("pipe"));
    let is_many = listener.option("fork").is_some() && server.is_none() && !echoes;
    match (is_many, listener.is_datagram()) {
        (true, true) => command.push("-ku".to_owned()),
        (true, false) => command.push("-k".to_owned()),
        (false, true) => command.push("-u".to_owned()),
        (false, false) => {}
    }
    command.extend(listener.place().unwrap_or_else(|| vec!["PORT".to_owned()]));
    if let Some(program) = program {
        command.extend(program);
    } else if echoes {
        command.extend(["--script", "@echo"].map(str::to_owned));
    } else if let Some(server) = server {
        command.extend(["--script", "@proxy", "--"].map(str::to_owned));
        command.push(match server.as_slice() {
            [host, port] if host.contains(':') && !host.starts_with('[') => format!("[{host}]:{port}"),
            words => words.join(":"),
        });
    }
    Some(Counterpart::Command(command, None))
}

/// An address: `KIND:PARAMETERS,OPTION,OPTION=VALUE`.
struct Address<'a> {
    kind: String,
    rest: &'a str,
    options: Vec<&'a str>,
}

impl<'a> Address<'a> {
    fn read(word: &'a str) -> Option<Self> {
        let (kind, rest) = word.split_once(':')?;
        let kind = kind.to_ascii_uppercase();
        if !KINDS.contains(&kind.as_str()) {
            return None;
        }
        let mut parts = rest.split(',');
        Some(Self { kind, rest: parts.next().unwrap_or_default(), options: parts.collect() })
    }

    fn listens(&self) -> bool {
        ["-LISTEN", "-L", "-RECV", "-RECVFROM"].iter().any(|end| self.kind.ends_with(end))
    }

    fn is_datagram(&self) -> bool {
        let ends = ["-SENDTO", "-RECV", "-RECVFROM"];
        self.kind.starts_with("UDP") || ends.iter().any(|end| self.kind.ends_with(end))
    }

    /// The value of an option, empty if it has none.
    fn option(&self, name: &str) -> Option<&'a str> {
        self.options.iter().find_map(|option| {
            let (found, value) = option.split_once('=').unwrap_or((option, ""));
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Where it listens.
    fn place(&self) -> Option<Vec<String>> {
        if self.kind.starts_with("UNIX") {
            return Some(vec![format!("unix:{}", self.rest)]);
        }
        let bind = self.option("bind").filter(|address| !address.is_empty()).map(str::to_owned);
        let words = self.family().into_iter().chain(bind).chain([self.rest.to_owned()]);
        (!self.rest.is_empty()).then(|| words.collect())
    }

    /// Where it connects to.
    fn connect(&self) -> Option<Vec<String>> {
        if self.kind.starts_with("UNIX") {
            return Some(vec![format!("unix:{}", self.rest)]);
        }
        if self.kind.starts_with("ABSTRACT") {
            return Some(vec![format!("unix:@{}", self.rest)]);
        }
        if !self.kind.starts_with("TCP") && !self.kind.starts_with("UDP") {
            return None;
        }
        let (host, port) = self.rest.rsplit_once(':')?;
        Some(vec![host.to_owned(), port.to_owned()])
    }

    /// The options for connecting again.
    fn further_tries(&self) -> Vec<String> {
        let given = |option: &str, value: &str| vec![option.to_owned(), value.to_owned()];
        let tries = match (self.option("forever"), self.option("retry")) {
            (Some(_), _) => vec!["--reconnect".to_owned()],
            (None, Some(tries)) => given("--retry", tries),
            (None, None) => return Vec::new(),
        };
        let pause = self.option("interval").map(|pause| given("--retry-delay", pause)).unwrap_or_default();
        [tries, pause].concat()
    }

    /// The program that it starts.
    fn program(&self) -> Option<Vec<String>> {
        let option = match self.kind.as_str() {
            "EXEC" => "--exec",
            "SYSTEM" | "SHELL" => "--sh",
            _ => return None,
        };
        let terminal = self.option("pty").map(|_| "--pty".to_owned());
        (!self.rest.is_empty()).then(|| terminal.into_iter().chain([option.to_owned(), self.rest.to_owned()]).collect())
    }

    fn family(&self) -> Option<String> {
        ["4", "6"].iter().find(|digit| self.kind.contains(**digit)).map(|digit| format!("-{digit}"))
    }
}

/// The kinds of addresses that say what a line is for, in upper case.
const KINDS: &[&str] = &[
    "TCP",
    "TCP4",
    "TCP6",
    "TCP-CONNECT",
    "TCP4-CONNECT",
    "TCP6-CONNECT",
    "TCP-LISTEN",
    "TCP4-LISTEN",
    "TCP6-LISTEN",
    "TCP-L",
    "TCP4-L",
    "TCP6-L",
    "UNIX-CONNECT",
    "UNIX-CLIENT",
    "UNIX-LISTEN",
    "UNIX-L",
    "ABSTRACT-CONNECT",
    "OPENSSL",
    "OPENSSL-CONNECT",
    "OPENSSL-LISTEN",
    "SSL",
    "SSL-L",
    "UDP",
    "UDP4",
    "UDP6",
    "UDP-CONNECT",
    "UDP-SENDTO",
    "UDP4-SENDTO",
    "UDP6-SENDTO",
    "UDP-LISTEN",
    "UDP4-LISTEN",
    "UDP6-LISTEN",
    "UDP-L",
    "UDP-RECV",
    "UDP4-RECV",
    "UDP6-RECV",
    "UDP-RECVFROM",
    "UDP4-RECVFROM",
    "UDP6-RECVFROM",
    "UNIX-SENDTO",
    "UNIX-RECV",
    "UNIX-RECVFROM",
    "EXEC",
    "SYSTEM",
    "SHELL",
];
