//! Functions of strings, arrays and blobs that make much of little: Rhai's own check the size of a result after it is made.
//!
//! Each computes the size first and refuses what exceeds the limits of values or of memory; those that work for long look at
//! the limits of the call meanwhile. Results are those of Rhai, but an empty padding is an error instead of an endless loop.

use std::rc::Rc;

use memchr::memmem;
use rhai::{Array, Blob, Dynamic, Engine, EvalAltResult, INT, ImmutableString, Map, NativeCallContext, Position};

use super::{Outcome, failure};
use crate::script::host::Host;
use crate::sys::memory;

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    register_replace(engine, host);
    register_split(engine, host);
    register_growing(engine, host);
    register_searching(engine, host);
    register_searching_text(engine, host);
}

fn register_replace(engine: &mut Engine, host: &Rc<Host>) {
    type S<'a> = &'a mut ImmutableString;
    let of = Rc::clone(host);
    engine.register_fn("replace", move |s: S<'_>, what: &str, with: &str| replace(&of, s, what, with));
    let of = Rc::clone(host);
    engine.register_fn("replace", move |s: S<'_>, what: &str, with: char| {
        replace(&of, s, what, with.encode_utf8(&mut [0; 4]))
    });
    let of = Rc::clone(host);
    engine.register_fn("replace", move |s: S<'_>, what: char, with: &str| {
        replace(&of, s, what.encode_utf8(&mut [0; 4]), with)
    });
    let of = Rc::clone(host);
    engine.register_fn("replace", move |s: S<'_>, what: char, with: char| {
        replace(&of, s, what.encode_utf8(&mut [0; 4]), with.encode_utf8(&mut [0; 4]))
    });
}

fn register_split(engine: &mut Engine, host: &Rc<Host>) {
    type S<'a> = &'a mut ImmutableString;
    for (name, from_end) in [("split", false), ("split_rev", true)] {
        let of = Rc::clone(host);
        engine.register_fn(name, move |s: S<'_>, at: &str| split(&of, s, at, INT::MAX, from_end));
        let of = Rc::clone(host);
        engine.register_fn(name, move |s: S<'_>, at: &str, most: INT| split(&of, s, at, most, from_end));
        let of = Rc::clone(host);
        engine.register_fn(name, move |s: S<'_>, at: char| {
            split(&of, s, at.encode_utf8(&mut [0; 4]), INT::MAX, from_end)
        });
        let of = Rc::clone(host);
        engine.register_fn(name, move |s: S<'_>, at: char, most: INT| {
            split(&of, s, at.encode_utf8(&mut [0; 4]), most, from_end)
        });
    }
    let of = Rc::clone(host);
    engine.register_fn("split", move |s: S<'_>| -> Outcome<Array> {
        if s.is_empty() {
            return Ok(vec![s.clone().into()]);
        }
        pieces(&of, s.len(), s.split_whitespace().count(), s.split_whitespace())
    });
    let of = Rc::clone(host);
    engine.register_fn("to_chars", move |s: &str| -> Outcome<Array> {
        let count = check_items(s.chars().count())?;
        of.reserve(count.saturating_mul(size_of::<Dynamic>()))?;
        Ok(s.chars().map(Dynamic::from_char).collect())
    });
}

fn register_growing(engine: &mut Engine, host: &Rc<Host>) {
    type S<'a> = &'a mut ImmutableString;
    let of = Rc::clone(host);
    engine.register_fn("pad", move |s: S<'_>, len: INT, with: char| pad(&of, s, len, with.encode_utf8(&mut [0; 4])));
    let of = Rc::clone(host);
    engine.register_fn("pad", move |s: S<'_>, len: INT, with: &str| pad(&of, s, len, with));
    let of = Rc::clone(host);
    engine.register_fn("pad", move |array: &mut Array, len: INT, item: Dynamic| pad_array(&of, array, len, item));
    engine
        .register_fn("+", |mut one: Array, other: Array| append(&mut one, other).map(|()| one))
        .register_fn("append", append)
        .register_fn("append", |one: &mut Blob, other: Blob| append_bytes(one, &other))
        .register_fn("append", |one: &mut Blob, text: &str| append_bytes(one, text.as_bytes()));
}

fn register_searching(engine: &mut Engine, host: &Rc<Host>) {
    type Context<'a> = NativeCallContext<'a>;
    let of = Rc::clone(host);
    engine.register_fn("contains", move |c: Context<'_>, array: &mut Array, value: Dynamic| -> Outcome<bool> {
        Ok(index_of(&c, &of, array, &value, 0)?.is_some())
    });
    let of = Rc::clone(host);
    engine.register_fn("index_of", move |c: Context<'_>, array: &mut Array, value: Dynamic| -> Outcome<INT> {
        Ok(index_of(&c, &of, array, &value, 0)?.map_or(-1, |at| at as INT))
    });
    let of = Rc::clone(host);
    engine.register_fn(
        "index_of",
        move |c: Context<'_>, array: &mut Array, value: Dynamic, from: INT| -> Outcome<INT> {
            let from = super::bytes::offset(array.len(), from);
            Ok(index_of(&c, &of, array, &value, from)?.map_or(-1, |at| at as INT))
        },
    );
}

/// Searches for texts: Rhai's own overload takes a string for the name of a function.
fn register_searching_text(engine: &mut Engine, host: &Rc<Host>) {
    type Context<'a> = NativeCallContext<'a>;
    let of = Rc::clone(host);
    engine.register_fn("index_of", move |c: Context<'_>, array: &mut Array, text: &str| -> Outcome<INT> {
        Ok(index_of(&c, &of, array, &text.into(), 0)?.map_or(-1, |at| at as INT))
    });
    let of = Rc::clone(host);
    engine.register_fn("index_of", move |c: Context<'_>, array: &mut Array, text: &str, from: INT| -> Outcome<INT> {
        let from = super::bytes::offset(array.len(), from);
        Ok(index_of(&c, &of, array, &text.into(), from)?.map_or(-1, |at| at as INT))
    });
}

fn replace(host: &Host, text: &mut ImmutableString, what: &str, with: &str) -> Outcome<()> {
    if text.is_empty() {
        return Ok(());
    }
    let count = matches(text, what);
    if count == 0 {
        return Ok(());
    }
    let size = (text.len() - count.saturating_mul(what.len())).saturating_add(count.saturating_mul(with.len()));
    check_text(size)?;
    host.reserve(size)?;
    *text = text.replace(what, with).into();
    Ok(())
}

/// Number of places of a text in another; the empty text is before every character and at the end.
fn matches(text: &str, what: &str) -> usize {
    if what.is_empty() { text.chars().count() + 1 } else { memmem::find_iter(text.as_bytes(), what).count() }
}

fn split(host: &Host, text: &ImmutableString, at: &str, most: INT, from_end: bool) -> Outcome<Array> {
    let places = matches(text, at);
    let most = usize::try_from(most).unwrap_or(0);
    if most <= 1 || text.is_empty() || places == 0 {
        return Ok(vec![text.clone().into()]);
    }
    let count = (places + 1).min(most);
    if from_end {
        pieces(host, text.len(), count, text.rsplitn(most, at))
    } else {
        pieces(host, text.len(), count, text.splitn(most, at))
    }
}

/// An array of `count` strings with `len` bytes in all.
fn pieces<'a>(host: &Host, len: usize, count: usize, all: impl Iterator<Item = &'a str>) -> Outcome<Array> {
    check_items(count)?;
    host.reserve(count.saturating_mul(STRING).saturating_add(len))?;
    let mut array = Array::with_capacity(count);
    for piece in all {
        if array.len().is_multiple_of(ITEMS_PER_LOOK) {
            host.check()?;
        }
        array.push(piece.into());
    }
    Ok(array)
}

fn pad(host: &Host, text: &mut ImmutableString, len: INT, with: &str) -> Outcome<()> {
    let wanted = usize::try_from(len).unwrap_or(0);
    // A character has at least one byte.
    check_text(wanted)?;
    let missing = wanted.saturating_sub(text.chars().count());
    if missing == 0 {
        return Ok(());
    }
    if with.is_empty() {
        return Err(failure("pad: the padding is an empty string"));
    }
    let width = with.chars().count();
    let part: String = with.chars().take(missing % width).collect();
    let size = text.len() + missing / width * with.len() + part.len();
    check_text(size)?;
    host.reserve(size)?;
    let mut out = String::with_capacity(size);
    out.push_str(text);
    (0..missing / width).for_each(|_| out.push_str(with));
    out.push_str(&part);
    *text = out.into();
    Ok(())
}

fn pad_array(host: &Host, array: &mut Array, len: INT, item: Dynamic) -> Outcome<()> {
    let len = check_items(usize::try_from(len).unwrap_or(0))?;
    let missing = len.saturating_sub(array.len());
    if missing == 0 {
        return Ok(());
    }
    let (item_sizes, own) = (Sizes::of(&item), Sizes::of_all(array.iter()));
    own.plus(&item_sizes.times(missing)).check()?;
    let before = memory::held();
    let copy = item.clone();
    let each = usize::try_from(memory::held() - before).unwrap_or(0) + size_of::<Dynamic>();
    drop(copy);
    host.reserve(each.saturating_mul(missing))?;
    array.resize(len, item);
    Ok(())
}

fn append(one: &mut Array, other: Array) -> Outcome<()> {
    check_items(one.len() + other.len())?;
    if one.is_empty() {
        *one = other;
    } else {
        one.extend(other);
    }
    Ok(())
}

fn append_bytes(one: &mut Blob, other: &[u8]) -> Outcome<()> {
    check_items(one.len() + other.len())?;
    one.extend_from_slice(other);
    Ok(())
}

/// Index of the first item that equals a value. Rhai's own function copies the value for each item, however large it is.
fn index_of(
    context: &NativeCallContext<'_>,
    host: &Host,
    array: &mut Array,
    value: &Dynamic,
    from: usize,
) -> Outcome<Option<usize>> {
    let composite = (value.is_array() || value.is_map() || value.is_blob()).then(|| Sizes::of(value));
    for (at, item) in array.iter_mut().enumerate().skip(from) {
        if at.is_multiple_of(ITEMS_PER_LOOK) {
            host.check()?;
        }
        // What has another number of items is not equal: a copy is made only of what is as large as the item.
        let differs = composite
            .as_ref()
            .is_some_and(|sizes| item.type_id() != value.type_id() || !sizes.counts(&Sizes::of(item)));
        if !differs && equal(context, item, value)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// Whether `==` gives true. Values of different types without an operator are not equal.
pub(super) fn equal(context: &NativeCallContext<'_>, one: &mut Dynamic, other: &Dynamic) -> Outcome<bool> {
    let is_other_type = one.type_id() != other.type_id();
    match context.call_native_fn_raw("==", true, &mut [one, &mut other.clone()]) {
        Ok(result) => Ok(result.as_bool().unwrap_or(false)),
        Err(fault) => match *fault {
            EvalAltResult::ErrorFunctionNotFound(ref name, _) if is_other_type && name.starts_with("==") => Ok(false),
            _ => Err(fault),
        },
    }
}

/// The sizes of a value as Rhai counts them.
#[derive(Clone, Debug, Default)]
struct Sizes {
    items: usize,
    entries: usize,
    text: usize,
}

impl Sizes {
    fn of(value: &Dynamic) -> Self {
        if let Some(array) = value.read_lock::<Array>() {
            Self { items: 1, ..Self::default() }.plus(&Self::of_all(array.iter()))
        } else if let Some(map) = value.read_lock::<Map>() {
            let mut sizes = Self { items: 1, ..Self::default() }.plus(&Self::of_all(map.values()));
            sizes.items = sizes.items.saturating_sub(map.len());
            sizes.entries += map.len();
            sizes
        } else if let Some(blob) = value.read_lock::<Blob>() {
            Self { items: 1 + blob.len(), ..Self::default() }
        } else if let Some(text) = value.read_lock::<ImmutableString>() {
            Self { items: 1, entries: 0, text: text.len() }
        } else {
            Self { items: 1, ..Self::default() }
        }
    }

    fn of_all<'a>(values: impl Iterator<Item = &'a Dynamic>) -> Self {
        values.fold(Self::default(), |sum, value| sum.plus(&Self::of(value)))
    }

    fn plus(&self, other: &Self) -> Self {
        Self {
            items: self.items.saturating_add(other.items),
            entries: self.entries.saturating_add(other.entries),
            text: self.text.saturating_add(other.text),
        }
    }

    fn times(&self, count: usize) -> Self {
        Self {
            items: self.items.saturating_mul(count),
            entries: self.entries.saturating_mul(count),
            text: self.text.saturating_mul(count),
        }
    }

    /// Whether both have as many items and entries.
    fn counts(&self, other: &Self) -> bool {
        (self.items, self.entries) == (other.items, other.entries)
    }

    fn check(&self) -> Outcome<()> {
        check_text(self.text)?;
        check_items(self.items)?;
        if self.entries > MAX_ENTRIES { Err(too_large("map")) } else { Ok(()) }
    }
}

/// The length of a string, if strings may have it.
pub(super) fn check_text(len: usize) -> Outcome<usize> {
    if len > MAX_TEXT { Err(too_large("string")) } else { Ok(len) }
}

/// The length of an array or a blob, if they may have it.
pub(super) fn check_items(len: usize) -> Outcome<usize> {
    if len > MAX_ITEMS { Err(too_large("array")) } else { Ok(len) }
}

#[allow(clippy::unnecessary_box_returns, reason = "Rhai's results have boxed errors")]
fn too_large(what: &str) -> Box<EvalAltResult> {
    EvalAltResult::ErrorDataTooLarge(format!("size of {what}"), Position::NONE).into()
}

/// Maximum sizes of values; those that are set for the engine.
pub(in crate::script) const MAX_TEXT: usize = 16 << 20;
pub(in crate::script) const MAX_ITEMS: usize = 4 << 20;
pub(in crate::script) const MAX_ENTRIES: usize = 1 << 20;
/// Bytes of a short string in an array.
const STRING: usize = 56;
/// Items between two looks at the limits of the call.
pub(super) const ITEMS_PER_LOOK: usize = 1 << 14;
