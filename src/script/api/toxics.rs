//! Injected faults: `toxic`, `check_toxic` and `heal`.
//!
//! Parses the request and pushes it. The toxics are in `layer::toxics`; the options of every toxic, `dir` and
//! `toxicity`, are parsed here.

use std::collections::BTreeMap;
use std::rc::Rc;

use rhai::{Dynamic, Engine, FLOAT, ImmutableString, Map, NativeCallContext};

use super::conn::Conn;
use super::{Outcome, failure, type_name};
use crate::codec::escape::show_line;
use crate::codec::nearest::nearest;
use crate::layer::toxics::{Toxic, ToxicError, Value};
use crate::script::host::Host;
use crate::session::Direction;

/// Maximum toxics of one connection, because every byte passes through all of them; more are a mistake in a loop.
const MAX_TOXICS: usize = 16;
/// The options of every toxic.
const COMMON: [&str; 2] = ["dir", "toxicity"];

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    let of = Rc::clone(host);
    engine.register_fn("toxic", move |context: NativeCallContext<'_>, conn: &mut Conn, name: &str| {
        add(&context, &of, conn, name, Map::new())
    });
    let of = Rc::clone(host);
    engine.register_fn("toxic", move |context: NativeCallContext<'_>, conn: &mut Conn, name: &str, options: Map| {
        add(&context, &of, conn, name, options)
    });
    engine.register_fn("check_toxic", |context: NativeCallContext<'_>, name: &str, options: Map| -> Outcome<()> {
        Wish::read(&context, name, options).map(drop)
    });
    let of = Rc::clone(host);
    engine.register_fn("heal", move |conn: &mut Conn| heal(&of, conn, None));
    let of = Rc::clone(host);
    engine.register_fn("heal", move |conn: &mut Conn, name: &str| -> Outcome<()> {
        heal(&of, conn, Some(Toxic::find_name(name).map_err(|fault| failure(refusal(&fault)))?));
        Ok(())
    });
}

fn add(context: &NativeCallContext<'_>, host: &Host, conn: &Conn, name: &str, options: Map) -> Outcome<()> {
    let wish = Wish::read(context, name, options)?;
    let view = conn.view();
    if !view.info.is_open() {
        return Ok(());
    }
    if view.info.is_datagram() {
        return Err(failure(format!("toxic: {} exchanges datagrams, and toxics are for streams", view.name())));
    }
    if view.info.toxics() >= MAX_TOXICS {
        let words =
            format!("{} has {MAX_TOXICS} toxics already, the most there can be: heal() takes them away", view.name());
        return Err(failure(words));
    }
    if wish.toxicity.is_none_or(|chance| host.random(fastrand::Rng::f64) < chance) {
        let seed = host.random(|random| random.u64(..));
        host.push(view.request_toxic(wish.direction, wish.toxic, seed));
    }
    Ok(())
}

fn heal(host: &Host, conn: &Conn, name: Option<&'static str>) {
    host.extend(conn.view().request_heal(name));
}

/// A requested toxic.
struct Wish {
    toxic: Toxic,
    direction: Direction,
    toxicity: Option<FLOAT>,
}

impl Wish {
    fn read(context: &NativeCallContext<'_>, name: &str, options: Map) -> Outcome<Self> {
        let name = Toxic::find_name(name).map_err(|fault| failure(refusal(&fault)))?;
        let known = [Toxic::option_names(name), &COMMON].concat();
        let (mut direction, mut toxicity, mut own) = (Direction::In, None, BTreeMap::new());
        for (option, value) in options {
            let wrong = |wanted: &str| {
                failure(format!("{option} of toxic {name} must be {wanted}, not {}", shown(context, &value)))
            };
            match option.as_str() {
                "dir" => direction = read_direction(&value).ok_or_else(|| wrong("\"in\" or \"out\""))?,
                "toxicity" => toxicity = Some(read_chance(&value).ok_or_else(|| wrong("a chance from 0 to 1"))?),
                other if !known.contains(&other) => return Err(failure(unknown_option(name, other, &known))),
                _ => {
                    let value = read_value(&value).ok_or_else(|| wrong("a number or a string"))?;
                    own.insert(option.to_string(), value);
                }
            }
        }
        let toxic = Toxic::from_options(name, &own).map_err(|fault| failure(refusal(&fault)))?;
        Ok(Self { toxic, direction, toxicity })
    }
}

fn read_direction(value: &Dynamic) -> Option<Direction> {
    match value.read_lock::<ImmutableString>()?.as_str() {
        "in" => Some(Direction::In),
        "out" => Some(Direction::Out),
        _ => None,
    }
}

fn read_chance(value: &Dynamic) -> Option<FLOAT> {
    let chance = value.as_float().or_else(|_| value.as_int().map(|number| number as FLOAT)).ok()?;
    (0.0..=1.0).contains(&chance).then_some(chance)
}

fn read_value(value: &Dynamic) -> Option<Value> {
    if let Ok(number) = value.as_int() {
        Some(Value::Int(number))
    } else if let Ok(number) = value.as_float() {
        Some(Value::Float(number))
    } else if let Ok(answer) = value.as_bool() {
        Some(Value::Bool(answer))
    } else {
        value.read_lock::<ImmutableString>().map(|text| Value::Text(text.to_string()))
    }
}

/// A value for a message: numbers and strings themselves, other values by their type.
fn shown(context: &NativeCallContext<'_>, value: &Dynamic) -> String {
    match read_value(value) {
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::Float(number)) => format!("{number:?}"),
        Some(Value::Bool(answer)) => answer.to_string(),
        Some(Value::Text(text)) => format!("\"{}\"", show_line(&text)),
        None => type_name(context, value),
    }
}

fn unknown_option(toxic: &str, option: &str, known: &[&'static str]) -> String {
    let hint = match nearest(option, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("it has {}", known.join(", ")),
    };
    format!("toxic {toxic} has no option {} ({hint})", show_line(option))
}

fn refusal(fault: &ToxicError) -> String {
    let hint = fault.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{fault}{hint}")
}
