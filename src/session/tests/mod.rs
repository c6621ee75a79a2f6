//! Transcripts of the state machine of one peer, and of the layers between it and its socket.

mod aborting;
mod arrival;
mod book;
mod layers;
mod link;
mod playbook;
mod spliced;
mod switching;
mod toxics;
