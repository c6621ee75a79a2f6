//! What only the operating system can answer. The one place where `unsafe` is allowed.
//!
//! Owns the beginning of the process, signal dispositions, descriptors known only by number, memory, stacks, and the
//! services database. Knows nothing of connections or scripts.

pub mod entry;
pub mod interrupts;
pub mod memory;
pub mod services;
pub mod stack;
pub mod unix;
