//! Framing: lines and length-prefixed frames, from a full buffer and in chunks.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use tcpx::bench::{ByteQueue, Endian, Framer, Framing, LengthHeader, MAX_FRAME, Seam};

use crate::warm;

/// Maximum bytes of one read.
const BUFFER: usize = 64 * 1024;

/// 64 KiB of lines of this many bytes.
#[divan::bench(args = [16, 80, 1000])]
fn lines(bencher: Bencher<'_, '_>, size: usize) {
    let mut line = vec![b'x'; size - 1];
    line.push(b'\n');
    cut_all(bencher, &Framing::Lines { encoding: UTF_8, max: MAX_FRAME }, &line);
}

/// 64 KiB of frames with a delimiter of two bytes.
#[divan::bench(args = [16, 80, 1000])]
fn delimited(bencher: Bencher<'_, '_>, size: usize) {
    let mut frame = vec![b'x'; size - 2];
    frame.extend(b"\r\n");
    cut_all(bencher, &Framing::Delimiter { bytes: b"\r\n".to_vec(), max: MAX_FRAME }, &frame);
}

/// 64 KiB of frames with a header of four bytes.
#[divan::bench(args = [16, 80, 1000])]
fn length(bencher: Bencher<'_, '_>, size: usize) {
    cut_all(bencher, &with_length(), &frame_of(size));
}

/// The same frames, of 80 bytes, in chunks of this many bytes; an incomplete frame is kept, as in a connection.
#[divan::bench(args = [7, 50, 1460])]
fn length_in_pieces(bencher: Bencher<'_, '_>, piece: usize) {
    in_pieces(bencher, &with_length(), &frame_of(80), piece);
}

/// Lines of 80 bytes in chunks of this many bytes.
#[divan::bench(args = [7, 50, 1460])]
fn lines_in_pieces(bencher: Bencher<'_, '_>, piece: usize) {
    let mut line = vec![b'x'; 79];
    line.push(b'\n');
    in_pieces(bencher, &Framing::Lines { encoding: UTF_8, max: MAX_FRAME }, &line, piece);
}

/// One frame of this many bytes of text, ended by a delimiter that may be part of a character, as a whole: the time of a
/// byte must not grow with the frame.
#[divan::bench(args = FAMILIES, consts = [1024, 32768, 1_048_576])]
fn text_delimited<const SIZE: usize>(bencher: Bencher<'_, '_>, family: &str) {
    let (framing, stream) = delimited_text(family, SIZE);
    bencher.counter(BytesCount::new(stream.len())).bench_local(|| {
        let mut framer = Framer::new(framing.clone(), Seam::START);
        let cut = framer.next(&stream).expect("it is within the limit").expect("a whole frame");
        assert_eq!(cut.consumed, stream.len());
    });
}

/// The same, byte by byte.
#[divan::bench(args = FAMILIES, consts = [1024, 32768, 1_048_576])]
fn text_delimited_by_bytes<const SIZE: usize>(bencher: Bencher<'_, '_>, family: &str) {
    let (framing, stream) = delimited_text(family, SIZE);
    bencher.counter(BytesCount::new(stream.len())).bench_local(|| {
        let mut framer = Framer::new(framing.clone(), Seam::START);
        let mut is_cut = |end: &usize| framer.next(&stream[..*end]).expect("it is within the limit").is_some();
        assert_eq!((1..=stream.len()).find(|end| is_cut(end)), Some(stream.len()));
    });
}

fn cut_all(bencher: Bencher<'_, '_>, framing: &Framing, unit: &[u8]) {
    let count = BUFFER / unit.len();
    let buffer = unit.repeat(count);
    let mut framer = Framer::new(framing.clone(), Seam::START);
    bencher.counter(BytesCount::new(buffer.len())).counter(ItemsCount::new(count)).bench_local(warm(|| {
        let (mut at, mut frames) = (0, 0);
        while let Some(cut) = framer.next(&buffer[at..]).expect("all are within the limit") {
            at += cut.consumed;
            frames += 1;
        }
        assert_eq!(frames, count);
    }));
}

fn in_pieces(bencher: Bencher<'_, '_>, framing: &Framing, unit: &[u8], piece: usize) {
    let count = BUFFER / unit.len();
    let stream = unit.repeat(count);
    let mut framer = Framer::new(framing.clone(), Seam::START);
    let mut queue = ByteQueue::new();
    bencher.counter(BytesCount::new(stream.len())).counter(ItemsCount::new(count)).bench_local(warm(|| {
        let mut frames = 0;
        for bytes in stream.chunks(piece) {
            queue.extend(bytes);
            while let Some(cut) = framer.next(queue.as_slice()).expect("all are within the limit") {
                queue.consume(cut.consumed);
                frames += 1;
            }
        }
        assert_eq!(frames, count);
    }));
}

fn with_length() -> Framing {
    let (endian, max) = (Endian::Big, MAX_FRAME);
    Framing::Length(LengthHeader { size: 4, endian, offset: 0, adjust: 0, include_header: false, strip: true, max })
}

/// A frame of this many bytes, header included.
fn frame_of(size: usize) -> Vec<u8> {
    let body = u32::try_from(size - 4).expect("a short frame");
    [&body.to_be_bytes()[..], &vec![b'x'; size - 4]].concat()
}

/// One encoding of each family.
const FAMILIES: [&str; 10] =
    ["utf-8", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr", "iso-2022-jp", "utf-16le", "utf-16be"];

/// Some `size` bytes of text without a delimiter, and one behind them.
fn delimited_text(label: &str, size: usize) -> (Framing, Vec<u8>) {
    let encoding = Encoding::for_label(label.as_bytes()).expect("a label");
    let encode = |text: &str| -> Vec<u8> {
        match encoding {
            _ if encoding == UTF_16LE => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            _ if encoding == UTF_16BE => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            _ => encoding.encode(text).0.into_owned(),
        }
    };
    let unit = encode("\u{65e5}\u{672c}");
    let delimiter = encode("|");
    let mut stream = unit.repeat((size - delimiter.len()) / unit.len());
    stream.extend(&delimiter);
    (Framing::Text { text: "|".to_owned(), bytes: delimiter, encoding, max: MAX_FRAME }, stream)
}
