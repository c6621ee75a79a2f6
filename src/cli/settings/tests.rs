//! Which defaults count where, what is refused, and what is shown.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::cli::tests::action_in;
use crate::cli::{Action, Stop};
use crate::config::{Config, Progress, Role};

/// A folder for `XDG_CONFIG_HOME`, with this file.
fn home(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("tcpx")).expect("a folder");
    fs::write(folder.path().join("tcpx/config.toml"), text).expect("a file");
    folder
}

fn run(folder: &Path, options: &str, line: &str, is_talk: bool) -> std::result::Result<Action, Stop> {
    action_in(&[("XDG_CONFIG_HOME", &folder.display().to_string()), ("TCPX_OPTIONS", options)], line, is_talk)
}

fn config(text: &str, options: &str, line: &str, is_talk: bool) -> Config {
    match run(home(text).path(), options, line, is_talk) {
        Ok(Action::Run(config)) => *config,
        other => panic!("tcpx {line}: {other:?}"),
    }
}

/// `message | hint` of an invalid setting; the file is called FILE.
fn refused(text: &str, options: &str) -> String {
    let folder = home(text);
    let Err(Stop::Error(error)) = run(folder.path(), options, "connect h 80", false) else {
        panic!("{text} {options}")
    };
    assert_eq!(error.exit().code(), 2, "{error}");
    let file = folder.path().join("tcpx/config.toml").display().to_string();
    format!("{error} | {}", error.hint().unwrap_or_default()).replace(&file, "FILE")
}

#[test]
fn the_command_line_counts_before_the_variable_and_that_before_the_file() {
    let file = "connect-timeout = \"9s\"";
    for (text, options, line, expected) in [
        ("", "", "connect h 80", None),
        (file, "", "connect h 80", Some(9)),
        ("connect-timeout = 9", "", "connect h 80", Some(9)),
        (file, "--connect-timeout 8s", "connect h 80", Some(8)),
        (file, "-w 8s --connect-timeout=7s", "connect h 80", Some(7)),
        (file, "-w5", "connect h 80", Some(5)),
        (file, "-w=6s", "connect h 80", Some(6)),
        (file, "--connect-timeout 8s", "connect h 80 -w 6", Some(6)),
        (file, "--connect-timeout 8s", "connect h 80 --no-config", None),
    ] {
        let limit = config(text, options, line, false).limits.connect;
        assert_eq!(limit, expected.map(Duration::from_secs), "{text} {options} {line}");
    }
}

#[test]
fn a_default_counts_where_its_option_would() {
    let all = "script-timeout = \"1m30s\"\nretry-delay = \"3s\"\nprogress = \"auto\"\nno-history = true\nconnect-timeout = \"9s\"\n";
    let plain = config(all, "", "connect h 80", false);
    assert!(plain.script.is_none() && plain.output.progress == Progress::OnTerminal);
    let Role::Connect(connect) = plain.role else { panic!("no client") };
    assert!(connect.retry.is_none());
    let again = config(all, "", "connect h 80 --retry 2", false);
    let Role::Connect(connect) = again.role else { panic!("no client") };
    assert_eq!(connect.retry.and_then(|retry| retry.delay), Some(Duration::from_secs(3)));
    let script = config(all, "", "listen 80 --script @echo -q", false);
    assert_eq!(script.script.map(|script| script.timeout), Some(Duration::from_secs(90)));
    assert!(script.output.progress == Progress::Never);
    config(all, "--progress", "listen 80", false);
    let Ok(Action::Run(test)) = run(home("test-timeout = 5\ncolor = \"never\"").path(), "", "test @echo", false) else {
        panic!("no test")
    };
    let tests = test.tests.expect("tests");
    assert_eq!((tests.limit, tests.colours), (Duration::from_secs(5), false));
    for line in ["wait h 80", "scan h 80"] {
        assert!(run(home(all).path(), "", line, false).is_ok(), "{line}");
    }
}

#[test]
fn an_encoding_counts_between_people_alone() {
    let text = "encoding = \"gbk\"";
    assert!(config(text, "", "connect h 80", true).text.recv.is_some());
    for (line, is_talk) in [
        ("connect h 80", false),
        ("connect h 80 --script @echo", true),
        ("connect h 80 -o file", true),
        ("connect h 80 --exec cat", true),
        ("listen 80", false),
    ] {
        assert!(config(text, "", line, is_talk).text.recv.is_none(), "{line}");
    }
    let config = config(text, "", "connect h 80 -E big5", true);
    assert!(format!("{:?}", config.text.recv).to_lowercase().contains("big5"));
}

#[test]
fn what_cannot_be_a_default_is_said_with_its_place() {
    let cases = [
        ("\nconect-timeout = 5", "", "FILE:2: \"conect-timeout\" is no setting | did you mean connect-timeout?"),
        (
            "timeout = 5",
            "",
            "FILE:1: timeout cannot be a default: it would end runs that are meant to go on | give it on the command line",
        ),
        (
            "",
            "--crlf",
            "TCPX_OPTIONS: crlf cannot be a default: it would change what runs do, and what calls them does not know of it | \
             give it on the command line",
        ),
        (
            "",
            "-q",
            "TCPX_OPTIONS: quiet cannot be a default: programs read what runs write, and would not expect it | give it on the \
             command line",
        ),
        ("color = \"red\"", "", "FILE:1: color \"red\" is not one of its values | its values are auto, never"),
        ("connect_timeout = \"5s\"", "", "FILE:1: \"connect_timeout\" is no setting | did you mean connect-timeout?"),
        ("no-history = 1", "", "FILE:1: no-history \"1\" is not one of its values | its values are true, false"),
        (
            "no-history = [true]",
            "",
            "FILE:1: no-history is neither text, number, true nor false | write no-history = \"...\"",
        ),
        (
            "",
            "connect-timeout 5",
            "TCPX_OPTIONS: \"connect-timeout\" is no option | it holds options, as in \
             TCPX_OPTIONS='--connect-timeout 5s --no-history'",
        ),
        ("", "--connect-timeout", "TCPX_OPTIONS: --connect-timeout needs a value | write --connect-timeout=..."),
    ];
    for (text, options, said) in cases {
        assert_eq!(refused(text, options), said);
    }
    for text in [
        "connect-timeout = \"x\"",
        "encoding = \"x\"",
        "a = ",
        "x y",
        "[color]\na = 1",
        "color = \"auto\"\ncolor = \"never\"",
    ] {
        let said = refused(text, "");
        let line = if text.contains("\ncolor") { 2 } else { 1 };
        assert!(said.starts_with(&format!("FILE:{line}: ")), "{said}");
    }
    assert!(refused(&"#".repeat(70_000), "").starts_with("FILE is too long"));
}

#[test]
fn without_a_file_or_a_home_all_is_as_ever() {
    for variables in [&[("HOME", "/nowhere")][..], &[("HOME", "relative")], &[("XDG_CONFIG_HOME", "/dev/null")], &[]] {
        assert!(action_in(variables, "connect h 80", false).is_ok(), "{variables:?}");
    }
    let folder = home("");
    fs::remove_file(folder.path().join("tcpx/config.toml")).expect("a file");
    fs::create_dir(folder.path().join("tcpx/config.toml")).expect("a folder");
    let Err(Stop::Error(error)) = run(folder.path(), "", "connect h 80", false) else { panic!("a folder is read") };
    assert_eq!(error.exit().code(), 26);
    assert_eq!(error.hint().as_deref(), Some("--no-config reads no file"));
}

#[test]
fn what_reads_no_defaults_does_not_mind_a_bad_file() {
    let folder = home("nonsense");
    for line in
        ["encodings", "man", "help connect", "nc -z h 80", "ncat h 80", "report file", "connect h 80 --no-config"]
    {
        assert!(run(folder.path(), "--nonsense", line, false).is_ok(), "{line}");
    }
}

#[test]
fn every_command_takes_no_config_but_those_of_other_tools() {
    fn check(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        for word in command.get_subcommands().filter(|word| !["nc", "ncat"].contains(&word.get_name())) {
            check(word, &path);
        }
        let takes = command.get_arguments().any(|argument| argument.get_long() == Some("no-config"));
        assert!(takes || command.has_subcommands(), "{path}");
    }
    check(&crate::cli::help::complete(), "");
}

#[test]
fn every_setting_is_shown_with_its_place() {
    let folder = home("encoding = \"gbk\"\nconnect-timeout = 5\n");
    let Ok(Action::Text(text)) = run(folder.path(), "--connect-timeout 4s", "config show", false) else {
        panic!("no text")
    };
    let file = folder.path().join("tcpx/config.toml").display().to_string();
    let rows: Vec<_> = text
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect::<Vec<Vec<_>>>();
    assert_eq!(rows[0], [file.as_str()]);
    assert!(rows.contains(&vec!["encoding", "gbk", &format!("{file}:1")]), "{text}");
    assert!(rows.contains(&vec!["connect-timeout", "4s", "TCPX_OPTIONS"]), "{text}");
    assert!(rows.contains(&vec!["test-timeout", "30s", "default"]), "{text}");
    assert_eq!(rows.len(), 1 + KEYS.len());
    let Ok(Action::Text(text)) = run(folder.path(), "--connect-timeout 4s", "config show --no-config", false) else {
        panic!("no text")
    };
    assert!(text.starts_with("no file is read\n") && !text.contains("gbk"), "{text}");
}
