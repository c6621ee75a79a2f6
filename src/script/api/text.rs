//! Strings from values: `"{} {}".fmt(a, b)`, `array.join(", ")`.

use rhai::{Array, Dynamic, Engine, NativeCallContext};

use super::sized::check_text;
use super::{Outcome, display, failure};

pub(super) fn register(engine: &mut Engine) {
    type Context<'a> = NativeCallContext<'a>;
    type D = Dynamic;
    engine
        .register_fn("fmt", |c: Context<'_>, s: &str| fmt(&c, s, []))
        .register_fn("fmt", |c: Context<'_>, s: &str, a: D| fmt(&c, s, [a]))
        .register_fn("fmt", |c: Context<'_>, s: &str, a: D, b: D| fmt(&c, s, [a, b]))
        .register_fn("fmt", |c: Context<'_>, s: &str, a: D, b: D, d: D| fmt(&c, s, [a, b, d]))
        .register_fn("fmt", |c: Context<'_>, s: &str, a: D, b: D, d: D, e: D| fmt(&c, s, [a, b, d, e]))
        .register_fn("fmt", |c: Context<'_>, s: &str, a: D, b: D, d: D, e: D, f: D| fmt(&c, s, [a, b, d, e, f]))
        .register_fn("fmt", |c: Context<'_>, s: &str, a: D, b: D, d: D, e: D, f: D, g: D| {
            fmt(&c, s, [a, b, d, e, f, g])
        })
        .register_fn("fmt", |c: Context<'_>, s: &str, a: D, b: D, d: D, e: D, f: D, g: D, h: D| {
            fmt(&c, s, [a, b, d, e, f, g, h])
        })
        .register_fn("fmt", |c: Context<'_>, s: &str, a: D, b: D, d: D, e: D, f: D, g: D, h: D, i: D| {
            fmt(&c, s, [a, b, d, e, f, g, h, i])
        })
        .register_fn("join", |c: Context<'_>, array: &mut Array, between: &str| join(&c, array, between))
        .register_fn("join", |between: &str, _: Array| -> Outcome<String> {
            Err(failure(format!("join belongs to the array: array.join({between:?})")))
        });
}

/// The items as `print` writes them, with a text between them.
fn join(context: &NativeCallContext<'_>, array: &Array, between: &str) -> Outcome<String> {
    let most = context.engine().max_string_size();
    let mut text = String::new();
    for (index, item) in array.iter().enumerate() {
        let item = display(context, item.clone())?;
        if text.len() + between.len() + item.len() > most {
            return Err(failure(format!("join: the text is longer than {} MiB", most >> 20)));
        }
        if index > 0 {
            text.push_str(between);
        }
        text.push_str(&item);
    }
    Ok(text)
}

fn fmt<const N: usize>(context: &NativeCallContext<'_>, format: &str, values: [Dynamic; N]) -> Outcome<String> {
    let mut out = String::with_capacity(format.len());
    let mut values = values.into_iter();
    let mut places = 0;
    let mut chars = format.chars();
    while let Some(character) = chars.next() {
        match (character, chars.clone().next()) {
            ('{', Some('{')) | ('}', Some('}')) => {
                out.push(character);
                chars.next();
            }
            ('{', Some('}')) => {
                places += 1;
                if let Some(value) = values.next() {
                    let shown = display(context, value)?;
                    check_text(out.len() + shown.len())?;
                    out.push_str(&shown);
                }
                chars.next();
            }
            ('{' | '}', _) => {
                return Err(failure(format!(
                    "fmt: a single {character} in \"{format}\"; write {character}{character}"
                )));
            }
            _ => out.push(character),
        }
    }
    if places != N {
        return Err(failure(format!(
            "fmt: \"{format}\" has {places} {{}}, but {N} value{} given",
            if N == 1 { " was" } else { "s were" }
        )));
    }
    Ok(out)
}
