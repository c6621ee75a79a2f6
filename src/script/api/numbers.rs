//! Numbers in blobs: readers with bounds checks, and replacements of Rhai's big-endian functions.
//!
//! Rhai's `write_be` and `parse_be_int` align a short number to the left and read it as signed; protocols align it to
//! the right, unsigned.

use std::ops::{Range, RangeInclusive};

use rhai::{Blob, Engine, INT};

use super::bytes::offset;
use super::{Outcome, failure};

pub(super) fn register(engine: &mut Engine) {
    number(engine, "u8", |b: [u8; 1]| Ok(b[0].into()));
    number(engine, "i8", |b: [u8; 1]| Ok(i8::from_be_bytes(b).into()));
    number(engine, "u16be", |b: [u8; 2]| Ok(u16::from_be_bytes(b).into()));
    number(engine, "u16le", |b: [u8; 2]| Ok(u16::from_le_bytes(b).into()));
    number(engine, "i16be", |b: [u8; 2]| Ok(i16::from_be_bytes(b).into()));
    number(engine, "i16le", |b: [u8; 2]| Ok(i16::from_le_bytes(b).into()));
    number(engine, "u32be", |b: [u8; 4]| Ok(u32::from_be_bytes(b).into()));
    number(engine, "u32le", |b: [u8; 4]| Ok(u32::from_le_bytes(b).into()));
    number(engine, "i32be", |b: [u8; 4]| Ok(i32::from_be_bytes(b).into()));
    number(engine, "i32le", |b: [u8; 4]| Ok(i32::from_le_bytes(b).into()));
    number(engine, "u64be", |b: [u8; 8]| fits(u64::from_be_bytes(b)));
    number(engine, "u64le", |b: [u8; 8]| fits(u64::from_le_bytes(b)));
    number(engine, "i64be", |b: [u8; 8]| Ok(INT::from_be_bytes(b)));
    number(engine, "i64le", |b: [u8; 8]| Ok(INT::from_le_bytes(b)));

    engine
        .register_fn("parse_be_int", |blob: &mut Blob, at: INT, count: INT| {
            parse(part("parse_be_int", blob, at, count)?)
        })
        .register_fn("parse_be_int", |blob: &mut Blob, range: Range<INT>| {
            parse(part("parse_be_int", blob, range.start, range.end.saturating_sub(range.start))?)
        })
        .register_fn("parse_be_int", |blob: &mut Blob, range: RangeInclusive<INT>| {
            parse(part(
                "parse_be_int",
                blob,
                *range.start(),
                range.end().saturating_sub(*range.start()).saturating_add(1),
            )?)
        })
        .register_fn("write_be", |blob: &mut Blob, at: INT, count: INT, value: INT| {
            write(part("write_be", blob, at, count)?, value)
        })
        .register_fn("write_be", |blob: &mut Blob, range: Range<INT>, value: INT| {
            write(part("write_be", blob, range.start, range.end.saturating_sub(range.start))?, value)
        })
        .register_fn("write_be", |blob: &mut Blob, range: RangeInclusive<INT>, value: INT| {
            write(
                part("write_be", blob, *range.start(), range.end().saturating_sub(*range.start()).saturating_add(1))?,
                value,
            )
        });
}

/// Registers the reader of one type of number.
fn number<const N: usize>(engine: &mut Engine, name: &'static str, read: fn([u8; N]) -> Outcome<INT>) {
    engine.register_fn(name, move |blob: &mut Blob, at: INT| -> Outcome<INT> {
        let from = match usize::try_from(at) {
            Ok(from) => from,
            Err(_) if at.unsigned_abs() as usize <= blob.len() => offset(blob.len(), at),
            Err(_) => usize::MAX,
        };
        let bytes = blob.get(from..).and_then(<[u8]>::first_chunk::<N>).ok_or_else(|| {
            let plural = if N == 1 { "" } else { "s" };
            failure(format!("{name}({at}): needs {N} byte{plural} there, the blob has {} in all", blob.len()))
        })?;
        read(*bytes)
    });
}

fn fits(value: u64) -> Outcome<INT> {
    INT::try_from(value)
        .map_err(|_| failure(format!("{value} does not fit in a script's integer (at most {})", INT::MAX)))
}

/// `count` bytes from `at`; an error if there are fewer.
fn part<'a>(name: &str, bytes: &'a mut [u8], at: INT, count: INT) -> Outcome<&'a mut [u8]> {
    let all = bytes.len();
    let is_before = at < 0 && at.unsigned_abs() as usize > all;
    let from = if at < 0 { offset(all, at) } else { usize::try_from(at).unwrap_or(usize::MAX) };
    let to = usize::try_from(count).ok().and_then(|count| from.checked_add(count)).filter(|_| !is_before);
    let part = to.and_then(|to| bytes.get_mut(from..to));
    part.ok_or_else(|| failure(format!("{name}({at}, {count}): the blob has {all} bytes in all")))
}

/// The unsigned big-endian number of these bytes.
fn parse(bytes: &mut [u8]) -> Outcome<INT> {
    let split = bytes.len().saturating_sub(8);
    if bytes[..split].iter().any(|byte| *byte != 0) {
        return Err(failure(format!("a number of {} bytes does not fit in a script's integer", bytes.len())));
    }
    fits(bytes[split..].iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// Writes a number right-aligned and fills the bytes before it.
fn write(bytes: &mut [u8], value: INT) -> Outcome<()> {
    let count = bytes.len();
    let room = 8 * count.min(8) as u32;
    let fits = room >= 64 || (value >> room) == 0 || (room > 0 && (value >> (room - 1)) == -1);
    if !fits {
        let plural = if count == 1 { "" } else { "s" };
        return Err(failure(format!("write_be: {value} does not fit in {count} byte{plural}")));
    }
    bytes.fill(if value < 0 { 0xff } else { 0 });
    for (place, byte) in bytes.iter_mut().rev().zip(value.to_le_bytes()) {
        *place = byte;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_number_is_right_aligned_and_unsigned() {
        let mut bytes = [9; 4];
        write(&mut bytes, 258).unwrap();
        assert_eq!(bytes, [0, 0, 1, 2]);
        assert_eq!(parse(&mut [0xff, 0xfe]).unwrap(), 0xfffe);
        assert_eq!(parse(&mut []).unwrap(), 0);
        assert_eq!(parse(&mut [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).unwrap(), INT::MAX);
        assert!(parse(&mut [0xff; 8]).is_err());
        assert_eq!(parse(&mut [0, 0, 0, 0, 0, 0, 0, 0, 0, 7]).unwrap(), 7);
        assert!(parse(&mut [1; 9]).is_err());
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let mut two = [0; 2];
        write(&mut two, 65_535).unwrap();
        assert_eq!(two, [0xff, 0xff]);
        write(&mut two, -2).unwrap();
        assert_eq!(two, [0xff, 0xfe]);
        assert!(write(&mut two, 65_536).is_err());
        assert!(write(&mut two, -32_769).is_err());
        assert!(write(&mut [], 1).is_err());
        let mut ten = [0; 10];
        write(&mut ten, -1).unwrap();
        assert_eq!(ten, [0xff; 10]);
    }
}
