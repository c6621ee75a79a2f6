//! A command line of nc or ncat, read as they read it and written as one of tcpx.
//!
//! Owns what their options mean here. Whether the written line is valid is for `habits` to find out.

use clap::Command;

use super::options_elsewhere::NO_LUA;
use crate::config::access::Network;
use crate::endpoint;
use crate::proxy::masked;

/// A command line of nc or ncat.
pub(super) struct OldLine<'a> {
    words: Vec<&'a str>,
    items: Vec<Item<'a>>,
    /// The option that says to listen.
    pub(super) listen_word: Option<&'a str>,
    /// The option that asks for TLS.
    pub(super) tls: Option<&'a str>,
    /// A long option that neither they nor tcpx have.
    pub(super) unknown: Option<&'a str>,
    pub(super) plain: Vec<&'a str>,
}

/// A part of the line in its meaning there.
#[derive(Clone, Copy, Debug)]
enum Item<'a> {
    /// A letter without a value, and the number of its word.
    Flag(char, usize),
    Valued(char, Option<&'a str>),
    /// A long option of tcpx.
    Kept(&'a str, Option<&'a str>),
    Plain(&'a str),
}

/// The line of tcpx: options and places, and what it lacks.
#[derive(Default)]
pub(super) struct Translated {
    pub(super) words: Vec<String>,
    /// What is not there yet.
    pub(super) note: Option<&'static str>,
}

impl<'a> OldLine<'a> {
    /// Reads the words before `--`.
    pub(super) fn read(words: &[&'a str], tcpx: &Command) -> Self {
        let mut old = Self {
            words: words.to_vec(),
            items: Vec::new(),
            listen_word: None,
            tls: None,
            unknown: None,
            plain: Vec::new(),
        };
        let mut at = 0;
        while let Some(&word) = words.get(at) {
            at += 1;
            match word.strip_prefix('-') {
                Some(long) if long.starts_with('-') => at += old.read_long(word, words.get(at).copied(), tcpx),
                Some(cluster) if !cluster.is_empty() => at += old.read_cluster(word, at, &words[at..]),
                _ => {
                    old.plain.push(word);
                    old.items.push(Item::Plain(word));
                }
            }
        }
        old
    }

    /// Reads a long option, and says whether the next word belongs to it.
    fn read_long(&mut self, word: &'a str, next: Option<&'a str>, tcpx: &Command) -> usize {
        let (name, joined) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let mut taken = 0;
        let mut value = |takes: bool| {
            if takes && joined.is_none() {
                taken = usize::from(next.is_some());
                return next;
            }
            joined
        };
        match name {
            "--listen" => self.listen_word = Some(word),
            _ if is_tls(name) => {
                self.tls = Some(word);
                value(TLS_WITH_VALUE.contains(&name));
            }
            _ => {
                if let Some(&(_, letter, takes)) = LONG.iter().find(|(long, ..)| *long == name) {
                    let value = value(takes);
                    self.items.push(if takes { Item::Valued(letter, value) } else { Item::Flag(letter, usize::MAX) });
                } else if let Some(takes) = known(tcpx, name) {
                    self.items.push(Item::Kept(name, value(takes)));
                } else {
                    self.unknown = Some(word);
                }
            }
        }
        taken
    }

    /// Reads letters behind one `-`, and says whether the next word belongs to them.
    fn read_cluster(&mut self, word: &'a str, number: usize, rest: &[&'a str]) -> usize {
        let cluster = &word[1..];
        for (at, letter) in cluster.char_indices() {
            let joined = &cluster[at + letter.len_utf8()..];
            let next = if joined.is_empty() { rest.first().copied() } else { Some(joined) };
            let takes = match letter {
                'l' => {
                    self.listen_word = Some(word);
                    continue;
                }
                // nc's seconds, or -q alone.
                'q' => next.is_some_and(|next| next.parse::<f64>().is_ok()) && (!joined.is_empty() || rest.len() > 2),
                // nc's proxy, or -x alone before HOST:PORT.
                'x' => next.is_some_and(|next| next.contains(':')) && rest.len() > 1,
                _ => WITH_VALUE.contains(letter),
            };
            if takes {
                let value = next.filter(|next| !joined.is_empty() || letter == 'q' || !next.starts_with('-'));
                self.items.push(Item::Valued(letter, value));
                return usize::from(joined.is_empty() && value.is_some());
            }
            self.items.push(Item::Flag(letter, number));
        }
        0
    }

    /// The port range in place of a port, if there is one.
    pub(super) fn port_range(&self) -> Option<crate::error::Error> {
        let host = self.plain.first().filter(|_| self.plain.len() > 1);
        self.plain.iter().find_map(|word| endpoint::port_range(word, host.copied().unwrap_or("HOST")))
    }

    /// The same for tcpx, without the name of its command: the options first, or as they stood if nothing changes.
    pub(super) fn translate(&self, listens: bool) -> Translated {
        let mut new = Writer { listens, ..Writer::default() };
        for item in &self.items {
            new.item(*item);
        }
        let mut new = new.finish();
        let sorted = |words: &mut Vec<&str>| words.sort_unstable();
        let (mut before, mut after) = (self.words.clone(), new.words.iter().map(String::as_str).collect());
        sorted(&mut before);
        sorted(&mut after);
        if before == after {
            new.words = self.words.iter().map(|word| (*word).to_owned()).collect();
        }
        new
    }
}

/// What was read so far of the old line, in the words of the new one.
#[derive(Default)]
struct Writer {
    listens: bool,
    options: Vec<String>,
    places: Vec<String>,
    /// The word that the last flag came from, and still takes flags.
    cluster: Option<usize>,
    address: Option<String>,
    port: Option<String>,
    connect_time: Option<String>,
    both_times: Option<String>,
    /// The proxy's address, its protocol and its user.
    proxy: Option<String>,
    proxy_kind: Option<&'static str>,
    proxy_user: Option<String>,
    probes: bool,
    is_unix: bool,
    /// The option that names a program, and its value.
    program: Option<[String; 2]>,
    note: Option<&'static str>,
}

impl Writer {
    fn item(&mut self, item: Item<'_>) {
        match item {
            Item::Plain(word) => {
                self.places.push(word.to_owned());
                self.cluster = None;
            }
            Item::Kept(name, value) => {
                self.options.push(name.to_owned());
                self.options.extend(value.map(str::to_owned));
                self.cluster = None;
            }
            Item::Flag(letter, word) => self.flag(letter, word),
            Item::Valued(letter, value) => {
                self.cluster = None;
                if let Some(value) = value {
                    self.valued(letter, value);
                }
            }
        }
    }

    fn flag(&mut self, letter: char, word: usize) {
        match letter {
            'z' | 'v' | 'n' if self.listens => {}
            'k' if !self.listens => {}
            'd' => self.add(&["--no-stdin"]),
            't' => self.add(&["--script", "@telnet"]),
            'b' => self.add(&["--script", if self.listens { "@broker" } else { "" }]),
            'H' => self.add(&["--script", if self.listens { "@chat" } else { "" }]),
            'U' => self.is_unix = true,
            // The end of stdin is passed on anyway, ports are chosen at random, and there is nothing to debug.
            'N' | 'r' | 'D' | 'S' | 'F' => {}
            letter => {
                self.probes |= letter == 'z';
                let option = format!("-{letter}");
                let is_repeated = letter != 'v' && self.options.contains(&option);
                match self.options.last_mut() {
                    Some(last) if self.cluster == Some(word) => last.push(letter),
                    _ if is_repeated => {}
                    _ => self.options.push(option),
                }
                self.cluster = Some(word);
            }
        }
    }

    fn valued(&mut self, letter: char, value: &str) {
        match letter {
            'p' => self.port = Some(value.to_owned()),
            's' if value.parse::<std::net::IpAddr>().is_ok() => self.address = Some(value.to_owned()),
            'w' => self.both_times = Some(value.to_owned()),
            'G' => self.connect_time = Some(value.to_owned()),
            'q' if value.starts_with('-') => {}
            'q' => self.add(&["--eof-wait", value]),
            'Y' if value.contains("://") => self.add(&["--proxy", &masked(value)]),
            'x' | 'Y' => {
                self.proxy = Some(value.to_owned());
                self.proxy_kind.get_or_insert(if letter == 'x' { "socks5" } else { "http" });
            }
            'X' => {
                self.proxy_kind = Some(match value {
                    "connect" | "http" => "http",
                    "4" | "socks4" => "socks4a",
                    _ => "socks5",
                });
            }
            'P' => self.proxy_user = value.split(':').next().map(str::to_owned),
            'h' => self.add(&["-x"]),
            'e' | 'c' if is_cat(value) && self.listens => self.add(&["--script", "@echo"]),
            'e' => self.program = Some(["--exec".to_owned(), value.to_owned()]),
            'c' => self.program = Some(["--sh".to_owned(), value.to_owned()]),
            'L' => self.note = Some(NO_LUA),
            'a' | 'y' if self.listens && value.split(',').all(|part| part.parse::<Network>().is_ok()) => {
                self.add(&[if letter == 'a' { "--allow" } else { "--deny" }, value]);
            }
            'f' | 'd' if self.listens => {
                self.add(&[if letter == 'f' { "--allow" } else { "--deny" }, &format!("@{value}")]);
            }
            'A' => self.add(&["--timeout", value]),
            'i' | 's' | 'E' | 'o' => self.add(&[&format!("-{letter}"), value]),
            'm' if self.listens => self.add(&["-m", value]),
            // Buffers, type of service, routing table, hops, tries.
            _ => {}
        }
    }

    /// Drops the options about what a program decides alone.
    fn leave_to_program(&mut self) {
        self.probes = false;
        let mut kept = Vec::new();
        let mut options = std::mem::take(&mut self.options).into_iter();
        while let Some(option) = options.next() {
            match option.as_str() {
                "--script" | "-s" | "--eof-wait" | "-E" | "-o" => drop(options.next()),
                option if option.starts_with("--") => kept.push(option.to_owned()),
                option if option.starts_with('-') => {
                    let letters: String = option.chars().filter(|letter| *letter != 'z').collect();
                    kept.extend((letters != "-").then_some(letters));
                }
                value => kept.push(value.to_owned()),
            }
        }
        self.options = kept;
    }

    fn add(&mut self, words: &[&str]) {
        if words.iter().all(|word| !word.is_empty()) {
            self.options.extend(words.iter().map(|word| (*word).to_owned()));
        }
        self.cluster = None;
    }

    fn finish(mut self) -> Translated {
        if let Some(program) = self.program.take() {
            self.leave_to_program();
            self.options.extend(program);
        }
        if let Some(time) = self.both_times.take() {
            if !self.listens {
                let connect = self.connect_time.take().unwrap_or_else(|| time.clone());
                self.add(&["-w", &connect]);
            }
            if !self.probes {
                self.add(&["-i", &time]);
            }
        } else if let Some(time) = self.connect_time.take().filter(|_| !self.listens) {
            self.add(&["-w", &time]);
        }
        if let Some(address) = self.proxy.take() {
            let kind = self.proxy_kind.unwrap_or("socks5");
            let port = if kind == "http" && !address.contains(':') { ":3128" } else { "" };
            let user = self.proxy_user.take().map(|user| format!("{user}@")).unwrap_or_default();
            self.add(&["--proxy", &format!("{kind}://{user}{address}{port}")]);
        }
        if self.is_unix {
            self.places.truncate(1);
            for place in &mut self.places {
                place.insert_str(0, "unix:");
            }
        } else if self.listens {
            self.places.extend(self.port.take());
            if self.places.len() < 2 {
                self.places.splice(0..0, self.address.take());
            }
        } else if let Some(source) = source(self.address.as_deref(), self.port.as_deref()) {
            self.add(&["--source", &source]);
        }
        let mut words = self.options;
        words.extend(self.places);
        Translated { words, note: self.note }
    }
}

/// The value of `--source` for a local address and a port, if one of them is given.
pub(super) fn source(address: Option<&str>, port: Option<&str>) -> Option<String> {
    match (address, port) {
        (Some(address), Some(port)) if address.contains(':') => Some(format!("[{address}]:{port}")),
        (address, Some(port)) => Some(format!("{}:{port}", address.unwrap_or_default())),
        (address, None) => address.map(str::to_owned),
    }
}

/// Whether tcpx has a long option, and whether that takes a value.
fn known(tcpx: &Command, name: &str) -> Option<bool> {
    let name = name.strip_prefix("--")?;
    ["connect", "listen"]
        .iter()
        .filter_map(|command| tcpx.find_subcommand(command))
        .flat_map(Command::get_arguments)
        .find(|arg| arg.get_long() == Some(name))
        .map(|arg| arg.get_action().takes_values())
}

fn is_tls(name: &str) -> bool {
    ["--ssl", "--tls", "--insecure", "--cacert", "--cert", "--key"].contains(&name)
        || name.starts_with("--ssl-")
        || name.starts_with("--tls")
}

fn is_cat(program: &str) -> bool {
    matches!(program.trim(), "cat" | "/bin/cat" | "/usr/bin/cat")
}

/// Short options of nc, ncat, nc.traditional and tcpx that take a value; `q` and `x` depend on the value.
const WITH_VALUE: &str = "wispecIOTPVXmgGoEM";

/// Long options of ncat, a letter that means the same, and whether they take a value.
const LONG: &[(&str, char, bool)] = &[
    ("--exec", 'e', true),
    ("--sh-exec", 'c', true),
    ("--lua-exec", 'L', true),
    ("--sh", 'c', true),
    ("--wait", 'w', true),
    ("--source-port", 'p', true),
    ("--allow", 'a', true),
    ("--allowfile", 'f', true),
    ("--deny", 'y', true),
    ("--denyfile", 'd', true),
    ("--proxy", 'Y', true),
    ("--proxy-type", 'X', true),
    ("--proxy-auth", 'P', true),
    ("--proxy-dns", 'M', true),
    ("--max-time", 'A', true),
    ("--retry", 'M', true),
    ("--delay", 'M', true),
    ("--hex-dump", 'h', true),
    ("--nodns", 'n', false),
    ("--no-resolve", 'n', false),
    ("--verbose", 'v', false),
    ("--detach", 'd', false),
    ("--telnet", 't', false),
    ("--unixsock", 'U', false),
    ("--unix-socket", 'U', false),
    ("--broker", 'b', false),
    ("--chat", 'H', false),
    ("--append-output", 'D', false),
];

const TLS_WITH_VALUE: &[&str] = &[
    "--ssl-cert",
    "--ssl-key",
    "--ssl-trustfile",
    "--ssl-ciphers",
    "--ssl-servername",
    "--ssl-alpn",
    "--cacert",
    "--cert",
    "--key",
];
