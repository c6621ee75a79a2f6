//! Framing: lines and length-prefixed frames, from a full buffer and in chunks.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use encoding_rs::UTF_8;
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
