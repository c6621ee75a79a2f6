//! `--exec` and `--sh` → the program of each connection.
//!
//! Owns how the words of a program are told apart.

use crate::cli::args::ExecArgs;
use crate::cli::values;
use crate::config::{Exec, Program};
use crate::error::{Error, Result};

/// The program of each connection, if there is one.
pub(super) fn exec(args: &ExecArgs) -> Result<Option<Exec>> {
    let program = match (&args.exec, &args.sh) {
        (Some(text), _) => Program::Words(words(text)?),
        (None, Some(command)) => Program::Shell(values::command("--sh", command, "sort | uniq -c")?),
        (None, None) => return Ok(None),
    };
    Ok(Some(Exec { program, has_terminal: args.pty, gives_status: args.exec_status, is_ncats: false }))
}

/// The words of `--exec`: split at blanks, where double quotes hold some together.
fn words(text: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    for character in text.chars() {
        match character {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' | '\t' | '\n' if !is_quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    if is_quoted {
        return Err(Error::usage_hint(
            format!("--exec {text:?}: a \" is not closed"),
            "as in --exec 'grep \"two words\" file'; --sh 'COMMAND' asks the shell",
        ));
    }
    words.extend(word);
    if words.first().is_none_or(String::is_empty) {
        return Err(Error::usage_hint("--exec has no program", "as in --exec 'cat -n'"));
    }
    if text.contains('\0') {
        return Err(Error::usage("--exec: a program has no NUL in its words"));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_blanks_and_held_together_by_quotes() {
        for (text, expected) in [
            ("cat", &["cat"][..]),
            ("  grep -v  x ", &["grep", "-v", "x"]),
            (r#"printf "two words" """#, &["printf", "two words", ""]),
            (r#"a"b c"d"#, &["ab cd"]),
            ("echo $HOME *.c 'x", &["echo", "$HOME", "*.c", "'x"]),
        ] {
            assert_eq!(words(text).unwrap(), expected, "{text}");
        }
        for text in ["", "  ", "\"\"", "grep \"x"] {
            assert_eq!(words(text).unwrap_err().exit().code(), 2, "{text}");
        }
    }
}
