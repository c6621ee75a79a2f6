//! Sorting, with a comparison function of the script or without.
//!
//! Replaces Rhai's own functions, which ignore a failed comparison (a call to be stopped after two seconds ran for minutes,
//! and an error in a comparison was never reported) and never look at the limits of the call.

use std::any::TypeId;
use std::cmp::Ordering;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, INT, ImmutableString, NativeCallContext};

use super::sized::{ITEMS_PER_LOOK, equal};
use super::{Outcome, failure, type_name};
use crate::script::host::Host;

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    type Context<'a> = NativeCallContext<'a>;
    for (sort, order, is_descending) in [("sort", "order", false), ("sort_desc", "order_desc", true)] {
        let of = Rc::clone(host);
        engine.register_fn(sort, move |array: &mut Array| sort_values(&of, sort, array, is_descending));
        let of = Rc::clone(host);
        engine.register_fn(order, move |mut array: Array| -> Outcome<Array> {
            sort_values(&of, order, &mut array, is_descending)?;
            Ok(array)
        });
    }
    engine
        .register_fn("sort", |context: Context<'_>, array: &mut Array, by: FnPtr| sort(&context, array, &by))
        .register_fn("sort_by", |context: Context<'_>, array: &mut Array, by: FnPtr| sort(&context, array, &by))
        .register_fn("order", |context: Context<'_>, array: Array, by: FnPtr| ordered(&context, array, &by))
        .register_fn("order_by", |context: Context<'_>, array: Array, by: FnPtr| ordered(&context, array, &by))
        .register_fn("dedup", |context: Context<'_>, array: &mut Array| -> Outcome<()> {
            stoppable("dedup", |stop| array.dedup_by(|next, kept| stop.unless(equal(&context, kept, next))))
        })
        .register_fn("dedup", |context: Context<'_>, array: &mut Array, by: FnPtr| -> Outcome<()> {
            stoppable("dedup", |stop| {
                array.dedup_by(|next, kept| {
                    let same = by.call_raw(&context, None, [kept.clone(), next.clone()]);
                    stop.unless(same.map(|same| same.as_bool().unwrap_or(false)))
                });
            })
        });
}

fn sort(context: &NativeCallContext<'_>, array: &mut Array, by: &FnPtr) -> Outcome<()> {
    stoppable("sort", |stop| array.sort_by(|one, other| stop.unless(compare(context, by, one, other))))
}

fn ordered(context: &NativeCallContext<'_>, mut array: Array, by: &FnPtr) -> Outcome<Array> {
    sort(context, &mut array, by)?;
    Ok(array)
}

/// Sorts values of one simple type.
fn sort_values(host: &Host, function: &str, array: &mut Array, is_descending: bool) -> Outcome<()> {
    let Some(kind) = array.first().map(Dynamic::type_id) else { return Ok(()) };
    if array.iter().any(|value| value.type_id() != kind) {
        return Err(failure(format!(
            "{function}: the items have different types; with a comparison it works: a.sort(|x, y| ..)"
        )));
    }
    let known = [
        TypeId::of::<INT>(),
        TypeId::of::<f64>(),
        TypeId::of::<char>(),
        TypeId::of::<ImmutableString>(),
        TypeId::of::<bool>(),
        TypeId::of::<()>(),
    ];
    if array.len() > 1 && !known.contains(&kind) {
        let what = crate::script::error::friendly(array[0].type_name());
        return Err(failure(format!("{function}: items of type {what} need a comparison: a.sort(|x, y| ..)")));
    }
    let mut comparisons = 0;
    stoppable(function, |stop| {
        array.sort_by(|one, other| {
            comparisons += 1;
            if usize::is_multiple_of(comparisons, ITEMS_PER_LOOK) {
                stop.unless(host.check());
            }
            let order = natural(one, other);
            if is_descending { order.reverse() } else { order }
        });
    })
}

/// The order of two values of the same simple type.
fn natural(one: &Dynamic, other: &Dynamic) -> Ordering {
    if let (Ok(one), Ok(other)) = (one.as_int(), other.as_int()) {
        one.cmp(&other)
    } else if let (Some(one), Some(other)) = (one.read_lock::<ImmutableString>(), other.read_lock::<ImmutableString>())
    {
        one.as_str().cmp(other.as_str())
    } else if let (Ok(one), Ok(other)) = (one.as_float(), other.as_float()) {
        one.partial_cmp(&other).unwrap_or_else(|| one.total_cmp(&other))
    } else if let (Ok(one), Ok(other)) = (one.as_char(), other.as_char()) {
        one.cmp(&other)
    } else {
        one.as_bool().unwrap_or(false).cmp(&other.as_bool().unwrap_or(false))
    }
}

/// The order of a comparison's result: a number below, at or above zero, or `true` if the first value comes first.
fn compare(context: &NativeCallContext<'_>, by: &FnPtr, one: &Dynamic, other: &Dynamic) -> Outcome<Ordering> {
    let result = by.call_raw(context, None, [one.clone(), other.clone()])?;
    if let Ok(number) = result.as_int() {
        return Ok(number.cmp(&0));
    }
    match result.as_bool() {
        Ok(true) => Ok(Ordering::Less),
        Ok(false) => {
            let after = by.call_raw(context, None, [other.clone(), one.clone()])?;
            Ok(if after.as_bool().unwrap_or(false) { Ordering::Greater } else { Ordering::Equal })
        }
        Err(_) => {
            let given = type_name(context, &result);
            Err(failure(format!("sort: a comparison gives a number or true or false, not {given}")))
        }
    }
}

/// Leaves a sort function of the standard library from within its comparison, by unwinding, and holds the error.
#[derive(Default)]
struct Stop(Option<Box<EvalAltResult>>);

impl Stop {
    fn unless<T>(&mut self, result: Outcome<T>) -> T {
        result.unwrap_or_else(|fault| {
            self.0 = Some(fault);
            // resume_unwind does not call the panic hook. The slice keeps all its values, in some order.
            panic::resume_unwind(Box::new(()))
        })
    }
}

fn stoppable(function: &str, work: impl FnOnce(&mut Stop)) -> Outcome<()> {
    let mut stop = Stop::default();
    let result = panic::catch_unwind(AssertUnwindSafe(|| work(&mut stop)));
    match (result, stop.0) {
        (_, Some(fault)) => Err(fault),
        (Ok(()), None) => Ok(()),
        // The panic message of the standard library for an inconsistent order; any other panic propagates.
        (Err(payload), None) => match payload.downcast_ref::<&str>() {
            Some(text) if text.contains("total order") => {
                Err(failure(format!("{function}: the comparison contradicts itself")))
            }
            _ => panic::resume_unwind(payload),
        },
    }
}
