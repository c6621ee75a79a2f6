//! Arguments of wrong types in the calls of tasks: an error with the map that all errors of tasks have.
//!
//! Without these forms the engine itself would fail, and a script that catches that gets the engine's own words. Outside of
//! tasks the error is the engine's.

use std::any::TypeId;

use rhai::{Dynamic, Engine, EvalAltResult, NativeCallContext, Position};

use super::conn::{Conn, Listener};
use super::tasks::Task;
use crate::script::engine::Fault;
use crate::script::error;
use crate::script::trouble::{Kind, Trouble};
use crate::script::waiting::{Form, WAITING};
use crate::sys::coroutine;

/// Functions that are no calls that wait, or not everywhere, and how many arguments they take.
const OTHERS: [(&str, usize); 4] = [("connect", 1), ("connect", 2), ("listen", 1), ("listen", 2)];

/// Forms that take a value of any type: function and number of arguments without the receiver.
const OPEN: [(&str, usize); 3] = [("send", 1), ("expect", 1), ("read_until", 1)];

/// Properties of a connection that can be set.
const PROPERTIES: [&str; 8] =
    ["timeout", "idle_timeout", "peer_idle_timeout", "nodelay", "encoding", "eol", "label", "unencodable"];

pub(in crate::script) fn register(engine: &mut Engine) {
    for known in &WAITING {
        let receiver = match known.form {
            Form::Conn | Form::Send => Some(TypeId::of::<Conn>()),
            Form::Listener => Some(TypeId::of::<Listener>()),
            Form::Task => Some(TypeId::of::<Task>()),
            Form::Function => None,
        };
        let (least, most) = known.arguments;
        for count in least.max(1)..=most {
            if !OPEN.contains(&(known.name, count)) {
                register_form(engine, known.name, receiver, count);
            }
        }
    }
    for (name, count) in OTHERS {
        register_form(engine, name, None, count);
    }
    for name in PROPERTIES {
        engine.register_set(name, move |context: NativeCallContext<'_>, conn: &mut Conn, value: Dynamic| {
            unfit(&context, name, conn, &value)
        });
    }
}

/// Registers the form with any other types.
fn register_form(engine: &mut Engine, name: &'static str, receiver: Option<TypeId>, count: usize) {
    let any = std::iter::repeat_n(TypeId::of::<Dynamic>(), count);
    let types: Vec<_> = receiver.into_iter().chain(any).collect();
    engine.register_raw_fn(name, types, move |context, args| -> Result<Dynamic, Fault> {
        let types = || args.iter().map(|arg| context.engine().map_type_name(arg.type_name()));
        if !coroutine::is_running() {
            let signature = format!("{name} ({})", types().collect::<Vec<_>>().join(", "));
            return Err(EvalAltResult::ErrorFunctionNotFound(signature, Position::NONE).into());
        }
        let given: Vec<_> = types().map(error::friendly).collect();
        let conn = args.first().and_then(|first| first.read_lock::<Conn>()).map(|conn| conn.clone());
        let trouble = Trouble::new(Kind::Io, name, error::misfit(name, &given));
        Err(Trouble { conn, ..trouble }.thrown())
    });
}

/// The error of a property that is set to a value of a wrong type.
fn unfit(context: &NativeCallContext<'_>, name: &'static str, conn: &Conn, value: &Dynamic) -> Result<(), Fault> {
    let types = [std::any::type_name::<Conn>(), value.type_name()].map(|name| context.engine().map_type_name(name));
    let fault = EvalAltResult::ErrorDotExpr(
        format!(
            "No writable property '{name}' - a setter is not registered for type '{}' to handle '{}'",
            types[0], types[1]
        ),
        Position::NONE,
    );
    if !coroutine::is_running() {
        return Err(fault.into());
    }
    let given = error::friendly(types[1]);
    let message = format!("cannot set Conn.{name} to a value of type {given}");
    Err(Trouble::new(Kind::Io, name, message).on(conn).thrown())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::signatures;

    #[test]
    fn no_form_that_takes_any_value_is_replaced() {
        for known in &WAITING {
            let receiver = match known.form {
                Form::Conn | Form::Send => "Conn, ",
                Form::Listener => "Listener, ",
                // Its type has no name in signatures.
                Form::Task => "value, ",
                Form::Function => "",
            };
            for count in known.arguments.0.max(1)..=known.arguments.1 {
                let form = format!("({receiver}{})", vec!["any"; count].join(", "));
                let is_open = signatures::of(known.name).contains(&form);
                assert_eq!(is_open, OPEN.contains(&(known.name, count)), "{}{form}", known.name);
            }
        }
    }
}
