//! `pack` and `unpack`: binary records, with the format codes of Python's `struct`.
//!
//! Independent of the machine: without a byte order sign, and with `@` or `=`, numbers are little-endian, have the
//! standard sizes and no padding. Ranges, counts and lengths are checked.

use std::rc::Rc;

use rhai::{Array, Blob, Dynamic, Engine, INT, NativeCallContext};

use super::half;
use super::sized::check_items;
use super::{Outcome, failure, octets, type_name};
use crate::script::host::Host;

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    let (of, also) = (Rc::clone(host), Rc::clone(host));
    engine
        .register_fn("pack", |context: NativeCallContext<'_>, format: &str, values: Array| -> Outcome<Blob> {
            pack(&context, &Format::read("pack", format)?, &values)
        })
        .register_fn("unpack", move |blob: &mut Blob, format: &str| -> Outcome<Array> {
            let format = Format::read("unpack", format)?;
            if blob.len() != format.size {
                let (needs, has) = (counted(format.size, "byte"), blob.len());
                return Err(failure(format!("unpack: the format needs {needs}, the blob has {has}")));
            }
            unpack(&of, &format, blob)
        })
        .register_fn("unpack", move |blob: &mut Blob, format: &str, at: INT| -> Outcome<Array> {
            let format = Format::read("unpack", format)?;
            let from = if at < 0 { blob.len() as INT + at } else { at };
            let part = usize::try_from(from).ok().and_then(|from| blob.get(from..)).and_then(|b| b.get(..format.size));
            let part = part.ok_or_else(|| {
                let needs = counted(format.size, "byte");
                failure(format!("unpack: the format needs {needs} at {at}, the blob has {} in all", blob.len()))
            })?;
            unpack(&also, &format, part)
        })
        .register_fn("pack_size", |format: &str| Format::read("pack_size", format).map(|format| format.size as INT));
}

/// The meaning of one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `x`: a zero byte without a value.
    Gap,
    /// `c`: one byte, a blob.
    Char,
    /// `?`
    Bool,
    /// A signed number of this many bytes.
    Signed(usize),
    /// An unsigned number of this many bytes.
    Unsigned(usize),
    /// `e f d`: a float of this many bytes.
    Float(usize),
    /// `s`: one value; the count is its length.
    Bytes,
    /// `p`: the same with a length byte before it.
    Pascal,
}

impl Kind {
    fn of(code: char) -> Option<Self> {
        Some(match code {
            'x' => Self::Gap,
            'c' => Self::Char,
            '?' => Self::Bool,
            'b' => Self::Signed(1),
            'B' => Self::Unsigned(1),
            'h' => Self::Signed(2),
            'H' => Self::Unsigned(2),
            'i' | 'l' => Self::Signed(4),
            'I' | 'L' => Self::Unsigned(4),
            'q' | 'n' => Self::Signed(8),
            'Q' | 'N' => Self::Unsigned(8),
            'e' => Self::Float(2),
            'f' => Self::Float(4),
            'd' => Self::Float(8),
            's' => Self::Bytes,
            'p' => Self::Pascal,
            _ => return None,
        })
    }

    fn size(self) -> usize {
        match self {
            Self::Signed(size) | Self::Unsigned(size) | Self::Float(size) => size,
            _ => 1,
        }
    }
}

/// A code with its count.
#[derive(Debug)]
struct Field {
    code: char,
    kind: Kind,
    count: usize,
}

impl Field {
    /// Number of its values.
    fn values(&self) -> usize {
        match self.kind {
            Kind::Gap => 0,
            Kind::Bytes | Kind::Pascal => 1,
            _ => self.count,
        }
    }

    fn fault(&self, index: usize, needs: &str, given: &str) -> String {
        format!("pack: '{}' at index {index} needs {needs}, not {given}", self.code)
    }
}

/// A parsed format.
#[derive(Debug)]
struct Format {
    big_endian: bool,
    fields: Vec<Field>,
    /// Total number of bytes.
    size: usize,
    /// Total number of values.
    values: usize,
}

impl Format {
    fn read(function: &str, text: &str) -> Outcome<Self> {
        let fault = |what: String| failure(format!("{function}: {what}"));
        let (big_endian, codes) = match text.chars().next() {
            Some('>' | '!') => (true, &text[1..]),
            Some('<' | '=' | '@') => (false, &text[1..]),
            _ => (false, text),
        };
        let mut format = Self { big_endian, fields: Vec::new(), size: 0, values: 0 };
        let mut count: Option<usize> = None;
        for code in codes.chars() {
            if let Some(digit) = code.to_digit(10) {
                count = Some(count.unwrap_or(0).saturating_mul(10).saturating_add(digit as usize));
                continue;
            }
            if code.is_ascii_whitespace() {
                if count.is_some() {
                    return Err(fault(format!("a count without its code in \"{text}\"")));
                }
                continue;
            }
            let kind = Kind::of(code).ok_or_else(|| match code {
                '@' | '=' | '<' | '>' | '!' => fault(format!("'{code}' stands only at the beginning of a format")),
                _ => fault(format!("'{code}' is no code; there are x c b B ? h H i I l L q Q n N e f d s p")),
            })?;
            let field = Field { code, kind, count: count.take().unwrap_or(1) };
            format.size = format.size.saturating_add(field.count.saturating_mul(kind.size()));
            format.values = format.values.saturating_add(field.values());
            format.fields.push(field);
            if format.size > MAX_SIZE {
                return Err(fault(format!("\"{text}\" is larger than {} MiB", MAX_SIZE >> 20)));
            }
        }
        match count {
            Some(_) => Err(fault(format!("a count without its code in \"{text}\""))),
            None => Ok(format),
        }
    }
}

fn pack(context: &NativeCallContext<'_>, format: &Format, values: &Array) -> Outcome<Blob> {
    if values.len() != format.values {
        let wanted = counted(format.values, "value");
        return Err(failure(format!("pack: the format takes {wanted}, the array has {}", values.len())));
    }
    let mut out = Blob::with_capacity(format.size);
    let mut values = values.iter().enumerate();
    for field in &format.fields {
        if field.kind == Kind::Gap {
            out.resize(out.len() + field.count, 0);
        }
        for (index, value) in values.by_ref().take(field.values()) {
            match field.kind {
                Kind::Gap => {}
                Kind::Bytes | Kind::Pascal | Kind::Char => put_bytes(context, field, index, value, &mut out)?,
                _ => put_number(context, format.big_endian, field, index, value, &mut out)?,
            }
        }
    }
    Ok(out)
}

fn put_bytes(
    context: &NativeCallContext<'_>,
    field: &Field,
    index: usize,
    value: &Dynamic,
    out: &mut Blob,
) -> Outcome<()> {
    let needs = if field.kind == Kind::Char { "one byte, a blob or a string" } else { "a blob or a string" };
    let bytes = octets(value).ok_or_else(|| failure(field.fault(index, needs, &type_name(context, value))))?;
    let room = match field.kind {
        Kind::Char if bytes.len() != 1 => {
            return Err(failure(field.fault(index, needs, &counted(bytes.len(), "byte"))));
        }
        Kind::Pascal if field.count == 0 => return Ok(()),
        Kind::Pascal => {
            let room = field.count - 1;
            out.push(bytes.len().min(room).min(255) as u8);
            room
        }
        Kind::Char => 1,
        _ => field.count,
    };
    let end = out.len() + room;
    out.extend_from_slice(&bytes[..bytes.len().min(room)]);
    out.resize(end, 0);
    Ok(())
}

fn put_number(
    context: &NativeCallContext<'_>,
    big_endian: bool,
    field: &Field,
    index: usize,
    value: &Dynamic,
    out: &mut Blob,
) -> Outcome<()> {
    let wrong_type = |needs: &str| failure(field.fault(index, needs, &type_name(context, value)));
    let bits = match field.kind {
        Kind::Bool => match (value.as_bool(), value.as_int()) {
            (Ok(on), _) => u64::from(on),
            (_, Ok(number)) => u64::from(number != 0),
            _ => return Err(wrong_type("true, false or a number")),
        },
        Kind::Float(size) => {
            let number = value.as_float().or_else(|_| value.as_int().map(|number| number as f64));
            let number = number.map_err(|_| wrong_type("a number"))?;
            let bits = match size {
                2 => half::from_f64(number).map(u64::from),
                4 if number.is_finite() && !(number as f32).is_finite() => None,
                4 => Some(u64::from((number as f32).to_bits())),
                _ => Some(number.to_bits()),
            };
            bits.ok_or_else(|| failure(format!("pack: {number} is too large for '{}' (index {index})", field.code)))?
        }
        Kind::Signed(size) | Kind::Unsigned(size) => {
            let number = value.as_int().map_err(|_| wrong_type("an integer"))?;
            let bits = 8 * size as u32;
            let (low, high) = match field.kind {
                Kind::Signed(_) => (INT::MIN >> (64 - bits), INT::MAX >> (64 - bits)),
                _ => (0, (u64::MAX >> (64 - bits)).min(INT::MAX as u64) as INT),
            };
            if number < low || number > high {
                let needs = format!("a number from {low} to {high}");
                return Err(failure(field.fault(index, &needs, &number.to_string())));
            }
            number as u64
        }
        _ => 0,
    };
    let bytes = bits.to_be_bytes();
    let bytes = &bytes[8 - field.kind.size()..];
    if big_endian {
        out.extend_from_slice(bytes);
    } else {
        out.extend(bytes.iter().rev());
    }
    Ok(())
}

/// The values in bytes of exactly the format's length.
fn unpack(host: &Host, format: &Format, mut bytes: &[u8]) -> Outcome<Array> {
    check_items(format.values)?;
    // A blob of one byte takes the most.
    host.reserve(format.values.saturating_mul(size_of::<Dynamic>() + size_of::<Blob>() + 8))?;
    let mut values = Array::with_capacity(format.values);
    for field in &format.fields {
        let (own, rest) = bytes.split_at(field.count * field.kind.size());
        bytes = rest;
        match field.kind {
            Kind::Gap => {}
            Kind::Bytes => values.push(Dynamic::from_blob(own.to_vec())),
            Kind::Pascal => {
                let text = own.split_first().map_or(&[][..], |(len, text)| &text[..text.len().min((*len).into())]);
                values.push(Dynamic::from_blob(text.to_vec()));
            }
            kind => {
                for one in own.chunks_exact(kind.size()) {
                    values.push(value(format.big_endian, field, one)?);
                }
            }
        }
    }
    Ok(values)
}

fn value(big_endian: bool, field: &Field, bytes: &[u8]) -> Outcome<Dynamic> {
    let append = |all: u64, byte: &u8| all << 8 | u64::from(*byte);
    let bits = if big_endian { bytes.iter().fold(0, append) } else { bytes.iter().rev().fold(0, append) };
    Ok(match field.kind {
        Kind::Char => Dynamic::from_blob(bytes.to_vec()),
        Kind::Bool => (bits != 0).into(),
        Kind::Signed(size) => {
            let unused = 64 - 8 * size as u32;
            ((bits << unused) as INT >> unused).into()
        }
        Kind::Float(2) => half::to_f64(bits as u16).into(),
        Kind::Float(4) => f64::from(f32::from_bits(bits as u32)).into(),
        Kind::Float(_) => f64::from_bits(bits).into(),
        _ => INT::try_from(bits)
            .map_err(|_| {
                let code = field.code;
                failure(format!("unpack: {bits} ('{code}') does not fit in a script's integer (at most {})", INT::MAX))
            })?
            .into(),
    })
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Maximum length of a blob, in bytes.
const MAX_SIZE: usize = 4 << 20;
