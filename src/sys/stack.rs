//! Threads with room for scripts.
//!
//! A script can put values into each other without end, and cloning or dropping one goes down all the way.

use std::io;
use std::thread::{self, JoinHandle};

/// The name of every thread that runs a loop: a panic there is caught and told by whoever started it.
pub const NAME: &str = "main";

/// Address space, not memory: a page is only taken when it is used.
const SIZES: [usize; 2] = [1 << 30, 64 << 20];

/// Runs something on a thread with a large stack.
///
/// # Errors
/// There is no room for any of them.
pub fn spawn<T: Send + 'static>(run: impl Fn() -> T + Clone + Send + 'static) -> io::Result<JoinHandle<T>> {
    let start = |size| thread::Builder::new().name(NAME.to_owned()).stack_size(size).spawn(run.clone());
    start(SIZES[0]).or_else(|_| start(SIZES[1]))
}
