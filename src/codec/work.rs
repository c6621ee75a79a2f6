//! A count of the bytes that scanners of received bytes are given, for tests that no byte is looked at again and again.

#[cfg(test)]
thread_local! {
    static BYTES: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Notes that a scanner or decoder was given so many bytes.
#[inline]
pub fn note(bytes: usize) {
    #[cfg(test)]
    BYTES.with(|count| count.set(count.get() + bytes));
    #[cfg(not(test))]
    let _ = bytes;
}

/// How many bytes scanners of this thread are given during `work`.
#[cfg(test)]
pub fn of<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = BYTES.get();
    let result = work();
    (result, BYTES.get() - before)
}
