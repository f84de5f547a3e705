//! Header maps in the ABI's encoding (`pairs_util.cc` of the C++ host).

/// Headers in order: names as sent, values as bytes.
pub type Headers = Vec<(Vec<u8>, Vec<u8>)>;

/// Envoy reads at most this many pairs from a module (`limits.h`).
const MAX_PAIRS: usize = 1024;
/// Envoy reads at most this many bytes of pairs from a module (`limits.h`).
const MAX_BYTES: usize = 1024 * 1024;

/// Encodes pairs: the count (little-endian), the two lengths of each pair, then each name and value with a
/// NUL after it.
pub fn pairs_to_bytes(pairs: &Headers) -> Vec<u8> {
    let mut out = (pairs.len() as u32).to_le_bytes().to_vec();
    for (name, value) in pairs {
        out.extend_from_slice(&(name.len() as u32).to_le_bytes());
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    }
    for (name, value) in pairs {
        out.extend_from_slice(name);
        out.push(0);
        out.extend_from_slice(value);
        out.push(0);
    }
    out
}

/// Decodes pairs as Envoy does. Returns `None` if the block is malformed or too large, which Envoy then
/// reads as no pairs. An empty block has no pairs.
pub fn pairs_from_bytes(bytes: &[u8]) -> Option<Headers> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let word = |at: usize| -> Option<usize> {
        let raw = bytes.get(at..at + 4)?;
        Some(u32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]) as usize)
    };
    let count = word(0)?;
    if count > MAX_PAIRS {
        return None;
    }
    let mut at = 4 + count * 8;
    let mut take = |len: usize| -> Option<Vec<u8>> {
        let piece = bytes.get(at..at.checked_add(len)?)?.to_vec();
        if bytes.get(at + len) != Some(&0) {
            return None;
        }
        at += len + 1;
        Some(piece)
    };
    let mut pairs = Vec::new();
    for i in 0..count {
        let name = take(word(4 + i * 8)?)?;
        let value = take(word(8 + i * 8)?)?;
        pairs.push((name, value));
    }
    (at == bytes.len()).then_some(pairs)
}

/// Returns the first value of `name`, compared as header names are.
pub(crate) fn first<'a>(headers: &'a Headers, name: &[u8]) -> Option<&'a [u8]> {
    headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.as_slice())
}
