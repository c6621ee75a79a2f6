//! Completions for fish.

use std::fmt::Write as _;

use super::{Choice, OWN_HOSTS, Places, Value, builtins, encodings, more_encodings};

/// The script.
pub(super) fn script(commands: &[Places]) -> String {
    let mut text = include_str!("fish.sh")
        .replace("@COMMANDS@", &quoted_list(commands.iter().map(|places| places.command.as_str())))
        .replace("@VALUED@", commands.iter().filter_map(valued).collect::<String>().trim_end())
        .replace("@ENCODINGS@", &encodings().join(" "))
        .replace("@LABELS@", &more_encodings().join(" "))
        .replace("@BUILTINS@", &builtins().join(" "));
    for places in commands {
        for option in &places.options {
            text.push_str(&of_option(&places.command, option));
        }
        for (number, value) in (1..).zip(&places.words) {
            text.push_str(&of_place(&format!("'{}' {number}", places.command), value));
        }
        text.push_str(&of_place(&format!("'{}' {}+", places.command, places.words.len() + 1), &places.more));
    }
    text
}

/// The options of a command that take the next word for their value, as a branch of `switch`.
fn valued(places: &Places) -> Option<String> {
    let names = places.options.iter().filter(|option| option.value.is_some()).flat_map(|option| &option.names);
    let names: Vec<_> = names.map(String::as_str).collect();
    let (command, names) = (&places.command, (!names.is_empty()).then(|| names.join(" "))?);
    Some(format!("        case '{command}'\n            contains -- $option {names}\n"))
}

fn of_option(command: &str, option: &Choice) -> String {
    let mut line = format!("complete -c tcpx -n \"__tcpx_at '{command}'\"");
    for name in &option.names {
        let _ = match name.strip_prefix("--") {
            Some(long) => write!(line, " -l {long}"),
            None => write!(line, " -s {}", &name[1..]),
        };
    }
    let _ = write!(line, " -d {}", quoted(&option.about));
    if let Some(value) = &option.value {
        line.push_str(" -r");
        line.push_str(&action(value));
    }
    line + "\n"
}

fn of_place(condition: &str, value: &Value) -> String {
    match value {
        Value::Any => String::new(),
        value => format!("complete -c tcpx -n \"__tcpx_at {condition}\"{}\n", action(value)),
    }
}

/// What is offered, as options of `complete`.
fn action(value: &Value) -> String {
    match value {
        Value::Any => " -f".to_owned(),
        Value::OneOf(words) => format!(" -f -a {}", quoted(&words.join(" "))),
        Value::Encoding => " -f -a \"(__tcpx_encodings)\"".to_owned(),
        Value::Builtin => " -f -a \"$__tcpx_builtins\"".to_owned(),
        Value::Script => " -F -a \"$__tcpx_builtins\"".to_owned(),
        Value::OwnScript => " -F -a \"(__tcpx_own_builtins)\"".to_owned(),
        Value::File => " -F".to_owned(),
        Value::Folder => " -f -a \"(__fish_complete_directories)\"".to_owned(),
        Value::Host => " -f -a \"(__tcpx_hosts)\"".to_owned(),
        Value::OwnHost => format!(" -f -a {}", quoted(&OWN_HOSTS.join(" "))),
        Value::Port => " -f -a \"(__tcpx_ports)\"".to_owned(),
    }
}

fn quoted_list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
