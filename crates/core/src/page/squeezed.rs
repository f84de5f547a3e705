//! What the built-in pages are written with, and no browser needs: comments and indentation.

/// A text without its comment lines, empty lines and indentation.
pub(super) struct Squeezed<const N: usize>([u8; N]);

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs in the compiler only, where a panic is an error"
)]
impl<const N: usize> Squeezed<N> {
    pub(super) const fn new(source: &str) -> Self {
        let source = source.as_bytes();
        let mut bytes = [0; N];
        let (mut from, mut to) = (0, 0);
        while from < source.len() {
            let (start, end) = line(source, from);
            let mut at = start;
            while at < end {
                bytes[to] = source[at];
                (at, to) = (at + 1, to + 1);
            }
            from = next_line(source, from);
        }
        Self(bytes)
    }

    /// `None` where what was left is no text, which cannot be: only whole lines and blanks go.
    pub(super) const fn text(&self) -> Option<&str> {
        match core::str::from_utf8(&self.0) {
            Ok(text) => Some(text),
            Err(_) => None,
        }
    }
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "runs in the compiler only, where a panic is an error"
)]
pub(super) const fn squeezed_len(source: &str) -> usize {
    let source = source.as_bytes();
    let (mut from, mut len) = (0, 0);
    while from < source.len() {
        let (start, end) = line(source, from);
        len += end - start;
        from = next_line(source, from);
    }
    len
}

/// Where that of the line from `from` on which stays begins and ends.
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs in the compiler only, where a panic is an error"
)]
const fn line(source: &[u8], from: usize) -> (usize, usize) {
    let mut start = from;
    while start < source.len() && source[start] == b' ' {
        start += 1;
    }
    let end = next_line(source, from);
    let is_empty = end - start <= 1;
    let is_comment = !is_empty
        && match source[start] {
            b'/' => source[start + 1] == b'/',
            b'{' => source[start + 1] == b'{' && source[start + 2] == b'!',
            _ => false,
        };
    if is_empty || is_comment {
        (end, end)
    } else {
        (start, end)
    }
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs in the compiler only, where a panic is an error"
)]
const fn next_line(source: &[u8], from: usize) -> usize {
    let mut end = from;
    while end < source.len() && source[end] != b'\n' {
        end += 1;
    }
    if end < source.len() {
        end + 1
    } else {
        end
    }
}
