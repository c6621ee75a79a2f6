//! `@smtp`: what it keeps of a mail, and that it keeps nothing of half a mail.

use std::path::Path;

use super::*;
use crate::script::builtin::{Argument, paths};
use crate::session::CloseReason;

/// A client of a server that keeps mails in a folder.
struct Client {
    run: Run,
    folder: tempfile::TempDir,
}

impl Client {
    fn connect() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let args = vec![folder.path().to_str().unwrap().to_owned()];
        let source = ScriptSource::Builtin("smtp".into());
        let mut bench = Bench::try_script(Script { args, ..script(source) }).unwrap();
        assert_eq!(bench.start(), []);
        Self { run: Run::begin(bench, conn(1)), folder }
    }

    /// The names and contents of all files, the date left out.
    fn mails(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut mails: Vec<_> = files.map(|path| shown_mail(&path)).collect();
        mails.sort();
        mails
    }
}

fn shown_mail(path: &Path) -> String {
    assert!(path.extension().is_some_and(|extension| extension == "eml"), "{path:?}");
    let mail = std::fs::read(path).unwrap();
    let lines = mail.split_inclusive(|byte| *byte == b'\n');
    // The date is a line of its own, behind Received.
    let is_date = |line: &&[u8]| line.starts_with(b" ") && line.ends_with(b"\r\n");
    lines.filter(|line| !is_date(line)).map(|line| line.escape_ascii().to_string()).collect()
}

#[test]
fn a_mail_is_kept_byte_for_byte_behind_its_envelope() {
    let mut client = Client::connect();
    let said = client.run.give(
        b"EHLO me\r\nMAIL FROM:<a@x> BODY=8BITMIME\r\nRCPT TO:<b@y>\r\nRCPT TO:<c@z>\r\nDATA\r\n\
          Subject: \xff\r\n\r\n..\r\n...two\r\n.\x00\ralone\n.\nend\r\n.\r\nQUIT\r\n",
    );
    assert!(
        said.ends_with(
            "send 354 end it with a dot on a line of its own\r\n / send 250 it is kept\r\n / send 221 goodbye\r\n"
        ),
        "{said}"
    );
    let wanted = "Return-Path: <a@x>\\r\\nDelivered-To: b@y\\r\\nDelivered-To: c@z\\r\\n\
        Received: from me ([127.0.0.1]) by tcpx with ESMTP id 1.1;\\r\\n\
        Subject: \\xff\\r\\n\\r\\n.\\r\\n..two\\r\\n\\x00\\ralone\\n.\\nend\\r\\n";
    assert_eq!(client.mails(), [wanted]);
}

#[test]
fn an_empty_mail_and_a_large_one_are_mails() {
    let mut client = Client::connect();
    client.run.give(b"HELO me\r\nMAIL FROM:<>\r\nRCPT TO:<b@y>\r\nDATA\r\n.\r\n");
    let head =
        "Return-Path: <>\\r\\nDelivered-To: b@y\\r\\nReceived: from me ([127.0.0.1]) by tcpx with SMTP id 1.1;\\r\\n";
    assert_eq!(client.mails(), [head]);
    client.run.give(b"MAIL FROM:<>\r\nRCPT TO:<b@y>\r\nDATA\r\n");
    let piece = vec![b'x'; 65_537];
    for _ in 0..100 {
        assert_eq!(client.run.give(&piece), "");
    }
    assert_eq!(client.run.give(b"\r\n.\r\n"), "send 250 it is kept\r\n");
    let sizes: Vec<_> = client.mails().iter().map(String::len).collect();
    assert_eq!(sizes.iter().max(), Some(&(head.len() + 6_553_700 + "\\r\\n".len())));
}

#[test]
fn the_end_of_a_mail_is_found_however_it_is_cut() {
    let wire = b"HELO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n.\rx\r\n..\r\r\n.x\r\n\r\n.\r\nNOOP\r\n";
    let mut client = Client::connect();
    let mut text = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        pieces.for_each(|piece| _ = client.run.give(piece));
        let mails = client.mails().concat();
        for entry in std::fs::read_dir(client.folder.path()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        mails.split_once(";\\r\\n").expect("the end of its head").1.to_owned()
    };
    let whole = "\\rx\\r\\n.\\r\\r\\nx\\r\\n\\r\\n";
    for at in 0..wire.len() {
        let (first, second) = wire.split_at(at);
        assert_eq!(text(&mut [first, second].into_iter()), whole, "cut at {at}");
    }
    assert_eq!(text(&mut wire.chunks(1)), whole);
}

#[test]
fn of_half_a_mail_nothing_is_kept() {
    let mut client = Client::connect();
    client.run.give(b"HELO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\nhalf\r\n.\r");
    client.run.finish();
    let mut out = Vec::new();
    let event = Event::Closed(CloseReason::Eof);
    client.run.bench.handler.handle(&client.run.view(), event, &mut out).unwrap();
    let words = "it has left in the middle of a mail, of which nothing is kept";
    assert!(out.contains(&Command::Log(Some(1), words.into())), "{out:?}");
    assert_eq!(client.mails(), [""; 0]);
}

#[test]
fn its_folder_is_the_only_one_it_writes() {
    assert_eq!(paths("smtp").collect::<Vec<_>>(), [(0, Argument::FolderToWrite)]);
    let source = ScriptSource::Builtin("smtp".into());
    let missing = Bench::try_script(Script { args: vec!["/no/such".into()], ..script(source) }).err().unwrap();
    assert_eq!(missing, "write /no/such (argument 1 of @smtp): no such file or directory");
}
