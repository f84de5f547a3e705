//! Header maps as the host hands them over: one block of bytes, parsed only when asked.
//!
//! A host call that returns data costs a microsecond whatever it returns, so all headers are taken
//! at once; looking into them is nearly free, and on the healthy path nobody looks at all. Values
//! are bytes, never `str`: a client may send any (`x-foo: a\xff`).
//!
//! The block is the encoding of proxy-wasm ABI 0.2.1 (proxy-wasm-cpp-host, `pairs_util.cc`): a
//! little-endian `u32` count, then for each pair the lengths of name and value, then the names and
//! values themselves, each followed by a NUL. A block that lies about itself ends early; it never
//! makes a reader fail.

use crate::prelude::*;

/// Bytes of a `u32` length.
const WORD: usize = 4;

/// A header map in the host's encoding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderBlock(Vec<u8>);

impl HeaderBlock {
    /// Takes a block as the host gave it, unchecked.
    pub fn from_wire(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Makes a block of these pairs, in this order. Names are expected in lower case.
    pub fn from_pairs<N: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: &[(N, V)]) -> Self {
        let text: usize = pairs
            .iter()
            .map(|(n, v)| n.as_ref().len().wrapping_add(v.as_ref().len()))
            .sum();
        let fixed = pairs
            .len()
            .wrapping_mul(2_usize.wrapping_mul(WORD).wrapping_add(2));
        let mut out = Vec::with_capacity(WORD.wrapping_add(fixed).wrapping_add(text));
        push_length(&mut out, pairs.len());
        for (name, value) in pairs {
            push_length(&mut out, name.as_ref().len());
            push_length(&mut out, value.as_ref().len());
        }
        for (name, value) in pairs {
            out.extend_from_slice(name.as_ref());
            out.push(0);
            out.extend_from_slice(value.as_ref());
            out.push(0);
        }
        Self(out)
    }

    /// The block in the host's encoding.
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// The first value of the header `name`, which is given in lower case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let Pairs { lengths, text } = self.iter();
        let mut before = 0_usize;
        // A page asks thirty times. Most names are told apart by their lengths, and of such pairs nothing
        // else is looked at.
        for lengths in lengths.chunks_exact(2 * WORD) {
            let (name_length, value_length) = two_lengths(lengths)?;
            if name_length == name.len() {
                let text = text.get(before..)?;
                if text.starts_with(name.as_bytes()) {
                    return value(text, name_length, value_length);
                }
            }
            before = before
                .saturating_add(name_length)
                .saturating_add(value_length)
                .saturating_add(2);
        }
        None
    }

    /// Every value of the header `name`, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.iter()
            .filter(move |(n, _)| *n == name.as_bytes())
            .map(|(_, value)| value)
    }

    /// The pairs, in order; ends where the block is not what it says.
    pub fn iter(&self) -> Pairs<'_> {
        let mut rest = self.0.as_slice();
        let count = take_length(&mut rest).unwrap_or(0);
        match count
            .checked_mul(2 * WORD)
            .and_then(|size| rest.split_at_checked(size))
        {
            Some((lengths, text)) => Pairs { lengths, text },
            None => Pairs {
                lengths: &[],
                text: &[],
            },
        }
    }
}

/// The pairs of a [`HeaderBlock`].
#[derive(Debug, Clone)]
pub struct Pairs<'a> {
    lengths: &'a [u8],
    text: &'a [u8],
}

/// The lengths of a name and its value.
fn two_lengths(bytes: &[u8]) -> Option<(usize, usize)> {
    let (name, bytes) = bytes.split_first_chunk::<WORD>()?;
    let (value, _) = bytes.split_first_chunk::<WORD>()?;
    Some((
        u32::from_le_bytes(*name) as usize,
        u32::from_le_bytes(*value) as usize,
    ))
}

/// The value in a text that begins with its name; each has a NUL behind it.
fn value(text: &[u8], name_length: usize, value_length: usize) -> Option<&[u8]> {
    let (_nul, value) = text
        .get(name_length..)?
        .get(1..)?
        .get(..=value_length)?
        .split_last()?;
    Some(value)
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (lengths, others) = self.lengths.split_at_checked(2 * WORD)?;
        let (name_length, value_length) = two_lengths(lengths)?;
        let both = name_length.checked_add(value_length)?.checked_add(2)?;
        let (text, rest) = self.text.split_at_checked(both)?;
        (self.lengths, self.text) = (others, rest);
        Some((
            text.get(..name_length)?,
            value(text, name_length, value_length)?,
        ))
    }
}

/// `"  a "` without the optional white space of RFC 9110 §5.6.3.
pub fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

/// Whether the comma-separated list in `value` has the member `member`, in any case.
pub fn list_has(value: &[u8], member: &str) -> bool {
    value
        .split(|&b| b == b',')
        .any(|item| trim(item).eq_ignore_ascii_case(member.as_bytes()))
}

fn take_length(rest: &mut &[u8]) -> Option<usize> {
    let (word, tail) = rest.split_first_chunk::<WORD>()?;
    *rest = tail;
    usize::try_from(u32::from_le_bytes(*word)).ok()
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    // Header maps are bounded far below 4 GiB by every HTTP implementation.
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_first_and_all() {
        let block = HeaderBlock::from_pairs(&[
            ("accept", &b"text/html"[..]),
            ("x-foo", b"a\xffb"),
            ("accept", b"*/*"),
        ]);
        assert_eq!(block.get("accept"), Some(&b"text/html"[..]));
        assert_eq!(block.get("x-foo"), Some(&b"a\xffb"[..]));
        assert_eq!(block.get("host"), None);
        assert_eq!(
            block.get_all("accept").collect::<Vec<_>>(),
            [&b"text/html"[..], b"*/*"]
        );
    }

    #[test]
    fn a_block_that_lies_ends_early() {
        let good = HeaderBlock::from_pairs(&[("a", "1"), ("b", "2")]);
        for cut in 0..good.as_wire().len() {
            let block = HeaderBlock::from_wire(good.as_wire()[..cut].to_vec());
            assert!(block.iter().count() < 2, "cut at {cut}");
        }
        let mut huge = vec![0xff; 64];
        assert_eq!(HeaderBlock::from_wire(huge.clone()).iter().count(), 0);
        huge[..4].copy_from_slice(&3_u32.to_le_bytes());
        assert_eq!(HeaderBlock::from_wire(huge).iter().count(), 0);
    }

    #[test]
    fn list_members_are_found_in_any_case() {
        for (value, found) in [
            ("upgrade", true),
            ("keep-alive, Upgrade", true),
            ("keep-alive,\tUPGRADE ", true),
            ("upgraded", false),
            ("", false),
        ] {
            assert_eq!(list_has(value.as_bytes(), "upgrade"), found, "{value}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_was_written(
            pairs in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..20), prop::collection::vec(any::<u8>(), 0..40)), 0..20)
        ) {
            let block = HeaderBlock::from_pairs(&pairs);
            let back: Vec<_> = block.iter().map(|(n, v)| (n.to_vec(), v.to_vec())).collect();
            prop_assert_eq!(back, pairs);
        }

        #[test]
        fn never_fails_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let bound = bytes.len();
            prop_assert!(HeaderBlock::from_wire(bytes).iter().count() <= bound);
        }

        #[test]
        fn looking_one_up_is_going_through_all(
            pairs in prop::collection::vec(("[ab]{0,2}", "[a-z]{0,9}"), 0..6),
            at in any::<prop::sample::Index>(),
            lie in any::<u8>(),
            cut in 0..4_usize,
            name in "[ab]{0,2}",
        ) {
            let mut bytes = HeaderBlock::from_pairs(&pairs).as_wire().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = lie;
            bytes.truncate(bytes.len() - cut);
            let block = HeaderBlock::from_wire(bytes);
            let found = block.iter().find(|(other, _)| *other == name.as_bytes());
            prop_assert_eq!(block.get(&name), found.map(|(_, value)| value));
        }
    }
}
