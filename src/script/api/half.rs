//! Half-precision floats (IEEE 754 binary16), which Rust does not have: the code `e` of `pack`.

/// The bits of the nearest half float, ties to even; `None` if the number is too large.
pub(super) fn from_f64(number: f64) -> Option<u16> {
    let sign = if number.is_sign_negative() { 0x8000 } else { 0 };
    let size = number.abs();
    if number.is_nan() {
        return Some(sign | 0x7e00);
    }
    if size.is_infinite() {
        return Some(sign | 0x7c00);
    }
    // The exponent of the leading bit, at least that of the smallest normal number.
    let exponent = ((size.to_bits() >> 52) as i32 - 1023).max(-14);
    // Dividing by a power of two is exact, so this is the only rounding. An overflow of the fraction carries into the
    // exponent, as it must.
    let fraction = (size / 2f64.powi(exponent - 10)).round_ties_even() as i32;
    let bits = ((exponent + 14) << 10) + fraction;
    u16::try_from(bits).ok().filter(|bits| *bits < 0x7c00).map(|bits| sign | bits)
}

/// The number of these bits.
pub(super) fn to_f64(bits: u16) -> f64 {
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_floats_match_known_values() {
        // From python3: struct.pack(">e", x).hex()
        let known = [
            (0.0, 0x0000),
            (-0.0, 0x8000),
            (1.0, 0x3c00),
            (-2.0, 0xc000),
            (0.1, 0x2e66),
            (65504.0, 0x7bff),
            (65519.0, 0x7bff),
            (6.103_515_625e-5, 0x0400),
            (5.960_464_477_539_063e-8, 0x0001),
            (2.980_232_238_769_531e-8, 0x0000),
            (2.980_232_238_769_532e-8, 0x0001),
            (1e-300, 0x0000),
            (2049.0, 0x6800),
            (2051.0, 0x6802),
            (f64::INFINITY, 0x7c00),
        ];
        for (number, bits) in known {
            assert_eq!(from_f64(number), Some(bits), "{number}");
        }
        assert_eq!(from_f64(65520.0), None);
        assert_eq!(from_f64(1e300), None);
        assert_eq!(from_f64(f64::NAN), Some(0x7e00));
    }

    #[test]
    fn every_half_float_survives_a_round_trip() {
        for bits in 0..=u16::MAX {
            let number = to_f64(bits);
            if number.is_nan() {
                assert!(bits & 0x7fff > 0x7c00);
            } else {
                assert_eq!(from_f64(number), Some(bits));
            }
        }
    }
}
