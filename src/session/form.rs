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
//! | | `ChosenForm::Searched` | `Found`, answered with bytes to skip: `Unmet` at the end | the search's |
//!
//! `inbound` splits the stream so, `codec::framing` finds the frames.

use std::rc::Rc;

use crate::codec::framing::Framing;
use crate::session::search::Search;

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
#[derive(Clone, Debug)]
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
    /// Nothing before a search has found.
    Searched(Rc<dyn Search>),
}

impl PartialEq for ChosenForm {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Data, Self::Data) => true,
            (Self::Lines { max }, Self::Lines { max: other }) => max == other,
            (Self::Frames(framing), Self::Frames(other))
            | (Self::DelimitedText(framing), Self::DelimitedText(other)) => framing == other,
            (Self::Searched(search), Self::Searched(other)) => Rc::ptr_eq(search, other),
            _ => false,
        }
    }
}

impl Eq for ChosenForm {}
