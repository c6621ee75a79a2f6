//! The list of everything a script can use: group, spelling, description.
//!
//! Source of the manual page and of spelling suggestions; a test compares it with the registered functions.

pub(super) mod checks;
pub(super) mod tasks;

use crate::codec::nearest::nearest;
use crate::script::rhai_names::RHAI;

/// A group of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// A function the script defines and tcpx calls.
    Handler,
    /// A property of a connection.
    Property,
    /// A method of a connection.
    Method,
    /// A call of a task, or what belongs to it.
    Task,
    /// A check or an assertion.
    Check,
    /// A property of the listener passed to `on_listen`.
    Listener,
    /// A global variable or function.
    Global,
    /// A function of blobs, or one that creates them.
    Bytes,
    /// A number in a blob.
    Number,
    /// A function of strings, and JSON.
    Text,
    /// A regular expression and its functions.
    Regex,
    /// A function of arrays.
    Array,
    /// A function that touches files or the environment.
    File,
}

/// One entry of the reference.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its group.
    pub group: Group,
    /// Its name.
    pub name: &'static str,
    /// Its spelling.
    pub usage: &'static str,
    /// Its description.
    pub doc: &'static str,
}

/// All entries, in the order of the manual page.
pub fn entries() -> impl Iterator<Item = Entry> {
    let sections = [
        (Group::Handler, HANDLERS),
        (Group::Property, PROPERTIES),
        (Group::Method, METHODS),
        (Group::Task, tasks::TASKS),
        (Group::Check, checks::CHECKS),
        (Group::Listener, LISTENER),
        (Group::Global, GLOBALS),
        (Group::Bytes, BYTES),
        (Group::Number, NUMBERS),
        (Group::Text, TEXT),
        (Group::Regex, REGEX),
        (Group::Array, ARRAYS),
        (Group::File, FILES),
    ];
    sections.into_iter().flat_map(|(group, rows)| {
        rows.iter().map(move |(usage, doc)| Entry { group, name: name_of(usage), usage, doc })
    })
}

/// The entries of one group.
pub fn group(group: Group) -> impl Iterator<Item = Entry> {
    entries().filter(move |entry| entry.group == group)
}

/// The spellings of a function: one for each overload.
pub(super) fn signatures(name: &str) -> Vec<&'static str> {
    callable().filter(|entry| entry.name == name).map(|entry| entry.usage).collect()
}

/// Whether there is a function or a property of that name.
pub(super) fn has(name: &str) -> bool {
    entries().any(|entry| entry.name == name)
}

/// The names of all functions, including the most used ones of Rhai.
pub(super) fn functions() -> impl Iterator<Item = &'static str> {
    callable().map(|entry| entry.name).chain(RHAI.iter().copied())
}

/// The names of all properties.
pub(super) fn properties() -> impl Iterator<Item = &'static str> {
    entries()
        .filter(|entry| match entry.group {
            Group::Property | Group::Listener => true,
            Group::Task => !entry.usage.contains('('),
            _ => false,
        })
        .map(|entry| entry.name)
}

/// The suggested property: the closest name, or the tcpx name of a property known from other tools.
pub(super) fn near_property(name: &str) -> Option<&'static str> {
    let others = OTHER_NAMES.iter().map(|(other, _)| *other);
    let near = nearest(name, properties().chain(others))?;
    Some(OTHER_NAMES.iter().find(|(other, _)| *other == near).map_or(near, |(_, ours)| *ours))
}

fn callable() -> impl Iterator<Item = Entry> {
    entries().filter(|entry| entry.usage.contains('(') && entry.group != Group::Handler)
}

/// `send` of `conn.send(x)`, `time` of `time(format)`.
fn name_of(usage: &'static str) -> &'static str {
    let end = usage.find(['(', ' ']).unwrap_or(usage.len());
    let head = &usage[..end];
    head.rsplit_once('.').map_or(head, |(_, name)| name)
}

/// Names of connection properties in other tools, with the tcpx names.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("address", "peer"),
    ("charset", "encoding"),
    ("remote", "peer"),
    ("remote_addr", "peer"),
    ("remote_ip", "peer_ip"),
    ("remote_port", "peer_port"),
];

const HANDLERS: &[(&str, &str)] = &[
    ("on_start()", "The script is loaded; nothing is bound or connected yet. The place to fill app."),
    (
        "on_listen(listener)",
        "The socket is bound: listener.port is known. It comes for the run's own listener, and for one of listen() whose name had to be resolved first.",
    ),
    ("on_connect(conn)", "A connection was accepted, or made; with --reconnect again for each."),
    ("on_data(conn, data)", "A chunk as it arrived, as a blob."),
    (
        "on_text(conn, text)",
        "The same stream decoded with conn.encoding. A character that was cut is kept until it is whole; text is never empty.",
    ),
    (
        "on_line(conn, line)",
        "One line, decoded, without CR and LF. A last line without LF comes at the end of the stream. What a reset or a time limit cuts off is no line; the message of on_error has it.",
    ),
    (
        "on_frame(conn, frame)",
        "One frame as a blob, as conn.frame_delim and the like, or frame_size, cut it; delimiters and length headers are not part of it. Without any framing: a chunk.",
    ),
    (
        "frame_size(conn, buf)",
        "Not an event: tells how many bytes of buf the next frame takes; 0 asks for more. buf is the first part of what has arrived.",
    ),
    (
        "on_eof(conn)",
        "The peer sent FIN. Without this handler our side flushes and closes, after pending expects and afters of the connection; with it the connection stays half-open until the script ends it.",
    ),
    ("on_drain(conn)", "What was queued fell to 64 KiB or less, or is gone: the moment to send more."),
    (
        "on_tls(conn)",
        "TLS is agreed on after conn.start_tls(): what is sent and received from here on is encrypted, and conn.tls says how.",
    ),
    (
        "on_idle(conn, ms)",
        "Nothing moved for conn.idle_timeout, or nothing came for conn.peer_idle_timeout; told again after the same time. Without this handler such a connection is reset.",
    ),
    (
        "on_error(conn, err)",
        "Trouble: err.kind (\"reset\", \"refused\", \"resolve\", \"proxy\", \"timeout\", \"frame\", \"text\", \"script\", \"memory\", \"tls\", \"certificate\", \"roots\", \"truncated\", \"io\"), err.op and err.message. conn is () if a listener of listen() cannot be bound after its name was resolved (err.op is \"listen\").",
    ),
    (
        "on_close(conn, why)",
        "The last event, exactly once for every connection that had on_connect. why is \"eof\", \"closed\", \"reset\", \"timeout\", \"error\" or \"stop\".",
    ),
    (
        "on_relay(from, to, data)",
        "A chunk that passes from one piped connection to the other. () passes it on, a blob or string takes its place, false drops it. It is called once more with () for data before the end of from passes (not after a reset): a blob or string it gives then is sent before, and an error that () is no blob counts for nothing.",
    ),
    (
        "on_stdin(line)",
        "A line typed or piped in, without its end. With this handler stdin goes to the script and to no connection; it is read as soon as the script runs, with connect after the first connection was made, or could not be made.",
    ),
    ("on_stdin_eof()", "stdin has ended. Without this handler that ends our side of connect, as without on_stdin."),
    (
        "on_signal(name)",
        "\"INT\", \"TERM\" or \"HUP\" came. Without this handler the run stops; with it the script decides: exit(code) ends the run.",
    ),
    (
        "on_reload()",
        "The script was changed and loaded again (--watch); on_start is not called a second time. The place to fill what the new script expects in app.",
    ),
    ("on_stop(code)", "The last call of a run; code is what it will end with."),
];

const PROPERTIES: &[(&str, &str)] = &[
    ("conn.id", "Its number: 1, 2, 3 … in one run, never used again."),
    (
        "conn.peer",
        "The other end: \"10.0.0.9:61234\", \"unix:/run/x.sock\", \"unix:@name\"; \"unix:(unnamed)\" for most clients of a Unix socket.",
    ),
    ("conn.peer_ip", "The other end's IP address alone; () for a Unix socket, and while the connection is being made."),
    ("conn.peer_port", "The other end's port, a number; () as for conn.peer_ip."),
    (
        "conn.peer_uid",
        "The number of the user that the other end of a Unix socket runs as; () where the system does not know it.",
    ),
    ("conn.local", "Our end; \"\" while the connection is being made."),
    ("conn.proto", "\"tcp\", \"udp\", \"unix\", or \"unixgram\" for a Unix datagram socket."),
    ("conn.side", "\"server\" if it was accepted, \"client\" if tcpx made it."),
    (
        "conn.state",
        "A map of your own for this connection; conn.state.name = \"bob\" works in place, and so does conn.state = #{}. It is emptied when on_close has returned.",
    ),
    ("conn.label", "The name in log lines, the peer's address at first. Can be set."),
    (
        "conn.encoding",
        "How text is decoded and encoded: \"utf-8\", \"gbk\" … or \"auto\", \"auto-cn\" …, which detect it. Can be set at any time; it counts from the next bytes.",
    ),
    (
        "conn.unencodable",
        "What becomes of a character that the encoding does not have when text is sent: \"fail\" is an error, \"replace\" sends ? in its place. --unencodable sets it for all. Can be set.",
    ),
    (
        "conn.tls",
        "What TLS has agreed on, #{version, suite, alpn, name, peer}, where peer is the other side's certificate, #{subject, issuer, names, not_before, not_after, sha256}, or (); () while there is no TLS.",
    ),
    ("conn.eol", "What send_line adds: \"\\n\" at first. Can be set."),
    ("conn.idle_timeout", "Milliseconds of silence until on_idle; 0 is never. Can be set; -i sets it for all."),
    (
        "conn.peer_idle_timeout",
        "The same for the silence of the peer alone: what we send, a heartbeat of our own for example, does not count. 0, as at first, is never. Can be set.",
    ),
    (
        "conn.nodelay",
        "Small pieces are sent at once (TCP_NODELAY); --no-nodelay sets it for all. Can be set; without effect on a Unix socket.",
    ),
    ("conn.is_open", "false once it is over."),
    ("conn.can_send", "false once what is sent would reach nobody: our side has ended, or the connection is over."),
    ("conn.eof", "The peer has sent FIN."),
    ("conn.bytes_in", "Bytes received."),
    ("conn.bytes_out", "Bytes the kernel has taken."),
    ("conn.queued", "Bytes that wait to be sent; grows at once with send."),
    ("conn.age_ms", "Milliseconds since it was accepted or made."),
    ("conn.idle_ms", "Milliseconds since a byte last moved."),
    ("conn.peer_idle_ms", "Milliseconds since a byte last came from the peer; since the start if none has."),
];

const METHODS: &[(&str, &str)] = &[
    (
        "conn.send(x)",
        "A blob as it is; a string or a character in conn.encoding; an array of them in order. A character the encoding does not have is an error, and nothing is sent. Gives true, or false (and a line with -v, once for each connection) if it can reach nobody, as conn.can_send says, and in a task throws then; on a connection that is still being made, true. So do the other sends.",
    ),
    ("conn.send_line(text)", "The text and conn.eol."),
    ("conn.send_hex(digits)", "Bytes in hex: \"47 45 54\"."),
    (
        "conn.send_file(path)",
        "The bytes of a regular file, from where read_file reads, in order with other sends; it may be of any size, as it is read only as fast as it is sent. As much is sent as it holds now; if it has less when its turn comes, that is an error of kind \"io\" and the connection is reset. conn.queued counts what was read of it, and on_drain comes when all of it was.",
    ),
    ("conn.close()", "Flush, then FIN. No data handler runs any more."),
    (
        "conn.start_tls()",
        "Speaks TLS from here on, as server on a connection that was accepted, as client on one that was made; in a handler on_tls follows, a task waits until both sides have agreed. What was sent before goes out in the clear, what is sent after it is encrypted. What the peer has sent in the clear behind the agreement is dropped by a server, and a failure to a client. conn.start_tls(#{ca: file, cert: file, key: file, client_ca: file, insecure: true, name: host, pin: sha256, alpn: [\"h2\"]}) has options; what is left out is as the --tls options say. A server without a certificate makes one and says its SHA-256.",
    ),
    ("conn.shutdown()", "Flush and FIN, but keep reading."),
    (
        "conn.reset()",
        "RST at once; what is queued is dropped. A Unix socket has no RST: its peer sees a reset if something it sent was not read, or else the end.",
    ),
    (
        "conn.frame_lines(max)",
        "Lines of at most max bytes without their end (1 MiB if left out), for on_line; as blobs, for on_frame, if there is no on_line. What is longer is an error of kind \"frame\", and the connection is reset: so with every framing.",
    ),
    (
        "conn.frame_delim(d, max)",
        "Frames that end with a string or blob, for on_frame, or else on_data; if there is only on_line, they go there as text. A string counts only where a character begins: in GBK, | may be half of another one.",
    ),
    ("conn.frame_fixed(n)", "Frames of n bytes."),
    (
        "conn.frame_length(options)",
        "Frames after a length: #{size: 4} bytes; endian: \"big\" or \"little\"; offset: bytes before it; adjust: added to it; include_header: it counts the header; max: the longest frame, as it is delivered; strip: false keeps the header.",
    ),
    (
        "conn.frame_none()",
        "No framing any more: chunks as they come, for on_frame, or else on_data, also beside on_line (frame_lines goes back to lines). Framing can be changed at any time; it counts from the next byte.",
    ),
    (
        "conn.expect(x, |c, m| ..)",
        "Calls the function once, when the string, blob or regex x has arrived; until then no handler gets data. m.before is what came before it, m.matched what was found, m.groups the groups of a regex, m.groups[0] being all of it, m.names those with names; what follows is for the next expect or the handlers. A string or regex is looked for in text, in conn.encoding, and gives strings; a blob, or a regex that can match what is no UTF-8, as re(\"(?-u)\\\\xff.\") can, in bytes, and gives blobs. A regex is found as soon as it matches what has arrived: re(\"\\\\d+\") may find 12 of 123, re(\"\\\\d+\\\\n\") finds the whole number. What has not come in 1 MiB (less with a large pattern) is an error of kind \"frame\", and the connection is reset. A number of milliseconds after x limits the waiting: when they are over, m.timeout is true. If the peer ends first, m.eof is true and m.before is everything that has come. An expect after the peer's end is told so at once; one set by a function that is just told so is not called.",
    ),
    (
        "conn.pipe(other)",
        "What one of the two receives goes to the other, both ways, with half-close and back-pressure; their data handlers and on_eof are not called any more. A connection has one partner: piped anew, it leaves the old one, which goes on alone. When one breaks, the other is reset. Without on_relay and toxics large amounts do not pass through tcpx: the kernel moves them.",
    ),
    (
        "conn.toxic(name, #{..})",
        "What the peer sends us passes through a fault from now on; with dir: \"out\", what we send. The names and options are under TOXICS; wrong ones are an error.",
    ),
    (
        "conn.heal()",
        "Takes all toxics away, in both directions; what they held goes on at once. conn.heal(name) takes those of one name.",
    ),
    ("conn.pause()", "Reads nothing more and delivers nothing that was received, until resume."),
    ("conn.resume()", "Goes on reading and delivering, in order."),
    (
        "conn.after(ms, |c| ..)",
        "Calls the function once, with the connection, unless it has closed by then. Gives a timer for cancel.",
    ),
    ("conn.every(ms, |c| ..)", "Calls the function again and again until cancel, or until the connection has closed."),
    ("conn.log(x)", "A line on stderr with the connection's label."),
];

const LISTENER: &[(&str, &str)] = &[
    ("listener.port", "The port, the real one if 0 was asked for; () for a Unix socket, and until it is bound."),
    ("listener.addr", "Address and port, or \"unix:/run/x.sock\"; () while a name is being resolved."),
    (
        "listener.close()",
        "Stops listening; connections stay. Only for a listener of listen(), which also takes handlers for its own connections: listener.on_data = |c, data| c.send(data), and so on_connect, on_text, on_line, on_frame, on_eof, on_drain, on_idle, on_error and on_close. They hold for connections that are accepted from then on. With a data handler of its own, of whatever form, a listener uses none of the script's; of the other handlers the script's is called where it has none.",
    ),
];

const GLOBALS: &[(&str, &str)] = &[
    ("app", "A map shared by all handlers and helpers: the place for everything that changes."),
    (
        "args",
        "What stands behind -- on the command line, an array of strings; of tcpx run all that stands behind the script, a -- right behind it left out.",
    ),
    ("print(x)", "A line on stdout: the result of the program."),
    ("write(x)", "To stdout without a line end: a blob as it is, everything else as print writes it, in UTF-8."),
    ("log(x)", "A line on stderr."),
    ("debug(x)", "A line on stderr with file and line."),
    ("after(ms, || ..)", "Calls the function once; the run goes on until then. Gives a timer for cancel."),
    ("every(ms, || ..)", "Calls it again and again; what was missed is not made up for. It keeps no run alive."),
    ("cancel(timer)", "Stops a timer; false if it had come already."),
    ("conns()", "All open connections, the oldest first."),
    (
        "broadcast(x)",
        "Sends to all connections that can be sent to, each in its own encoding. broadcast(x, conn) leaves one out, broadcast(x, [a, b]) several. One who cannot take it does not keep it from the others; the error is thrown at the end.",
    ),
    ("broadcast_line(text)", "The same as a line, each with its own conn.eol."),
    (
        "connect(addr)",
        "Makes a connection to \"host:port\", \"udp://host:port\", \"unix:/path\" or \"unix:@name\" and gives it at once; what is sent is queued until it stands. Then on_connect comes, with conn.side \"client\"; if it cannot be made, on_error comes instead (kind \"refused\", \"resolve\", \"proxy\" or \"timeout\"). connect(addr, #{timeout: ms, encoding: label, label: name, nodelay: false, proxy: \"socks5://host:port\"}) has options (it goes the way of --proxy unless proxy names another one, an array of several, or () for none; tls: true, or a map as conn.start_tls takes it, speaks TLS, and so does \"tls://host:port\"), and handlers for this connection alone: #{on_data: |c, data| .., on_close: |c, why| ..}, as a listener has them. --max-connects limits how many there may be at a time; one more is an error.",
    ),
    (
        "listen(addr)",
        "Listens on \":port\", \"host:port\" (0 is any port), \"udp://host:port\", \"unix:/path\" or \"unix:@name\" and gives a listener; an error if that cannot be had. A host that is a name is resolved first. A task waits for that; elsewhere addr and port of the listener are (), until on_listen comes for it, or on_error with () for a connection (kind \"resolve\" or \"io\"). Without on_error the script has failed, and the run ends if it was asked for in on_start. listen(addr, #{script: \"@redis\", args: [\"a\"]}) leaves the connections to another script, a built-in one or a file: a program of its own, with its own app, args, handlers and session. It begins with on_start, may do what this script may (arguments that name files are paths of this script), reads no stdin, and ends with the listener and its last connection. What is wrong with it, exit(code) in its on_start included, is thrown. Such a listener takes no handlers and no accept().",
    ),
    (
        "check_toxic(name, #{..})",
        "Nothing if conn.toxic would take it, or else its error: what comes from a command line is checked before the first client.",
    ),
    ("exit(code)", "Ends the run with this code (0 to 255; 0 if left out). try cannot catch it."),
    ("now_ms()", "Milliseconds since 1970."),
    ("time()", "The time in UTC: \"2026-11-22T18:00:00.123Z\"."),
    ("time(format)", "The local time in the words of strftime: time(\"%H:%M:%S\")."),
    ("rand()", "A number from 0.0 up to, but not, 1.0. Chance repeats with --seed N; -v tells the N of this run."),
    ("rand(a, b)", "An integer from a to b, both included."),
    ("choose(array)", "One of its items, by chance."),
    ("uuid()", "A random UUID: \"1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed\"."),
];

const BYTES: &[(&str, &str)] = &[
    ("bytes(text)", "The UTF-8 of a string as a blob."),
    (
        "bytes(text, encoding)",
        "A string as a blob in that encoding, such as \"gbk\"; a character that it does not have is an error. A frame with its length in front: let b = bytes(s, \"gbk\"); conn.send(pack(\">H\", [b.len()]) + b);",
    ),
    ("bytes([1, 2])", "Numbers from 0 to 255 as a blob."),
    (
        "hex(digits)",
        "A blob of hex digits: hex(\"de ad\"). A string's \"\\xff\" is a character, two bytes on the wire: this is the way to one byte.",
    ),
    ("b.text()", "Decoded as UTF-8, this blob alone; what is malformed becomes U+FFFD."),
    ("b.text(encoding)", "The same in another encoding: b.text(\"gbk\")."),
    ("b.text(at, n)", "The text of n bytes from at, or of as many as there are."),
    ("b.hex()", "Lower case hex digits without spaces."),
    ("b.dump()", "Lines of sixteen bytes: position, hex, ASCII."),
    ("b.find(x)", "Where x begins, -1 if nowhere. x is a blob, or a string for its UTF-8."),
    ("b.find(x, from)", "The same, from a position on."),
    ("b.starts_with(x)", "Whether b begins with x."),
    ("b.ends_with(x)", "Whether b ends with x."),
    ("b.contains(x)", "Whether x is in b; a number is one byte."),
    ("b.split(x)", "The blobs between every x, an array."),
    ("b.map(|byte| ..)", "An array of what the function gives for each byte, an integer."),
    ("b.filter(|byte| ..)", "A blob of the bytes for which it gives true."),
    ("b.reduce(|all, byte| .., first)", "One value from all bytes, as for arrays."),
    ("b.all(|byte| ..)", "Whether it gives true for all bytes."),
    ("b.some(|byte| ..)", "Whether it gives true for one of them."),
    ("b.equals(x)", "Whether b is x. Use it with strings: b == \"x\" is always false."),
    ("b64(text)", "The blob that is written in base64: either alphabet, in lines, with or without padding."),
    ("b.b64()", "The blob in base64, with padding."),
    ("crc32(x)", "The CRC-32 of zip and Ethernet, a number. x is a blob, or a string for its UTF-8; so it is below."),
    ("md5(x)", "The digest, a blob of 16 bytes: md5(x).hex() shows it."),
    ("sha1(x)", "The digest, 20 bytes."),
    ("sha256(x)", "The digest, 32 bytes."),
    ("hmac_sha256(key, x)", "The authentication code (RFC 2104), 32 bytes."),
    (
        "xor(x, key)",
        "Every byte of x combined with the key, repeated as often as needed. A number is a key of one byte.",
    ),
    (
        "pack(format, [a, ..])",
        "Numbers and bytes in a row, in the codes of Python's struct: x gap, c byte, b B h H i I l L q Q signed and unsigned numbers of 1, 2, 4, 4 and 8 bytes, n N 8 bytes, e f d floats of 2, 4 and 8 bytes, ? bool, 4s four bytes, 4p the same with a length in front; 3H is HHH. > or ! in front is big-endian; <, =, @ or nothing is little-endian. There are never gaps for alignment.",
    ),
    (
        "b.unpack(format)",
        "The values in b, an array; b must have exactly the length of the format. s, p and c give blobs.",
    ),
    ("b.unpack(format, at)", "The same from a position; what follows is left alone."),
    ("pack_size(format)", "How many bytes a format takes."),
    ("b + x", "A blob: b, then the blob or the UTF-8 of the string. A string in front works too."),
];

const NUMBERS: &[(&str, &str)] = &[
    ("b.u8(at)", "One byte, unsigned."),
    ("b.i8(at)", "One byte, signed."),
    ("b.u16be(at)", "Two bytes, unsigned, big-endian."),
    ("b.u16le(at)", "Two bytes, unsigned, little-endian."),
    ("b.i16be(at)", "Two bytes, signed, big-endian."),
    ("b.i16le(at)", "Two bytes, signed, little-endian."),
    ("b.u32be(at)", "Four bytes, unsigned, big-endian."),
    ("b.u32le(at)", "Four bytes, unsigned, little-endian."),
    ("b.i32be(at)", "Four bytes, signed, big-endian."),
    ("b.i32le(at)", "Four bytes, signed, little-endian."),
    ("b.u64be(at)", "Eight bytes, unsigned, big-endian; an error above 9223372036854775807."),
    ("b.u64le(at)", "Eight bytes, unsigned, little-endian; the same limit."),
    ("b.i64be(at)", "Eight bytes, signed, big-endian."),
    ("b.i64le(at)", "Eight bytes, signed, little-endian."),
    (
        "b.parse_be_int(at, n)",
        "The unsigned big-endian number in n bytes from at; an error if it does not fit in a script's integer (i64be reads a signed one). Also with a range: b.parse_be_int(2..4).",
    ),
    (
        "b.write_be(at, n, value)",
        "Writes a number into n bytes from at, at their right end. Also with a range. An error if it does not fit.",
    ),
];

const TEXT: &[(&str, &str)] = &[
    (
        "s.fmt(a, ..)",
        "Puts up to eight values in the places of {}: \"{}={}\\r\\n\".fmt(key, value). A brace that is doubled stands for itself.",
    ),
    ("array.join(between)", "The items of an array as print writes them, with a text between: [1, 2].join(\", \")."),
    (
        "parse_json(x)",
        "The value of a JSON text, a string or a blob: objects are maps, null is (). An integer that does not fit becomes a float.",
    ),
    (
        "x.to_json()",
        "Maps, arrays, strings, numbers, booleans and () as JSON. Blobs, connections and functions have none and are an error.",
    ),
];

const REGEX: &[(&str, &str)] = &[
    (
        "re(pattern)",
        "A regular expression in the syntax of Rust's regex crate, without look-around and back references. It is compiled once. In double quotes a backslash is written twice: re(\"\\\\d+\").",
    ),
    ("r.test(x)", "Whether it occurs in x, a string or a blob."),
    (
        "r.find(x)",
        "The first match, or (): #{start, end, matched, groups, names}. groups[0] is the whole match, names.word the group (?<word>..); a group that took no part is (). Positions count characters in a string and bytes in a blob.",
    ),
    ("r.find_all(x)", "All matches, an array of the same maps."),
    ("r.replace(x, with)", "x with every match replaced. In with, $1, $name and ${name} are groups, $$ is a dollar."),
];

const ARRAYS: &[(&str, &str)] = &[
    (
        "a.sort(by)",
        "Sorts with a comparison: by(x, y) gives a number below, at or above zero, or whether x comes first.",
    ),
    ("a.sort_by(by)", "The same under its other name."),
    ("a.order(by)", "A sorted copy."),
    ("a.order_by(by)", "The same under its other name."),
    ("a.dedup(by)", "Removes every item for which by(item before, item) is true."),
];

const FILES: &[(&str, &str)] = &[
    ("read_file(path)", "What is in a file, a blob of at most 4 MiB."),
    ("read_text(path)", "The same as a string, from UTF-8."),
    ("read_text(path, encoding)", "The same from another encoding: read_text(\"a.txt\", \"gbk\")."),
    ("append_file(path, x)", "Adds a blob or a string to the end of a file, which is made if it is not there."),
    ("env(name)", "An environment variable, or ()."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The names in calls such as `.register_fn("send", …)` of the source files that register functions.
    fn registered() -> BTreeSet<&'static str> {
        let files = [
            include_str!("api/blob_items.rs"),
            include_str!("api/bytes.rs"),
            include_str!("api/conn.rs"),
            include_str!("api/expect.rs"),
            include_str!("api/framing.rs"),
            include_str!("api/globals.rs"),
            include_str!("api/interactive.rs"),
            include_str!("api/network.rs"),
            include_str!("api/numbers.rs"),
            include_str!("api/text.rs"),
            include_str!("api/timers.rs"),
            include_str!("api/tls.rs"),
            include_str!("api/toxics.rs"),
            include_str!("api/digests.rs"),
            include_str!("api/files.rs"),
            include_str!("api/json.rs"),
            include_str!("api/pack.rs"),
            include_str!("api/pattern.rs"),
            include_str!("api/random.rs"),
            include_str!("api/checks.rs"),
            include_str!("api/reading.rs"),
            include_str!("api/reading/expecting.rs"),
            include_str!("api/room.rs"),
            include_str!("api/stdin.rs"),
            include_str!("api/sorting.rs"),
            include_str!("api/tasks.rs"),
        ];
        let calls = [
            "register_fn(",
            "register_get(",
            "register_set(",
            "register_get_set(",
            "number(engine, ",
            "waits::register(engine, host, ",
        ];
        let mut names: BTreeSet<_> = crate::script::api::conn::PROPERTIES.iter().map(|(name, _)| *name).collect();
        for file in files {
            let code = file.split("#[cfg(test)]").next().unwrap_or_default();
            for call in calls {
                for (at, _) in code.match_indices(call) {
                    let rest = code[at + call.len()..].trim_start();
                    let Some(name) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) else { continue };
                    names.insert(name);
                }
            }
        }
        names
    }

    #[test]
    fn the_reference_lists_exactly_the_registered_names() {
        // Functions called by the language itself, and those the engine connects without registration.
        let silent = ["==", "!=", "to_string", "to_debug", "print", "+", "-", "%"];
        // The iterators and the comparisons are registered by a table.
        let elsewhere =
            ["app", "args", "print", "debug", "b", "lines", "texts", "chunks", "frames", "assert_eq", "assert_ne"];
        let registered: BTreeSet<_> = registered().into_iter().filter(|name| !silent.contains(name)).collect();
        let listed: BTreeSet<_> = entries()
            .filter(|entry| entry.group != Group::Handler)
            .map(|entry| entry.name)
            .filter(|name| !elsewhere.contains(name))
            .collect();
        assert_eq!(registered, listed);
        assert!(registered.len() > 50, "the files were really read");
    }

    #[test]
    fn names_and_spellings_are_found() {
        assert_eq!(signatures("send"), ["conn.send(x)"]);
        assert_eq!(signatures("time"), ["time()", "time(format)"]);
        assert!(functions().any(|name| name == "sub_string"));
        assert!(properties().any(|name| name == "queued") && !properties().any(|name| name == "send"));
    }
}
