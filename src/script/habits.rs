//! Habits from other languages and input methods, with what to write instead: hints for errors and for `script check`.
//!
//! Owns the tables. Finds no errors: it is asked about a name that is unknown, or about the place where the parser stopped.

/// What to write in place of an unknown function.
pub(super) fn function(name: &str) -> Option<&'static str> {
    lookup(FUNCTIONS, name)
}

/// What to write in place of a method that connections do not have, although there is a function of that name.
pub(super) fn of_connection(name: &str) -> Option<&'static str> {
    (name == "write").then_some("conn.send(x) sends; write(x) writes to stdout")
}

/// What to write in place of an unknown variable. `rest` is the line after its name.
pub(super) fn variable(name: &str, rest: &str) -> Option<String> {
    if let Some(plain) = half_width(name) {
        return Some(format!("it has full-width characters: write {plain}"));
    }
    let rest = rest.trim_start();
    match lookup(VARIABLES, name) {
        Some(hint) => Some(hint.to_owned()),
        None if rest.starts_with(['\'', '"']) && PREFIXES.iter().any(|(prefix, _)| *prefix == name) => {
            lookup(PREFIXES, name).map(str::to_owned)
        }
        None if is_assignment(rest) => Some(format!(
            "let {name} = ..; declares a variable of one call; app.{name} is kept between calls, conn.state.{name} for one connection"
        )),
        None => None,
    }
}

/// What to write in place of a reserved word.
pub(super) fn reserved(word: &str) -> Option<&'static str> {
    lookup(VARIABLES, word).or_else(|| lookup(WORDS, word))
}

/// What to write where the parser stopped: at a column (from 1, in characters) of a line, in want of `missing`.
pub(super) fn syntax(line: &str, column: usize, missing: &str) -> Option<String> {
    let at = line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
    let (before, here) = line.split_at(at);
    let next = here.chars().next();
    // The parser stops before a word of the language that has no bracket behind it.
    let after_word = here.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').chars().next();
    if let Some((wide, plain)) = next.into_iter().chain(after_word).find_map(|wide| Some((wide, ascii(wide)?))) {
        return Some(format!("{} is a full-width character: write {}", shown(wide), shown(plain)));
    }
    let previous = before.trim_end();
    let (word, at_quote) = (last_word(previous), matches!(next, Some('"' | '\'' | '`')));
    if let (true, true, Some(hint)) = (at_quote, previous.len() == before.len(), lookup(PREFIXES, word)) {
        return Some(hint.to_owned());
    }
    if next == Some('\'') {
        let text = here[1..].split('\'').next().unwrap_or_default();
        return Some(format!("single quotes are for one character; a string stands in double quotes: \"{text}\""));
    }
    let whole = [last_word(previous), first_word(here)];
    if let Some(hint) = whole.iter().rev().find_map(|word| lookup(WORDS, word)) {
        return Some(hint.to_owned());
    }
    let starts = [first_word(here), last_word(previous), first_word(line.trim_start())];
    if let Some(hint) = starts.iter().find_map(|word| lookup(STARTS, word)) {
        return Some(hint.to_owned());
    }
    let statement = previous.rsplit(['{', '}', ';']).next().unwrap_or_default().trim_start();
    let is_head = HEADS.contains(&first_word(statement));
    let hint = match next {
        Some('#') => "a comment begins with //",
        Some('?') => "a choice is if x { a } else { b }, an expression like every other",
        Some(':') if is_head => "a block stands in braces: { .. }",
        Some(':') if previous.rfind('[') > previous.rfind('{') => "a part of a string or blob is s[0..3]",
        Some(':') if previous.contains('{') => "a map is #{name: value}, with # in front",
        Some('+') if here.starts_with("++") => "write x += 1",
        Some('-') if here.starts_with("--") => "write x -= 1",
        Some('=') if here.starts_with("===") => "it is ==",
        Some('!') if here.starts_with("!==") => "it is !=",
        Some('"' | '\'' | '`') if last_word(previous) == "print" => "it is print(x), with parentheses",
        _ if missing == "{" && is_head => "a block stands in braces, also if it is one statement: { .. }",
        _ if missing == ";" && first_word(here) == "if" => {
            "a choice is if x { a } else { b }, an expression like every other"
        }
        _ if missing == ";" && !before.is_empty() && previous.is_empty() => {
            "a ; is missing at the end of the line before"
        }
        _ => return wide_in(line),
    };
    Some(hint.to_owned())
}

/// A function that changes its receiver and gives `()`.
pub(super) fn is_in_place(name: &str) -> bool {
    IN_PLACE.contains(&name)
}

/// The hint for the value of a function that has none.
pub(super) fn in_place_hint(name: &str) -> String {
    let copy = match name {
        "make_upper" => "x.to_upper() gives a copy",
        "make_lower" => "x.to_lower() gives a copy",
        "sort" => "x.order() gives a copy",
        "trim" => "write x.trim(); as a statement, and then use x",
        _ => return format!("x.{name}(..) changes x and gives (): write it as a statement, and then use x"),
    };
    format!("x.{name}() changes x and gives (): {copy}")
}

/// The last function at or before a line of a text whose value was used although it has none.
pub(super) fn valueless(text: &str, line: usize) -> Option<&str> {
    let lines: Vec<_> = text.lines().take(line).collect();
    let here = lines.last().and_then(|text| calls(text).last());
    here.or_else(|| lines.iter().rev().find_map(|text| calls(text.split_once('=')?.1).last()))
}

/// The calls of in-place functions in a piece of code.
fn calls(code: &str) -> impl Iterator<Item = &str> {
    code.match_indices('.').filter_map(|(at, _)| {
        let name = first_word(&code[at + 1..]);
        let is_call = code[at + 1 + name.len()..].starts_with('(');
        (is_call && is_in_place(name)).then_some(name)
    })
}

/// The ASCII character that a full-width or typographic one stands for.
fn ascii(wide: char) -> Option<char> {
    let plain = match wide {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(wide) - 0xfee0)?,
        '“' | '”' | '„' | '«' | '»' | '「' | '」' | '『' | '』' | '〝' | '〞' => '"',
        '‘' | '’' | '‚' => '\'',
        '【' | '〔' => '[',
        '】' | '〕' => ']',
        '《' | '〈' => '<',
        '》' | '〉' => '>',
        '。' => '.',
        '、' => ',',
        '—' | '–' | '−' => '-',
        '×' => '*',
        '÷' => '/',
        '\u{3000}' | '\u{a0}' | '\u{200b}' | '\u{feff}' => ' ',
        _ => return None,
    };
    Some(plain)
}

/// A name in ASCII, if it has full-width characters.
fn half_width(name: &str) -> Option<String> {
    let has = name.chars().any(|character| ascii(character).is_some());
    has.then(|| name.chars().map(|character| ascii(character).unwrap_or(character)).collect())
}

/// A full-width quotation mark or bracket in a line that has no other fault to tell of.
fn wide_in(line: &str) -> Option<String> {
    let code = line.split("//").next().unwrap_or_default();
    let wide = code.chars().find(|wide| ascii(*wide).is_some_and(|plain| matches!(plain, '"' | '\'')))?;
    Some(format!("{} does not end or begin a string: write {}", shown(wide), shown(ascii(wide)?)))
}

fn shown(character: char) -> String {
    match character {
        ' ' => "a space".to_owned(),
        '\u{3000}' | '\u{a0}' | '\u{200b}' | '\u{feff}' => format!("U+{:04X}", u32::from(character)),
        _ => character.to_string(),
    }
}

/// Whether the rest of a line goes on an assignment.
fn is_assignment(rest: &str) -> bool {
    let rest = rest.trim_start_matches(['+', '-', '*', '/', '%', '&', '|', '^']);
    rest.starts_with('=') && !rest.starts_with("==")
}

fn first_word(text: &str) -> &str {
    let end = text.find(|character| !is_part(character)).unwrap_or(text.len());
    &text[..end]
}

fn last_word(text: &str) -> &str {
    let start = text.char_indices().rev().take_while(|(_, character)| is_part(*character)).last();
    start.map_or("", |(start, _)| &text[start..])
}

fn is_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn lookup(table: &[(&'static str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(names, _)| names.split(' ').any(|known| known == name)).map(|(_, hint)| *hint)
}

/// Words that begin a statement with a block.
const HEADS: &[&str] = &["if", "else", "for", "while", "fn", "loop", "switch", "try", "catch"];

/// Functions of other languages, several names in one row separated by blanks.
const FUNCTIONS: &[(&str, &str)] = &[
    ("upper uppercase toUpperCase to_uppercase", "a copy in capital letters is s.to_upper()"),
    ("lower lowercase toLowerCase to_lowercase casefold", "a copy in small letters is s.to_lower()"),
    (
        "strip lstrip rstrip trim_start trim_end trimmed chomp",
        "s.trim(); removes white space at both ends of s, in place: then use s",
    ),
    ("encode", "text is encoded when it is sent, in conn.encoding: conn.send(s); bytes(s) gives its UTF-8 as a blob"),
    ("decode", "a blob as text is b.text(), or b.text(\"gbk\") in another encoding"),
    (
        "recv recv_line recvline recvuntil recvfrom recv_until receive read read_line readline readlines read_until read_exact readexactly gets input",
        "nothing waits for data: fn on_line(conn, line), on_text or on_data is called when it comes; conn.expect(x, |c, m| ..) waits for x",
    ),
    (
        "sendall send_all sendto sendline write_line writeline puts send_text send_bytes",
        "conn.send(x) sends, conn.send_line(text) sends a line",
    ),
    ("str String toString repr", "a value as text is x.to_string(), or `${x}` in backticks"),
    ("int Number parseInt atoi to_i", "a number from text is parse_int(s), from a float f.to_int()"),
    ("float double parseFloat atof to_f", "a number from text is parse_float(s), from an integer n.to_float()"),
    ("bool", "a comparison gives true or false: x != 0, s != \"\""),
    ("list tuple set dict array", "an array is [a, b], a map is #{name: value}"),
    ("bytearray fromhex unhexlify from_hex", "bytes are bytes(text), bytes([1, 2]) or hex(\"01 02\")"),
    ("hexlify", "hex digits of a blob are b.hex()"),
    ("ord charCodeAt", "the number of a character is c.to_int(), of a byte b[0]"),
    ("chr fromCharCode", "a byte from its number is bytes([n])"),
    ("format sprintf", "text with values is `a ${x}` in backticks, or \"a {}\".fmt(x)"),
    ("length size count strlen", "the length is x.len()"),
    ("startswith startsWith", "it is s.starts_with(x)"),
    ("endswith endsWith", "it is s.ends_with(x)"),
    ("includes", "it is x.contains(y), or y in x"),
    ("indexOf search rfind", "the position is s.index_of(x), of a blob b.find(x); -1 if it is not there"),
    ("substr substring slice", "a part is s.sub_string(from, length), or s[0..3]"),
    ("charAt", "a character is s[0]"),
    ("splitlines", "lines come to fn on_line(conn, line); the parts of text are s.split(\"\\n\")"),
    ("push_back add", "a.push(x) adds to an array"),
    ("extend concat", "a += b adds one array to another"),
    ("isinstance typeof", "the type is type_of(x)"),
    ("printf println echo console", "print(x) writes a line to stdout, log(x) to stderr"),
    ("setTimeout", "it is after(ms, || ..) or conn.after(ms, |c| ..)"),
    ("setInterval", "it is every(ms, || ..) or conn.every(ms, |c| ..)"),
    ("accept", "clients are accepted by themselves: fn on_connect(conn) is called for each"),
    ("bind", "listen(\"127.0.0.1:8000\") opens a listener"),
    ("socket create_connection open_connection Socket", "connect(\"host:port\") makes a connection"),
    ("getpeername", "the other end is conn.peer"),
    ("settimeout set_timeout setsockopt", "conn.idle_timeout = ms limits silence"),
    ("randint random randrange", "a random number is rand(from, to)"),
    ("range", "numbers from 0 to 9 are 0..10, or range(0, 10)"),
    ("open", "a file is read_file(path) or read_text(path); append_file(path, x) writes"),
    ("loads parse", "JSON is parse_json(text)"),
    ("dumps stringify", "JSON is x.to_json()"),
    ("quit die", "exit(code) ends the run"),
];

/// Values and modules of other languages.
const VARIABLES: &[(&str, &str)] = &[
    ("None null nil undefined NULL nullptr void", "the value for nothing is ()"),
    ("True TRUE", "it is true"),
    ("False FALSE", "it is false"),
    ("self", "a handler gets the connection as its parameter; what a script keeps stands in app, or in conn.state"),
    ("and", "it is &&"),
    ("or", "it is ||"),
    ("not", "it is !x"),
    ("pass", "an empty block is { }"),
    ("var auto", "a variable is declared with let"),
    (
        "socket socketserver asyncio",
        "connections come to handlers, fn on_connect(conn); connect(\"host:port\") makes one",
    ),
    ("bytes", "bytes are bytes(text), bytes([1, 2]) or hex(\"01 02\")"),
    ("struct", "it is pack(format, [a, b]) and b.unpack(format)"),
    ("json JSON", "JSON is parse_json(text) and x.to_json()"),
    ("time", "nothing has to be imported: time() is text, now_ms() a number"),
    ("os sys", "nothing has to be imported: args are the arguments, env(name) is a variable of the environment"),
    ("math Math", "nothing has to be imported: x.sqrt(), x.abs(), x.floor(), PI()"),
    ("console", "print(x) writes a line to stdout, log(x) to stderr"),
    ("end", "a block stands in braces: { .. }"),
];

/// Letters in front of a string.
const PREFIXES: &[(&str, &str)] = &[
    ("f F fr rf", "text with values stands in backticks: `got ${x}`"),
    ("b B rb br", "bytes are bytes(\"text\") or hex(\"01 ff\")"),
    ("r R", "a string without escapes is #\"..\"#"),
    ("u U", "every string is Unicode: leave the letter out"),
];

/// Words that stand in the middle of code in other languages.
const WORDS: &[(&str, &str)] = &[
    ("and", "it is &&"),
    ("or", "it is ||"),
    ("not", "it is !x, and !(x in y)"),
    ("elif elsif elseif", "it is else if"),
    ("except rescue", "it is try { .. } catch (e) { .. }"),
    ("finally", "there is no finally: what follows try { .. } catch { .. } is run in any case"),
    ("lambda", "a function without a name is |x| x + 1"),
    ("then", "a block stands in braces: if x { .. }"),
    ("is", "it is x == y"),
    ("instanceof", "the type is type_of(x)"),
];

/// Words that begin a statement in other languages.
const STARTS: &[(&str, &str)] = &[
    ("def function func fun sub proc", "a function is fn name(a, b) { .. }"),
    ("var auto int string String char float double", "a variable is declared with let: let x = 5;"),
    ("raise", "an error is thrown with throw \"text\""),
    ("class struct interface", "there are no classes: a map #{..} holds values, app is shared by all handlers"),
    ("async await", "nothing waits: handlers are called when something comes; leave the word out"),
    ("del delete", "an entry of a map is removed with m.remove(name)"),
    ("with using", "there is no such block: files are read whole, with read_file(path)"),
    ("from require include", "import \"file\" as name; reads file.rhai; functions of tcpx need no import"),
    ("foreach", "it is for x in list { .. }"),
    ("unless", "it is if !x { .. }"),
    ("until", "it is do { .. } until x, or while !x { .. }"),
    ("case", "it is switch x { 1 => .., _ => .. }"),
    ("match", "it is switch x { 1 => .., _ => .. }"),
    ("global nonlocal", "what is kept between calls stands in app: app.name = x"),
];

/// Functions that change what stands before the dot and give `()`.
const IN_PLACE: &[&str] = &[
    "trim",
    "make_upper",
    "make_lower",
    "replace",
    "crop",
    "truncate",
    "clear",
    "pad",
    "push",
    "append",
    "insert",
    "reverse",
    "sort",
    "chop",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(line: &str, stop: &str, words: &str) {
        let missing = if words.starts_with("a block") { "{" } else { ";" };
        let column = line[..line.find(stop).expect("the place is there")].chars().count() + 1;
        let hint = syntax(line, column, missing).unwrap_or_else(|| panic!("no hint: {line}"));
        assert!(hint.contains(words), "{line}: {hint}");
    }

    #[test]
    fn full_width_characters_are_named_with_what_they_stand_for() {
        for (wide, plain) in ["（(", "）)", "；;", "，,", "：:", "｛{", "｝}", "＝=", "“\"", "”\"", "‘'", "。.", "【["]
            .map(|pair| (pair.chars().next().unwrap(), pair.chars().nth(1).unwrap()))
        {
            assert_eq!(ascii(wide), Some(plain));
            says(&format!("send{wide}x"), &wide.to_string(), &format!("write {plain}"));
        }
        says("print（x）", "print", "（ is a full-width character: write (");
        says("send(\"hi”);", "\"", "” does not end or begin a string");
        assert_eq!(variable("ｘ", "").unwrap(), "it has full-width characters: write x");
        assert_eq!(syntax("send(x", 5, ""), None, "what is right has no hint");
    }

    #[test]
    fn habits_of_python_are_known() {
        for (line, stop, words) in [
            ("c.send(f\"got {x}\");", "\"", "`got ${x}`"),
            ("c.send(b\"got\");", "\"", "hex("),
            ("c.send('got it');", "'", "double quotes: \"got it\""),
            ("def f(x):", "f(", "fn name(a, b)"),
            ("fn f(x):", ":", "braces"),
            ("if a == 1 and b {", "and", "&&"),
            ("if not a {", "a {", "!x"),
            ("} elif b {", "b", "else if"),
            ("if true: print(1)", ":", "braces"),
            ("x[0:3]", ":", "s[0..3]"),
            ("let m = {\"a\": 1};", ":", "#{name: value}"),
            ("# a comment", "#", "//"),
            ("raise \"x\";", "\"x", "throw"),
            ("x++;", "++", "x += 1"),
            ("let x = 1 if a else 2;", "if", "if x { a } else { b }"),
            ("if (a) b();", "b", "a block stands in braces"),
            ("  b();", "b", "at the end of the line before"),
            ("fn f() { let m = {\"a\": 1}; }", ":", "#{name: value}"),
            ("try { } except { }", "except", "catch"),
        ] {
            says(line, stop, words);
        }
        for name in ["upper", "lower", "strip", "encode", "decode", "recv", "str", "int", "float", "sendall"] {
            assert!(function(name).is_some(), "{name}");
        }
        for name in ["None", "True", "False", "self", "null", "pass"] {
            assert!(variable(name, "").is_some(), "{name}");
        }
    }

    #[test]
    fn only_an_assignment_to_an_unknown_name_asks_for_let() {
        for rest in [" = 5;", "=5", " += 1;", " -= 1"] {
            assert!(variable("x", rest).is_some_and(|hint| hint.starts_with("let x = ..;")), "{rest}");
        }
        for rest in ["", " == 5", ".y", ")", " + 1"] {
            assert_eq!(variable("x", rest), None, "{rest}");
        }
    }

    #[test]
    fn a_value_that_is_none_is_traced_to_the_function_that_gave_it() {
        let text = "fn f(s) {\n  let t = s.trim();\n  g();\n  send(t);\n}";
        assert_eq!(valueless(text, 4), Some("trim"));
        assert_eq!(valueless("send(s.make_upper().x())", 1), Some("make_upper"));
        assert_eq!(valueless("let t = s.trimmed();\nsend(t)", 2), None);
        assert!(
            in_place_hint("make_upper").contains("to_upper()") && in_place_hint("trim").contains("write x.trim();")
        );
    }
}
