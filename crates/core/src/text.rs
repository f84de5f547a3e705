//! Numbers as text.
//!
//! Texts are put together with `concat` and these, not with `format!`: what the standard library
//! formats with (padding, signs, precision) would be five kilobytes of the module, and each place that
//! uses it is longer. `Display` is for native tools, and writes what is made here.

use crate::prelude::*;

/// A whole number.
pub fn decimal(number: u64) -> String {
    let mut text = String::new();
    let mut rest = number;
    loop {
        text.insert(0, digit(rest, 10));
        rest /= 10;
        if rest == 0 {
            return text;
        }
    }
}

/// Texts put together.
pub trait Joined {
    /// One after the other. (`concat` of the standard library is three times this.)
    fn joined(&self) -> String;
}

impl Joined for [&str] {
    fn joined(&self) -> String {
        let mut text = String::new();
        for part in self {
            text.push_str(part);
        }
        text
    }
}

/// The number of things that there are.
pub(crate) fn count(number: usize) -> String {
    decimal(number as u64)
}

/// The lowest digits of a number in base 16, `length` of them.
pub(crate) fn hex(number: u32, length: u32) -> String {
    let places = (0..length).rev();
    places
        .map(|place| {
            let shifted = number.checked_shr(place.wrapping_mul(4)).unwrap_or(0);
            digit(u64::from(shifted), 16)
        })
        .collect()
}

/// The last digit of a number, in base 10 or 16.
fn digit(number: u64, base: u64) -> char {
    let last = number.checked_rem(base).unwrap_or(0);
    u32::try_from(last)
        .ok()
        .and_then(|last| char::from_digit(last, 16))
        .unwrap_or('0')
}

/// The whole number that a text of digits is, and nothing but digits; one too large is none.
pub fn parse(text: &[u8]) -> Option<u64> {
    let mut number = (!text.is_empty()).then_some(0_u64)?;
    for byte in text {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(number)
}

/// Where `part`, which is not empty, first is in `text`. The standard library's search is made for long
/// texts, and two kilobytes of the module.
pub(crate) fn find(text: &str, part: &str) -> Option<usize> {
    let Some(first) = part.as_bytes().first() else {
        return Some(0);
    };
    let bytes = text.as_bytes();
    let mut at = 0_usize;
    loop {
        let rest = bytes.get(at..)?;
        at = at.wrapping_add(rest.iter().position(|byte| byte == first)?);
        if bytes.get(at..)?.starts_with(part.as_bytes()) {
            return Some(at);
        }
        at = at.wrapping_add(1);
    }
}

/// What is before and after the first `part` of `text`.
pub(crate) fn split_once<'t>(text: &'t str, part: &str) -> Option<(&'t str, &'t str)> {
    let (before, rest) = text.split_at_checked(find(text, part)?)?;
    Some((before, rest.get(part.len()..)?))
}

/// Bytes as text; what is no UTF-8 becomes `U+FFFD`, as with `String::from_utf8_lossy`, which is
/// three times this.
pub fn lossy(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    loop {
        let error = match core::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                return text;
            }
            Err(error) => error,
        };
        let (valid, broken) = rest
            .split_at_checked(error.valid_up_to())
            .unwrap_or_default();
        text.push_str(core::str::from_utf8(valid).unwrap_or_default());
        text.push(char::REPLACEMENT_CHARACTER);
        // Without a length, the text breaks off within a character.
        let Some(length) = error.error_len() else {
            return text;
        };
        rest = broken.get(length..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hexadecimal() {
        assert_eq!(hex(0x20_2e, 4), "202e");
        assert_eq!(hex(0xab, 4), "00ab");
        assert_eq!(hex(0xab, 1), "b");
        assert_eq!(hex(0, 0), "");
    }

    #[test]
    fn only_digits_are_a_number() {
        for (text, expected) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("99999999999999999999", None),
            ("", None),
            ("+1", None),
            ("-1", None),
            ("1 ", None),
            ("1.0", None),
            ("٣", None),
        ] {
            assert_eq!(parse(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn parts_of_texts() {
        for (text, part) in [
            ("", "a"),
            ("a", "a"),
            ("ab", "b"),
            ("aab", "ab"),
            ("a{n}b{n}", "{n}"),
            ("ä{n}€", "{n}"),
            ("abc", "abcd"),
            ("a=b=c", "="),
        ] {
            assert_eq!(find(text, part), text.find(part), "{text} {part}");
            assert_eq!(
                split_once(text, part),
                text.split_once(part),
                "{text} {part}"
            );
        }
    }

    proptest! {
        #[test]
        fn lossy_is_that_of_the_standard_library(
            bytes in prop::collection::vec(
                prop_oneof![any::<u8>(), prop::sample::select(&b"a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xed"[..])],
                0..24,
            ),
        ) {
            prop_assert_eq!(lossy(&bytes), String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn decimal_is_what_the_standard_library_writes(number in any::<u64>(), bits in 0_u32..64) {
            let number = number >> bits;
            prop_assert_eq!(decimal(number), number.to_string());
            prop_assert_eq!(parse(decimal(number).as_bytes()), Some(number));
        }
    }
}
