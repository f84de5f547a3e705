//! How the page comes back by itself: its script.
//!
//! It is not needed to use the page: what is only for the script is hidden until it runs, and a page
//! that must not be sent again (after a POST, say) has none of it (`builtin/page.html`).

/// The script, as people read it.
pub(super) const SOURCE: &str = include_str!("builtin/page.js");
/// The script, as browsers get it. It holds nothing that differs from page to page, because the
/// policy of the page names its hash.
pub(super) const SCRIPT: &str = match core::str::from_utf8(&SQUEEZED.0) {
    Ok(script) => script,
    Err(_) => panic!("builtin/page.js holds something else than ASCII"),
};
const SQUEEZED: Squeezed<{ squeezed_len(SOURCE) }> = Squeezed::new(SOURCE);

/// A text without its comment lines, empty lines and indentation.
struct Squeezed<const N: usize>([u8; N]);

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs in the compiler only, where a panic is an error"
)]
impl<const N: usize> Squeezed<N> {
    const fn new(source: &str) -> Self {
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
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "runs in the compiler only, where a panic is an error"
)]
const fn squeezed_len(source: &str) -> usize {
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
    let is_comment = !is_empty && source[start] == b'/' && source[start + 1] == b'/';
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_squeezed_and_small() {
        let expected: String = SOURCE
            .lines()
            .map(str::trim_start)
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
            .flat_map(|line| [line, "\n"])
            .collect();
        assert_eq!(SCRIPT, expected);
        assert!(SCRIPT.len() <= 2_550, "{} bytes", SCRIPT.len());
    }

    #[test]
    fn the_script_can_stand_in_html() {
        assert!(SCRIPT.is_ascii());
        for breaker in ["</", "<!--", "{{"] {
            assert!(!SCRIPT.contains(breaker), "{breaker}");
        }
        // Comments must stand on lines of their own; a web address would look like one.
        assert!(!SCRIPT.contains("//"));
    }
}
