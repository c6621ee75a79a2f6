//! `@login`: whole runs against a device.

use super::{play, run};
use crate::driver::budgets::Budgets;

#[test]
fn a_command_is_run_and_its_output_is_printed() {
    play(
        r#"tcpx connect 127.0.0.1 1 --script @login -- admin secret 'show version'
        1 connects to 127.0.0.1:1
        > 1 sends "Welcome 100%\r\nlogin: "
        1 gets "admin\r\n"
        > 1 sends "Password: "
        1 gets "secret\r\n"
        > 1 sends "\r\nLast login: today #1\r\nrou"
        > 1 sends "ter> "
        > wait
        at 400ms
        1 gets "show version\r\n"
        > 1 sends "show version\r\nversion 5 > 4\r\nup 3 days\r\nrouter> "
        stdout "version 5 > 4\r\nup 3 days\n"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn options_of_telnet_are_refused_before_the_device_asks() {
    play(
        r#"tcpx connect 127.0.0.1 1 --script @login -- admin secret show
        1 connects to 127.0.0.1:1
        > 1 sends 0xfffd18fffb
        1 gets "��\x18"
        > 1 sends 0x01fffa1801fff06c6f67696e3a20
        1 gets "��\x01admin\r\n"
        > 1 sends "Password: "
        1 gets "secret\r\n"
        > 1 sends "\r\nr1.*# "
        > wait
        at 400ms
        1 gets "show\r\n"
        > 1 sends "show\r\na 100% b# c\r\nr1xx# no prompt\r\nr1.*# "
        stdout "a 100% b# c\r\nr1xx# no prompt\n"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_refusal_is_one_whatever_follows() {
    let ended = "the device ended the connection before it showed a prompt";
    for (answer, code, said) in [
        (r"Login incorrect\r\n", 1, "the login was refused"),
        (r"Permission denied\r\nGood bye", 1, "the login was refused"),
        (r"Bye #\r\n", 18, ended),
    ] {
        let last = format!(r#"> 1 sends "\r\n{answer}"; 1 ends"#);
        let steps = [r#"> 1 sends "login: ""#, r#"> 1 sends "Password: ""#, &last];
        let stage = run("tcpx connect 127.0.0.1 1 --script @login -- mei bad show", &steps, None, Budgets::default());
        // The time of day stands before what is said.
        let found = stage.borrow().transcript();
        assert!(found.contains(said) && found.ends_with(&format!("exit {code}")), "{found}");
    }
}
