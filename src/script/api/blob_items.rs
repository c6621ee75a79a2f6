//! The bytes of a blob as the items of a loop or of a closure: always integers.
//!
//! Rhai's own iterator gives `u8`, which is another type than what `data[i]` gives: it equals no number of a script.

use std::any::TypeId;

use rhai::{Array, Blob, Dynamic, Engine, FnPtr, INT, Module, NativeCallContext};

use super::Outcome;

type Context<'a> = NativeCallContext<'a>;
type B<'a> = &'a mut Blob;

pub(super) fn register(engine: &mut Engine) {
    let mut module = Module::new();
    module.set_iter(TypeId::of::<Blob>(), |blob| Box::new(blob.cast::<Blob>().into_iter().map(integer)));
    engine.register_global_module(module.into());

    engine
        .register_fn("map", |c: Context<'_>, blob: B<'_>, by: FnPtr| as_array(&c, "map", blob, [by.into()]))
        .register_fn("filter", |c: Context<'_>, blob: B<'_>, by: FnPtr| -> Outcome<Blob> {
            let kept = as_array(&c, "filter", blob, [by.into()])?.cast::<Array>();
            Ok(kept.iter().map(|item| item.as_int().unwrap_or(0) as u8).collect())
        })
        .register_fn("reduce", |c: Context<'_>, blob: B<'_>, by: FnPtr| as_array(&c, "reduce", blob, [by.into()]))
        .register_fn("reduce", |c: Context<'_>, blob: B<'_>, by: FnPtr, first: Dynamic| {
            as_array(&c, "reduce", blob, [by.into(), first])
        })
        .register_fn("all", |c: Context<'_>, blob: B<'_>, by: FnPtr| as_array(&c, "all", blob, [by.into()]))
        .register_fn("some", |c: Context<'_>, blob: B<'_>, by: FnPtr| as_array(&c, "some", blob, [by.into()]));
}

/// Calls a function of arrays with the bytes of a blob.
fn as_array<const N: usize>(
    context: &NativeCallContext<'_>,
    function: &str,
    blob: &Blob,
    mut args: [Dynamic; N],
) -> Outcome<Dynamic> {
    let mut items = Dynamic::from_array(blob.iter().copied().map(integer).collect());
    let mut all = vec![&mut items];
    all.extend(args.iter_mut());
    context.call_native_fn_raw(function, true, &mut all)
}

fn integer(byte: u8) -> Dynamic {
    Dynamic::from_int(INT::from(byte))
}
