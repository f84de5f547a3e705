//! How the page comes back by itself: its script.
//!
//! It is not needed to use the page: what is only for the script is hidden until it runs, and a page
//! that must not be sent again (after a POST, say) has none of it (`builtin/page.html`).

use super::squeezed::{squeezed_len, Squeezed};

/// The script, as people read it.
pub(super) const SOURCE: &str = include_str!("builtin/page.js");
/// The script, as browsers get it. It holds nothing that differs from page to page, because the
/// policy of the page names its hash.
pub(super) const SCRIPT: &str = match SQUEEZED.text() {
    Some(script) => script,
    None => panic!("builtin/page.js"),
};
const SQUEEZED: Squeezed<{ squeezed_len(SOURCE) }> = Squeezed::new(SOURCE);

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
