//! Black-box tests.

mod builtins;
mod bulk;
mod connecting;
mod contained;
mod encodings;
mod endings;
mod events;
mod examples;
mod floors;
mod generated;
mod network;
mod parts;
mod peers;
mod relaying;
mod robust;
mod sending;
mod serving;
mod support;
mod terminal;
mod toxics;
mod tutorial;
mod unix;
mod verdict;
mod watching;
mod workers;
mod workshop;
