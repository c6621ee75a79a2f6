//! The argument types of the functions that scripts can call, for messages.
//!
//! Owns the names of types in messages. Built once per thread, from an engine with everything registered, because errors
//! are rendered without the engine they come from.

use std::any::TypeId;
use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};
use std::rc::Rc;
use std::time::Duration;

use rhai::{Array, Blob, Dynamic, Engine, FLOAT, FnPtr, INT, ImmutableString, Map};

use crate::script::api;
use crate::script::api::conn::{Conn, Listener};
use crate::script::host::{Host, ScriptClock};

thread_local! {
    static FORMS: Rc<HashMap<String, Vec<String>>> = Rc::new(read());
}

/// The argument lists that a function takes, the receiver of a method first: `(array, any)`. Empty for an unknown function.
pub(super) fn of(name: &str) -> Vec<String> {
    FORMS.with(|forms| forms.get(name).cloned().unwrap_or_default())
}

/// Whether there is such a function.
pub(super) fn has(name: &str) -> bool {
    FORMS.with(|forms| forms.contains_key(name))
}

fn read() -> HashMap<String, Vec<String>> {
    let mut engine = Engine::new();
    let host = Host::new(Duration::ZERO, None, ScriptClock::default());
    api::register(&mut engine, &host, Rc::default());
    let all = engine.collect_fn_metadata(
        None,
        |info| {
            let types: Vec<_> = info.metadata.param_types.iter().map(|id| word(*id)).collect();
            Some((info.metadata.name.to_string(), format!("({})", types.join(", "))))
        },
        true,
    );
    let mut forms: HashMap<String, Vec<String>> = HashMap::new();
    for (name, form) in all {
        let known = forms.entry(name).or_default();
        if !known.contains(&form) {
            known.push(form);
        }
    }
    for known in forms.values_mut() {
        known.sort_by_key(|form| (form.matches(',').count(), form.clone()));
    }
    forms
}

/// The name of a type in messages.
fn word(id: TypeId) -> &'static str {
    let words = [
        (TypeId::of::<Dynamic>(), "any"),
        (TypeId::of::<()>(), "()"),
        (TypeId::of::<bool>(), "bool"),
        (TypeId::of::<INT>(), "int"),
        (TypeId::of::<FLOAT>(), "float"),
        (TypeId::of::<char>(), "char"),
        (TypeId::of::<ImmutableString>(), "string"),
        (TypeId::of::<&str>(), "string"),
        (TypeId::of::<String>(), "string"),
        (TypeId::of::<Array>(), "array"),
        (TypeId::of::<Blob>(), "blob"),
        (TypeId::of::<Map>(), "map"),
        (TypeId::of::<FnPtr>(), "function"),
        (TypeId::of::<Range<INT>>(), "range"),
        (TypeId::of::<RangeInclusive<INT>>(), "range"),
        (TypeId::of::<Conn>(), "Conn"),
        (TypeId::of::<Listener>(), "Listener"),
        (TypeId::of::<api::pattern::Pattern>(), "regex"),
        (TypeId::of::<api::timers::Handle>(), "timer"),
    ];
    words.iter().find(|(known, _)| *known == id).map_or("value", |(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_the_language_and_of_scripts_have_their_types() {
        assert_eq!(of("send_hex"), ["(Conn, string)"]);
        assert!(of("push").contains(&"(array, any)".to_owned()) && of("push").contains(&"(blob, int)".to_owned()));
        assert!(of("test").iter().all(|form| form.starts_with("(regex, ")), "{:?}", of("test"));
        assert!(of("cancel").contains(&"(timer)".to_owned()), "{:?}", of("cancel"));
        assert!(of("nosuch").is_empty() && !has("nosuch") && has("push"));
    }
}
