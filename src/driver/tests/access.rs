//! Clients that are not taken: before anything is said, and counted.

use super::play;

#[test]
fn a_refused_client_is_not_the_one_of_a_single_listen() {
    play(
        r#"tcpx listen 127.0.0.1 1 -v --deny 10.0.0.1 --deny 10.0.0.2 --send hello --recv-only
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        stderr tcpx: refused 10.0.0.1:1 on 127.0.0.1:1 (--allow, --deny)
        1 is closed
        > client; client
        stderr tcpx: refused 10.0.0.2:1 on 127.0.0.1:1 (--allow, --deny)
        2 is closed
        listens no more
        stderr tcpx: accepted 10.0.0.3:1 on 127.0.0.1:1
        3 gets "hello"
        > 3 sends "data"; 3 ends
        stdout "data"
        3 is closed
        stderr tcpx: closed 10.0.0.3:1 (eof): 4 bytes received, 5 sent, after 0.00ms
        stderr tcpx: 2 clients were refused (--allow, --deny)
        exit 0
        "#,
    );
}

#[test]
fn refused_clients_take_no_room_and_count_for_nothing() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k -q -m 1 --accept 2 --accept-timeout 9 --recv-only --allow 10.0.0.2,10.0.0.4
        listens on 127.0.0.1:1
        > client; client; client; client
        1 is closed
        > 2 sends "two"; 2 ends
        stdout "two"
        2 is closed
        3 is closed
        listens no more
        > 4 sends "four"; 4 ends
        stdout "four"
        4 is closed
        exit 0
        "#,
    );
    play(
        r#"tcpx listen 127.0.0.1 1 -q --accept-timeout 9 --allow 10.0.0.2
        listens on 127.0.0.1:1
        > wait 1s
        at 1s
        > client
        1 is closed
        at 9s
        stderr tcpx: accept on 127.0.0.1:1: no client in 9s
        listens no more
        exit 28
        "#,
    );
}

#[test]
fn datagrams_of_a_refused_peer_are_lost() {
    play(
        r#"tcpx listen -u 127.0.0.1 1 -v --allow 10.0.0.2
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 sends "one"
        stderr tcpx: refused 10.0.0.1:1 on 127.0.0.1:1 (--allow, --deny)
        1 is closed
        > client; 2 sends "two"
        listens no more
        stderr tcpx: accepted 10.0.0.2:1 on 127.0.0.1:1
        stdout "two"
        > signal TERM
        stderr tcpx: SIGTERM
        2 is closed
        stderr tcpx: closed 10.0.0.2:1 (stop): 3 bytes received, 0 sent, after 0.00ms
        stderr tcpx: 1 client was refused (--allow, --deny)
        exit 143
        "#,
    );
}
