//! What only the operating system can answer. The one place where `unsafe` is allowed.
//!
//! Owns signal dispositions, descriptors known only by number, and the services database. Knows nothing of
//! connections or scripts.

pub mod services;
pub mod unix;
