//! What becomes of a command line.

use std::path::PathBuf;

use super::*;
use crate::cli::tests::{action, config, refused};
use crate::config::Piece;

fn server(line: &str) -> Listen {
    match config(line).role {
        Role::Listen(listen) => listen,
        _ => panic!("{line} does not listen"),
    }
}

#[test]
fn plain_connect_has_the_defaults() {
    let config = config("connect example.org 80");
    let Role::Connect(connect) = &config.role else { panic!("{config:?}") };
    assert_eq!(connect.target.to_string(), "example.org:80");
    assert!(connect.source.is_none() && !connect.probe);
    assert!(config.family == Family::Any && !config.no_dns && config.nodelay);
    assert!(config.text.recv.is_none() && config.text.send.is_none() && !config.text.crlf);
    assert!(config.input.read && !config.input.half_open && config.input.eof_wait.is_none());
    assert!(config.limits.connect.is_none() && config.limits.idle.is_none() && config.limits.run.is_none());
    assert!(config.output.file.is_none() && config.output.verbose == 0 && !config.output.quiet);
    assert!(config.script.is_none() && config.preamble.is_empty());
}

#[test]
fn every_option_of_connect_is_in_the_config() {
    let config =
        config("connect -zvv -4n -w 2 --timeout 1m --source 127.0.0.1 -C --no-nodelay --raw-terminal --no-stdin :http");
    let Role::Connect(connect) = &config.role else { panic!("{config:?}") };
    assert!(connect.probe);
    assert_eq!(connect.target.to_string(), ":80");
    assert_eq!(connect.source.as_ref().unwrap().to_string(), "127.0.0.1:0");
    assert!(config.family == Family::V4 && config.no_dns && !config.nodelay);
    assert!(config.text.crlf && config.output.raw_terminal && config.output.verbose == 2);
    assert_eq!(config.limits.connect, Some(Duration::from_secs(2)));
    assert_eq!(config.limits.run, Some(Duration::from_secs(60)));
    assert!(!config.input.read);
}

#[test]
fn accept_keep_open_and_a_script_set_the_number_of_connections() {
    let plain = server("listen 0");
    assert!(plain.single_peer && plain.accept == Some(1));
    let once = server("listen --once 0");
    assert!(once.single_peer && once.accept == Some(1));
    let many = server("listen -k 0 -m 8 --backlog 5");
    assert!(!many.single_peer && many.accept.is_none() && many.max_conns == Some(8) && many.backlog == Some(5));
    let three = server("listen -k --accept 3 0");
    assert!(!three.single_peer && three.accept == Some(3));
    let one = server("listen -k --once 0");
    assert!(!one.single_peer && one.accept == Some(1));
    let scripted = server("listen --on-data c 0");
    assert!(!scripted.single_peer && scripted.accept.is_none());
    let scripted_once = server("listen --on-data c --once 0");
    assert!(!scripted_once.single_peer && scripted_once.accept == Some(1));
    let ready = server("listen 0 --ready-file f --ready-fd 2");
    assert!(ready.ready_file == Some(PathBuf::from("f")) && ready.ready_fd == Some(2));
}

#[test]
fn stdin_is_read_without_a_script_that_answers() {
    assert!(config("listen 0").input.read);
    assert!(config("listen -k 0").input.read);
    assert!(config("connect h 80 --on-data c").input.read);
    assert!(config("listen 0 --on-data c").input.read, "for on_stdin");
    assert!(!config("connect h 80 --recv-only").input.read);
    assert!(!config("connect -z h 80").input.read);
    let input = config("connect h 80 --half-open --no-shutdown --eof-wait 2").input;
    assert!(input.half_open && input.no_shutdown && input.eof_wait == Some(Duration::from_secs(2)));
    assert!(config("connect h 80 --send-only").input.discard_received);
}

#[test]
fn encodings_are_set_for_each_direction() {
    let text = |options: &str| config(&format!("connect h 80 {options}")).text;
    let gbk = encoding_rs::GBK;
    let big5 = encoding_rs::BIG5;
    assert!(text("-E gbk").recv == Some(Charset::Named(gbk)) && text("-E gbk").send == Some(gbk));
    let auto = text("-E auto");
    assert!(auto.recv == Some(Charset::Auto(None)) && auto.send.is_none());
    let both = text("-E gbk --send-encoding big5 --malformed fail --unencodable replace");
    assert!(both.recv == Some(Charset::Named(gbk)) && both.send == Some(big5));
    assert!(both.malformed == Malformed::Fail && both.unencodable == Unencodable::Replace);
    let one = text("--recv-encoding auto --send-encoding gbk");
    assert!(one.recv == Some(Charset::Auto(None)) && one.send == Some(gbk));
    assert_eq!(
        refused("connect h 80 -E gbkk"),
        "unknown encoding \"gbkk\" | did you mean --encoding gbk? tcpx encodings lists them all"
    );
}

#[test]
fn the_preamble_keeps_the_order_of_the_command_line() {
    let config = config("connect --send a h --send-hex 0d0a --send-file f 80 --send -b --send-hex 00 --send=c");
    let text = |text: &str| PreambleItem::Text(vec![Piece::Text(text.to_owned())]);
    assert_eq!(
        config.preamble,
        [
            text("a"),
            PreambleItem::Bytes(vec![13, 10]),
            PreambleItem::File("f".into()),
            text("-b"),
            PreambleItem::Bytes(vec![0]),
            text("c"),
        ]
    );
}

#[test]
fn escapes_are_parsed_and_their_errors_reported() {
    let bytes = PreambleItem::Text(vec![Piece::Text("a\r\n".into()), Piece::Bytes(vec![0xff])]);
    assert_eq!(config(r"connect h 80 --send a\r\n\xff").preamble, [bytes]);
    assert_eq!(
        refused(r"connect h 80 --send a\q"),
        r#"--send "a\q": unknown escape \q at character 2 | "#.to_owned() + ESCAPES
    );
    assert_eq!(
        refused("connect h 80 --send-hex 0d0"),
        r#"--send-hex "0d0": odd number of hex digits in "0d0" at character 1 | "#.to_owned() + HEX
    );
}

#[test]
fn script_options_are_in_the_config() {
    let script = config("listen 0 -s @goodbye --script-errors ignore --script-timeout 500ms -- -x y").script;
    let script = script.expect("a script");
    assert_eq!(script.source, ScriptSource::Builtin("goodbye".into()));
    assert_eq!(script.args, ["-x", "y"]);
    assert_eq!(script.on_error, ScriptErrors::Ignore);
    assert_eq!(script.timeout, Duration::from_millis(500));
    assert!(!script.watch && config("connect h 80 -s f --watch").script.is_some_and(|script| script.watch));
    let line = config("connect h 80 --on-line conn.close()").script.expect("a script");
    assert_eq!(line.source, ScriptSource::OnLine("conn.close()".into()));
    let session = config("listen 0 --session conn.close()").script.expect("a script");
    assert_eq!(session.source, ScriptSource::Session("conn.close()".into()));
    assert_eq!((line.on_error, line.timeout), (ScriptErrors::Close, Duration::from_secs(2)));
    assert!(line.seed.is_none() && line.allow_read.is_empty() && line.allow_write.is_empty());
    let more = config("listen 0 -s @echo --seed 7 --allow-read a --allow-write b --allow-read c").script;
    let more = more.expect("a script");
    assert_eq!(more.seed, Some(7));
    assert_eq!(more.max_connects, None);
    assert_eq!(config("connect h 1 -s @echo --max-connects 5").script.unwrap().max_connects, Some(5));
    assert_eq!(more.allow_read, ["a", "c"].map(PathBuf::from));
    assert_eq!(more.allow_write, [PathBuf::from("b")]);
}

#[test]
fn the_last_of_two_contrary_options_wins() {
    assert!(config("connect h 80 --no-nodelay --nodelay").nodelay);
    assert!(!config("connect h 80 --nodelay --no-nodelay").nodelay);
    assert_eq!(config("connect h 80 -w 1 -w 2").limits.connect, Some(Duration::from_secs(2)));
}

#[test]
fn output_to_dash_is_stdout() {
    assert_eq!(config("connect h 80 -o f").output.file, Some(PathBuf::from("f")));
    assert!(config("connect h 80 -o -").output.file.is_none());
    let events = |line| config(line).output.events;
    assert_eq!(events("connect h 80"), None);
    assert_eq!(events("connect h 80 --events -"), Some(Target::Stdout));
    assert_eq!(events("listen 80 --events e"), Some(Target::File("e".into())));
}

#[test]
fn the_target_is_prompted_for_only_on_a_terminal() {
    assert_eq!(refused("connect"), "connect needs a host and a port | tcpx connect HOST PORT");
    assert_eq!(refused("listen"), "listen needs a port | tcpx listen PORT; port 0 takes any free one");
    let Action::AskTarget(ask) = action("connect -E gbk --send x", true).unwrap() else { panic!("no question") };
    assert!(ask.answer("", "80").is_err());
    assert!(ask.answer("h", "65536").is_err());
    let config = ask.answer(" example.org ", "80\n").unwrap();
    assert_eq!(config.text.send, Some(encoding_rs::GBK));
    assert_eq!(config.preamble.len(), 1);
    let Role::Connect(connect) = ask.answer("[::1]:80", "").unwrap().role else { panic!("listens") };
    assert_eq!(connect.target.to_string(), "[::1]:80");
    assert!(action("connect -w nonsense", true).is_err());
}

#[test]
fn commands_that_only_print_have_their_actions() {
    let is = |line: &str, shown: &str| assert_eq!(format!("{:?}", action(line, false).unwrap()), shown);
    is("script list", "ScriptList");
    is("script show @echo", "ScriptShow(\"echo\")");
    is("script show echo", "ScriptShow(\"echo\")");
    is("script check a.rhai", "ScriptCheck([File(\"a.rhai\")])");
    is("script check @echo - b", "ScriptCheck([Builtin(\"echo\"), Stdin([]), File(\"b\")])");
    is("script new", "ScriptNew(Handlers)");
    is("script new --session", "ScriptNew(Session)");
    is("script new --test", "ScriptNew(Test)");
    is("encodings", "Encodings");
    is("completions zsh", "Completions(Zsh)");
    is("man", "Man(Tcpx)");
    is("man tcpx", "Man(Tcpx)");
}
