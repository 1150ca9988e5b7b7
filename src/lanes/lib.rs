#![doc = include_str!("README.md")]
#![no_std]
#![deny(missing_docs, unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

#[cfg(test)]
extern crate std;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod arch {
    use core::arch::wasm32::{
        i8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_min, u8x16_splat, v128, v128_load, v128_or, v128_xor,
    };

    pub(crate) type Vector = v128;

    #[inline(always)]
    pub(crate) fn load(bytes: &[u8; 16]) -> Vector {
        // SAFETY: the reference is to 16 readable bytes; `v128_load` needs no alignment.
        unsafe { v128_load(bytes.as_ptr().cast()) }
    }

    #[inline(always)]
    pub(crate) fn or(a: Vector, b: Vector) -> Vector {
        v128_or(a, b)
    }

    #[inline(always)]
    pub(crate) fn xor(a: Vector, b: Vector) -> Vector {
        v128_xor(a, b)
    }

    #[inline(always)]
    pub(crate) fn min(a: Vector, b: Vector) -> Vector {
        u8x16_min(a, b)
    }

    #[inline(always)]
    pub(crate) fn equal(a: Vector, byte: u8) -> Vector {
        u8x16_eq(a, u8x16_splat(byte))
    }

    #[inline(always)]
    pub(crate) fn below(a: Vector, byte: u8) -> Vector {
        u8x16_lt(a, u8x16_splat(byte))
    }

    #[inline(always)]
    pub(crate) fn high_bits(a: Vector) -> u32 {
        u32::from(i8x16_bitmask(a))
    }
}

#[cfg(target_arch = "x86_64")]
mod arch {
    use core::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8, _mm_setzero_si128, _mm_subs_epu8, _mm_xor_si128,
    };

    pub(crate) type Vector = __m128i;

    macro_rules! sse2 {
        ($call:expr) => {
            // SAFETY: every x86_64 has SSE2, and these operations work on values only.
            unsafe { $call }
        };
    }

    #[inline(always)]
    pub(crate) fn load(bytes: &[u8; 16]) -> Vector {
        // SAFETY: the reference is to 16 readable bytes; `loadu` needs no alignment.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    #[inline(always)]
    pub(crate) fn or(a: Vector, b: Vector) -> Vector {
        sse2!(_mm_or_si128(a, b))
    }

    #[inline(always)]
    pub(crate) fn xor(a: Vector, b: Vector) -> Vector {
        sse2!(_mm_xor_si128(a, b))
    }

    #[inline(always)]
    pub(crate) fn min(a: Vector, b: Vector) -> Vector {
        sse2!(_mm_min_epu8(a, b))
    }

    #[inline(always)]
    pub(crate) fn equal(a: Vector, byte: u8) -> Vector {
        sse2!(_mm_cmpeq_epi8(a, _mm_set1_epi8(byte.cast_signed())))
    }

    #[inline(always)]
    pub(crate) fn below(a: Vector, byte: u8) -> Vector {
        if byte == 0 {
            return sse2!(_mm_setzero_si128());
        }
        // SSE2 compares signed bytes only. What is left of a byte above `byte - 1` is not zero.
        let rest = sse2!(_mm_subs_epu8(a, _mm_set1_epi8((byte - 1).cast_signed())));
        sse2!(_mm_cmpeq_epi8(rest, _mm_setzero_si128()))
    }

    #[inline(always)]
    pub(crate) fn high_bits(a: Vector) -> u32 {
        sse2!(_mm_movemask_epi8(a)).cast_unsigned()
    }
}

#[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
use plain as arch;

/// The same on arrays, which the compiler may vectorise.
#[cfg(any(test, not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))))]
mod plain {
    use core::array::from_fn;

    pub(crate) type Vector = [u8; 16];

    pub(crate) fn load(bytes: &[u8; 16]) -> Vector {
        *bytes
    }

    pub(crate) fn or(a: Vector, b: Vector) -> Vector {
        from_fn(|lane| a[lane] | b[lane])
    }

    pub(crate) fn xor(a: Vector, b: Vector) -> Vector {
        from_fn(|lane| a[lane] ^ b[lane])
    }

    pub(crate) fn min(a: Vector, b: Vector) -> Vector {
        from_fn(|lane| a[lane].min(b[lane]))
    }

    pub(crate) fn equal(a: Vector, byte: u8) -> Vector {
        a.map(|lane| if lane == byte { 0xFF } else { 0 })
    }

    pub(crate) fn below(a: Vector, byte: u8) -> Vector {
        a.map(|lane| if lane < byte { 0xFF } else { 0 })
    }

    pub(crate) fn high_bits(a: Vector) -> u32 {
        a.iter().rev().fold(0, |bits, lane| bits << 1 | u32::from(lane >> 7))
    }
}

/// Sixteen bytes, each in a lane of its own.
///
/// ```
/// use byte_lanes::Lanes;
///
/// let lanes = Lanes::load(b"data: {\"a\":12}\n\r");
/// let ends = lanes.equal(b'\n').or(lanes.equal(b'\r'));
/// assert_eq!(ends.high_bits().trailing_zeros(), 14);
/// ```
#[derive(Clone, Copy)]
pub struct Lanes(arch::Vector);

impl Lanes {
    /// The bytes of an array, the first one in lane 0.
    #[inline(always)]
    pub fn load(bytes: &[u8; 16]) -> Self {
        Self(arch::load(bytes))
    }

    /// Lane by lane, the bits of both.
    #[inline(always)]
    pub fn or(self, other: Self) -> Self {
        Self(arch::or(self.0, other.0))
    }

    /// Lane by lane, the bits in which the two differ.
    #[inline(always)]
    pub fn xor(self, other: Self) -> Self {
        Self(arch::xor(self.0, other.0))
    }

    /// Lane by lane, the lesser byte.
    #[inline(always)]
    pub fn min(self, other: Self) -> Self {
        Self(arch::min(self.0, other.0))
    }

    /// 0xFF in the lanes that hold `byte`, else 0.
    #[inline(always)]
    pub fn equal(self, byte: u8) -> Self {
        Self(arch::equal(self.0, byte))
    }

    /// 0xFF in the lanes that hold less than `byte`, else 0.
    #[inline(always)]
    pub fn below(self, byte: u8) -> Self {
        Self(arch::below(self.0, byte))
    }

    /// The highest bit of each lane, that of lane 0 lowest.
    #[inline(always)]
    pub fn high_bits(self) -> u32 {
        arch::high_bits(self.0)
    }
}

/// Whether the bytes are the same.
///
/// In wasm a slice's own `==` is a loop over single bytes: comparing chunks of 290 bytes with this function takes
/// about a third of the time.
///
/// ```
/// assert!(byte_lanes::same(b"sixteen bytes and more", b"sixteen bytes and more"));
/// assert!(!byte_lanes::same(b"content", b"contents"));
/// ```
#[inline]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (Some(last_a), Some(last_b)) = (a.last_chunk(), b.last_chunk()) else {
        return same_few(a, b);
    };
    let difference = |a, b| Lanes::load(a).xor(Lanes::load(b));
    // The last vector may overlap the one before it. No early end: nearly always all are the same.
    let (a, b) = (a.as_chunks().0.iter(), b.as_chunks().0.iter());
    let all = a.zip(b).fold(difference(last_a, last_b), |all, (a, b)| all.or(difference(a, b)));
    all.equal(0).high_bits() == 0xFFFF
}

/// [`same`] for less than a vector.
#[inline]
fn same_few(a: &[u8], b: &[u8]) -> bool {
    // Two words, which overlap when there are not as many bytes.
    if let (Some(first_a), Some(first_b), Some(last_a), Some(last_b)) =
        (a.first_chunk::<8>(), b.first_chunk::<8>(), a.last_chunk::<8>(), b.last_chunk::<8>())
    {
        return first_a == first_b && last_a == last_b;
    }
    if let (Some(first_a), Some(first_b), Some(last_a), Some(last_b)) =
        (a.first_chunk::<4>(), b.first_chunk::<4>(), a.last_chunk::<4>(), b.last_chunk::<4>())
    {
        return first_a == first_b && last_a == last_b;
    }
    a.iter().zip(b).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::vec::Vec;

    use super::{Lanes, plain, same};

    #[test]
    fn one_other_byte_is_seen_at_every_place() {
        for len in 0..70 {
            let bytes: Vec<u8> = (0..len).collect();
            assert!(same(&bytes, &bytes.clone()));
            assert!(!same(&bytes, &[&bytes[..], &[0]].concat()));
            for at in 0..bytes.len() {
                let mut other = bytes.clone();
                other[at] ^= 0x10;
                assert!(!same(&bytes, &other), "{at} of {len}");
            }
        }
    }

    proptest! {
        #[test]
        fn this_machine_does_what_plain_arrays_do(a: [u8; 16], b: [u8; 16], byte: u8) {
            let mut a = a;
            a[3] = byte;
            let (fast, fast_b) = (Lanes::load(&a), Lanes::load(&b));
            prop_assert_eq!(fast.high_bits(), plain::high_bits(plain::load(&a)));
            prop_assert_eq!(fast.equal(byte).high_bits(), plain::high_bits(plain::equal(a, byte)));
            prop_assert_eq!(fast.below(byte).high_bits(), plain::high_bits(plain::below(a, byte)));
            prop_assert_eq!(fast.or(fast_b).high_bits(), plain::high_bits(plain::or(a, b)));
            prop_assert_eq!(fast.xor(fast_b).high_bits(), plain::high_bits(plain::xor(a, b)));
            let (least, plain_least) = (fast.min(fast_b), plain::min(a, b));
            prop_assert_eq!(least.high_bits(), plain::high_bits(plain_least));
            prop_assert_eq!(least.equal(byte).high_bits(), plain::high_bits(plain::equal(plain_least, byte)));
        }
    }
}
