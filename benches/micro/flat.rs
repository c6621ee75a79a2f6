//! Units that come in many reads: the time of a byte must not grow with the unit.

use divan::Bencher;
use divan::counter::BytesCount;
use encoding_rs::Encoding;
use tcpx::bench::{Command, Event, Handler, ScriptSource};

use crate::script::{loaded, view};

/// One encoding of each way to tell characters apart.
const LABELS: [&str; 4] = ["utf-8", "gbk", "shift_jis", "iso-2022-jp"];

/// Bytes of one read, as a network gives them.
const READ: usize = 1460;

/// A session that waits for a text.
#[divan::bench(args = LABELS, consts = [1024, 32768, 1_000_000])]
fn expect<const SIZE: usize>(bencher: Bencher<'_, '_>, label: &str) {
    units(bencher, "conn.expect(\"|\")", "|", SIZE, label);
}

/// A session that waits for a text that a pattern describes.
#[divan::bench(args = LABELS, consts = [1024, 32768, 1_000_000])]
fn expect_pattern<const SIZE: usize>(bencher: Bencher<'_, '_>, label: &str) {
    units(bencher, "conn.expect(re(\"[|]+\\\\n\"))", "||\n", SIZE, label);
}

/// A session that reads lines.
#[divan::bench(args = LABELS, consts = [1024, 32768, 1_000_000])]
fn read_line<const SIZE: usize>(bencher: Bencher<'_, '_>, label: &str) {
    units(bencher, "conn.read_line()", "\n", SIZE, label);
}

/// Gives a session that makes this call again and again some `size` bytes of text, and an end behind them.
fn units(bencher: Bencher<'_, '_>, call: &str, end: &str, size: usize, label: &str) {
    let handler = loaded(ScriptSource::Session(format!("conn.encoding = \"{label}\"; loop {{ {call}; print(1); }}")));
    let encoding = Encoding::for_label(label.as_bytes()).expect("a label");
    let unit = encoding.encode("\u{65e5}\u{672c}").0;
    let end = encoding.encode(end).0;
    let mut stream = unit.repeat((size - end.len()) / unit.len());
    stream.extend(&*end);
    let (view, mut commands) = (view(), Vec::<Command>::new());
    let _ = handler.event_mask(&view);
    handler.handle(&view, Event::Opened, &mut commands).unwrap_or_else(|error| panic!("{error:?}"));
    bencher.counter(BytesCount::new(stream.len())).bench_local(|| {
        commands.clear();
        for read in stream.chunks(READ) {
            let read = Event::Data(read.to_vec());
            handler.handle(&view, read, &mut commands).unwrap_or_else(|error| panic!("{error:?}"));
        }
        assert_eq!(commands.iter().filter(|command| matches!(command, Command::Print(_))).count(), 1);
    });
}
