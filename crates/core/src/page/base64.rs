//! Base64 (RFC 4648 §4), written only: a crate for it would be three kilobytes of the module.

use crate::prelude::*;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes as text, without padding.
pub(super) fn unpadded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().wrapping_mul(4).div_ceil(3));
    for group in bytes.chunks(3) {
        let mut word = 0_u32;
        for at in 0..3 {
            word = (word << 8) | u32::from(group.get(at).copied().unwrap_or(0));
        }
        // Each byte takes one sextet, and the group one more.
        for at in 0..=group.len() {
            let shift = 18_usize.wrapping_sub(at.wrapping_mul(6));
            let letter = usize::try_from((word >> shift) & 63)
                .ok()
                .and_then(|n| ALPHABET.get(n));
            text.push(char::from(letter.copied().unwrap_or(b'A')));
        }
    }
    text
}

/// The bytes as text, padded to a multiple of four letters.
pub(super) fn padded(bytes: &[u8]) -> String {
    let mut text = unpadded(bytes);
    while text.len() & 3 != 0 {
        text.push('=');
    }
    text
}

#[cfg(test)]
mod tests {
    use ::base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
    use ::base64::Engine as _;

    proptest::proptest! {
        #[test]
        fn is_what_the_crate_writes(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..70)) {
            proptest::prop_assert_eq!(super::unpadded(&bytes), STANDARD_NO_PAD.encode(&bytes));
            proptest::prop_assert_eq!(super::padded(&bytes), STANDARD.encode(&bytes));
        }
    }
}
