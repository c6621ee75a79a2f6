//! Bytes ⇄ text: encodings, escapes, labels.
//!
//! Pure state machines: they take slices, append to buffers, keep a partial character for the next call and do no
//! I/O. The session decides which connection uses which encoding.

pub mod charset;
pub mod columns;
mod decode;
pub mod decoded;
mod detect;
mod encode;
pub mod escape;
pub mod excerpt;
pub mod framing;
pub mod labels;
pub mod man;
pub mod nearest;
pub mod newline;
pub mod pending;
pub mod scan;
pub mod seam;
pub mod terminal;
pub mod text_finder;
pub mod typed;
pub mod work;
