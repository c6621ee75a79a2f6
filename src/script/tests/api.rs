//! The script API, function by function.

use super::{Bench, conn, conn_in, conn_with, data, send};
use crate::config::Text;
use crate::session::{CloseReason, Command, Event};

#[test]
fn a_connection_has_its_properties() {
    let shown = Bench::eval(
        "print([conn.id, conn.peer, conn.peer_ip, conn.peer_port, conn.local, conn.proto, conn.side]);
         print([conn.is_open, conn.can_send, conn.eof, conn.bytes_in, conn.bytes_out, conn.queued, conn.nodelay]);
         print(conn.age_ms >= 0 && conn.idle_ms < 10000); print([conn.label, conn.encoding, conn.eol]);",
    );
    assert_eq!(
        shown,
        "[1, \"127.0.0.1:50001\", \"127.0.0.1\", 50001, \"127.0.0.1:45586\", \"tcp\", \"server\"]\
         |[true, true, false, 0, 0, 0, true]|true|[\"127.0.0.1:50001\", \"utf-8\", \"\\n\"]"
    );
}

#[test]
fn connections_are_compared_and_kept_in_maps() {
    let shown = Bench::eval(
        "app.users = #{}; app.users.bob = conn; let other = app.users.bob; app.list = [conn];
         print([other == conn, other != conn, conn == (), app.users.eve == (), conn in app.list, \"bob\" in app.users]);
         app.users[\"bob\"].send(\"hi\");",
    );
    assert_eq!(shown, "[true, false, false, true, true, true]|hi");
}

#[test]
fn settings_can_be_read_and_written() {
    let shown = Bench::eval(
        "conn.label = \"bob\"; conn.eol = \"\\r\\n\"; conn.encoding = \"cp936\"; conn.nodelay = false;
         print([conn.label, conn.eol, conn.encoding, conn.nodelay]); print(conn); conn.send_line(\"x\");
         conn.encoding = \"auto\"; print(conn.encoding); \
         conn.encoding = \"AUTO_jp\"; print(conn.encoding);",
    );
    assert_eq!(shown, "SetNodelay(1, false)|[\"bob\", \"\\r\\n\", \"gbk\", false]|bob|x\r\n|auto|auto-jp");
    assert_eq!(Bench::eval_error("conn.encoding = \"gbkk\""), "unknown encoding \"gbkk\" (did you mean \"gbk\"?)");
}

#[test]
fn the_state_can_be_changed_in_place_and_as_a_whole() {
    let shown = Bench::eval(
        "let copy = conn.state; copy.a = 1; conn.state.b = #{ c: [1] }; conn.state.b.c.push(2); conn.state.n = (conn.state.n ?? 0) + 1;
         conn.state.n += 1; print(conn.state); conn.state = #{ z: 1 }; print(conn.state); print(copy); conn.state = conn.state;
         print(conn.state); conn.state.remove(\"z\"); print(conn.state.len());",
    );
    assert_eq!(shown, "#{\"b\": #{\"c\": [1, 2]}, \"n\": 2}|#{\"z\": 1}|#{\"a\": 1}|#{\"z\": 1}|0");
    assert_eq!(Bench::eval_error("conn.state = 1"), "cannot set Conn.state to a value of type int");
}

#[test]
fn strings_are_encoded_and_blobs_are_not() {
    let mut bench = Bench::load(
        "fn on_connect(c) { c.send(\"你好\"); c.send(hex(\"ff 00\")); c.send([\"你\", hex(\"0a\"), \"!\"]); c.send_hex(\"0x47 45\"); c.send(\"\"); c.send([]); }",
    );
    let wanted = [send(1, b"\xc4\xe3\xba\xc3"), send(1, b"\xff\x00"), send(1, b"\xc4\xe3\x0a!"), send(1, b"GE")];
    assert_eq!(bench.give(&conn_in(1, "gbk"), Event::Opened), wanted);
}

#[test]
fn what_becomes_of_an_unencodable_character_can_be_chosen() {
    let shown = Bench::eval(
        "print(conn.unencodable); conn.encoding = \"gbk\"; conn.unencodable = \"replace\"; conn.send(\"a😀\"); \
         conn.encoding = \"koi8-r\"; conn.send(\"é\"); print(conn.unencodable); conn.unencodable = \"fail\"; \
         try { conn.send(\"é\") } catch (e) { print(e) }",
    );
    assert_eq!(shown, "fail|a?|?|replace|cannot encode U+00E9 'é' (character 1) in koi8-r");
    assert_eq!(
        Bench::eval_error("conn.unencodable = \"skip\""),
        "unencodable is \"fail\" or \"replace\", not \"skip\""
    );
}

#[test]
fn an_unencodable_character_is_an_error_and_nothing_is_sent() {
    let mut bench = Bench::load(
        "fn on_connect(c) { c.send([\"ok\", \"a😀\"]) }\nfn on_data(c, d) { try { c.send(\"😀\") } catch (e) { print(e) } }",
    );
    let c = conn_in(1, "gbk");
    let message = bench.fail(&c, Event::Opened);
    assert!(message.contains("😀") && message.to_lowercase().contains("gbk"), "{message}");
    assert_eq!(c.info.queued(), 0);
    let caught = bench.give(&c, data(b"x"));
    assert!(matches!(&caught[..], [Command::Print(text)] if text.contains("😀")), "{caught:?}");
}

#[test]
fn a_lone_lf_becomes_crlf_in_strings_only() {
    let text = Text { crlf: true, ..Text::default() };
    let mut bench =
        Bench::load("fn on_connect(c) { c.send(\"a\\nb\\r\\n\\n\"); c.send_line(\"x\"); c.send(bytes(\"\\n\")); }");
    let wanted = [send(1, b"a\r\nb\r\n\r\n"), send(1, b"x\r\n"), send(1, b"\n")];
    assert_eq!(bench.give(&conn_with(1, &text), Event::Opened), wanted);
}

#[test]
fn sending_a_wrong_type_is_reported_with_the_valid_ones() {
    assert_eq!(Bench::eval_error("conn.send(1)"), "send takes a string, a blob or an array of them, not int");
    assert_eq!(Bench::eval_error("conn.send(conn)"), "send takes a string, a blob or an array of them, not Conn");
    assert_eq!(
        Bench::eval_error("conn.send([\"a\", 1.5])"),
        "send takes strings and blobs in an array, not float (at index 1)"
    );
    assert_eq!(Bench::eval_error("conn.send_hex(\"zz\")"), "'z' at character 1 is not a hex digit");
}

#[test]
fn nothing_is_sent_after_close_and_that_is_told_once() {
    let ended = |end: &str| {
        Bench::eval(&format!(
            "conn.send(\"a\"); conn.{end}(); conn.send(\"b\"); conn.send_hex(\"00\"); conn.send([\"c\"]); print([conn.can_send, conn.queued])"
        ))
    };
    let given = Bench::eval(
        "print([conn.send(\"\"), conn.send(\"a\"), conn.send_line(\"b\"), conn.send_hex(\"00\"), conn.send([\"c\"])])",
    );
    assert!(given.ends_with("|[true, true, true, true, true]"), "{given}");
    let given = Bench::eval(
        "conn.shutdown(); print([conn.send(\"\"), conn.send(\"a\"), conn.send_line(\"b\"), conn.send_hex(\"00\"), conn.send([\"c\"]), conn.send_file(\"gone\")])",
    );
    assert!(given.ends_with("|[false, false, false, false, false, false]"), "{given}");
    assert_eq!(ended("close"), "a|Close(1)|SentToNobody(1, \"127.0.0.1:50001\")|[false, 1]");
    assert_eq!(ended("shutdown"), "a|Shutdown(1)|SentToNobody(1, \"127.0.0.1:50001\")|[false, 1]");
    assert_eq!(ended("reset"), "a|Reset(1)|SentToNobody(1, \"127.0.0.1:50001\")|[false, 0]");
    assert_eq!(Bench::eval("conn.shutdown(); conn.shutdown(); conn.close();"), "Shutdown(1)|Close(1)");
    let mut bench =
        Bench::load("fn on_close(c) { c.send(\"x\"); c.close(); c.reset(); c.shutdown(); c.nodelay = true; }");
    let c = conn(1);
    c.info.pretend_closed();
    let told = Command::SentToNobody(1, "127.0.0.1:50001".to_owned());
    assert_eq!(bench.give(&c, Event::Closed(CloseReason::Reset)), [told]);
}

#[test]
fn the_queue_length_is_visible_and_limited() {
    assert_eq!(Bench::eval("conn.send(\"你\"); print(conn.queued);"), "你|3");
    let mut bench = Bench::load("fn on_connect(c) { let b = blob(4194304); loop { c.send(b); } }");
    let c = conn(1);
    let message = bench.fail(&c, Event::Opened);
    assert!(message.contains("the queue of 127.0.0.1:50001 is full (64 MiB): "), "{message}");
    assert_eq!(c.info.queued(), 64 << 20);
}

#[test]
fn blobs_are_created_formatted_and_decoded() {
    let shown = Bench::eval(
        "print(bytes(\"é\").hex()); print(bytes([0, 255]).hex()); print(hex(\"DE ad\").hex()); print(hex(\"c4e3\").text(\"gbk\"));
         print(bytes(\"abc\").text()); print(bytes(\"abcdef\").text(1, 3)); print(bytes(\"abcdef\").text(-2, 9)); print(hex(\"61ff\").text());
         print(hex(\"00\").dump()); print(\"né\".bytes); print(bytes(\"x\").len());",
    );
    let dump = format!("00000000  00{}|.|", " ".repeat(48));
    assert_eq!(shown, format!("c3a9|00ff|dead|你|abc|bcd|ef|a\u{fffd}|{dump}|3|1"));
    assert_eq!(Bench::eval_error("bytes([1, 256])"), "bytes: 256 at index 1 is not a number from 0 to 255");
    assert_eq!(Bench::eval_error("bytes([\"a\"])"), "bytes: string at index 0 is not a number from 0 to 255");
    assert_eq!(Bench::eval_error("hex(\"abc\")"), "odd number of hex digits in \"abc\" at character 1");
    assert_eq!(Bench::eval_error("hex(\"00\").text(\"nope\")"), "unknown encoding \"nope\"");
}

#[test]
fn blobs_are_searched() {
    let shown = Bench::eval(
        "let b = bytes(\"ab\\r\\ncd\\r\\n\");
         print([b.find(\"\\r\\n\"), b.find(\"\\r\\n\", 3), b.find(\"\\r\\n\", -2), b.find(hex(\"63\")), b.find(\"x\"), b.find(hex(\"63\"), 5)]);
         print([b.starts_with(\"ab\"), b.starts_with(hex(\"62\")), b.ends_with(\"\\n\"), b.ends_with(bytes(\"\\r\"))]);
         print([b.contains(\"cd\"), b.contains(hex(\"ff\")), b.contains(97)]);
         print(b.split(\"\\r\\n\").map(|p| p.text())); print(b.split(hex(\"61\")).len());
         print([b.equals(\"ab\"), bytes(\"ab\").equals(\"ab\"), bytes(\"ab\").equals(bytes(\"ab\")), bytes(\"a\") == bytes(\"a\")]);",
    );
    assert_eq!(
        shown,
        "[2, 6, 6, 4, -1, -1]|[true, false, true, false]|[true, false, true]|[\"ab\", \"cd\", \"\"]|2|[false, true, true, true]"
    );
    assert_eq!(Bench::eval_error("bytes(\"a\").split(\"\")"), "split: the separator is empty");
}

#[test]
fn blobs_and_strings_concatenate_to_blobs() {
    let shown = Bench::eval(
        "let b = hex(\"ff\"); let all = b + \"é\"; print(type_of(all) + all.hex()); let front = \"é\" + b; print(type_of(front) + front.hex());
         b += \"x\"; print(b.hex()); b += hex(\"00\"); print(b.hex()); print((hex(\"01\") + hex(\"02\")).hex());",
    );
    assert_eq!(shown, "blobffc3a9|blobc3a9ff|ff78|ff7800|0102");
}

#[test]
fn numbers_are_read_with_bounds_checks() {
    let shown = Bench::eval(
        "let b = hex(\"ff fe 80 01 00 00 00 02 7f\");
         print([b.u8(0), b.i8(0), b.u8(-1), b.u16be(0), b.u16le(0), b.i16be(0), b.i16le(2)]);
         print([b.u32be(0), b.u32le(4), b.i32be(0), b.i32le(4), hex(\"00000000000000ff\").u64be(0), b.i64be(0) < 0, b.u64le(0), b.i64le(0)]);",
    );
    assert_eq!(
        shown,
        "[255, -1, 127, 65534, 65279, -2, 384]\
         |[4294868993, 33554432, -98303, 33554432, 255, true, 144115188101086975, 144115188101086975]"
    );
    assert_eq!(Bench::eval_error("hex(\"00 01\").u32be(0)"), "u32be(0): needs 4 bytes there, the blob has 2 in all");
    assert_eq!(Bench::eval_error("hex(\"00 01\").u8(2)"), "u8(2): needs 1 byte there, the blob has 2 in all");
    assert_eq!(Bench::eval_error("hex(\"00 01\").u8(-3)"), "u8(-3): needs 1 byte there, the blob has 2 in all");
    assert!(Bench::eval_error("hex(\"ffffffffffffffff\").u64be(0)").starts_with("18446744073709551615 does not fit"));
}

#[test]
fn big_endian_numbers_are_right_aligned() {
    let shown = Bench::eval(
        "let b = blob(4); b.write_be(0, 4, 258); print(b.hex()); b.write_be(0..2, 65535); print(b.hex()); b.write_be(2..=3, 1); print(b.hex());
         print([b.parse_be_int(0, 2), b.parse_be_int(0..4), b.parse_be_int(2..=3)]);",
    );
    assert_eq!(shown, "00000102|ffff0102|ffff0001|[65535, 4294901761, 1]");
    assert_eq!(
        Bench::eval_error("let b = blob(2); b.write_be(0, 2, 65536)"),
        "write_be: 65536 does not fit in 2 bytes"
    );
}

#[test]
fn fmt_replaces_its_placeholders() {
    let shown = Bench::eval(
        "print(\"{} {}!\".fmt(1, \"b\")); print(\"{{}} {}\".fmt([1])); print(\"none\".fmt()); print(\"{}\".fmt(conn)); print(\"{}{}{}{}{}{}{}{}\".fmt(1,2,3,4,5,6,7,8));",
    );
    assert_eq!(shown, "1 b!|{} [1]|none|127.0.0.1:50001|12345678");
    assert_eq!(Bench::eval_error("\"{} {}\".fmt(1)"), "fmt: \"{} {}\" has 2 {}, but 1 value was given");
    assert_eq!(Bench::eval_error("\"{\".fmt()"), "fmt: a single { in \"{\"; write {{");
}

#[test]
fn time_is_formatted() {
    let shown = Bench::eval(
        "print(now_ms() > 1700000000000); print(time().len()); print(time(\"%Y\").len()); print(time().ends_with(\"Z\"));",
    );
    assert_eq!(shown, "true|24|4|true");
}

#[test]
fn eval_sleep_and_oversized_values_are_refused() {
    for body in ["exit(\"x\")", "exit(-1)"] {
        assert!(Bench::eval_error(body).starts_with("exit takes a number from 0 to 255"), "{body}");
    }
    assert!(Bench::try_load("fn f() { eval(\"1\") }").is_err());
    assert!(Bench::eval_error("sleep(0.5)").starts_with("sleep takes a whole number of milliseconds"));
    assert!(Bench::eval_error("let a = []; a.pad(5000000, 1)").starts_with("value too large: "));
    assert!(Bench::eval_error("blob(5000000)").starts_with("value too large: "));
}

#[test]
fn bytes_and_integers_mix_in_arithmetic() {
    assert_eq!(Bench::eval(r#"let n = 0; for b in bytes("AB") { n += b; } print(n);"#), "131");
    assert_eq!(
        Bench::eval(r#"let n = 1; for b in bytes("A") { n = n ^ b; print(b > 64); print(2 * b - b); } print(n);"#),
        "true|65|64"
    );
}

#[test]
fn a_position_outside_of_a_blob_is_an_error() {
    for (body, message) in [
        ("let w = blob(2); w.write_be(1, 2, 1)", "write_be(1, 2): the blob has 2 bytes in all"),
        (r#"hex("0102").parse_be_int(1, 4)"#, "parse_be_int(1, 4): the blob has 2 bytes in all"),
        (r#"hex("0102").parse_be_int(-3, 1)"#, "parse_be_int(-3, 1): the blob has 2 bytes in all"),
        (r#"hex("0102").parse_be_int(1..9)"#, "parse_be_int(1, 8): the blob has 2 bytes in all"),
    ] {
        assert_eq!(Bench::eval_error(body), message, "{body}");
    }
    assert_eq!(Bench::eval(r#"print(hex("0102ff").parse_be_int(-1, 1));"#), "255");
}
