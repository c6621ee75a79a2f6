//! The places of errors that have no position, in the text of a script. A scan that knows just enough of the language to skip
//! strings and comments.
//!
//! A data race is a closure that uses the value whose function it is given to: Rhai refuses
//! `conn.after(10, |c| conn.send("y"))` without a position and without the variable.

use rhai::Position;

use crate::script::outline;

/// A captured value that is in use.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Race {
    /// Where the closure uses it.
    pub(super) at: Position,
    /// The variable.
    pub(super) variable: String,
    /// The function that the closure is given to.
    pub(super) function: String,
    /// What to write instead.
    pub(super) hint: String,
}

/// Finds the race that Rhai describes as "argument #1 of function 'map'". `within`: the function of the script it is in, if
/// that has a name.
pub(super) fn find(text: &str, what: &str, within: Option<&str>) -> Option<Race> {
    let function = what.split('\'').nth(1)?;
    let code = masked(text);
    let (start, end) = within.and_then(|name| span(text, name)).unwrap_or((0, text.len()));
    let part = &code[..end];
    let mut from = start;
    while let Some(found) = part[from..].find(function).map(|at| from + at) {
        from = found + function.len();
        if let Some(race) = race_at(part, found, function) {
            let at = position(text, race.0)?;
            return Some(Race { at, variable: race.1, function: function.to_owned(), hint: race.2 });
        }
    }
    None
}

/// The place of a limit reached in a function: its only `+=` if that made a value too large, else the name of the function.
pub(super) fn of_limit(text: &str, within: &str, is_size: bool) -> Option<Position> {
    let word = outline::words(text).find(|word| word.keyword == "fn" && word.depth == 0 && word.name == within)?;
    let name = Position::new(u16::try_from(word.line).ok()?, u16::try_from(word.column).ok()?);
    if !is_size {
        return Some(name);
    }
    let code = masked(text);
    let (start, end) = span(text, within)?;
    let mut adds = code[start..end].match_indices("+=").map(|(at, _)| start + at);
    match (adds.next(), adds.next()) {
        (Some(only), None) => position(text, only),
        _ => Some(name),
    }
}

fn position(text: &str, offset: usize) -> Option<Position> {
    let line_start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let line = 1 + text[..line_start].matches('\n').count();
    let column = 1 + text[line_start..offset].chars().count();
    Some(Position::new(u16::try_from(line).ok()?, u16::try_from(column).ok()?))
}

/// Offset of the use, variable and hint, if the call of `function` at `found` is given a closure that uses its own receiver.
fn race_at(code: &str, found: usize, function: &str) -> Option<(usize, String, String)> {
    let receiver = code[..found].trim_end().strip_suffix('.')?.trim_end();
    let is_part = |character: char| is_name(character) || ".[]?".contains(character);
    let whole = &receiver[receiver.trim_end_matches(is_part).len()..];
    let variable = &whole[..whole.find(|character| !is_name(character)).unwrap_or(whole.len())];
    let after = found + function.len();
    let open = after + code[after..].find(|character: char| !character.is_whitespace())?;
    let arguments = inside(code, open)?;
    let bar = arguments.find('|')?;
    let bar_end = bar + 1 + arguments[bar + 1..].find('|')?;
    let parameters = arguments[bar + 1..bar_end].trim();
    if variable.is_empty() || parameters.split(',').any(|name| name.trim() == variable) {
        return None;
    }
    let body = &arguments[bar_end + 1..];
    let used = word(body, variable)?;
    let own = parameters.split(',').next().map(str::trim).filter(|name| !name.is_empty()).unwrap_or("c");
    let hint = if OF_CONNECTIONS.contains(&function) && whole == variable {
        let rest = body[used + variable.len()..].trim_start();
        let method = rest.strip_prefix('.').map(str::trim_start).unwrap_or_default();
        let method = &method[..method.find(|character| !is_name(character)).unwrap_or(method.len())];
        let list = if parameters.is_empty() { own } else { parameters };
        let call = if method.is_empty() { own.to_owned() } else { format!("{own}.{method}(…)") };
        format!("use the closure's own parameter: |{list}| {call}")
    } else {
        format!(
            "{function} works on {variable} meanwhile: let the closure use a copy, made before: let copy = {whole};"
        )
    };
    let start = open + 1 + bar_end + 1 + used;
    Some((start, variable.to_owned(), hint))
}

/// The text between a parenthesis and the one that closes it.
fn inside(code: &str, open: usize) -> Option<&str> {
    let mut depth = 0;
    for (at, character) in code[open..].char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if at == 0 => return None,
            _ => {}
        }
        if depth == 0 {
            return Some(&code[open + 1..open + at]);
        }
    }
    None
}

/// Offset of a variable, whole and not behind a dot.
fn word(code: &str, name: &str) -> Option<usize> {
    code.match_indices(name).map(|(at, _)| at).find(|&at| {
        let before = code[..at].chars().next_back();
        let after = code[at + name.len()..].chars().next();
        !before.is_some_and(|character| is_name(character) || character == '.') && !after.is_some_and(is_name)
    })
}

/// The extent of a function of the script: up to the next one.
fn span(text: &str, name: &str) -> Option<(usize, usize)> {
    let offset = |line: usize| text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
    let functions: Vec<_> = outline::words(text).filter(|word| word.keyword == "fn" && word.depth == 0).collect();
    let index = functions.iter().position(|word| word.name == name)?;
    let end = functions.get(index + 1).filter(|next| next.line > functions[index].line);
    Some((offset(functions[index].line), end.map_or(text.len(), |next| offset(next.line))))
}

/// The text with spaces for strings and comments, in the same places.
fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' | '`' => string_end(rest, first),
            '\'' => rest[1..].find('\'').map_or(1, |at| at + 2),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
            _ => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            }
        };
        out.extend(rest[..end].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        rest = &rest[end..];
    }
    out
}

fn string_end(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Functions of a connection that pass it to their closure.
const OF_CONNECTIONS: [&str; 3] = ["after", "every", "expect"];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, function: &str, within: Option<&str>) -> (usize, usize, String, String) {
        let race = find(text, &format!("argument #2 of function '{function}'"), within).expect(text);
        (race.at.line().unwrap(), race.at.position().unwrap(), race.variable, race.hint)
    }

    #[test]
    fn a_closure_that_uses_its_connection_is_told_its_own_parameter() {
        let hint = |line: usize, column: usize, what: &str| {
            (line, column, "conn".to_owned(), format!("use the closure's own parameter: {what}"))
        };
        let text = "fn on_connect(conn) {\n  conn.after(10, |c| conn.send(\"y\"));\n}";
        assert_eq!(found(text, "after", Some("on_connect")), hint(2, 22, "|c| c.send(…)"));
        let text = "// conn.after(1, |c| conn.x())\nconn . every (5, || { \"conn\"; conn.close() })";
        assert_eq!(found(text, "every", None), hint(2, 31, "|c| c.close(…)"));
        let text = "conn.expect(re(\"|\"), 5, |them, m| print(conn))";
        assert_eq!(found(text, "expect", None), hint(1, 41, "|them, m| them"));
    }

    #[test]
    fn a_limit_is_found_in_its_function() {
        let text = "fn a() {}\nfn b() {\n  // +=\n  x += x;\n}\nfn c() { y += 1; y += 2; }";
        let at =
            |within, is_size| of_limit(text, within, is_size).map(|at| (at.line().unwrap(), at.position().unwrap()));
        assert_eq!(at("b", true), Some((4, 5)));
        assert_eq!(at("b", false), Some((2, 4)));
        assert_eq!(at("c", true), Some((6, 4)));
        assert_eq!(at("a", true), Some((1, 4)));
        assert_eq!(at("d", true), None);
    }

    #[test]
    fn the_right_call_is_found() {
        let text =
            "fn a(x) { x.map(|y| y) }\nfn b(x) {\n x.map(|x| x.f());\n z.map(|q| x);\n x.map(|y|\n  x.push(y)) }";
        let copy = "map works on x meanwhile: let the closure use a copy, made before: let copy = x;".to_owned();
        assert_eq!(found(text, "map", Some("b")), (6, 3, "x".into(), copy));
        assert_eq!(find(text, "argument #1 of function 'map'", Some("a")), None);
        let text = "app.list.for_each(|x| { app.n = 1 })";
        let copy = "for_each works on app meanwhile: let the closure use a copy, made before: let copy = app.list;";
        assert_eq!(found(text, "for_each", None), (1, 25, "app".into(), copy.into()));
        assert_eq!(find("", "", None), None);
        assert_eq!(find("a.b(", "argument #1 of function 'b'", None), None);
    }
}
