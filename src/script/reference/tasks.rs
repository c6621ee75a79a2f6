//! The part of the reference that is about tasks: what they are, the calls that wait, and the properties they need.

/// What the manual says of sessions.
pub(in crate::script) const SESSIONS: &str = "A flow that reads from top to bottom is a task: it waits where it reads, and everything else goes on meanwhile. fn session(conn) is one for each connection, of listen as of connect; what it receives waits until it asks. It begins after on_connect; its end closes the connection. Beside it there is no on_data, on_text, on_line, on_frame and on_eof; all other handlers and timers are as before. start(f, args..) begins a task anywhere. Handlers, and functions given to them, still never wait: there a call that waits is an error. With a session, and in tcpx run, stdin is not read before a task asks for a line of it or calls conn.interactive().\n\nA time limit is an argument behind the others: conn.read_line(500). Without one conn.timeout counts, which is none in a session. What fails throws #{kind, message, got, op, conn}; the kinds are \"timeout\", \"eof\", \"reset\", \"truncated\" (TLS without its end), \"closed\", \"refused\", \"resolve\", \"proxy\", \"tls\", \"certificate\", \"roots\", \"frame\", \"text\", \"cancelled\", \"expect\", \"io\" and, for an error of the language itself, such as an unknown function, \"script\", which has line and position, too. got is what had arrived: it was not taken, the next call finds it. A session of listen that does not catch \"eof\", \"reset\" or \"truncated\" has lost its peer: no failure. In connect they are 0, 56 and 18, \"timeout\" is 28, \"expect\" 1, and everything else 112.";

pub(super) const TASKS: &[(&str, &str)] = &[
    ("conn.timeout", "The time limit in ms of calls that wait and say none; 0 is none. Can be set."),
    ("conn.read()", "Waits for the next chunk, a blob."),
    ("conn.read(n)", "Waits for exactly n bytes. conn.read(n, ms) has a time limit, as all of these."),
    ("conn.read_line()", "Waits for a line, decoded, without its end."),
    ("conn.read_text()", "Waits for text; it never ends within a character."),
    (
        "conn.read_until(end)",
        "Waits for everything up to this text or blob, which is the end of what it gives: a string for a string, a blob for a blob.",
    ),
    (
        "conn.read_frame()",
        "Waits for a frame, as conn.frame_length and the like cut it, or else as the script's frame_size measures it.",
    ),
    ("conn.read_all()", "Waits for the peer's end. Gives everything until then, a blob of at most 4 MiB."),
    (
        "conn.lines()",
        "For `for line in conn.lines()`: each line until the peer's end, a last one without line end included.",
    ),
    ("conn.texts()", "The same with text as it comes."),
    ("conn.chunks()", "The same with chunks."),
    ("conn.frames()", "The same with frames."),
    (
        "conn.expect(pattern)",
        "Waits for a string, a blob or a re(..), or the first of an array of them. Takes everything through the match and gives #{index, before, matched, groups, names}.",
    ),
    ("conn.peek(n)", "Waits for n bytes and leaves them there."),
    ("conn.clean()", "Drops what is there, without waiting, and gives it: a blob."),
    ("conn.expect_eof()", "Waits for the peer's end; anything else is an error of kind \"expect\"."),
    ("conn.expect_reset()", "The same for a reset."),
    ("conn.expect_silence(ms)", "Waits so long; an error of kind \"expect\" if anything comes."),
    ("conn.flush()", "Waits until the kernel has everything that was sent."),
    (
        "conn.closed()",
        "Waits until the connection is over and gives why, as on_close gets it. Bytes beyond 1 MiB that no task reads are dropped meanwhile, because the end is behind them.",
    ),
    (
        "conn.interactive()",
        "Gives the connection to the user until its end: what is received goes to stdout, stdin goes to the peer and its end ends what we send, all in the connection's encoding and with the rules of a run without a script. Then the script goes on, and may read what is left of stdin. A reset throws. It has no time limit, and conn.timeout does not count; one task at a time; not in tests, not beside on_stdin, and not with --workers.",
    ),
    ("conn.start(|c, ..| ..)", "Starts a task that ends with the connection; more arguments come after c."),
    (
        "listener.accept()",
        "Waits for the next client of a listener that a task has opened. With TLS the two sides shake hands from then on: a script that connects to itself does that in another task, by start, or gives the listener a session.",
    ),
    (
        "start(f, args..)",
        "Starts a task with copies of these arguments, and gives it: start(|i| client(i), i). It ends with whoever has started it: a session, a test, main, another task.",
    ),
    (
        "task.join()",
        "Waits for the end of a task and gives its value, or throws its error. join(tasks) gives the values of all.",
    ),
    ("first(tasks)", "Waits for the first of these tasks to end, cancels the others and gives #{index, value}."),
    ("task.cancel()", "Ends a task; false if it had ended."),
    ("task.is_done", "Whether it has ended."),
    ("sleep(ms)", "Waits so many milliseconds."),
    (
        "measure(name, || ..)",
        "Calls it and gives its value; with tcpx run --clients its time is one of that name in the result, unless it throws.",
    ),
    ("count(name)", "With tcpx run --clients: adds 1, or n with count(name, n), to a count of the result."),
    (
        "read_stdin_line()",
        "Waits for a line of stdin, without its end; at the end of stdin it throws kind \"eof\". One task at a time; not beside on_stdin, and not with --workers. With --no-stdin the end is there at once.",
    ),
    ("stdin_lines()", "For `for line in stdin_lines()`: each line of stdin until its end."),
];
