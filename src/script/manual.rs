//! The script reference, generated from [`reference`]: the manual page `tcpx-script(7)` and the Markdown page
//! `docs/scripting.md`, with the same content.

use std::fmt::Write as _;

use roff::{bold, roman};

use crate::codec::man::ManPage;
use crate::script::builtin;
use crate::script::reference::{self, Group};

/// The page in roff. `man/tcpx-script.7` is a copy of it.
pub fn man_page() -> String {
    let mut page = ManPage::new("TCPX-SCRIPT", "7", "tcpx");
    page.section("NAME");
    page.paragraph("tcpx-script - scripts that decide what tcpx does");
    page.section("DESCRIPTION");
    page.prose(INTRO);
    body(&mut page);
    page.section("SEE ALSO");
    page.line(vec![bold("tcpx"), roman("(1)")]);
    page.paragraph("The language: https://rhai.rs/book");
    page.finish()
}

/// The page in Markdown. `docs/scripting.md` is a copy of it.
pub fn web_page() -> String {
    let mut sections = Markdown::default();
    body(&mut sections);
    let mut page = Markdown { text: "# Scripts\n".to_owned(), ..Markdown::default() };
    page.prose(INTRO);
    page.prose(WEB);
    page.text.push('\n');
    for title in &sections.titles {
        let anchor = title.to_lowercase().replace(' ', "-");
        let _ = writeln!(page.text, "- [{title}](#{anchor})");
    }
    page.text.push_str(&sections.text);
    page.text
}

/// Everything between the introduction and the end.
fn body(page: &mut dyn Page) {
    page.section("WAYS TO RUN");
    page.code(WAYS);
    page.section("WRITING SCRIPTS");
    page.prose(WRITING);
    page.section("THE THREE LAWS");
    page.prose(LAWS);
    page.section("HANDLERS");
    page.prose(HANDLERS);
    table(page, Group::Handler);
    page.prose(AFTER_HANDLERS);
    page.section("WHAT KEEPS A RUN ALIVE");
    page.prose(ALIVE);
    page.section("CONNECTIONS");
    page.prose(CONNECTIONS);
    table(page, Group::Property);
    page.prose("Methods:");
    table(page, Group::Method);
    page.prose("What on_listen gets:");
    table(page, Group::Listener);
    page.section("SESSIONS AND TASKS");
    page.prose(reference::tasks::SESSIONS);
    table(page, Group::Task);
    page.section("TESTS");
    page.prose(reference::checks::TESTS);
    table(page, Group::Check);
    page.section("TOXICS");
    page.prose(TOXICS);
    page.items(TOXIC_NAMES);
    page.prose(AFTER_TOXICS);
    page.section("GLOBALS");
    page.prose(GLOBALS);
    table(page, Group::Global);
    page.section("BYTES");
    page.prose(BYTES);
    table(page, Group::Bytes);
    page.prose(NUMBERS);
    table(page, Group::Number);
    page.section("TEXT AND ENCODINGS");
    page.prose(TEXT);
    table(page, Group::Text);
    page.section("REGULAR EXPRESSIONS");
    page.prose(REGEX);
    table(page, Group::Regex);
    page.section("ARRAYS");
    page.prose(ARRAYS);
    table(page, Group::Array);
    page.section("FILES");
    page.prose(FILES);
    table(page, Group::File);
    page.section("IMPORTS");
    page.prose(IMPORTS);
    page.section("ERRORS AND LIMITS");
    page.prose(ERRORS);
    page.section("PITFALLS");
    page.prose(PITFALLS);
    page.section("BUILT-IN SCRIPTS");
    page.prose("Run one with --script @NAME, read one with tcpx script show NAME.");
    let names: Vec<_> = builtin::list().map(|(name, description)| (format!("@{name}"), description)).collect();
    page.items(&names.iter().map(|(name, description)| (name.as_str(), *description)).collect::<Vec<_>>());
    page.section("EXAMPLES");
    for (title, code) in EXAMPLES {
        page.prose(title);
        page.code(code);
    }
}

fn table(page: &mut dyn Page, group: Group) {
    page.items(&reference::group(group).map(|entry| (entry.usage, entry.doc)).collect::<Vec<_>>());
}

/// A block of a page.
trait Page {
    /// A heading, given in capitals.
    fn section(&mut self, title: &str);
    /// Paragraphs, separated by empty lines.
    fn prose(&mut self, text: &str);
    /// A list of terms and their descriptions.
    fn items(&mut self, items: &[(&str, &str)]);
    /// Preformatted lines.
    fn code(&mut self, text: &str);
}

impl Page for ManPage {
    fn section(&mut self, title: &str) {
        self.section(title);
    }

    fn prose(&mut self, text: &str) {
        for paragraph in text.trim().split("\n\n") {
            self.paragraph(paragraph);
        }
    }

    fn items(&mut self, items: &[(&str, &str)]) {
        for (term, text) in items {
            self.item(vec![bold(*term)], text);
        }
    }

    fn code(&mut self, text: &str) {
        self.code(text);
    }
}

#[derive(Default)]
struct Markdown {
    text: String,
    titles: Vec<String>,
}

impl Page for Markdown {
    fn section(&mut self, title: &str) {
        let mut title = title.to_lowercase();
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let _ = write!(self.text, "\n## {title}\n");
        self.titles.push(title);
    }

    fn prose(&mut self, text: &str) {
        for paragraph in text.trim().split("\n\n") {
            self.text.push('\n');
            for line in paragraph.lines() {
                self.text.push_str(&marked(line));
                self.text.push('\n');
            }
        }
    }

    fn items(&mut self, items: &[(&str, &str)]) {
        self.text.push_str("\n| | |\n|---|---|\n");
        for (term, text) in items {
            let row = format!("`{term}` ~ {}", marked(text)).replace('|', "\\|").replacen('~', "|", 1);
            let _ = writeln!(self.text, "| {row} |");
        }
    }

    fn code(&mut self, text: &str) {
        let language = if text.contains("fn ") { "rhai" } else { "sh" };
        let _ = write!(self.text, "\n```{language}\n{}\n```\n", text.trim_matches('\n'));
    }
}

/// A line with code words in the font of code.
fn marked(line: &str) -> String {
    if line.contains('`') {
        return line.to_owned();
    }
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for word in line.split(' ') {
        match words.last_mut().filter(|_| open) {
            Some(last) => *last = format!("{last} {word}"),
            None => words.push(word.to_owned()),
        }
        open = words.last().is_some_and(|word| is_open(word));
    }
    words.iter().map(|word| marked_word(word)).collect::<Vec<_>>().join(" ").replace("fn `", "`fn ")
}

/// Whether a call or a map continues after the next space. A parenthesis at the start of a word opens none.
fn is_open(word: &str) -> bool {
    let is_array =
        word.strip_prefix('[').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '"'));
    let is_code = is_array || word.starts_with("#{") || word.find('(').is_some_and(|at| at > 0);
    let (mut depth, mut quoted) = (0, false);
    for character in word.chars() {
        match character {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    is_code && (depth > 0 || quoted)
}

fn marked_word(word: &str) -> String {
    let core = word.trim_end_matches(['.', ',', ';', ':']);
    let (open, core) = match core.strip_prefix('(') {
        Some(inside) if !inside.contains('(') => ("(", inside),
        _ => ("", core),
    };
    let mut core = if open == "(" { core.trim_end_matches(')') } else { core };
    while core.ends_with(')') && core.matches(')').count() > core.matches('(').count() {
        core = &core[..core.len() - 1];
    }
    let tail = &word[open.len() + core.len()..];
    if core.is_empty() || core.contains("://") || core.contains("](") {
        return word.to_owned();
    }
    let is_code = core.starts_with("--")
        || core.starts_with('@')
        || core.contains(['_', '(', '[', '{', '}', '\\', '*', '<'])
        || core.contains("::")
        || core.split_once('.').is_some_and(|(head, _)| head.starts_with(|first: char| first.is_ascii_alphabetic()));
    if is_code { format!("{open}`{core}`{tail}") } else { word.to_owned() }
}

const WEB: &str = "
This page and the manual page tcpx-script(7) are made of the list the messages of tcpx use, too: what is not here does
not exist. The [tutorial](tutorial.md) begins with nothing.
";

const WRITING: &str = "
tcpx script new writes a script that works, with every handler in comments; with --session one that reads from top to bottom, with --test one for tcpx test.

tcpx script check FILE says everything that is wrong with a script and with what it imports (several files are checked one
after the other, and - is stdin): syntax, handlers, unknown variables and functions, wrong numbers of arguments, properties a conn does not have. It is silent and exits with 0 if
nothing is wrong, warns of what is allowed and hardly meant (0, too), and exits with 111 if something is wrong; of very many faults it shows the first 20. What stands at the top level
of the script is run, as for listen and connect. Loading for listen or connect does not look for functions: one
that is never called does no harm.

With --watch the script is loaded again when its file, or a file it imports, changes. Connections, conn.state and app
live on; on_reload is called, on_start is not called again. The handlers of the new version count from the next chunk on,
and half a line that was waiting goes to them, too. Closures kept in app, in conn.state, by timers, by listeners or by
expect go on and call the functions of the new version; timers of the top level are stopped, for the new one starts its own. on_stdin is looked for at the start only. A
version that does not load is reported once and changes nothing.
";

const INTRO: &str = "
A script is a file in the language Rhai. It defines functions with known names, the handlers, and tcpx calls
them when something happens: a client came, bytes arrived, the peer closed. What a handler asks for (send,
close, print) is done in that order after it has returned.

Everything else about a run stays as it is: encodings, limits of time and the exit codes are those of tcpx(1).
";

const WAYS: &str = "
tcpx script new > reply.rhai                        # a script to start from
tcpx listen 7777 --script reply.rhai                # a file; words after -- are its args
tcpx listen 7777 --script reply.rhai --watch        # loaded again when it changes
tcpx listen 7777 --on-data 'conn.send(data)'        # the body of on_data
tcpx listen 7777 --on-line 'conn.send_line(line)'   # the body of on_line
tcpx listen 7777 --session 'for l in conn.lines() { conn.send_line(l) }'   # the body of session
tcpx listen 7777 --script @echo                     # a built-in script
tcpx connect localhost 7777 --on-line 'print(line)' # the same with connect
";

const LAWS: &str = "
1. Chunks are not messages. on_data gets what one read gave; on_text never splits a character; on_line gets
whole lines however the bytes were cut.

2. Every connection that had on_connect gets exactly one on_close, whatever happened.

3. Handlers run one at a time and never inside each other. What they ask for is queued in order; after close
and reset no more data reaches the script.
";

const HANDLERS: &str = "
All are optional. Without a handler tcpx does what it does without a script: received data goes to stdout.
Trailing parameters may be left out: fn on_close(conn). A function whose name starts with on_ and is none of
these, or takes more parameters, is an error when the script loads (exit code 111).
";

const AFTER_HANDLERS: &str = "
Of on_line, on_text and on_data only the first that is defined gets the data.
";

const ALIVE: &str = "
A script holds a connection as long as it has something to do with it: a handler of received data (on_data, on_text,
on_line, on_frame, frame_size), a pending conn.expect, a running conn.after or conn.every, on_idle with an idle limit, or
conn.pipe. Timers of after() and every() belong to the run and hold no connection, whatever their functions do.

With connect, stdin goes to the first connection once that stands. When stdin ends, our side ends (FIN) as soon as the
script does not hold the connection any more; what is received then still goes to stdout until the peer ends. When the
peer ends, our side closes after pending expects and afters of the connection; data handlers and every do not delay that,
for nothing more comes. With on_eof the script decides. close, shutdown and reset wait for nothing.

Connections that a script makes with connect(), or accepts with listen(), have nothing to do with stdin: they are not
sent it, and its end does not end them.

With UDP every address that sends is a connection, until nothing has moved for a minute, which ends it as the peer's end does.
Each conn.send is one datagram of at most 65507 bytes, be it empty, and so is each conn.send_file; on_data and conn.read()
get one datagram at a time. Lines, frames and text go on from one datagram to the next. conn.shutdown() awaits answers for a
second. A refusal is an error of kind \"refused\" before the first answer, \"reset\" after it. Toxics are for streams.

A run of connect ends when there is no connection, nothing being connected, no listener and no pending after() any more;
every() alone does not keep it. So does one of listen with --once or --accept, once it has accepted its clients; other
listeners of its script do not keep it then. exit(code) ends it at once. If the first
connection could not be made, the code is 6, 7 or 28 in the end, whatever the script did meanwhile, unless it says
exit(code). A run of listen without a number of clients goes on until it is told to stop.
";

const CONNECTIONS: &str = "
A conn is cheap to copy, can be compared with == and kept in a map. It may be kept after its end: it then
says so (conn.is_open), and sending to it does nothing in a handler, but throws in a task.
";

const TOXICS: &str = "
conn.toxic(name, options) puts a fault between a connection and its handlers, under the names of toxiproxy:
conn.toxic(\"latency\", #{latency: 200, jitter: 50}). It acts on what the peer sends us, with dir: \"out\" on what we
send. Toxics act in the order in which they were added, at most 16 on a connection; on a piped one, too. Times are in
milliseconds, except where another unit is named; what is left out is 0.
";

const TOXIC_NAMES: &[(&str, &str)] = &[
    ("latency", "Every chunk is late by latency, more or less by up to jitter. The order stays."),
    ("bandwidth", "At most rate KB (1000 bytes) a second; with rate: 0 nothing passes. Needs rate."),
    ("slow_close", "The end of the stream is late by delay."),
    (
        "timeout",
        "All data is dropped, and the connection is closed after timeout; with 0 never. An end that comes before is passed on.",
    ),
    ("reset_peer", "Nothing passes, and the connection is reset after timeout."),
    (
        "slicer",
        "Data is cut into pieces of average_size bytes, more or less by up to size_variation, with a pause of delay microseconds after each. Needs average_size.",
    ),
    (
        "limit_data",
        "The connection is closed after bytes bytes, or with then: \"reset\" reset. Exactly so many pass; but RST destroys what is still under way to a slow reader. Needs bytes.",
    ),
];

const AFTER_TOXICS: &str = "
Every toxic has the options dir (\"in\" or \"out\") and toxicity, the chance from 0 to 1 that this connection has it at all.
Chance comes from the generator of rand(), and repeats with --seed.

What toxics hold has not arrived yet, or was not sent yet: handlers, conn.bytes_in and idle limits do not see it, and
conn.queued counts it. When a megabyte is held, nothing more is read. close and shutdown send what is held in its time
before FIN; reset drops it. A run that is stopped waits for it at most as long as for other queues, one second.

heal() lets everything go that was held. What timeout has dropped is lost: when it is taken away from a stream that
misses something, the connection is closed.
";

const GLOBALS: &str = "
Constants at the top of the script are seen in every function: const MAX = 512. Variables there are not (see
PITFALLS): use app.
";

const BYTES: &str = "
data is a blob. Rhai has data.len(), data[i], data[-1], data.extract(2..6), for b in data, a + b and a += b.
A byte is an integer, however it is taken out. These are added or replaced. Negative positions count from the end.
";

const NUMBERS: &str = "
Numbers. A position without enough bytes behind it is an error.
";

const TEXT: &str = "
conn.encoding is utf-8, or what --encoding says. Received bytes are decoded as a stream: a character that
arrives in two pieces comes whole. What is not text in this encoding becomes U+FFFD (or ends the connection
with --malformed fail). With --crlf a lone LF in a string that is sent becomes CR LF; blobs are never touched.

A string that is sent and has a character the encoding does not hold is an error that names it. Nothing of it
is sent. Received text that is sent back can have one, too: what was malformed is U+FFFD. With --unencodable
replace, or conn.unencodable = \"replace\", ? is sent in its place.

utf-16 is utf-16le, and a byte order mark does not change that: one of the other order arrives as U+FFFE.
Name utf-16be, or auto, which looks at the mark.
";

const REGEX: &str = "
A pattern searches strings and blobs, and gives back what it was given. In a blob . and \\w are characters of
UTF-8; (?-u) makes them bytes: re(\"(?-u)\\\\xff.\"). A search takes time in proportion to the sizes of
pattern and text, never exponential; what would take longer than about half a second is refused, and find_all
gives at most 65536 matches.
";

const ARRAYS: &str = "
Rhai has push, pop, map, filter, sort and many more. These are replaced: an error in a comparison is an error.
";

const FILES: &str = "
A script reads files in its own folder and below, and in every --allow-read DIR; it writes only in an
--allow-write DIR. Links are followed, but not out of these folders. A relative path is looked for in the
script's folder first and then in the others in their order; one to write is below the first --allow-write DIR.
Built-in scripts and one-liners have no folder of their own; a built-in script whose argument names a file or a
folder, such as @modbus -- FILE.json, may use that one. Only regular files are opened, and at most 4 MiB
are read or written at once: the other connections wait meanwhile.
";

const IMPORTS: &str = "
import \"util\" as u; reads util.rhai beside the importing file; u::name() calls its functions. Only files at or
below the folder of the script can be imported, and no link may lead out of it.
";

const ERRORS: &str = "
An error in a handler is reported with its place in the source, the connection it happened on is reset after on_error
(kind \"script\") and after what it was sent before, the others go on, and the run ends with exit code 112.
--script-errors fatal ends the run at the first; --script-errors ignore keeps the connection.

try { .. } catch (e) catches most errors: in a handler e is a string if a function of tcpx failed, and a map with a message
for the errors of the language itself; in a task it is the map of all errors of tasks. `${e}` shows the message.
Limits cannot be caught.

One call may run for 2 seconds (--script-timeout); then it is stopped. It is stopped, too, when it takes 256 MiB more
memory than it began with, when the time of the run is over (--timeout), and by a second signal. Calls nest at most 64
deep; strings hold 16 MiB, arrays and blobs 4 Mi items with everything inside them, maps 1 Mi entries. A connection holds
64 MiB of unsent data; more is an error. When all connections together hold more than --memory, the one that holds most
is reset: kind \"memory\". There is no eval; no processes can be started, and files are reached only as
FILES says.
";

const PITFALLS: &str = "
A variable at the top level is not seen in functions: the script does not load, use app.NAME. A constant that
is computed, const T = blob(4), is written global::T in functions.

`a\\r\\n` in backticks is five characters: backticks take values, ${x}, but no escapes. In double quotes it is the
other way round; use \"{}\\r\\n\".fmt(x) for both. tcpx script check warns about it.

A closure that uses app, or a local variable, shares it: app.l.on_line = |c, line| app.l.close() changes app while the
closure is made of it, and fails with \"a value is used while it is being changed\". Make it of a local value first: let l =
listen(..); l.on_line = ..; app.l = l. The connection a callback needs is its first parameter.

\"\\xff\" is the character U+00FF and two bytes in UTF-8. One byte is hex(\"ff\").

data == \"x\" is always false, a blob is no string: use data.equals(\"x\").

name.trim() and make_upper() change name and return nothing; to_upper() returns a copy.

Values are copied: a function cannot change its caller's array, and let m = conn.state or let m = app.users is a
copy too. Change them where they are: app.users.bob = conn.

Words such as match, new, go, with, use, do, is, thread and sync are reserved and cannot be names.
";

const EXAMPLES: &[(&str, &str)] = &[
    (
        "A server that answers every line until it is told to go:",
        "
fn on_connect(conn) { conn.send_line(\"hello \" + conn.peer_ip); }

fn on_line(conn, line) {
    if line == \"quit\" { conn.send_line(\"bye\"); return conn.close(); }
    conn.send_line(line.len().to_string() + \" characters\");
}
",
    ),
    (
        "A room: everybody hears what anybody says, and names last as long as the connection:",
        "
fn on_start() { app.room = []; }

fn on_connect(conn) { app.room.push(conn); }

fn on_line(conn, line) {
    if line.starts_with(\"NICK \") { conn.state.name = line.sub_string(5); return; }
    let name = conn.state.name ?? conn.peer;
    for other in app.room { if other != conn { other.send_line(`${name}: ${line}`); } }
}

fn on_close(conn) { app.room.retain(|other| other != conn); }
",
    ),
    (
        "A binary protocol: four bytes of length and type are answered with a number twice as large:",
        "
fn on_data(conn, data) {
    let all = (conn.state.rest ?? blob()) + data;
    while all.len() >= 4 {
        let answer = blob(4);
        answer.write_be(0, 4, all.u32be(0) * 2 % 4294967296);
        conn.send(answer);
        all = all.extract(4);
    }
    conn.state.rest = all;
}
",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_loads() {
        use crate::config::{Script, ScriptSource};

        for (title, code) in EXAMPLES {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), code).unwrap();
            let source = ScriptSource::File(file.path().to_owned());
            let loaded = crate::script::ScriptHandler::load(&Script::new(source));
            assert!(loaded.is_ok(), "{title}\n{}", loaded.err().unwrap());
        }
    }

    #[test]
    fn the_web_page_has_the_content_of_the_manual_page() {
        let page = web_page();
        for entry in reference::entries() {
            let term = format!("`{}`", entry.usage.replace('|', "\\|"));
            assert!(page.contains(&term), "{term} is missing");
        }
        for (_, code) in EXAMPLES {
            assert!(page.contains(code.trim()));
        }
    }

    #[test]
    fn code_words_are_set_in_the_font_of_code() {
        let line = "See conn.send(x), on_data and --watch (reply.rhai): no e, 0.5 s, tcpx alone; \"{}\" (kind \"x\").";
        let wanted = "See `conn.send(x)`, `on_data` and `--watch` (`reply.rhai`): no e, 0.5 s, tcpx alone; `\"{}\"` (kind \"x\").";
        assert_eq!(marked(line), wanted);
        let line = "Use conn.expect(x, 5, |c| 1), hex(\"de ad\") or #{size: 4, max: [1, 2]} (kind of), 64 deep.";
        let wanted =
            "Use `conn.expect(x, 5, |c| 1)`, `hex(\"de ad\")` or `#{size: 4, max: [1, 2]}` (kind of), 64 deep.";
        assert_eq!(marked(line), wanted);
        assert_eq!(marked("`a b` in_code is left alone"), "`a b` in_code is left alone");
    }
}
