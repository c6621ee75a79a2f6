//! Options of other programs (nc, ncat, socat, curl) that tcpx spells in another way, or does not have yet.
//!
//! Owns the hints. What they name works in this version: a test parses it.

use super::values::is_number;

/// The hint for an option that `connect` or `listen` does not have.
pub(super) fn hint(command: &str, option: &str) -> Option<&'static str> {
    let letters = option.strip_prefix('-').filter(|rest| !rest.starts_with('-')).and_then(|rest| rest.get(..1));
    let (both, connect, listen) = match (option, letters) {
        (_, Some("l")) | ("--listen", _) => ("", "tcpx listen PORT listens", "leave it out: tcpx listen PORT"),
        (_, Some("p")) => (
            "",
            "--source :PORT chooses the local port; the peer's is a word of its own: tcpx connect HOST PORT",
            "the port is a word of its own: tcpx listen PORT",
        ),
        (_, Some("N")) => ("leave it out: the end of stdin is passed on unless --no-shutdown is given", "", ""),
        (_, Some("e")) => ("--exec 'PROG ARGS' lets a program answer, --script FILE answers without one", "", ""),
        (_, Some("c")) | ("--sh-exec", _) => ("--sh COMMAND lets a command of the shell answer", "", ""),
        ("--lua-exec", _) => (NO_LUA, "", ""),
        ("--delay", _) => ("--line-delay DUR pauses after each line that is sent", "", ""),
        (_, Some("d")) | ("--detach", _) => ("--no-stdin leaves stdin unread", "", ""),
        (_, Some("G")) => ("", "-w DUR limits the time for connecting", "-i DUR ends a silent connection"),
        (_, Some("t")) | ("--telnet", _) => {
            ("--script @telnet answers the options of telnet; socat's -t DUR is --eof-wait DUR", "", "")
        }
        (_, Some("U")) | ("--unixsock" | "--unix-socket", _) => (
            "",
            "a Unix socket is one word: tcpx connect unix:PATH",
            "a Unix socket is one word: tcpx listen unix:PATH",
        ),
        (_, Some("X" | "P")) | ("--proxy-type" | "--proxy-auth" | "--proxy-dns", _) => {
            ("--proxy URL is the whole proxy: socks5://, socks4a:// or http://, then USER:PASSWORD@HOST:PORT", "", "")
        }
        (_, Some("w")) | ("--wait", _) => (
            "-i DUR ends a silent connection",
            "-w DUR limits the time for connecting, -i DUR ends a silent connection: nc's -w 3 is -w 3 -i 3",
            "-i DUR ends a silent connection, --timeout DUR the whole run",
        ),
        (_, Some("T")) => ("socat's -T DUR is -i DUR", "", ""),
        (_, Some("r")) => ("leave it out: the system chooses local ports at random", "", ""),
        ("--allowfile", _) => ("", "", "--allow @FILE reads networks from a file"),
        ("--denyfile", _) => ("", "", "--deny @FILE reads networks from a file"),
        ("--broker", _) => ("", "", "--script @broker sends what one client says to all others"),
        ("--chat", _) => ("", "", "--script @chat is a chat room"),
        ("--max-time", _) => ("--timeout DUR ends the run", "", ""),
        ("--nodns" | "--no-resolve", _) => ("-n resolves no names", "", ""),
        ("--verbose", _) => ("-v says more, -vv still more", "", ""),
        ("--hex-dump", _) => ("-x shows bytes on stderr, --events FILE writes them to a file", "", ""),
        ("--source-port", _) => ("", "--source :PORT chooses the local port", ""),
        ("--insecure", _) => ("--tls-insecure trusts everybody", "", ""),
        ("--cacert" | "--ssl-trustfile", _) => ("--tls-ca FILE names certificates to trust", "", ""),
        ("--cert" | "--ssl-cert", _) => ("--tls-cert FILE names our certificate", "", ""),
        ("--key" | "--ssl-key", _) => ("--tls-key FILE names the key of our certificate", "", ""),
        ("--ssl-servername", _) => ("--tls-name NAME is the name to ask for and to verify", "", ""),
        ("--ssl-alpn", _) => ("--tls-alpn LIST names protocols", "", ""),
        (ssl, _) if ssl.starts_with("--ssl") || ssl.starts_with("--tls") => (TLS, "", ""),
        _ => return None,
    };
    let own = if command == "listen" { listen } else { connect };
    [own, both].into_iter().find(|hint| !hint.is_empty())
}

/// The hint for an option that `scan` does not have.
pub(super) fn of_scan(option: &str) -> Option<&'static str> {
    match option {
        "-u" | "--udp" => Some("scan is for TCP; tcpx connect -uz HOST PORT asks one port of UDP"),
        "-z" => Some("leave it out: scan only connects"),
        _ if option.starts_with("--tls") || option.starts_with("--ssl") => {
            Some("scan only looks who accepts; tcpx connect -z --tls HOST PORT tries the handshake")
        }
        _ => None,
    }
}

/// The hint for words that were values of an option elsewhere, which in tcpx stands alone: `-q 1`, `-x HOST:PORT`.
pub(super) fn of_stray_word(words: &[&str], stray: &str) -> Option<&'static str> {
    let follows = |option: &str, fits: fn(&str) -> bool| {
        words.windows(2).any(|pair| pair[0] == option && fits(pair[1])) && words.contains(&stray)
    };
    if follows("-q", is_number) {
        return Some(NC_Q);
    }
    if follows("-x", |word| word.contains(':')) {
        return Some("-x shows bytes as a hex dump; nc's -x HOST:PORT is --proxy socks5://HOST:PORT");
    }
    None
}

/// The hint for `-q0` and the like, where clap finds an option `-0`.
pub(super) fn of_joined_quit(words: &[&str]) -> Option<&'static str> {
    words.iter().any(|word| word.strip_prefix("-q").is_some_and(is_number)).then_some(NC_Q)
}

const NC_Q: &str = "nc's -q SECONDS is --eof-wait SECONDS; -q alone makes tcpx say less";
pub(super) const NO_LUA: &str = "scripts are written in Rhai here: --script FILE, --session CODE and --on-line CODE";
pub(super) const TLS: &str =
    "--tls speaks TLS and verifies the server; --tls-insecure verifies nothing, as ncat's --ssl does";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::help;
    use crate::cli::tests::refused;

    const OPTIONS: &[&str] = &[
        "-l",
        "-p",
        "-N",
        "-e",
        "-c",
        "-d",
        "-G",
        "-t",
        "-U",
        "-X",
        "-P",
        "-w",
        "-T",
        "-r",
        "--listen",
        "--sh-exec",
        "--lua-exec",
        "--detach",
        "--telnet",
        "--unixsock",
        "--proxy-type",
        "--wait",
        "--allowfile",
        "--denyfile",
        "--broker",
        "--chat",
        "--max-time",
        "--nodns",
        "--verbose",
        "--hex-dump",
        "--source-port",
        "--ssl",
        "--ssl-verify",
        "--tls",
        "--insecure",
    ];

    /// Whether a command has an option.
    fn knows(command: &str, option: &str) -> bool {
        let all = help::complete();
        let command = all.find_subcommand(command).unwrap();
        command.get_arguments().any(|arg| {
            arg.get_long().is_some_and(|long| option == format!("--{long}"))
                || arg.get_short().is_some_and(|short| option.trim_start_matches('-').starts_with(short))
                    && !option.starts_with("--")
        })
    }

    #[test]
    fn hints_name_options_that_exist() {
        for command in ["connect", "listen"] {
            for option in OPTIONS {
                let Some(hint) = hint(command, option) else { continue };
                for word in hint.split([' ', ';', ',', ':']).filter(|word| word.starts_with('-') && word.len() > 1) {
                    let is_theirs = hint.contains(&format!("'s {word} "));
                    assert!(is_theirs || knows(command, word), "{command} {option}: {hint}: {word}");
                }
            }
        }
    }

    #[test]
    fn options_of_other_programs_have_a_hint() {
        for (line, part) in [
            ("connect -q 1 h 80", "--eof-wait SECONDS"),
            ("connect -q0 h 80", "--eof-wait SECONDS"),
            ("connect -d h 80", "--no-stdin"),
            ("connect -G 5 h 80", "-w DUR"),
            ("connect -t h 80", "@telnet"),
            ("connect -U /tmp/x", "unix:PATH"),
            ("listen -U /tmp/x", "tcpx listen unix:PATH"),
            ("connect -x p:1 -X connect h 80", "--proxy URL"),
            ("connect -x p:1 h 80", "--proxy socks5://HOST:PORT"),
            ("connect --ssl h 80", "--tls speaks TLS"),
            ("connect --insecure h 80", "--tls-insecure"),
            ("connect --cacert c h 80", "--tls-ca FILE"),
            ("connect --ssl-verify h 80", "--tls speaks TLS"),
            ("listen --ssl-cert c 80", "--tls-cert FILE"),
            ("listen --lua-exec x.lua 80", "Rhai"),
            ("listen -c 'sort' 80", "--sh COMMAND"),
            ("listen -k -e /bin/cat 80", "--exec 'PROG ARGS'"),
            ("listen --allowfile hosts 80", "--allow @FILE"),
            ("connect --deny ::1 h 80", "--deny is an option of tcpx listen"),
            ("listen --broker 80", "--script @broker"),
            ("connect --wait 3 h 80", "-w 3 -i 3"),
            ("connect -z h 20-30", "tcpx scan HOST 20-30"),
            ("-zv h 20-30", "tcpx scan h 20-30"),
            ("connect https://h", "tcpx connect --tls h 443"),
            ("https://h/x", "tcpx connect --tls h 443"),
            ("connect http://h/x", "tcpx connect h 80"),
            ("connect redis://h:6380/0", "tcpx connect h 6380"),
            ("telnet://h", "tcpx connect h 23"),
            ("scan --tls h 1", "tcpx connect -z --tls HOST PORT"),
            ("scan --ssl-verify h 1", "tcpx connect -z --tls HOST PORT"),
            ("scan -u h 1", "tcpx connect -uz HOST PORT"),
            ("scan -z h 1", "scan only connects"),
            ("connect -s 192.0.2.7 h 80", "--source 192.0.2.7"),
        ] {
            let said = refused(line);
            assert!(said.contains(part), "{line}: {said}");
        }
    }
}
