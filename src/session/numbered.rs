//! `Numbered`: a map by numbers that count up. Nobody outside chooses such a number, so a multiplication is hash enough.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Values by the number of a connection, of a timer or the like.
pub type Numbered<V> = HashMap<u64, V, BuildHasherDefault<NumberHasher>>;

/// Values by the slot of a source.
pub type BySlot<V> = HashMap<usize, V, BuildHasherDefault<NumberHasher>>;

/// The hash of one number.
#[derive(Clone, Copy, Debug, Default)]
pub struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // 2^64 divided by the golden ratio: neighbours fall far apart.
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_finds_its_value_and_no_other() {
        let mut numbered = Numbered::default();
        for number in (0..2000).chain([u64::MAX, 1 << 63]) {
            assert!(numbered.insert(number, !number).is_none());
        }
        assert!(numbered.iter().all(|(number, value)| *value == !*number));
        assert!((0..1000).all(|number| numbered.remove(&number).is_some()));
        assert_eq!(numbered.get(&1500), Some(&!1500));
        assert_eq!((numbered.get(&500), numbered.len()), (None, 1002));
    }

    #[test]
    fn neighbours_differ_in_the_bits_that_a_map_looks_at() {
        let hash = |number: u64| {
            let mut hasher = NumberHasher::default();
            hasher.write_u64(number);
            hasher.finish()
        };
        let high: std::collections::HashSet<_> = (0..128).map(|number| hash(number) >> 57).collect();
        assert!(high.len() > 64, "{}", high.len());
    }
}
