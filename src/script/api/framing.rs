//! The framing of a connection: `frame_lines`, `frame_delim`, `frame_fixed`, `frame_length`, `frame_none`.
//!
//! Parses the options and pushes the framing. Splitting the stream is up to `codec::framing` and the session.

use std::rc::Rc;

use encoding_rs::{Encoding, UTF_8};
use rhai::{Blob, Dynamic, Engine, INT, Map, NativeCallContext};

use super::conn::Conn;
use super::{Outcome, failure, type_name};
use crate::codec::charset::Encoder;
use crate::codec::framing::{Endian, Framing, LengthHeader, MAX_FRAME};
use crate::codec::nearest::nearest;
use crate::config::{Charset, Unencodable};
use crate::script::check::Hook;
use crate::script::host::Host;
use crate::script::pulling::takes_bytes;
use crate::script::trouble::{self, Kind};
use crate::session::ChosenForm;

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    let of = Rc::clone(host);
    engine.register_fn("frame_lines", move |conn: &mut Conn| lines(&of, conn, MAX_FRAME as INT));
    let of = Rc::clone(host);
    engine.register_fn("frame_lines", move |conn: &mut Conn, max: INT| lines(&of, conn, max));
    let of = Rc::clone(host);
    engine.register_fn("frame_delim", move |context: NativeCallContext<'_>, conn: &mut Conn, delimiter: Dynamic| {
        delimited(&context, &of, conn, &delimiter, MAX_FRAME as INT)
    });
    let of = Rc::clone(host);
    engine.register_fn(
        "frame_delim",
        move |context: NativeCallContext<'_>, conn: &mut Conn, delimiter: Dynamic, max: INT| {
            delimited(&context, &of, conn, &delimiter, max)
        },
    );
    let of = Rc::clone(host);
    engine.register_fn("frame_fixed", move |conn: &mut Conn, size: INT| -> Outcome<()> {
        let size = within("frame_fixed", "a size", size, LARGEST)?;
        frames("frame_fixed", &of, conn, Framing::Fixed(size))
    });
    let of = Rc::clone(host);
    engine.register_fn("frame_length", move |context: NativeCallContext<'_>, conn: &mut Conn, options: Map| {
        let header = length_header(&context, &options)?;
        frames("frame_length", &of, conn, Framing::Length(header))
    });
    let of = Rc::clone(host);
    engine.register_fn("frame_none", move |conn: &mut Conn| -> Outcome<()> {
        let view = conn.view();
        let takes_chunks = of.has(view, Hook::Frame) || of.has(view, Hook::Data);
        if !takes_chunks && of.has(view, Hook::Line) {
            return Err(failure(
                "frame_none without on_frame or on_data: nobody would get the chunks; frame_lines() goes back to lines",
            ));
        }
        of.choose_form(view, takes_chunks.then_some(ChosenForm::Data));
        Ok(())
    });
}

fn lines(host: &Host, conn: &Conn, max: INT) -> Outcome<()> {
    let max = within("frame_lines", "a limit", max, LARGEST)?;
    if host.has(conn.view(), Hook::Line) {
        host.choose_form(conn.view(), Some(ChosenForm::Lines { max }));
        return Ok(());
    }
    frames("frame_lines", host, conn, Framing::Lines { encoding: encoding_of(conn), max })
}

/// Sets a framing, for `on_frame` or `on_data`, or for `on_line` what a delimiter ends; an error if there is none of them.
fn frames(function: &str, host: &Host, conn: &Conn, framing: Framing) -> Outcome<()> {
    let view = conn.view();
    let is_delimited = matches!(framing, Framing::Delimiter { .. } | Framing::Text { .. });
    let chosen = if takes_bytes(view) || host.has(view, Hook::Frame) || host.has(view, Hook::Data) {
        ChosenForm::Frames(framing)
    } else if is_delimited && host.has(view, Hook::Line) {
        ChosenForm::DelimitedText(framing)
    } else {
        let lines = if is_delimited || function == "frame_lines" { "on_line, " } else { "" };
        return Err(failure(format!("{function} without {lines}on_frame or on_data: nobody would get what it cuts")));
    };
    host.choose_form(view, Some(chosen));
    Ok(())
}

fn delimited(context: &NativeCallContext<'_>, host: &Host, conn: &Conn, delimiter: &Dynamic, max: INT) -> Outcome<()> {
    let max = within("frame_delim", "a limit", max, LARGEST)?;
    frames("frame_delim", host, conn, delimiter_of(context, host, "frame_delim", conn, delimiter, max)?)
}

/// The framing by a delimiter that a call was given: a blob, or text in the encoding of the connection.
pub(super) fn delimiter_of(
    context: &NativeCallContext<'_>,
    host: &Host,
    call: &'static str,
    conn: &Conn,
    delimiter: &Dynamic,
    max: usize,
) -> Outcome<Framing> {
    let framing = if let Some(bytes) = delimiter.read_lock::<Blob>() {
        Framing::Delimiter { bytes: bytes.clone(), max }
    } else if delimiter.is_string() {
        let text = delimiter.clone().into_string().unwrap_or_default();
        let encoding = encoding_of(conn);
        let encoded = Encoder::new(encoding, Unencodable::Fail).encode_whole(&text);
        let bytes = encoded.map_err(|fault| trouble::failure(host, Kind::Text, call, Some(conn), fault.to_string()))?;
        Framing::Text { text, bytes, encoding, max }
    } else {
        let given = type_name(context, delimiter);
        return Err(failure(format!("{call} takes a string or a blob, not {given}")));
    };
    match &framing {
        Framing::Delimiter { bytes, .. } | Framing::Text { bytes, .. } if bytes.is_empty() => {
            Err(failure(format!("{call} takes a delimiter that is not empty")))
        }
        _ => Ok(framing),
    }
}

fn length_header(context: &NativeCallContext<'_>, options: &Map) -> Outcome<LengthHeader> {
    for name in options.keys() {
        if !OPTIONS.contains(&name.as_str()) {
            let near = nearest(name, OPTIONS.iter().copied());
            let hint = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
            return Err(failure(format!("frame_length has no option {name}{hint}")));
        }
    }
    let wrong = |name: &str, wanted: &str, value: &Dynamic| {
        failure(format!("frame_length: {name} is {wanted}, not {}", type_name(context, value)))
    };
    let number = |name: &str, default: Option<INT>| match (options.get(name), default) {
        (Some(value), _) => value.as_int().map_err(|_| wrong(name, "a number", value)),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(failure(format!("frame_length needs {name}"))),
    };
    let flag = |name: &str, default: bool| match options.get(name) {
        Some(value) => value.as_bool().map_err(|_| wrong(name, "true or false", value)),
        None => Ok(default),
    };
    let endian = match options.get("endian").map(|value| value.clone().into_string()) {
        None => Endian::Big,
        Some(Ok(word)) if word == "big" => Endian::Big,
        Some(Ok(word)) if word == "little" => Endian::Little,
        Some(_) => return Err(failure("frame_length: endian is \"big\" or \"little\"")),
    };
    let max = within("frame_length", "max", number("max", Some(MAX_FRAME as INT))?, LARGEST)?;
    Ok(LengthHeader {
        size: within("frame_length", "size", number("size", None)?, 8)?,
        endian,
        offset: within("frame_length", "offset", number("offset", Some(0))? + 1, 1 << 16)? - 1,
        adjust: number("adjust", Some(0))?,
        include_header: flag("include_header", false)?,
        strip: flag("strip", true)?,
        max,
    })
}

/// A number from 1 to a limit.
fn within(function: &str, what: &str, value: INT, most: usize) -> Outcome<usize> {
    let fits = usize::try_from(value).ok().filter(|value| (1..=most).contains(value));
    fits.ok_or_else(|| failure(format!("{function} takes {what} from 1 to {most}, not {value}")))
}

/// The encoding of delimiters and line ends.
fn encoding_of(conn: &Conn) -> &'static Encoding {
    match conn.view().text.recv() {
        Charset::Auto(_) => UTF_8,
        Charset::Named(encoding) => encoding,
    }
}

const OPTIONS: [&str; 7] = ["size", "endian", "offset", "adjust", "include_header", "max", "strip"];

/// Maximum frame length a script may set, in bytes: the maximum length of a blob.
const LARGEST: usize = 4 << 20;
