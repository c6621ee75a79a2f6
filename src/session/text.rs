//! `TextSettings`: how one connection turns bytes into text and text into bytes, and what it is called.
//!
//! Scripts change the settings at any time; a change takes effect with the next bytes. Decoding itself belongs to
//! `inbound`.

use std::borrow::Cow;
use std::cell::{Cell, Ref, RefCell};

use encoding_rs::{Encoding, UTF_8};

use crate::codec::charset::{EncodeError, Encoder};
use crate::config::{Charset, Region, Text, Unencodable};

/// The text settings of one connection.
#[derive(Debug)]
pub struct TextSettings {
    recv: Cell<Charset>,
    /// The region of an `auto` that names none.
    region: Option<Region>,
    detected: Cell<Option<&'static Encoding>>,
    encoder: RefCell<Encoder>,
    /// What ends the text of an encoding that is used no more; sent before anything else.
    tail: RefCell<Vec<u8>>,
    label: RefCell<Option<Box<str>>>,
    eol: RefCell<Cow<'static, str>>,
    crlf: bool,
}

impl TextSettings {
    /// The settings the run was given.
    pub(super) fn new(text: &Text) -> Self {
        Self {
            recv: Cell::new(text.recv.unwrap_or(Charset::Named(UTF_8))),
            region: text.region,
            detected: Cell::new(None),
            encoder: RefCell::new(Encoder::new(text.send.unwrap_or(UTF_8), text.unencodable)),
            tail: RefCell::default(),
            label: RefCell::new(None),
            eol: RefCell::new(Cow::Borrowed(if text.crlf { "\r\n" } else { "\n" })),
            crlf: text.crlf,
        }
    }

    // ---- received text --------------------------------------------------------------------------------

    /// How received bytes are decoded, as it was set.
    pub fn recv(&self) -> Charset {
        self.recv.get()
    }

    /// The encoding of received bytes; `None`: it is to be detected, and is not yet.
    pub fn recv_encoding(&self) -> Option<&'static Encoding> {
        match self.recv.get() {
            Charset::Auto(_) => self.detected.get(),
            Charset::Named(encoding) => Some(encoding),
        }
    }

    /// How the next received bytes are decoded: in the encoding, or detected with what is known of their region.
    pub(super) fn decoding(&self) -> Charset {
        match (self.recv_encoding(), self.recv.get()) {
            (Some(encoding), _) | (None, Charset::Named(encoding)) => Charset::Named(encoding),
            (None, Charset::Auto(region)) => Charset::Auto(region.or(self.region)),
        }
    }

    pub(super) fn set_detected(&self, encoding: Option<&'static Encoding>) {
        self.detected.set(encoding);
    }

    // ---- sent text ------------------------------------------------------------------------------------

    /// Encodes text for this connection, all of it or nothing.
    pub fn encode(&self, text: &str) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = self.encoder.borrow_mut().encode_whole(text)?;
        if !bytes.is_empty() && !self.tail.borrow().is_empty() {
            bytes = [self.tail.take(), bytes].concat();
        }
        Ok(bytes)
    }

    /// Whether all of a text could be encoded. Nothing changes.
    pub fn check(&self, text: &str) -> Result<(), EncodeError> {
        let encoder = self.encoder.borrow();
        let mut trial = Encoder::new(encoder.encoding(), encoder.unencodable());
        trial.encode(text, &mut Vec::with_capacity(text.len()))
    }

    /// Encodes text of an endless stream: before an error, what came before it is in `out`.
    pub fn encode_stream(&self, text: &str, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encoder.borrow_mut().encode(text, out)
    }

    /// Raw bytes of this stream, after what returns from the shift state of the text before them.
    pub fn raw(&self, bytes: Vec<u8>) -> Vec<u8> {
        if self.encoder.borrow().is_stateless() && self.tail.borrow().is_empty() {
            return bytes;
        }
        let mut tail = self.tail.take();
        if !bytes.is_empty() {
            self.encoder.borrow_mut().finish(&mut tail);
        }
        if tail.is_empty() {
            return bytes;
        }
        tail.extend(bytes);
        tail
    }

    /// Appends the bytes that end the encoded stream (ISO-2022-JP returns to ASCII).
    pub fn finish_encoding(&self, out: &mut Vec<u8>) {
        out.append(&mut self.tail.borrow_mut());
        self.encoder.borrow_mut().finish(out);
    }

    /// The encoding of sent text; `None` if that is UTF-8.
    pub fn send_encoding(&self) -> Option<&'static Encoding> {
        Some(self.encoder.borrow().encoding()).filter(|encoding| *encoding != UTF_8)
    }

    /// What becomes of a character that the encoding does not have.
    pub fn unencodable(&self) -> Unencodable {
        self.encoder.borrow().unencodable()
    }

    /// Changes what becomes of a character that the encoding does not have.
    pub fn set_unencodable(&self, unencodable: Unencodable) {
        self.encoder.borrow_mut().set_unencodable(unencodable);
    }

    /// What ends a sent line.
    pub fn eol(&self) -> Ref<'_, str> {
        Ref::map(self.eol.borrow(), |eol| &**eol)
    }

    /// Changes what ends a sent line.
    pub fn set_eol(&self, eol: &str) {
        self.eol.replace(Cow::Owned(eol.to_owned()));
    }

    /// Whether a lone LF in sent text becomes CR LF.
    pub fn crlf(&self) -> bool {
        self.crlf
    }

    // ---- both -----------------------------------------------------------------------------------------

    /// Changes the encoding of both directions; `Charset::Auto` sends UTF-8.
    pub fn set_charset(&self, charset: Charset) {
        self.recv.set(charset);
        self.detected.set(None);
        let encoding = match charset {
            Charset::Auto(_) => UTF_8,
            Charset::Named(encoding) => encoding,
        };
        let mut encoder = self.encoder.borrow_mut();
        encoder.finish(&mut self.tail.borrow_mut());
        *encoder = Encoder::new(encoding, encoder.unencodable());
    }

    /// The name for log lines, if one was given.
    pub fn label(&self) -> Option<String> {
        self.label.borrow().as_deref().map(str::to_owned)
    }

    /// Gives a name for log lines.
    pub fn set_label(&self, label: &str) {
        self.label.replace(Some(label.into()));
    }
}
