//! What messages say to somebody who writes what another language would take.

use super::*;

/// The whole message of an `on_connect` body that fails.
fn told(body: &str) -> String {
    Bench::load(&format!("fn on_connect(conn) {{ {body} }}")).fail(&conn(1), Event::Opened)
}

/// The whole message of a script that does not load.
fn refused(text: &str) -> String {
    Bench::try_load(text).err().unwrap_or_else(|| panic!("it loads: {text}"))
}

#[test]
fn arguments_of_a_wrong_type_are_told_with_the_types_that_fit() {
    for (body, words) in [
        ("let a = 5; a.push(1);", "push takes (array, any) or (blob, int), not (int, int)"),
        ("conn.send_line(5);", "send_line takes (Conn, char) or (Conn, string)"),
        ("conn.send_line(5);", ", not (Conn, int)"),
        ("conn.after(\"x\", |c| 1);", "after takes (Conn, int, function), not (Conn, string, function)"),
        ("let s = (); s.to_upper();", "to_upper takes (char) or (string), not (())"),
        ("parse_int(5);", "parse_int takes (string), not (int)"),
        ("let b = blob(); b.u8(\"x\");", "u8 takes (blob, int), not (blob, string)"),
    ] {
        let message = told(body);
        assert!(message.contains(words), "{body}: {message}");
        assert!(!message.contains("did you mean"), "{body}: {message}");
    }
    assert!(told("let l = []; l.append(1);").contains("append takes (array, array) or "));
    assert!(told("conn.write(\"x\");").contains("conn.send(x) sends"));
    assert_eq!(Bench::eval_error("!\"x\""), "no such operation: !string");
}

#[test]
fn a_function_that_changes_its_receiver_is_named_where_its_value_is_missed() {
    for body in [
        "let s = \" a \"; let t = s.trim(); conn.send_line(t);",
        "let s = \" a \";\nlet t = s.trim();\nlet u = 5;\nconn.send_line(t);",
        "let s = \" a \"; conn.send_line(s.trim().to_upper());",
        "let s = \" a \"; let t = s.trim() - 1;",
    ] {
        let message = told(body);
        assert!(
            message.contains("x.trim() changes x and gives (): write x.trim(); as a statement, and then use x"),
            "{message}"
        );
    }
    let message = told("let s = \"a\"; conn.send_line(s.make_upper());");
    assert!(message.ends_with("x.make_upper() changes x and gives (): x.to_upper() gives a copy"), "{message}");
    assert!(!told("conn.send_line(());").contains("changes x"));
}

#[test]
fn a_character_is_sent_like_a_string() {
    for body in ["conn.send('你')", "conn.send(['你', \"\"])", "broadcast('你')"] {
        assert_eq!(Bench::eval(body), "你", "{body}");
    }
    assert_eq!(Bench::eval("conn.send_line('c'); broadcast_line('d');"), "c\n|d\n");
}

#[test]
fn the_items_of_an_array_are_joined() {
    assert_eq!(Bench::eval("print([1, \"a\", 'b', (), 2.5, true].join(\", \"))"), "1, a, b, , 2.5, true");
    assert_eq!(Bench::eval("print([].join(\"-\")); print([1].join(\"-\"));"), "|1");
    assert_eq!(Bench::eval_error("\", \".join([1])"), "join belongs to the array: array.join(\", \")");
    let grown = "let s = \"\"; s.pad(3000000, 'x'); print([s, s, s, s].join(s));";
    assert_eq!(Bench::eval_error(grown), "join: the text is longer than 16 MiB");
}

#[test]
fn habits_of_other_languages_are_answered_with_what_to_write() {
    for (body, words) in [
        ("conn.send('hello');", "a string stands in double quotes: \"hello\""),
        ("conn.send(f\"a {x}\");", "`got ${x}`"),
        ("let x = None;", "the value for nothing is ()"),
        ("let x = null;", "the value for nothing is ()"),
        ("let x = True;", "it is true"),
        ("x = 5;", "let x = ..; declares"),
        ("x += 5;", "let x = ..; declares"),
        ("if 1 == 1 and true { }", "it is &&"),
        ("if not true { }", "it is !x"),
        ("if true { } elif true { }", "it is else if"),
        ("if true: conn.close()", "a block stands in braces"),
        ("let x = {\"a\": 1};", "#{name: value}"),
        ("conn.send(\"a\")； ", "；"),
        ("conn.send（\"a\"); ", "write ("),
        ("conn.send(“a”); ", "write \""),
        ("let x = #{a： 1};", "write :"),
    ] {
        let message = refused(&format!("fn on_connect(conn) {{\n{body}\n}}"));
        assert!(message.contains(&format!("hint: {words}")) || message.contains(words), "{body}: {message}");
        assert!(message.contains("\nhint: "), "{body}: {message}");
    }
    assert!(refused("def on_line(conn, line):\n    conn.send(line)").contains("a function is fn name(a, b)"));
    assert!(refused("fn on_line(conn, line):\n    conn.send(line)").contains("a block stands in braces"));
    for (body, words) in [
        ("\"x\".upper()", "s.to_upper()"),
        ("\"x\".lower()", "s.to_lower()"),
        ("\"x\".strip()", "s.trim()"),
        ("\"x\".encode()", "conn.encoding"),
        ("blob().decode()", "b.text()"),
        ("conn.recv(10)", "fn on_line(conn, line)"),
        ("str(5)", "x.to_string()"),
        ("int(\"5\")", "parse_int(s)"),
        ("print(\"x\".length)", "x.len()"),
        ("print(conn.length)", "x.len()"),
        ("\"%s\" % 5", "fmt(x)"),
    ] {
        let message = told(body);
        assert!(message.contains("\nhint: ") && message.contains(words), "{body}: {message}");
    }
}
