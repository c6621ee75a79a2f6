//! Micro-benches: what one chunk, one frame, one call and one round cost, and how often each of them allocates.
//!
//! Through the types the program uses, and nothing but them. What a whole server does beside others is measured by
//! `benches/run`.

mod codec;
mod framing;
mod reactor;
mod script;
mod session;

use divan::{AllocProfiler, Divan};
use tcpx::sys::memory::Counting;

/// Counts for divan what the program's own allocator counts for the limit on a script's memory.
#[global_allocator]
static ALLOCATOR: AllocProfiler<Counting> = AllocProfiler::new(Counting);

fn main() {
    let mut words = std::env::args().skip(1).peekable();
    if words.peek().is_none() {
        // `cargo test`: everything once.
        Divan::default().test_benches();
    } else if words.any(|word| ["--bench", "--test", "--list"].contains(&word.as_str())) {
        divan::main();
    }
    // The words of `cargo test -- WORDS` are for other tests.
}

/// Work that has been done a few times: divan decides by the first time how much of it makes a sample, and that time
/// tells of cold memory.
fn warm<R>(mut work: impl FnMut() -> R) -> impl FnMut() -> R {
    for _ in 0..10 {
        divan::black_box(work());
    }
    work
}
