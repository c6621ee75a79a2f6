//! Stacks in simulated time: what leaves, and when.

use std::time::{Duration, Instant};

use super::{Flow, Random, Then, Toxic, ToxicStack};

mod properties;

/// A stack, its clock, and everything that left it with the millisecond at which it did.
struct Bench {
    stack: ToxicStack,
    seeds: Random,
    start: Instant,
    now: Instant,
    left: Vec<(Duration, Flow)>,
}

impl Bench {
    fn new(toxics: &[Toxic]) -> Self {
        Self::seeded(1, toxics)
    }

    fn seeded(seed: u64, toxics: &[Toxic]) -> Self {
        let start = Instant::now();
        let stack = ToxicStack::default();
        let mut bench = Self { stack, seeds: Random::new(seed), start, now: start, left: Vec::new() };
        for toxic in toxics {
            bench.add(*toxic);
        }
        bench
    }

    fn add(&mut self, toxic: Toxic) {
        self.stack.add(self.now, toxic, self.seeds.next());
    }

    fn push(&mut self, bytes: &[u8]) -> &mut Self {
        self.stack.push(self.now, Flow::Data(bytes.to_vec()));
        self.poll()
    }

    fn eof(&mut self) -> &mut Self {
        self.stack.push(self.now, Flow::Eof);
        self.poll()
    }

    fn remove(&mut self, name: &str) -> &mut Self {
        assert!(self.stack.remove(self.now, Some(name)), "{name} is not there");
        self.poll()
    }

    fn poll(&mut self) -> &mut Self {
        while let Some(output) = self.stack.poll(self.now) {
            self.left.push((self.now - self.start, output));
        }
        if let Some(next) = self.stack.next_timeout() {
            assert!(next > self.now, "nothing to poll, and a timeout that has passed: {:?}", self.stack);
        }
        self
    }

    /// Sleeps as a loop does: until the next timeout, but not longer than `time`.
    fn run(&mut self, time: Duration) -> &mut Self {
        let end = self.now + time;
        while let Some(next) = self.stack.next_timeout().filter(|next| *next <= end) {
            self.now = next;
            self.poll();
        }
        self.now = end;
        self.poll()
    }

    /// Sleeps until nothing more happens by itself.
    fn run_out(&mut self) -> &mut Self {
        while let Some(next) = self.stack.next_timeout() {
            self.now = next;
            self.poll();
        }
        self
    }

    fn take(&mut self) -> Vec<(Duration, Flow)> {
        std::mem::take(&mut self.left)
    }

    fn bytes(&self) -> Vec<u8> {
        bytes_of(&self.left)
    }

    /// The sizes of the chunks that left.
    fn sizes(&self) -> Vec<usize> {
        self.left.iter().filter_map(|(_, output)| data_of(output)).map(<[u8]>::len).collect()
    }
}

fn data_of(output: &Flow) -> Option<&[u8]> {
    match output {
        Flow::Data(bytes) => Some(bytes),
        _ => None,
    }
}

fn bytes_of(left: &[(Duration, Flow)]) -> Vec<u8> {
    left.iter().filter_map(|(_, output)| data_of(output)).flatten().copied().collect()
}

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn data(at: u64, bytes: &[u8]) -> (Duration, Flow) {
    (ms(at), Flow::Data(bytes.to_vec()))
}

const LATENCY: Toxic = Toxic::Latency { latency: ms(200), jitter: ms(0) };
const SLOW_CLOSE: Toxic = Toxic::SlowClose { delay: ms(300) };
const HOLE: Toxic = Toxic::Timeout { timeout: None };

fn bandwidth(rate: u64) -> Toxic {
    Toxic::Bandwidth { rate }
}

fn slicer(average_size: usize, size_variation: usize, delay: Duration) -> Toxic {
    Toxic::Slicer { average_size, size_variation, delay }
}

fn limit(bytes: u64, then: Then) -> Toxic {
    Toxic::LimitData { bytes, then }
}

#[test]
fn a_stack_without_toxics_passes_everything_at_once() {
    let mut bench = Bench::new(&[]);
    assert!(bench.stack.is_empty());
    bench.push(b"ab").push(b"").push(b"c").eof().eof().push(b"late");
    assert_eq!(bench.left, [data(0, b"ab"), data(0, b"c"), (ms(0), Flow::Eof)]);
    assert!(bench.stack.is_empty());
    assert_eq!(bench.stack.next_timeout(), None);
}

#[test]
fn a_stack_is_not_empty_while_something_waits_to_be_polled() {
    let mut bench = Bench::new(&[]);
    bench.stack.push(bench.now, Flow::Data(b"ab".to_vec()));
    assert!(!bench.stack.is_empty());
    assert_eq!(bench.stack.next_timeout(), Some(bench.now));
}

#[test]
fn latency_delays_each_chunk_and_not_the_next_one_more() {
    let mut bench = Bench::new(&[LATENCY]);
    bench.push(b"a").run(ms(50)).push(b"b").eof().run_out();
    assert_eq!(bench.left, [data(200, b"a"), data(250, b"b"), (ms(250), Flow::Eof)]);
}

#[test]
fn latency_does_not_delay_an_end_with_nothing_before_it() {
    let mut bench = Bench::new(&[LATENCY]);
    bench.push(b"a").run(ms(500)).eof();
    assert_eq!(bench.left, [data(200, b"a"), (ms(500), Flow::Eof)]);
}

#[test]
fn jitter_stays_around_the_latency_on_both_sides() {
    let mut bench = Bench::new(&[Toxic::Latency { latency: ms(100), jitter: ms(40) }]);
    let mut waits = Vec::new();
    for _ in 0..500 {
        bench.start = bench.now;
        bench.push(b"x").run(ms(200));
        waits.push(bench.take()[0].0);
    }
    assert!(waits.iter().all(|wait| (ms(60)..=ms(140)).contains(wait)), "{waits:?}");
    for range in [ms(60)..ms(70), ms(95)..ms(105), ms(130)..ms(140)] {
        let share = waits.iter().filter(|wait| range.contains(*wait)).count();
        assert!((30..=100).contains(&share), "{share} of 500 in {range:?}, an eighth is expected");
    }
}

#[test]
fn jitter_never_changes_the_order() {
    let mut bench = Bench::new(&[Toxic::Latency { latency: ms(10), jitter: ms(1000) }]);
    let bytes: Vec<u8> = (0..=255).collect();
    for byte in &bytes {
        bench.push(&[*byte]).run(ms(1));
    }
    bench.eof().run_out();
    assert_eq!(bench.bytes(), bytes);
    assert_eq!(bench.left.last().unwrap().1, Flow::Eof);
}

#[test]
fn bandwidth_takes_the_time_that_the_rate_says() {
    // As one read, as reads of 64 KiB, and in reads that fit no piece.
    for size in [1_000_000, 65_536, 777] {
        let mut bench = Bench::new(&[bandwidth(100)]);
        for chunk in vec![7; 1_000_000].chunks(size) {
            bench.push(chunk);
        }
        bench.eof().run_out();
        let (end, last) = bench.left.pop().unwrap();
        assert_eq!(last, Flow::Eof);
        assert!(end.abs_diff(ms(10_000)) < ms(1), "reads of {size} took {end:?}");
        let mut passed = 0;
        for (at, output) in &bench.left {
            passed += data_of(output).unwrap().len();
            assert!(at.abs_diff(Duration::from_micros(passed as u64 * 10)) < ms(1), "{passed} bytes at {at:?}");
        }
        assert_eq!(passed, 1_000_000);
        assert!(bench.sizes().iter().all(|size| *size <= 10_000));
    }
}

#[test]
fn bandwidth_holds_the_rate_when_it_is_polled_late() {
    let mut bench = Bench::new(&[bandwidth(10)]);
    bench.push(&vec![0; 20_000]);
    for _ in 0..70 {
        bench.now += ms(30);
        bench.poll();
    }
    assert_eq!(bench.bytes().len(), 20_000);
    assert!(bench.left.last().unwrap().0 <= ms(2010));
}

#[test]
fn bandwidth_saves_nothing_up_in_silence() {
    let mut bench = Bench::new(&[bandwidth(10)]);
    bench.run(ms(60_000)).push(&[0; 10_000]).run_out();
    assert_eq!(bench.left.last().unwrap().0, ms(61_000));
}

#[test]
fn bandwidth_of_nothing_holds_until_it_is_removed() {
    let mut bench = Bench::new(&[bandwidth(0)]);
    bench.push(b"abc").eof().run(ms(1_000_000));
    assert_eq!(bench.left, []);
    assert_eq!(bench.stack.next_timeout(), None);
    bench.remove("bandwidth");
    assert_eq!(bench.left, [data(1_000_000, b"abc"), (ms(1_000_000), Flow::Eof)]);
}

#[test]
fn slow_close_delays_the_end_and_only_the_end() {
    let mut bench = Bench::new(&[SLOW_CLOSE]);
    bench.push(b"a").run(ms(10)).push(b"b").eof().run_out();
    assert_eq!(bench.left, [data(0, b"a"), data(10, b"b"), (ms(310), Flow::Eof)]);
}

#[test]
fn timeout_drops_data_and_closes() {
    let mut bench = Bench::new(&[Toxic::Timeout { timeout: Some(ms(1000)) }]);
    bench.push(b"gone").run(ms(900)).push(b"gone").run_out();
    assert_eq!(bench.left, [(ms(1000), Flow::Close)]);
    bench.push(b"late").eof().run_out();
    assert_eq!(bench.left.len(), 1);
    assert_eq!(bench.stack.held(), 0);
}

#[test]
fn timeout_of_zero_waits_for_ever() {
    let mut bench = Bench::new(&[HOLE]);
    bench.push(b"gone").run(ms(1_000_000));
    assert_eq!(bench.left, []);
    assert_eq!(bench.stack.next_timeout(), None);
}

#[test]
fn an_end_passes_a_timeout_and_is_a_close_if_data_was_dropped() {
    let mut bench = Bench::new(&[HOLE]);
    bench.push(b"gone").eof();
    assert_eq!(bench.left, [(ms(0), Flow::Close)]);

    let mut bench = Bench::new(&[Toxic::Timeout { timeout: Some(ms(1000)) }]);
    bench.eof().run_out();
    assert_eq!(bench.left, [(ms(0), Flow::Eof), (ms(1000), Flow::Close)]);
}

#[test]
fn removing_a_timeout_closes_only_a_stream_with_a_hole() {
    let mut bench = Bench::new(&[HOLE]);
    bench.remove("timeout").push(b"kept");
    assert_eq!(bench.left, [data(0, b"kept")]);

    let mut bench = Bench::new(&[HOLE]);
    bench.push(b"gone").remove("timeout").push(b"late");
    assert_eq!(bench.left, [(ms(0), Flow::Close)]);
}

#[test]
fn reset_peer_lets_nothing_pass_and_resets() {
    let mut bench = Bench::new(&[Toxic::ResetPeer { timeout: ms(100) }]);
    bench.push(b"never").eof().run_out();
    assert_eq!(bench.left, [(ms(100), Flow::Reset)]);

    let mut bench = Bench::new(&[Toxic::ResetPeer { timeout: ms(0) }]);
    bench.poll();
    assert_eq!(bench.left, [(ms(0), Flow::Reset)]);
}

#[test]
fn reset_peer_resets_after_the_end_too() {
    let mut bench = Bench::new(&[]);
    bench.push(b"a").eof();
    bench.add(Toxic::ResetPeer { timeout: ms(5) });
    bench.run_out();
    assert_eq!(bench.left, [data(0, b"a"), (ms(0), Flow::Eof), (ms(5), Flow::Reset)]);
}

#[test]
fn slicer_cuts_around_the_average_with_a_pause_after_each_piece() {
    let mut bench = Bench::new(&[slicer(10, 4, ms(5))]);
    let bytes: Vec<u8> = (0..1000u32).map(|n| n as u8).collect();
    bench.push(&bytes).run_out();
    assert_eq!(bench.bytes(), bytes);
    for (n, (at, _)) in bench.left.iter().enumerate() {
        assert_eq!(*at, ms(5) * n as u32);
    }
    let mut sizes = bench.sizes();
    assert!(sizes.pop().unwrap() <= 14);
    assert!(sizes.iter().all(|size| (6..=14).contains(size)), "{sizes:?}");
    assert!((6..=14).all(|size| sizes.contains(&size)), "{sizes:?}");
}

#[test]
fn slicer_without_variation_cuts_evenly_and_begins_anew_with_each_chunk() {
    let mut bench = Bench::new(&[slicer(2, 0, ms(0))]);
    bench.push(b"abcde").push(b"fgh");
    let pieces = [&b"ab"[..], b"cd", b"e", b"fg", b"h"].map(|piece| data(0, piece));
    assert_eq!(bench.left, pieces);
}

#[test]
fn slicer_never_makes_empty_pieces() {
    for toxic in [slicer(1, 50, ms(0)), slicer(0, 0, ms(0)), slicer(usize::MAX, usize::MAX, ms(0))] {
        let mut bench = Bench::new(&[toxic]);
        bench.push(&[1; 300]).eof().run_out();
        assert_eq!(bench.sizes().iter().sum::<usize>(), 300);
        assert!(bench.sizes().iter().all(|size| *size > 0));
    }
}

#[test]
fn slicer_pauses_between_chunks_and_before_the_end_too() {
    let mut bench = Bench::new(&[slicer(2, 0, ms(5))]);
    bench.push(b"ab").push(b"c").eof().run_out();
    assert_eq!(bench.left, [data(0, b"ab"), data(5, b"c"), (ms(10), Flow::Eof)]);
}

#[test]
fn slicer_polled_late_catches_up() {
    let mut bench = Bench::new(&[slicer(1, 0, ms(5))]);
    bench.push(b"abcd");
    bench.now += ms(12);
    bench.poll().run_out();
    assert_eq!(bench.left, [data(0, b"a"), data(12, b"b"), data(12, b"c"), data(15, b"d")]);
}

#[test]
fn limit_data_passes_exactly_so_many_bytes() {
    for (then, end) in [(Then::Close, Flow::Close), (Then::Reset, Flow::Reset)] {
        let mut bench = Bench::new(&[limit(4, then)]);
        bench.push(b"abc").push(b"def").push(b"g").eof();
        assert_eq!(bench.left, [data(0, b"abc"), data(0, b"d"), (ms(0), end.clone())]);

        // The end comes with the last byte that passes, not with the first that does not.
        let mut bench = Bench::new(&[limit(3, then)]);
        bench.push(b"abc");
        assert_eq!(bench.left, [data(0, b"abc"), (ms(0), end.clone())]);

        let mut bench = Bench::new(&[limit(0, then)]);
        bench.run(ms(50));
        assert_eq!(bench.left, []);
        bench.push(b"a");
        assert_eq!(bench.left, [(ms(50), end)]);
    }
}

#[test]
fn a_stream_within_the_limit_ends_by_itself() {
    let mut bench = Bench::new(&[limit(4, Then::Reset)]);
    bench.push(b"abc").eof().run_out();
    assert_eq!(bench.left, [data(0, b"abc"), (ms(0), Flow::Eof)]);
}

#[test]
fn a_limit_that_is_removed_in_time_has_cost_nothing() {
    let mut bench = Bench::new(&[limit(4, Then::Reset)]);
    bench.stack.push(bench.now, Flow::Data(b"abcdef".to_vec()));
    assert_eq!(bench.stack.poll(bench.now), Some(Flow::Data(b"abcd".to_vec())));
    bench.remove("limit_data").push(b"g");
    assert_eq!(bench.left, [data(0, b"ef"), data(0, b"g")]);
}

#[test]
fn toxics_act_in_the_order_they_were_added() {
    let mut bench = Bench::new(&[LATENCY, LATENCY, limit(2, Then::Close), SLOW_CLOSE]);
    bench.push(b"abc").run_out();
    assert_eq!(bench.left, [data(400, b"ab"), (ms(700), Flow::Close)]);

    // The end is delayed from when it leaves the toxic before, which is after the data.
    let mut bench = Bench::new(&[LATENCY, SLOW_CLOSE]);
    bench.push(b"a").eof().run_out();
    assert_eq!(bench.left, [data(200, b"a"), (ms(500), Flow::Eof)]);

    // Slices are delayed each, and a delayed chunk is sliced once.
    let mut bench = Bench::new(&[slicer(1, 0, ms(5)), LATENCY]);
    bench.push(b"ab").run_out();
    assert_eq!(bench.left, [data(200, b"a"), data(205, b"b")]);
    let mut bench = Bench::new(&[LATENCY, slicer(1, 0, ms(5))]);
    bench.push(b"ab").run_out();
    assert_eq!(bench.left, [data(200, b"a"), data(205, b"b")]);
}

#[test]
fn delays_add_up_exactly_when_polled_late() {
    let mut bench = Bench::new(&[LATENCY, LATENCY, LATENCY]);
    bench.push(b"a").push(b"b");
    bench.now += ms(599);
    bench.poll();
    assert_eq!(bench.left, []);
    bench.now += ms(1);
    bench.poll();
    assert_eq!(bench.left, [data(600, b"a"), data(600, b"b")]);
}

#[test]
fn a_toxic_added_on_the_way_meets_what_is_still_held() {
    let mut bench = Bench::new(&[LATENCY]);
    bench.push(b"a").run(ms(100));
    bench.add(LATENCY);
    bench.push(b"b").run_out();
    assert_eq!(bench.left, [data(400, b"a"), data(500, b"b")]);
}

#[test]
fn what_a_removed_toxic_held_still_meets_those_behind_it() {
    let mut bench = Bench::new(&[bandwidth(0), LATENCY]);
    bench.push(b"ab").run(ms(50)).remove("bandwidth").push(b"c").run_out();
    assert_eq!(bench.left, [data(250, b"ab"), data(250, b"c")]);
}

#[test]
fn removing_all_lets_everything_out_in_order() {
    let mut bench = Bench::new(&[slicer(2, 0, ms(10)), bandwidth(1), LATENCY]);
    bench.push(b"abcdefghijklmnopqrstuvwxyz").eof().run(ms(25));
    assert!(bench.stack.remove(bench.now, None));
    assert_eq!(bench.stack.next_timeout(), Some(bench.now));
    bench.poll();
    assert_eq!(bench.bytes(), b"abcdefghijklmnopqrstuvwxyz");
    assert_eq!(bench.left.last(), Some(&(ms(25), Flow::Eof)));
    assert!(bench.stack.is_empty());
    assert!(!bench.stack.remove(bench.now, None));
}

#[test]
fn removing_by_name_takes_all_of_that_name_and_no_other() {
    let mut bench = Bench::new(&[LATENCY, SLOW_CLOSE, LATENCY]);
    assert!(!bench.stack.remove(bench.now, Some("slicer")));
    bench.push(b"a").remove("latency");
    assert_eq!(bench.left, [data(0, b"a")]);
    assert!(!bench.stack.is_empty());
}

#[test]
fn what_is_held_is_counted() {
    let mut bench = Bench::new(&[bandwidth(1)]);
    assert_eq!(bench.stack.held(), 0);
    bench.push(&[0; 1000]);
    let full = bench.stack.held();
    assert!((1000..1200).contains(&full), "{full}");
    bench.run(ms(100));
    assert_eq!(bench.stack.held(), full - 100);
    bench.run_out();
    assert_eq!(bench.stack.held(), 0);

    let mut bench = Bench::new(&[LATENCY]);
    for _ in 0..1000 {
        bench.push(b"x");
    }
    assert!(bench.stack.held() > 50_000, "a thousand chunks cost more than a thousand bytes");
}

#[test]
fn times_beyond_the_clock_are_never() {
    let mut bench = Bench::new(&[
        Toxic::Latency { latency: Duration::MAX, jitter: Duration::MAX },
        Toxic::Timeout { timeout: Some(Duration::MAX) },
        slicer(1, 0, Duration::MAX),
        bandwidth(u64::MAX),
    ]);
    bench.push(b"abc").eof().run(ms(1_000_000));
    assert_eq!(bench.left, []);
}

#[test]
fn another_seed_is_another_run() {
    let toxics = [slicer(10, 9, ms(1)), Toxic::Latency { latency: ms(50), jitter: ms(50) }];
    let run = |seed| Bench::seeded(seed, &toxics).push(&[5; 500]).run_out().take();
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
