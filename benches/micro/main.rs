//! Micro-benchmarks: time and allocations of one chunk, one frame, one script call and one event loop round.
//!
//! They use the program's own types. `benches/run` measures whole servers, in comparison with others.

mod codec;
mod flat;
mod framing;
mod reactor;
mod script;
mod session;

use divan::{AllocProfiler, Divan};
use tcpx::bench::Counting;

/// Counts allocations for divan, on top of the program's own allocator.
#[global_allocator]
static ALLOCATOR: AllocProfiler<Counting> = AllocProfiler::new(Counting);

fn main() {
    let mut words = std::env::args().skip(1).peekable();
    if words.peek().is_none() {
        // `cargo test`: every benchmark once.
        Divan::default().test_benches();
    } else if words.any(|word| ["--bench", "--test", "--list"].contains(&word.as_str())) {
        divan::main();
    }
    // The arguments of `cargo test -- ARGS` are for other tests.
}

/// Runs the work a few times first: divan sets the sample size by the first run, which is slow with cold caches.
fn warm<R>(mut work: impl FnMut() -> R) -> impl FnMut() -> R {
    for _ in 0..10 {
        divan::black_box(work());
    }
    work
}
