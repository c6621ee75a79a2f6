//! Memory that is looked at soon: a hint for the processor, without any other effect.
#![allow(unsafe_code)]

/// Bytes of one line of the cache.
const LINE: usize = 64;

/// Brings a value into the cache while other work goes on. It is not waited for.
#[inline]
pub fn prefetch<T>(value: &T) {
    let start = std::ptr::from_ref(value).cast::<u8>();
    for offset in (0..size_of::<T>()).step_by(LINE) {
        hint(start.wrapping_add(offset));
    }
}

/// The same for the first bytes of a value, which may be of any type.
#[inline]
pub fn prefetch_start<T: ?Sized>(value: &T) {
    hint(std::ptr::from_ref(value).cast());
}

#[inline]
fn hint(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: nothing is read for the program, whatever the address is.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
