//! Bytes ⇄ text: encodings, escapes, labels.
//!
//! Pure machines: they take slices and append to buffers, keep a cut character for the next call and never
//! do I/O. Which connection uses which encoding is the session's knowledge.

pub mod charset;
mod decode;
mod detect;
mod encode;
pub mod escape;
pub mod framing;
pub mod labels;
pub mod nearest;
pub mod newline;
pub mod scan;
pub mod typed;
