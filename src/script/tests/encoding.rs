//! Text in the encoding of a connection: what is sent, and what a script makes of text itself.

use super::*;

#[test]
fn a_text_is_bytes_in_an_encoding() {
    assert_eq!(Bench::eval(r#"let b = bytes("\u4f60a", "gbk"); print(b.hex())"#), "c4e361");
    assert_eq!(Bench::eval(r#"print(bytes("\u4f60", "gbk").len())"#), "2");
    assert_eq!(Bench::eval(r#"print(bytes("\u3042", "iso-2022-jp").hex())"#), "1b244224221b2842");
    assert_eq!(Bench::eval(r#"print(bytes("a", "utf-16be").hex())"#), "0061");
    let error = Bench::eval_error(r#"bytes("ab\u0e01", "gbk")"#);
    assert!(error.starts_with("cannot encode U+0E01") && error.ends_with("(character 3) in gbk"), "{error}");
    assert_eq!(Bench::eval_error(r#"bytes("a", "auto")"#), "bytes(text, \"auto\"): name the encoding");
}

#[test]
fn raw_bytes_come_in_the_state_of_a_new_encoder() {
    for (body, sent) in [
        (r#"conn.send("\u3042"); conn.send(hex("2422")); conn.send("\u3042")"#, &b"\x1b$B$\"|\x1b(B$\"|\x1b$B$\""[..]),
        (r#"conn.send(["\u3042", hex("21"), "a"])"#, b"\x1b$B$\"\x1b(B!a"),
        (r#"conn.send("\u3042"); conn.send_hex("41")"#, b"\x1b$B$\"|\x1b(BA"),
        (r#"conn.send("\u3042"); conn.encoding = "utf-8"; conn.send("b")"#, b"\x1b$B$\"|\x1b(Bb"),
    ] {
        let mut bench = Bench::load(&format!("fn on_connect(conn) {{ {body} }}"));
        let out = bench.give(&conn_in(1, "iso-2022-jp"), Event::Opened);
        let parts: Vec<&[u8]> = out
            .iter()
            .map(|command| match command {
                Command::Send(_, bytes) => bytes.as_slice(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(parts.join(&b'|'), sent, "{body}");
    }
}

#[test]
fn floats_survive_json() {
    for number in ["0.1", "1.7976931348623157e308", "5e-324", "2.2250738585072011e-308", "100000000000000000000000.0"] {
        let body = format!("let x = parse_json(\"{number}\"); print(parse_json(x.to_json()) == x)");
        assert_eq!(Bench::eval(&body), "true", "{number}");
        assert_eq!(Bench::eval(&format!("print(parse_json(\"{number}\").to_json())")).parse(), number.parse::<f64>());
    }
}
