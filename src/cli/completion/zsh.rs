//! Completions for zsh: those of clap, with what clap does not know.

use std::fmt::Write as _;

use super::{OWN_HOSTS, builtins, encodings, more_encodings, pages};

/// The script, from the one that clap has written.
pub(super) fn script(by_clap: &str) -> String {
    let mut text = String::new();
    let mut command = "";
    for line in by_clap.lines() {
        if let Some(name) = line.trim_start().strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            command = name;
        }
        let _ = writeln!(text, "{}", with_actions(line, command));
    }
    let functions = include_str!("zsh.sh")
        .replace("@ENCODINGS@", &encodings().join(" "))
        .replace("@LABELS@", &more_encodings().join(" "))
        .replace("@BUILTINS@", &builtins().join(" "))
        .replace("@OWN@", &OWN_HOSTS.join(" "));
    let start = "if [ \"$funcstack[1]\" = \"_tcpx\" ]";
    text.replace(start, &format!("{functions}\n{start}"))
}

/// A line of clap's with the right action in place of one that offers files everywhere.
fn with_actions(line: &str, command: &str) -> String {
    let actions = [
        (":LABEL:_default'", ":LABEL:_tcpx_encodings'"),
        (":FILE|@NAME:_files'", ":FILE|@NAME:_tcpx_scripts'"),
        ("with or without the @:_default'", "with or without the @:_tcpx_builtins'"),
        (":_hosts'", if command == "listen" { ":_tcpx_own_hosts'" } else { ":_tcpx_hosts'" }),
    ];
    if let Some((found, right)) = actions.iter().find(|(found, _)| line.contains(found)) {
        return line.replace(found, right);
    }
    let is_script = line.starts_with("':script --") || line.starts_with("'*::scripts --");
    if (is_script || command == "check") && line.contains(":_files'") {
        return line.replace(":_files'", ":_tcpx_own_scripts'");
    }
    if line.starts_with("'*::words --") && command == "help" {
        return line.replace(":_default'", &format!(":({})'", pages().join(" ")));
    }
    line.replace(":_default'", ":_tcpx_nothing'")
}
