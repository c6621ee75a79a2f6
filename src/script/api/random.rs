//! Random values: all from one generator, so that `--seed` repeats them.

use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, INT};

use super::{Outcome, failure};
use crate::script::host::Host;

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    let of = Rc::clone(host);
    engine.register_fn("rand", move || of.random(fastrand::Rng::f64));
    let of = Rc::clone(host);
    engine.register_fn("rand", move |low: INT, high: INT| -> Outcome<INT> {
        if low > high {
            return Err(failure(format!("rand({low}, {high}): the first number is the larger one")));
        }
        Ok(of.random(|random| random.i64(low..=high)))
    });
    let of = Rc::clone(host);
    engine.register_fn("choose", move |array: Array| -> Outcome<Dynamic> {
        let mut array = array;
        if array.is_empty() {
            return Err(failure("choose: the array is empty"));
        }
        let index = of.random(|random| random.usize(..array.len()));
        Ok(array.swap_remove(index))
    });
    let of = Rc::clone(host);
    engine.register_fn("uuid", move || uuid(of.random(|random| random.u128(..))));
}

/// A UUID of version 4 (RFC 9562, section 5.4).
fn uuid(bits: u128) -> String {
    let bits = bits & !(0xf << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62;
    let digits = format!("{bits:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef), "01234567-89ab-4def-8123-456789abcdef");
    }
}
