//! Options as `getopt(3)` and `getopt_long(3)` read them: letters in one word, values joined or in the next word, long options
//! with `=` or shortened, options after operands.
//!
//! Owns the reading. What an option means is for the tool.

/// An option of a tool.
#[derive(Debug)]
pub(super) struct Known {
    /// Its letter, if it has one.
    pub(super) letter: Option<char>,
    /// Its name after `--`, if it has one.
    pub(super) long: &'static str,
    /// Whether it has a value.
    pub(super) takes: bool,
}

/// A letter without a long name.
pub(super) const fn letter(letter: char, takes: bool) -> Known {
    Known { letter: Some(letter), long: "", takes }
}

/// A long option, with or without a letter.
pub(super) const fn long(letter: Option<char>, long: &'static str, takes: bool) -> Known {
    Known { letter, long, takes }
}

/// A part of a command line.
#[derive(Debug)]
pub(super) enum Item<'a> {
    Option(&'static Known, Option<&'a str>),
    Operand(&'a str),
}

/// Reads a command line. Where an option is unknown, lacks its value or has one too many, its items end with that: the words of
/// getopt(3), without the name of the program. Those before are carried out there, such as one that asks for help.
pub(super) fn read<'a>(words: &[&'a str], table: &'static [Known]) -> (Vec<Item<'a>>, Option<String>) {
    let mut items = Vec::new();
    let error = read_into(&mut items, words, table).err();
    (items, error)
}

fn read_into<'a>(items: &mut Vec<Item<'a>>, words: &[&'a str], table: &'static [Known]) -> Result<(), String> {
    let mut words = words.iter().copied();
    let has_long = table.iter().any(|known| !known.long.is_empty());
    while let Some(word) = words.next() {
        if word == "--" {
            items.extend(words.by_ref().map(Item::Operand));
        } else if let Some(name) = word.strip_prefix("--").filter(|_| has_long) {
            items.push(read_long(name, &mut words, table)?);
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            read_letters(letters, &mut words, table, items)?;
        } else {
            items.push(Item::Operand(word));
        }
    }
    Ok(())
}

fn read_letters<'a>(
    letters: &'a str,
    words: &mut impl Iterator<Item = &'a str>,
    table: &'static [Known],
    items: &mut Vec<Item<'a>>,
) -> Result<(), String> {
    for (at, letter) in letters.char_indices() {
        let known = table.iter().find(|known| known.letter == Some(letter));
        let known = known.ok_or_else(|| format!("invalid option -- '{}'", letter.escape_default()))?;
        if !known.takes {
            items.push(Item::Option(known, None));
            continue;
        }
        let joined = &letters[at + letter.len_utf8()..];
        let value = if joined.is_empty() { words.next() } else { Some(joined) };
        let value = value.ok_or_else(|| format!("option requires an argument -- '{letter}'"))?;
        items.push(Item::Option(known, Some(value)));
        break;
    }
    Ok(())
}

fn read_long<'a>(
    text: &'a str,
    words: &mut impl Iterator<Item = &'a str>,
    table: &'static [Known],
) -> Result<Item<'a>, String> {
    let (name, joined) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
    let shown = name.escape_debug();
    let begun: Vec<_> = table.iter().filter(|known| !known.long.is_empty() && known.long.starts_with(name)).collect();
    let exact = begun.iter().copied().find(|known| known.long == name);
    let known = match (exact, &begun[..]) {
        (Some(known), _) => known,
        (None, [known]) => *known,
        (None, []) => return Err(format!("unrecognized option '--{shown}'")),
        (None, _) => return Err(format!("option '--{shown}' is ambiguous")),
    };
    match (known.takes, joined) {
        (false, Some(_)) => Err(format!("option '--{}' doesn't allow an argument", known.long)),
        (false, None) => Ok(Item::Option(known, None)),
        (true, Some(value)) => Ok(Item::Option(known, Some(value))),
        (true, None) => match words.next() {
            Some(value) => Ok(Item::Option(known, Some(value))),
            None => Err(format!("option '--{}' requires an argument", known.long)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static LETTERS: &[Known] = &[letter('v', false)];

    static TABLE: &[Known] = &[
        letter('v', false),
        letter('p', true),
        long(Some('w'), "wait", true),
        long(None, "ssl", false),
        long(None, "ssl-cert", true),
        long(None, "ssl-key", true),
    ];

    fn shown(line: &str) -> String {
        let words: Vec<_> = line.split_whitespace().collect();
        let (items, error) = read(&words, TABLE);
        let items = items.iter().map(|item| match item {
            Item::Option(known, value) => {
                let name = known.letter.map_or(known.long.to_owned(), |letter| letter.to_string());
                value.map_or(name.clone(), |value| format!("{name}={value}"))
            }
            Item::Operand(word) => (*word).to_owned(),
        });
        error.unwrap_or_else(|| items.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn what_stands_before_an_unknown_option_is_read() {
        let (items, error) = read(&["-v", "--quux", "-v"], TABLE);
        assert_eq!((items.len(), error.as_deref()), (1, Some("unrecognized option '--quux'")));
        assert_eq!(read(&["--v"], LETTERS).1.as_deref(), Some("invalid option -- '-'"));
    }

    #[test]
    fn options_are_read_as_getopt_reads_them() {
        for (line, read) in [
            ("-vp 80 h", "v p=80 h"),
            ("-vp80 h -v", "v p=80 h v"),
            ("h -w3 80", "h w=3 80"),
            ("--wait 3 h", "w=3 h"),
            ("--wait=3 h", "w=3 h"),
            ("--ssl --ssl-c f", "ssl ssl-cert=f"),
            ("--ssl- f", "option '--ssl-' is ambiguous"),
            ("--ssl=1", "option '--ssl' doesn't allow an argument"),
            ("--quux", "unrecognized option '--quux'"),
            ("-vq", "invalid option -- 'q'"),
            ("-vp", "option requires an argument -- 'p'"),
            ("--wait", "option '--wait' requires an argument"),
            ("- -v -- -p", "- v -p"),
            ("-p -v", "p=-v"),
        ] {
            assert_eq!(shown(line), read, "{line}");
        }
    }
}
