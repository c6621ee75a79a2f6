//! Decoding and encoding, chunk by chunk, with characters split between two chunks.

use divan::Bencher;
use divan::counter::BytesCount;
use tcpx::bench::{Charset, Decoder, Encoder, Malformed, Unencodable, labels};

use crate::warm;

const LABELS: [&str; 4] = ["utf-8", "gbk", "big5", "iso-8859-1"];

/// Decodes one chunk into a new `String`, as for an event.
#[divan::bench(args = LABELS, consts = [64, 4096, 65536])]
fn decode<const SIZE: usize>(bencher: Bencher<'_, '_>, label: &str) {
    let stream = stream(label, SIZE);
    let mut chunks = stream.chunks_exact(SIZE).cycle();
    let mut decoder = Decoder::new(charset(label), Malformed::Fail);
    bencher.counter(BytesCount::new(SIZE)).bench_local(warm(|| {
        let mut text = String::new();
        let chunk = chunks.next().expect("a cycle has no end");
        decoder.decode(chunk, &mut text).expect("it was encoded so");
        text
    }));
}

/// Encodes one text of this many bytes of UTF-8, all or nothing, as `conn.send(text)` does.
#[divan::bench(args = LABELS, consts = [64, 4096, 65536])]
fn encode<const SIZE: usize>(bencher: Bencher<'_, '_>, label: &str) {
    let Charset::Named(encoding) = charset(label) else { unreachable!("it has a name") };
    let mut text = sentence(label).repeat(SIZE / sentence(label).len());
    text.extend(std::iter::repeat_n('.', SIZE - text.len()));
    let mut encoder = Encoder::new(encoding, Unencodable::Fail);
    bencher
        .counter(BytesCount::new(SIZE))
        .bench_local(warm(|| encoder.encode_whole(&text).expect("the encoding has all of it")));
}

fn charset(label: &str) -> Charset {
    labels::lookup(label).expect("a known label")
}

/// Half ASCII; an odd number of bytes in every encoding, so that chunks end at every offset of it.
fn sentence(label: &str) -> &'static str {
    match label {
        "iso-8859-1" => "200 OK: déjà vu, größer, señor; übermäßig façade\r\n",
        "big5" => "200 OK: 歡迎光臨，請輸入代號(guest): 謝謝\r\n",
        _ => "200 OK: 欢迎光临，请输入代号(guest): 谢谢\r\n",
    }
}

/// Complete characters in a whole number of chunks, some of which end inside of a character.
fn stream(label: &str, size: usize) -> Vec<u8> {
    let Charset::Named(encoding) = charset(label) else { unreachable!("it has a name") };
    let (bytes, _, _) = encoding.encode(sentence(label));
    let length = 16 * size;
    let mut stream = bytes.repeat(length / bytes.len());
    stream.resize(length, b'.');
    let is_whole = |chunk: &[u8]| encoding.decode_without_bom_handling_and_without_replacement(chunk).is_some();
    assert!(encoding.is_single_byte() || !stream.chunks_exact(size).all(is_whole), "no chunk of {label} is cut");
    stream
}
