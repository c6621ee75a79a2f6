//! Proxies: `--proxy` against real ones, `@socks` and `@connect` for real clients, the PROXY protocol with `HAProxy`.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;

use crate::peers::{have, start_server};
use crate::support::peer::{Conn, Server};
use crate::support::{Folder, Running, Stdin, Tcpx, assert_same, is_listened_on, noise, wait_for};

/// An echo by tcpx.
fn echo() -> (Running, SocketAddr) {
    Tcpx::new(&["--script", "@echo"]).listen()
}

/// tcpx to a target through a proxy.
fn through(proxy: &str, target: SocketAddr) -> Tcpx {
    let (host, port) = (target.ip().to_string(), target.port().to_string());
    Tcpx::new(&["connect", "--proxy", proxy, &host, &port])
}

/// An address with a port that is free now.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port")
}

/// Checks that what is sent through a proxy comes back whole, although the proxy may end both sides with the first FIN.
fn comes_back(proxy: &str) {
    let (_echo, target) = echo();
    let data = noise(300_000, 7);
    let mut tcpx = through(proxy, target).stdin(Stdin::Open).spawn();
    tcpx.write(&data);
    assert!(tcpx.out.wait(|bytes| bytes.len() >= data.len()), "{} bytes came", tcpx.out.bytes().len());
    tcpx.close_stdin();
    let done = tcpx.finish();
    done.code(0);
    assert_same(&done.stdout, &data, proxy);
    Tcpx::new(&["connect", "-z", "--proxy", proxy, "127.0.0.1", &target.port().to_string()]).run().code(0);
}

// ---- tcpx is the client ----------------------------------------------------------------------------------

#[test]
fn microsocks_connects_and_refuses() {
    if !have(&["microsocks"]) {
        return;
    }
    let (_open, address) = start_server("microsocks", &["-i", "127.0.0.1", "-p", "PORT"], || Stdin::Null);
    comes_back(&format!("socks5://{address}"));
    let words = ["-i", "127.0.0.1", "-p", "PORT", "-u", "us:er", "-P", "p@ss"];
    let (_closed, address) = start_server("microsocks", &words, || Stdin::Null);
    comes_back(&format!("socks5://us%3aer:p%40ss@{address}"));
    let (_echo, target) = echo();
    let done = through(&format!("socks5://us%3aer:wrong@{address}"), target).run();
    done.code(97);
    assert!(done.stderr.contains("does not accept the user and the password"), "{}", done.stderr);
    assert!(!done.stderr.contains("wrong"), "{}", done.stderr);
    let done = through(&format!("socks5://{address}"), target).run();
    done.code(97);
    assert!(done.stderr.contains("it wants a user and a password"), "{}", done.stderr);
}

#[test]
fn dante_speaks_both_versions() {
    if !have(&["danted"]) {
        return;
    }
    let folder = Folder::new();
    let free = free_address();
    let text = format!(
        "logoutput: stderr\ninternal: 127.0.0.1 port = {}\nexternal: 127.0.0.1\nclientmethod: none\nsocksmethod: none\n\
         client pass {{ from: 0/0 to: 0/0 }}\nsocks pass {{ from: 0/0 to: 0/0 }}\n",
        free.port()
    );
    let config = folder.file("danted.conf", text.as_bytes());
    let mut danted = Tcpx::other("danted", &["-f".as_ref(), config.as_os_str()]).spawn();
    wait_for("danted to listen or to leave", || is_listened_on(free.port()) || !danted.is_running());
    assert!(danted.is_running(), "{}", danted.finish().stderr);
    for kind in ["socks5", "socks4"] {
        comes_back(&format!("{kind}://{free}"));
    }
}

#[test]
fn tinyproxy_connects_for_those_who_log_in() {
    if !have(&["tinyproxy"]) {
        return;
    }
    let folder = Folder::new();
    let free = free_address();
    let (port, log) = (free.port(), folder.path("log"));
    let text = format!("Port {port}\nListen 127.0.0.1\nBasicAuth me secret\nLogFile \"{}\"\n", log.display());
    let config = folder.file("tinyproxy.conf", text.as_bytes());
    let mut tinyproxy = Tcpx::other("tinyproxy", &["-d".as_ref(), "-c".as_ref(), config.as_os_str()]).spawn();
    wait_for("tinyproxy to listen or to leave", || is_listened_on(free.port()) || !tinyproxy.is_running());
    assert!(tinyproxy.is_running(), "{}", tinyproxy.finish().stderr);
    comes_back(&format!("http://me:secret@{free}"));
    let (_echo, target) = echo();
    let done = through(&format!("http://{free}"), target).run();
    done.code(97);
    assert!(done.stderr.contains("407 Proxy Authentication Required"), "{}", done.stderr);
    // The password comes from elsewhere.
    let file = folder.file("auth", b"me:secret\n");
    let url = format!("http://{free}");
    let port = target.port().to_string();
    let words =
        ["connect", "-z", "--proxy", &url, "--proxy-auth-file", &file.display().to_string(), "127.0.0.1", &port];
    Tcpx::new(&words).run().code(0).quietly();
    let words = ["connect", "-z", "--proxy", &url, "127.0.0.1", &port];
    Tcpx::new(&words).under(&["env", "TCPX_PROXY_AUTH=me:secret"]).run().code(0).quietly();
    Tcpx::new(&words).under(&["env", "TCPX_PROXY_AUTH=me:wrong"]).run().code(97);
}

#[test]
fn the_password_is_not_seen_in_the_list_of_processes() {
    let server = Server::start();
    let url = format!("socks5://user:secret@{}", server.address);
    let tcpx = Tcpx::new(&["connect", "--proxy", &url, "h", "80"]).under(&["env", "TCPX_PROXY_AUTH=u:hidden"]).spawn();
    let mut conn = server.accept();
    conn.expect(b"\x05\x02\x00\x02");
    let line = fs::read(format!("/proc/{}/cmdline", tcpx.pid().as_raw_nonzero())).expect("a command line");
    let line = String::from_utf8_lossy(&line);
    assert!(line.contains("socks5://***********@127.0.0.1:") && !line.contains("secret"), "{line}");
    let variables = fs::read(format!("/proc/{}/environ", tcpx.pid().as_raw_nonzero())).expect("an environment");
    assert!(!String::from_utf8_lossy(&variables).contains("hidden"));
    drop(conn);
    tcpx.finish().code(97);

    let place = server.address.to_string();
    let words = ["ncat", "--proxy-type", "socks5", "--proxy", &place, "--proxy-auth", "user:secret", "h", "80"];
    let tcpx = Tcpx::new(&words).spawn();
    let mut conn = server.accept();
    conn.expect(b"\x05\x02\x00\x02");
    let line = fs::read(format!("/proc/{}/cmdline", tcpx.pid().as_raw_nonzero())).expect("a command line");
    assert!(!String::from_utf8_lossy(&line).contains("secret"));
    drop(conn);
    assert_eq!(tcpx.finish().status_code(), Some(1));
}

/// What @socks says to a client that asks for this name by version 5 and by 4a.
fn answers_of_socks(proxy: SocketAddr, name: &str, port: u16) -> [u8; 2] {
    let (mut five, mut four) = (Conn::to(proxy), Conn::to(proxy));
    five.send(&[5, 1, 0]);
    five.expect(&[5, 0]);
    let port = port.to_be_bytes();
    five.send(&[&[5, 1, 0, 3, name.len() as u8], name.as_bytes(), &port].concat());
    four.send(&[&[4, 1, port[0], port[1], 0, 0, 0, 1, 0], name.as_bytes(), &[0]].concat());
    let mut found = [[0; 2]; 2];
    five.0.read_exact(&mut found[0]).expect("an answer");
    four.0.read_exact(&mut found[1]).expect("an answer");
    [found[0][1], found[1][1]]
}

#[test]
fn clients_of_our_proxies_reach_tcp_and_nothing_else() {
    let folder = Folder::new();
    let path = folder.path("secret").display().to_string();
    // Where "unix:PATH:80" and "unix:80" would be.
    let inside = Tcpx::new(&["listen", "-k", "-v", &format!("unix:{path}:80")]).spawn();
    let other = Tcpx::new(&["listen", "-k", "-v", &format!("unix:{}", folder.path("80").display())]).spawn();
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    wait_for("the sockets", || folder.path("secret:80").exists() && folder.path("80").exists());
    let in_folder =
        |script: &str| Tcpx::new(&["--script", script]).after_shell(&format!("cd '{}'", folder.path("").display()));
    let (_socks, socks) = in_folder("@socks").listen();
    let udp_port = udp.local_addr().expect("an address").port();
    for (name, port) in
        [(format!("unix:{path}"), 80), ("unix".into(), 80), (String::new(), 80), ("udp://127.0.0.1".into(), udp_port)]
    {
        let [five, four] = answers_of_socks(socks, &name, port);
        assert!(five != 0 && four == 91, "{name}: {five} {four}");
    }
    let (_connect, connect) = in_folder("@connect").listen();
    for request in [format!("CONNECT unix:{path}:80"), "CONNECT unix:80".into(), "GET http://unix:80/".into()] {
        let mut conn = Conn::to(connect);
        conn.send(format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        let mut found = [0; 10];
        conn.0.read_exact(&mut found).expect("an answer");
        assert!(matches!(&found, b"HTTP/1.1 4" | b"HTTP/1.1 5"), "{request}: {}", found.escape_ascii());
    }
    for server in [inside, other] {
        assert!(!server.err.text().contains("accepted"), "{}", server.err.text());
    }
    // An IPv6 address may be written as a name.
    if let Ok(six) = TcpListener::bind("[::1]:0") {
        let port = six.local_addr().expect("an address").port();
        assert_eq!(answers_of_socks(socks, "::1", port), [0, 90]);
    }
}

#[test]
fn the_password_of_our_proxies_is_not_seen_either() {
    for script in ["@socks", "@connect"] {
        let words = ["listen", "127.0.0.1", "0", "--script", script, "--", "user", "secret"];
        let mut server = Tcpx::new(&words).spawn();
        let proxy = server.address();
        let line = fs::read(format!("/proc/{}/cmdline", server.pid().as_raw_nonzero())).expect("a command line");
        let line = String::from_utf8_lossy(&line);
        assert!(line.ends_with("user\0******\0"), "{line}");
        // It is known nevertheless.
        let (_echo, target) = echo();
        let scheme = if script == "@socks" { "socks5" } else { "http" };
        let words = ["connect", "-z", "--proxy", &format!("{scheme}://user:secret@{proxy}"), &target.to_string()];
        Tcpx::new(&words).run().code(0).quietly();
    }
}

#[test]
fn programs_do_not_get_the_password() {
    let (_server, target) = echo();
    let (_proxy, proxy) = Tcpx::new(&["--script", "@socks"]).listen();
    let url = format!("socks5://user:secret@{proxy}");
    for words in [&["--proxy", &url][..], &[]] {
        let look = "env >&2; tr '\\000' '\\n' < /proc/$PPID/environ >&2; tr '\\000' '\\n' < /proc/$PPID/cmdline >&2";
        let tcpx = Tcpx::new(words).args(&["--sh", look]).under(&["env", "TCPX_PROXY_AUTH=u:hidden", "SEEN=yes"]);
        let done = tcpx.connect(target).finish();
        assert!(done.stderr.contains("SEEN=yes") && done.stderr.contains("TCPX_REMOTE_PORT="), "{}", done.stderr);
        assert!(!done.stderr.contains("secret") && !done.stderr.contains("hidden"), "{}", done.stderr);
    }
}

#[test]
fn a_proxy_that_hangs_or_floods_is_left() {
    let server = Server::start();
    let url = format!("http://{}", server.address);
    let tcpx = Tcpx::new(&["connect", "--proxy", &url, "-w", "300ms", "h", "80"]).spawn();
    let _conn = server.accept();
    let done = tcpx.finish();
    done.code(28);
    assert!(done.stderr.contains(&format!("proxy {url}: timed out after 300ms")), "{}", done.stderr);
    let tcpx = Tcpx::new(&["connect", "--proxy", &url, "h", "80"]).spawn();
    let flood = [b"HTTP/1.1 200 OK\r\n".as_slice(), &b"X-Filler: 0123456789\r\n".repeat(50_000)].concat();
    // It is reset in the middle.
    let _ = std::io::Write::write_all(&mut server.accept().0, &flood);
    let done = tcpx.finish();
    done.code(97);
    assert!(done.stderr.contains("its answer is longer than 16 KiB"), "{}", done.stderr);
}

// ---- tcpx is the proxy -----------------------------------------------------------------------------------

/// A page of some size, its folder and its server.
fn page() -> (Running, SocketAddr, Vec<u8>, Folder) {
    let (folder, body) = (Folder::new(), noise(300_000, 9));
    folder.file("f", &body);
    let words = ["listen", "127.0.0.1", "0", "--script", "@http", "--", &folder.path("").display().to_string()];
    let mut running = Tcpx::new(&words).spawn();
    let address = running.address();
    (running, address, body, folder)
}

#[test]
fn curl_goes_through_our_proxies() {
    if !have(&["curl"]) {
        return;
    }
    let (_page, address, body, _folder) = page();
    let url = format!("http://{address}/f");
    let curl = |options: &[&str]| {
        Tcpx::other("curl", &["-sS", "--noproxy", "", "--max-time", "60"]).args(options).args(&[&url]).run()
    };
    let (_socks, socks) = Tcpx::new(&["--script", "@socks"]).listen();
    for kind in ["socks5", "socks5h", "socks4", "socks4a"] {
        let done = curl(&["--proxy", &format!("{kind}://{socks}")]);
        assert_eq!(done.status_code(), Some(0), "{kind}: {}", done.stderr);
        assert_same(&done.stdout, &body, kind);
    }
    let (_connect, connect) = Tcpx::new(&["--script", "@connect"]).listen();
    let done = curl(&["-p", "--proxy", &format!("http://{connect}")]);
    assert_eq!(done.status_code(), Some(0), "{}", done.stderr);
    assert_same(&done.stdout, &body, "through @connect");
    let done = curl(&["--proxy", &format!("http://{connect}")]);
    assert_eq!(done.status_code(), Some(0), "{}", done.stderr);
    assert_same(&done.stdout, &body, "a request that @connect passes on");
}

#[test]
fn our_proxies_ask_for_a_password() {
    if !have(&["curl"]) {
        return;
    }
    let (_page, address, body, _folder) = page();
    let url = format!("http://{address}/f");
    let curl = |proxy: &str| {
        let words = ["-sS", "--noproxy", "", "--max-time", "60", "-p", "--proxy", proxy, &url];
        Tcpx::other("curl", &words).run()
    };
    let with_password = |script: &str| {
        let mut running = Tcpx::new(&["listen", "127.0.0.1", "0", "--script", script, "--", "me", "pa:ss"]).spawn();
        let address = running.address();
        (running, address)
    };
    let (_connect, connect) = with_password("@connect");
    for (way, user, is_let_in) in [("--proxy-digest", "me:pa:ss", true), ("--proxy-digest", "me:wrong", false)] {
        for tunnel in [&["-p"][..], &[]] {
            let connect = format!("http://{connect}");
            let words = ["-sS", "--noproxy", "", "--max-time", "60", way, "-U", user, "--proxy", &connect, &url];
            let done = Tcpx::other("curl", &words).args(tunnel).run();
            assert_eq!(done.stdout == body, is_let_in, "{way} {user} {tunnel:?}: {}", done.stderr);
        }
    }
    for (script, scheme) in [("@socks", "socks5"), ("@connect", "http")] {
        let (_proxy, address) = with_password(script);
        let done = curl(&format!("{scheme}://me:pa%3Ass@{address}"));
        assert_eq!(done.status_code(), Some(0), "{script}: {}", done.stderr);
        assert_same(&done.stdout, &body, script);
        for wrong in ["", "me:wrong@"] {
            let done = curl(&format!("{scheme}://{wrong}{address}"));
            assert!(done.status_code() != Some(0) && done.stdout.is_empty(), "{script} lets {wrong:?} in");
        }
    }
}

#[test]
fn netcats_go_through_our_proxies() {
    let (_echo, target) = echo();
    let (_socks, socks) = Tcpx::new(&["--script", "@socks"]).listen();
    let (_connect, connect) = Tcpx::new(&["--script", "@connect"]).listen();
    let (socks, connect, port) = (socks.to_string(), connect.to_string(), target.port().to_string());
    for words in [
        ["ncat", "--proxy", &socks, "--proxy-type", "socks5"],
        ["ncat", "--proxy", &socks, "--proxy-type", "socks4"],
        ["ncat", "--proxy", &connect, "--proxy-type", "http"],
        ["nc", "-Nx", &socks, "-X", "5"],
        ["nc", "-Nx", &connect, "-X", "connect"],
    ] {
        if have(&[words[0]]) {
            let client = Tcpx::other(words[0], &words[1..]).args(&["127.0.0.1", &port]);
            let done = client.stdin(Stdin::bytes(b"hello\n")).run();
            assert_eq!(
                (done.status_code(), done.stdout.as_slice()),
                (Some(0), &b"hello\n"[..]),
                "{words:?}: {}",
                done.stderr
            );
        }
    }
}

#[test]
fn proxies_are_chained_and_end_each_side_in_order() {
    let (_echo, target) = echo();
    let (_socks, socks) = Tcpx::new(&["--script", "@socks"]).listen();
    let (_connect, connect) = Tcpx::new(&["--script", "@connect"]).listen();
    let (socks, connect) = (format!("socks5://{socks}"), format!("http://{connect}"));
    let words = ["connect", "--proxy", &socks, "--proxy", &connect, "localhost", &target.port().to_string()];
    let data = noise(1 << 20, 3);
    let done = Tcpx::new(&words).stdin(Stdin::bytes(&data)).run();
    done.code(0).quietly();
    assert_same(&done.stdout, &data, "through both");
}

#[test]
fn ssh_comes_through_a_proxy_command() {
    if !have(&["ssh", "sshd", "ssh-keygen"]) {
        return;
    }
    let folder = Folder::new();
    let path = |name: &str| folder.path(name).display().to_string();
    for key in ["host", "user"] {
        let words = ["-q", "-t", "ed25519", "-N", "", "-f", &path(key)];
        assert!(Command::new("ssh-keygen").args(words).status().expect("ssh-keygen").success());
    }
    fs::copy(path("user.pub"), path("authorized")).expect("copy the key");
    let config = format!(
        "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\n",
        path("host"),
        path("authorized")
    );
    folder.file("config", config.as_bytes());
    let sshd = Command::new("sh").args(["-c", "command -v sshd"]).output().expect("sshd");
    let sshd = String::from_utf8(sshd.stdout).expect("UTF-8").trim().to_owned();
    let _ = fs::create_dir_all("/run/sshd");
    // For each connection, so that it is not a server that outlives the test.
    let (socket, address) = Tcpx::new(&["--script", "@socks"]).listen();
    let server = format!("{sshd} -i -f {}", path("config"));
    let (_inetd, target) =
        start_server("socat", &["TCP-LISTEN:PORT,bind=127.0.0.1,fork,reuseaddr", &format!("EXEC:{server}")], || {
            Stdin::Null
        });
    let command = format!("{} connect --proxy socks5://{address} %h %p", env!("CARGO_BIN_EXE_tcpx"));
    let user = Command::new("id").arg("-un").output().expect("id");
    let user = String::from_utf8(user.stdout).expect("UTF-8").trim().to_owned();
    let done = Tcpx::other("ssh", &["-i", &path("user"), "-o", &format!("ProxyCommand={command}")])
        .args(&["-o", "StrictHostKeyChecking=no", "-o", &format!("UserKnownHostsFile={}", path("known"))])
        .args(&["-o", "BatchMode=yes", "-p", &target.port().to_string(), "-l", &user, "127.0.0.1", "echo through"])
        .run();
    assert_eq!((done.status_code(), done.stdout.as_slice()), (Some(0), &b"through\n"[..]), "{}", done.stderr);
    drop(socket);
}

// ---- the PROXY protocol ----------------------------------------------------------------------------------

/// `HAProxy` with these lines for its frontend's `bind` and its backend's `server`.
fn haproxy(bind: &str, server: &str) -> (Running, SocketAddr) {
    let folder = Folder::new();
    let free = free_address();
    let text = format!(
        "defaults\n mode tcp\n timeout connect 20s\n timeout client 20s\n timeout server 20s\n\
         listen l\n bind {free} {bind}\n server s {server}\n"
    );
    let file = folder.file("haproxy.cfg", text.as_bytes());
    let mut running = Tcpx::other("haproxy", &["-q".as_ref(), "-db".as_ref(), "-f".as_ref(), file.as_os_str()]).spawn();
    wait_for("haproxy to listen or to leave", || is_listened_on(free.port()) || !running.is_running());
    assert!(running.is_running(), "{}", running.finish().stderr);
    (running, free)
}

#[test]
fn haproxy_tells_us_who_its_client_is() {
    if !have(&["haproxy"]) {
        return;
    }
    let says_who = "conn.send(`${conn.peer}\n`)";
    for version in ["send-proxy", "send-proxy-v2"] {
        let (tcpx, address) = Tcpx::new(&["--accept-proxy", "--session", says_who]).listen();
        let (_haproxy, front) = haproxy("", &format!("{address} {version}"));
        let client = TcpStream::connect(front).expect("connect");
        let us = client.local_addr().expect("an address");
        let mut answer = String::new();
        Read::read_to_string(&mut &client, &mut answer).expect("an answer");
        assert_eq!(answer, format!("{us}\n"), "{version}");
        // Directly, without a header.
        let mut direct = Conn::to(address);
        direct.send(b"GET / HTTP/1.1\r\n\r\n");
        direct.expect_reset();
        drop(tcpx);
    }
}

#[test]
fn we_tell_haproxy_who_we_are() {
    if !have(&["haproxy"]) {
        return;
    }
    // It passes on what it was told, so that a server shows it.
    let says_who = "conn.send(`${conn.peer}\n`)";
    for version in ["v1", "v2"] {
        let (_server, address) = Tcpx::new(&["--accept-proxy", "--session", says_who]).listen();
        let (_haproxy, front) = haproxy("accept-proxy", &format!("{address} send-proxy"));
        let done = Tcpx::new(&["-v", "--proxy-protocol", version]).connect(front).finish();
        done.code(0);
        let told = String::from_utf8(done.stdout.clone()).expect("UTF-8");
        assert!(done.stderr.contains(&format!("from {}", told.trim())), "{version}: {told} {}", done.stderr);
        Tcpx::new(&["connect", "-z", "--proxy-protocol", version, &front.to_string()]).run().code(0).quietly();
    }
}
