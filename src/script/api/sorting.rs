//! Sorting with a comparison function of the script.
//!
//! Replaces Rhai's own functions, which ignore a failed comparison: a call to be stopped after two seconds ran for
//! minutes, and an error in a comparison was never reported.

use std::cmp::Ordering;
use std::panic::{self, AssertUnwindSafe};

use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, NativeCallContext};

use super::{Outcome, failure, type_name};

pub(super) fn register(engine: &mut Engine) {
    type Context<'a> = NativeCallContext<'a>;
    engine
        .register_fn("sort", |context: Context<'_>, array: &mut Array, by: FnPtr| sort(&context, array, &by))
        .register_fn("sort_by", |context: Context<'_>, array: &mut Array, by: FnPtr| sort(&context, array, &by))
        .register_fn("order", |context: Context<'_>, array: Array, by: FnPtr| ordered(&context, array, &by))
        .register_fn("order_by", |context: Context<'_>, array: Array, by: FnPtr| ordered(&context, array, &by))
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
