//! Transcripts of the state machine of one peer.

mod playbook;
mod spliced;
mod switching;
