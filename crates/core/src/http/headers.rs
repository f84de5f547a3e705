//! Header maps in the host's encoding: one block of bytes, parsed only on demand.
//!
//! A host call that returns data costs about a microsecond whatever it returns, so one call reads all
//! headers; a healthy request never parses them. Values are bytes, not `str`: a client may send any
//! (`x-foo: a\xff`).
//!
//! The encoding is that of proxy-wasm ABI 0.2.1 (proxy-wasm-cpp-host, `pairs_util.cc`): a
//! little-endian `u32` count, then for each pair the lengths of name and value, then the names and
//! values, each followed by a NUL. An inconsistent block ends early; it never makes a reader fail.

/// The size of a `u32` length.
const LENGTH_BYTES: usize = 4;

/// What a pair takes in a block besides its name and value: two lengths and two NULs.
pub(crate) const PAIR_OVERHEAD: usize = 2 * LENGTH_BYTES + 2;

/// A header map in the host's encoding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderBlock(Vec<u8>);

impl HeaderBlock {
    /// Wraps a block as the host gave it, unchecked.
    pub fn from_wire(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Encodes these pairs, in this order. Names are expected in lower case.
    pub fn from_pairs<N: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: &[(N, V)]) -> Self {
        let pairs = pairs.iter();
        Self::encode(pairs.map(|(name, value)| (name.as_ref(), value.as_ref())))
    }

    /// Encodes the pairs of an iterator, like [`HeaderBlock::from_pairs`].
    pub(crate) fn encode<'p>(pairs: impl Iterator<Item = (&'p [u8], &'p [u8])> + Clone) -> Self {
        // Exact, because a request keeps the block as long as it lasts.
        let (mut count, mut size) = (0_usize, LENGTH_BYTES);
        for (name, value) in pairs.clone() {
            count = count.saturating_add(1);
            size = size
                .saturating_add(name.len())
                .saturating_add(value.len())
                .saturating_add(PAIR_OVERHEAD);
        }
        let mut out = Vec::with_capacity(size);
        push_length(&mut out, count);
        for (name, value) in pairs.clone() {
            push_length(&mut out, name.len());
            push_length(&mut out, value.len());
        }
        for (name, value) in pairs {
            for text in [name, value] {
                out.extend_from_slice(text);
                out.push(0);
            }
        }
        Self(out)
    }

    /// Returns the block in the host's encoding.
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// Returns the first value of the header `name`, which is given in lower case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().next_value(name.as_bytes())
    }

    /// Returns every value of the header `name`, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let mut pairs = self.iter();
        std::iter::from_fn(move || pairs.next_value(name.as_bytes()))
    }

    /// Returns the pairs, in order; ends where the block is inconsistent.
    pub fn iter(&self) -> Pairs<'_> {
        let mut rest = self.0.as_slice();
        let count = take_length(&mut rest).unwrap_or(0);
        match count
            .checked_mul(2 * LENGTH_BYTES)
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

impl<'a> Pairs<'a> {
    /// Returns the value of the next header with this name. Of the others, only the lengths are read: a page
    /// looks up some forty headers.
    fn next_value(&mut self, name: &[u8]) -> Option<&'a [u8]> {
        loop {
            let (length, pair) = self.take_pair()?;
            if length == name.len() && pair.starts_with(name) {
                return Some(split_pair(pair, length)?.1);
            }
        }
    }

    /// Takes the next pair: the length of its name, and its text.
    fn take_pair(&mut self) -> Option<(usize, &'a [u8])> {
        let (mut lengths, tail) = self.lengths.split_at_checked(2 * LENGTH_BYTES)?;
        self.lengths = tail;
        let name_length = take_length(&mut lengths)?;
        let value_length = take_length(&mut lengths)?;
        // No text is as long as the greatest number.
        let size = name_length.saturating_add(value_length).saturating_add(2);
        let (pair, tail) = self.text.split_at_checked(size)?;
        self.text = tail;
        Some((name_length, pair))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (length, pair) = self.take_pair()?;
        split_pair(pair, length)
    }
}

/// Splits a pair into name and value, each of which is followed by a NUL.
fn split_pair(pair: &[u8], name_length: usize) -> Option<(&[u8], &[u8])> {
    let (name, rest) = pair.split_at_checked(name_length)?;
    let (_nul, rest) = rest.split_first()?;
    let (_nul, value) = rest.split_last()?;
    Some((name, value))
}

/// Returns whether the comma-separated list `value` contains `member`, in any case.
pub fn list_has(value: &[u8], member: &str) -> bool {
    value
        .split(|&b| b == b',')
        .any(|item| item.trim_ascii().eq_ignore_ascii_case(member.as_bytes()))
}

fn take_length(rest: &mut &[u8]) -> Option<usize> {
    let (length, tail) = rest.split_first_chunk::<LENGTH_BYTES>()?;
    *rest = tail;
    usize::try_from(u32::from_le_bytes(*length)).ok()
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    // Every HTTP implementation limits header maps to far less than 4 GiB.
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

#[cfg(test)]
mod tests;
