//! `@login`: whole runs against a device.

use super::play;

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
