//! Black-box tests.

mod connecting;
mod encodings;
mod endings;
mod examples;
mod floors;
mod generated;
mod serving;
mod support;
