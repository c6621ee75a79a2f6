//! `Form` and `ChosenForm`: in which form the bytes a connection receives reach its handler.
//!
//! A handler asks for one form with its [`EventMask`](crate::session::EventMask), by the hooks it has. For one connection it
//! may choose another ([`Command::SetForm`](crate::session::Command::SetForm)), which stays until it chooses `None`.
//!
//! | asked for | chosen | events | limit of a unit |
//! |---|---|---|---|
//! | `Form::Data` | `ChosenForm::Data` | `Data`: chunks as they arrive | |
//! | `Form::Text` | | `Text`: chunks, decoded | |
//! | `Form::Line` | `ChosenForm::Lines` | `Line`: decoded lines | `MAX_FRAME`, or the chosen |
//! | | `ChosenForm::Frames` | `Frame`: bytes, split by a `Framing` | the framing's |
//! | | `ChosenForm::DelimitedText` | `Line`: frames that end with a delimiter, decoded | the framing's |
//! | `Form::Measured` | | `Measure`, answered with a length: `Frame` | `MAX_FRAME` |
//! | | `ChosenForm::Searched` | `Measure`, answered with bytes to skip: `Unmet` at the end | the chosen |
//!
//! `inbound` splits the stream so, `codec::framing` finds the frames.

use crate::codec::framing::Framing;

/// The form a handler takes received bytes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Chunks as they arrive.
    #[default]
    Data,
    /// Decoded text.
    Text,
    /// Decoded lines.
    Line,
    /// Frames that the handler measures.
    Measured,
}

/// A form chosen for one connection, in place of the one its handler takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChosenForm {
    /// Chunks as they arrive.
    Data,
    /// Decoded lines.
    Lines {
        /// Maximum line length without its end, in bytes.
        max: usize,
    },
    /// Frames.
    Frames(Framing),
    /// Frames that end with a delimiter, decoded, as lines.
    DelimitedText(Framing),
    /// Everything that has arrived, for the handler to search.
    Searched {
        /// Maximum bytes to search, without a match.
        max: usize,
    },
}
