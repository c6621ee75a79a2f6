//! `parse_json` and `to_json`, for every JSON value.
//!
//! Replaces Rhai's own functions, which parse only maps, in the syntax of scripts, and write values without a JSON form
//! as text.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, Map, NativeCallContext};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::sized::{ITEMS_PER_LOOK, MAX_ITEMS, MAX_TEXT};
use super::{Outcome, failure, type_name};
use crate::script::host::Host;

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    let (of, also) = (Rc::clone(host), Rc::clone(host));
    engine
        .register_fn("parse_json", move |text: &str| parse(&of, text.as_bytes()))
        .register_fn("parse_json", move |blob: rhai::Blob| parse(&also, &blob))
        // Registered for maps too, because Rhai's own function would be found first.
        .register_fn("to_json", |context: NativeCallContext<'_>, map: Map| write(&context, &map.into()))
        .register_fn("to_json", |context: NativeCallContext<'_>, x: Dynamic| write(&context, &x));
}

fn parse(host: &Host, text: &[u8]) -> Outcome<Dynamic> {
    let count = Count { host, items: Cell::new(0), entries: Cell::new(0), stopped: Cell::new(None) };
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Value(&count).deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|fault| count.stopped.take().unwrap_or_else(|| failure(format!("parse_json: {fault}"))))
}

/// Items of the parsed value so far; parsing stops at the limits of scripts, before a larger value is built.
struct Count<'a> {
    host: &'a Host,
    items: Cell<usize>,
    entries: Cell<usize>,
    /// The error of a limit of the call.
    stopped: Cell<Option<Box<EvalAltResult>>>,
}

impl Count<'_> {
    fn add<E: Error>(&self, counter: &Cell<usize>, limit: usize, what: &str) -> Result<(), E> {
        counter.set(counter.get() + 1);
        if counter.get().is_multiple_of(ITEMS_PER_LOOK)
            && let Err(fault) = self.host.check()
        {
            self.stopped.set(Some(fault));
            return Err(E::custom("stopped"));
        }
        if counter.get() > limit { Err(E::custom(format_args!("more than {limit} {what}"))) } else { Ok(()) }
    }
}

/// Builds one value; the parser limits nesting to 128.
#[derive(Clone, Copy)]
struct Value<'a>(&'a Count<'a>);

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Dynamic;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Dynamic, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Dynamic;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Dynamic, E> {
        Ok(Dynamic::UNIT)
    }

    fn visit_bool<E>(self, on: bool) -> Result<Dynamic, E> {
        Ok(on.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Dynamic, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Dynamic, E> {
        Ok(i64::try_from(number).map_or_else(|_| (number as f64).into(), Into::into))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Dynamic, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Dynamic, E> {
        Ok(text.to_owned().into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Dynamic, A::Error> {
        let mut array = Array::new();
        while let Some(item) = items.next_element_seed(self)? {
            self.0.add(&self.0.items, MAX_ITEMS, "array items")?;
            array.push(item);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Dynamic, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.0.add(&self.0.entries, MAX_ENTRIES, "map entries")?;
            map.insert(key.into(), entries.next_value_seed(self)?);
        }
        Ok(map.into())
    }
}

fn write(context: &NativeCallContext<'_>, value: &Dynamic) -> Outcome<String> {
    let mut out = String::new();
    add(context, value, 0, &mut out)?;
    check_length(&out)?;
    Ok(out)
}

fn add(context: &NativeCallContext<'_>, value: &Dynamic, depth: usize, out: &mut String) -> Outcome<()> {
    if depth > MAX_DEPTH {
        return Err(failure(format!("to_json: nested deeper than {MAX_DEPTH}")));
    }
    check_length(out)?;
    if let Some(array) = value.read_lock::<Array>() {
        let mut separator = '[';
        for item in array.iter() {
            out.push(separator);
            separator = ',';
            add(context, item, depth + 1, out)?;
        }
        out.push_str(if separator == '[' { "[]" } else { "]" });
    } else if let Some(map) = value.read_lock::<Map>() {
        let mut separator = '{';
        for (key, item) in map.iter() {
            out.push(separator);
            separator = ',';
            quote(key, out);
            out.push(':');
            add(context, item, depth + 1, out)?;
        }
        out.push_str(if separator == '{' { "{}" } else { "}" });
    } else if let Some(text) = value.read_lock::<ImmutableString>() {
        quote(&text, out);
    } else if let Ok(character) = value.as_char() {
        quote(character.encode_utf8(&mut [0; 4]), out);
    } else if value.is_unit() {
        out.push_str("null");
    } else if let Ok(on) = value.as_bool() {
        out.push_str(if on { "true" } else { "false" });
    } else if let Ok(number) = value.as_int() {
        out.push_str(&number.to_string());
    } else {
        match value.as_float() {
            // With a decimal point or an exponent, so that it is parsed as a float again.
            Ok(number) if number.is_finite() => {
                let _ = write!(out, "{number:?}");
            }
            Ok(number) => return Err(failure(format!("to_json: {number} is no number in JSON"))),
            Err(_) if value.is_blob() => {
                return Err(failure("to_json: JSON has no bytes; make text of them with b.text(), b.hex() or b.b64()"));
            }
            Err(_) => {
                return Err(failure(format!("to_json: a value of type {} has no JSON", type_name(context, value))));
            }
        }
    }
    Ok(())
}

fn check_length(out: &str) -> Outcome<()> {
    if out.len() > MAX_TEXT {
        return Err(failure(format!("to_json: the text would be longer than {} MiB", MAX_TEXT >> 20)));
    }
    Ok(())
}

/// A quoted string with the required escapes (RFC 8259, section 7).
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        if out.len() > MAX_TEXT {
            // It is refused for its length.
            return;
        }
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

/// Maximum number of map entries.
const MAX_ENTRIES: usize = 1 << 20;
/// Maximum nesting of written JSON; the parser has the same limit.
const MAX_DEPTH: usize = 127;
