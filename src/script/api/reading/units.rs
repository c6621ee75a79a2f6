//! `Units`: what `for` goes over, the lines, frames, texts or chunks of a connection until its end.

use std::rc::Rc;

use rhai::{Dynamic, Engine};

use super::{Reading, framing_of};
use crate::script::api::Outcome;
use crate::script::api::conn::Conn;
use crate::script::api::waits::UntilEnd;
use crate::script::host::Host;
use crate::session::inbox::{LINES, Wanted};

/// The calls that give them, what each waits for, and how that is cut; `None`: as the script has chosen.
pub(in crate::script) const KINDS: [(&str, &str, Option<Wanted>); 4] = [
    ("lines", "a line", Some(LINES)),
    ("texts", "text", Some(Wanted::Text)),
    ("chunks", "data", Some(Wanted::Bytes)),
    ("frames", "a frame", None),
];

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    engine.register_type_with_name::<Units>("Units");
    engine.register_iterator_result::<Units, Dynamic>();
    for (op, what, wanted) in KINDS {
        let of = Rc::clone(host);
        engine.register_fn(op, move |conn: Conn| -> Outcome<Units> {
            of.task_for(op)?;
            let wanted = match &wanted {
                Some(wanted) => wanted.clone(),
                None => framing_of(&of, &conn, op)?,
            };
            Ok(Units { host: Rc::clone(&of), conn, wanted, op, what })
        });
    }
}

/// What `for` goes over: the units of a connection until its end.
#[derive(Clone)]
pub(in crate::script) struct Units {
    host: Rc<Host>,
    conn: Conn,
    wanted: Wanted,
    op: &'static str,
    what: &'static str,
}

impl IntoIterator for Units {
    type Item = Outcome<Dynamic>;
    type IntoIter = UntilEnd<Box<dyn FnMut() -> Outcome<Option<Dynamic>>>>;

    fn into_iter(self) -> Self::IntoIter {
        UntilEnd::new(Box::new(move || self.next()))
    }
}

impl Units {
    pub(in crate::script) fn next(&self) -> Outcome<Option<Dynamic>> {
        Reading::new(&self.host, &self.conn, self.op, self.what, None)?.piece_to_end(&self.wanted)
    }
}
