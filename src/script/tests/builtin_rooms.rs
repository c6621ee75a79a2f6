//! The built-in scripts with several clients, `@chat` and `@broker`, event by event.

use super::builtin::open;
use super::*;
use crate::session::{CloseReason, Handler, RunEvent, TimerCall};

const FULL: usize = (1 << 20) + 1;

/// The sent texts with their connection ids; other commands are ignored.
fn sent(commands: &[Command]) -> Vec<(u64, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let sent = commands.iter().filter_map(|command| match command {
        Command::Send(id, bytes) => Some((*id, text(bytes))),
        _ => None,
    });
    sent.collect()
}

fn printed(commands: &[Command]) -> Vec<&str> {
    let printed = commands.iter().filter_map(|command| match command {
        Command::Print(text) => Some(text.trim_end()),
        _ => None,
    });
    printed.collect()
}

fn line(text: &str) -> Event {
    Event::Line(text.into())
}

fn to(id: u64, text: &str) -> (u64, String) {
    (id, text.to_owned())
}

/// A chat with these users, in UTF-8, numbered from 1.
fn chat(names: &[&str]) -> (Bench, Vec<Rc<ConnView>>) {
    let mut bench = open("chat");
    bench.start();
    let mut conns = Vec::new();
    for (name, id) in names.iter().zip(1..) {
        let c = conn(id);
        assert_eq!(sent(&bench.give(&c, Event::Opened)), [to(id, "welcome, say: NICK yourname")]);
        let answer = sent(&bench.give(&c, line(&format!("NICK {name}"))));
        assert_eq!(answer[0], to(id, &format!("hello {name}, {id} online")));
        conns.push(c);
    }
    (bench, conns)
}

#[test]
fn chat_sends_lines_to_all_and_private_messages_to_one() {
    let (mut bench, c) = chat(&["bob", "ann", "大家"]);
    let said = bench.give(&c[0], line("hello"));
    assert_eq!(sent(&said), [to(2, "bob: hello"), to(3, "bob: hello")]);
    assert_eq!(printed(&said), ["[bob] hello"]);
    let said = bench.give(&c[1], line("/msg 大家 a b  c"));
    assert_eq!((sent(&said), printed(&said)), (vec![to(3, "(ann) a b  c")], vec!["[ann -> 大家] a b  c"]));
    assert_eq!(sent(&bench.give(&c[2], line("/who"))), [to(3, "ann bob 大家")]);
    assert_eq!(bench.give(&c[0], line("/quit")).pop(), Some(Command::Close(1)));
    let left = bench.give(&c[0], Event::Closed(CloseReason::Closed));
    assert_eq!(sent(&left), [to(2, "* bob left"), to(3, "* bob left")]);
    assert_eq!(printed(&left), ["* bob left (closed)"]);
    assert_eq!(sent(&bench.give(&c[1], line("/msg bob x"))), [to(2, "? no such user")]);
}

#[test]
fn chat_answers_invalid_input_to_its_sender_only() {
    let (mut bench, c) = chat(&["bob", "ann"]);
    for (said, answer) in [
        ("NICK other", "? you are bob"),
        ("/mgs ann secret", "? no such command: /mgs (there are /msg /who /encoding /quit)"),
        ("/msg", "? /msg name text"),
        ("/msg ann", "? /msg name text"),
        ("/msg nobody x", "? no such user"),
        ("/encoding", "? /encoding label, such as gbk, big5, utf-8"),
        ("/encoding auto", "? /encoding label, such as gbk, big5, utf-8"),
        ("/encoding gbq", "? unknown encoding \"gbq\" (did you mean \"gbk\"?)"),
        ("a\u{1b}[2J", "? no control characters"),
        ("a\rann: b", "? no control characters"),
    ] {
        assert_eq!(sent(&bench.give(&c[0], line(said))), [to(1, answer)], "{said}");
    }
    assert_eq!(bench.give(&c[0], line("")), []);
    let new = conn(3);
    bench.give(&new, Event::Opened);
    let long = "x".repeat(33);
    for name in ["", " ", "a b", "a\u{3000}b", &long] {
        let answer = "? a name has 1 to 32 characters and no spaces";
        assert_eq!(sent(&bench.give(&new, line(&format!("NICK {name}")))), [to(3, answer)], "{name}");
    }
    for (said, answer) in [
        ("NICK bob", "? name taken"),
        ("NICK operator", "? name taken"),
        ("NICK a\tb", "? a name has 1 to 32 characters and no spaces"),
        ("NICK \u{fffd}\u{fffd}", "? that is not utf-8: say /encoding label"),
        ("NICK", "? NICK yourname"),
        ("hello", "? NICK yourname"),
        ("/who", "? NICK yourname"),
        ("/msg bob x", "? NICK yourname"),
    ] {
        assert_eq!(sent(&bench.give(&new, line(said))), [to(3, answer)], "{said}");
    }
    let answer = sent(&bench.give(&new, line(&format!("NICK {}", "大".repeat(32)))));
    assert_eq!(answer.len(), 3, "a name of 32 characters: {answer:?}");
}

#[test]
fn chat_has_an_encoding_for_each_client() {
    let (mut bench, c) = chat(&["bob", "ann"]);
    let new = conn(3);
    bench.give(&new, Event::Opened);
    assert_eq!(sent(&bench.give(&new, line("/encoding GBK"))), [to(3, "encoding is gbk")]);
    assert_eq!(sent(&bench.give(&c[1], line("/encoding koi8-r"))), [to(2, "encoding is koi8-r")]);
    let sent_to = |said: &[Command], id: u64| {
        let sent = said.iter().filter_map(|command| match command {
            Command::Send(to, bytes) if *to == id => Some(bytes.as_slice()),
            _ => None,
        });
        sent.collect::<Vec<_>>().concat()
    };
    let said = bench.give(&c[0], line("да 大家 é"));
    assert_eq!(sent_to(&said, 2), b"bob: \xc4\xc1 ?? ?\n", "what is not in an encoding arrives as ?");
    assert_eq!(sent_to(&said, 3), b"bob: \xa7\xd5\xa7\xd1 \xb4\xf3\xbc\xd2 \xa8\xa6\n");
    let said = bench.give(&c[0], line("/msg ann 大"));
    assert_eq!((sent_to(&said, 2), sent_to(&said, 3)), (b"(bob) ?\n".to_vec(), Vec::new()));
}

#[test]
fn chat_operator_sends_and_lists_on_stdin() {
    let (bench, _) = chat(&["bob", "ann"]);
    let say = |text: &str| {
        let mut out = Vec::new();
        bench.handler.handle_run(RunEvent::StdinLine(text.into()), &mut out).unwrap();
        out
    };
    assert_eq!(sent(&say("hi")), [to(1, "operator: hi"), to(2, "operator: hi")]);
    assert_eq!(sent(&say("/msg ann psst")), [to(2, "(operator) psst")]);
    assert_eq!(say("/who"), [print("ann bob")]);
    assert_eq!(say("/msg eve psst"), [print("? no such user")]);
    assert_eq!(say(""), []);
}

#[test]
fn chat_resets_a_client_that_does_not_read() {
    let (mut bench, c) = chat(&["bob", "ann", "eve"]);
    c[1].info.pretend_queued(FULL);
    let said = bench.give(&c[0], line("hello"));
    assert!(said.contains(&Command::Reset(2)), "{said:?}");
    assert_eq!(sent(&said), [to(3, "bob: hello")]);
}

#[test]
fn broker_sends_data_to_all_other_clients() {
    let mut bench = open("broker");
    bench.start();
    let c: Vec<_> = (1..4).map(conn).collect();
    for c in &c {
        assert_eq!(bench.give(c, Event::Opened), []);
    }
    assert_eq!(bench.give(&c[1], data(b"\x00\xff")), [send(1, b"\x00\xff"), send(3, b"\x00\xff")]);
    bench.give(&c[0], Event::Closed(CloseReason::Eof));
    assert_eq!(bench.give(&c[1], data(b"x")), [send(3, b"x")]);
}

/// The built-in `@broker` with these words.
fn broker(words: &[&str]) -> (Bench, Vec<Rc<ConnView>>) {
    let args = words.iter().map(|&word| word.to_owned()).collect();
    let mut bench = Bench::try_script(Script { args, ..script(ScriptSource::Builtin("broker".into())) }).unwrap();
    bench.start();
    (bench, (1..4).map(conn).collect())
}

fn typed(bench: &Bench, text: &str) -> Vec<Command> {
    let mut out = Vec::new();
    bench.handler.handle_run(RunEvent::StdinLine(text.into()), &mut out).unwrap();
    out
}

#[test]
fn broker_sends_lines_of_stdin_to_all() {
    let (mut bench, c) = broker(&[]);
    assert_eq!(typed(&bench, "nobody"), []);
    bench.give(&c[0], Event::Opened);
    bench.give(&c[1], Event::Opened);
    assert_eq!(typed(&bench, "all"), [send(1, b"all\n"), send(2, b"all\n")]);
}

#[test]
fn broker_only_sends_or_only_receives() {
    let (mut bench, c) = broker(&["send-only"]);
    for c in &c {
        bench.give(c, Event::Opened);
    }
    assert_eq!(bench.give(&c[0], data(b"x")), []);
    assert_eq!(typed(&bench, "all").len(), 3);
    let (mut bench, c) = broker(&["recv-only", "names"]);
    for c in &c {
        assert_eq!(bench.give(c, Event::Opened), []);
    }
    assert_eq!((bench.give(&c[0], data(b"x")), typed(&bench, "all")), (vec![], vec![]));
}

#[test]
fn broker_names_who_comes_speaks_and_goes() {
    let (mut bench, c) = broker(&["names"]);
    let place = |id: u64| c[usize::try_from(id).unwrap() - 1].info.peer().to_string();
    let came = |id: u64, there: &str| {
        let place = place(id);
        format!("<announce> {place} is connected as <user{id}>.\n<announce> already connected: {there}.")
    };
    assert_eq!(sent(&bench.give(&c[0], Event::Opened)), [to(1, &came(1, "nobody"))]);
    let there = format!("{} as <user1>", place(1));
    let all = sent(&bench.give(&c[1], Event::Opened));
    assert_eq!(all, [to(1, &came(2, &there)), to(2, &came(2, &there))]);
    let said = sent(&bench.give(&c[1], data("大\x1b[0m\x7f\tx".as_bytes())));
    assert_eq!(said, [to(1, "<user2> 大\\033[0m\\177\tx")]);
    assert_eq!(sent(&typed(&bench, "hi")), [to(1, "<user0> hi"), to(2, "<user0> hi")]);
    let left = sent(&bench.give(&c[0], Event::Closed(CloseReason::Eof)));
    assert_eq!(left, [to(2, "<announce> <user1> is disconnected.")]);
}

#[test]
fn broker_pauses_all_clients_while_one_queue_is_full() {
    let mut bench = open("broker");
    bench.start();
    let c: Vec<_> = (1..4).map(conn).collect();
    for c in &c {
        bench.give(c, Event::Opened);
    }
    c[2].info.pretend_queued(FULL);
    let [pause, resume] = [Command::Pause, Command::Resume].map(|command| (1..4).map(command).collect::<Vec<_>>());
    assert_eq!(bench.give(&c[2], data(b"x"))[2..], [], "one's own queue is not the others' business");
    assert_eq!(bench.give(&c[0], data(b"x"))[2..], pause);
    assert_eq!(bench.give(&c[1], data(b"x")).len(), 2, "once is enough");
    assert_eq!(bench.give(&conn(4), Event::Opened), [Command::Pause(4)]);
    bench.give(&conn(4), Event::Closed(CloseReason::Reset));
    assert_eq!(bench.give(&c[0], Event::Drained), []);
    c[2].info.pretend_queued(0);
    assert_eq!(bench.give(&c[2], Event::Drained), resume);
    assert_eq!(bench.give(&c[2], Event::Drained), []);
    assert_eq!(bench.handler.deadline(), None, "nothing is left to look at");
}

#[test]
fn broker_continues_after_the_full_client_fails() {
    let mut bench = open("broker");
    bench.start();
    let c: Vec<_> = (1..3).map(conn).collect();
    for c in &c {
        bench.give(c, Event::Opened);
    }
    c[1].info.pretend_queued(FULL);
    bench.give(&c[0], data(b"x"));
    // Its write failed and its queue was discarded; because it is paused, no event reports it.
    c[1].info.pretend_queued(0);
    c[1].info.pretend_shut_down();
    let mut out = Vec::new();
    let TimerCall { result, .. } =
        bench.handler.handle_timeout(Instant::now() + Duration::from_secs(1), &mut out).unwrap();
    assert_eq!((result, out), (Ok(()), vec![Command::Resume(1), Command::Resume(2)]));
    assert_eq!(bench.handler.deadline(), None);
}
