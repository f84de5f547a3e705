//! The only way into a body: each value is escaped for the place where it stands.
//!
//! A [`Body`] takes markup only as `'static` text of this program, as the text of a template, or as
//! a [`Part`] that was itself made through a `Body`. Everything else (what the client sent, what the
//! operator configured) goes through the method named after its position, so that an escaping rule
//! cannot be forgotten, only chosen wrongly where everybody can see it.

use super::template::Position;
use crate::config::Color;
use crate::prelude::*;

/// Markup that was made through a [`Body`], once, at configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Part(Vec<u8>);

impl Part {
    /// Length in bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The bytes, for hashing.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A body in the making.
#[derive(Debug, Default)]
pub(super) struct Body(Vec<u8>);

impl Body {
    /// An empty body with room for `bytes`.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// The bytes of the finished body.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The finished body as a part of other bodies.
    pub(super) fn into_part(mut self) -> Part {
        self.0.shrink_to_fit();
        Part(self.0)
    }

    /// Markup of this program.
    pub(super) fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.0.extend_from_slice(markup.as_bytes());
        self
    }

    /// A part made before.
    pub(super) fn part(&mut self, part: &Part) -> &mut Self {
        self.0.extend_from_slice(&part.0);
        self
    }

    /// Text of a template, or what the operator has put into it as markup: the one raw slot.
    pub(super) fn checked(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Bytes `from..to` of a part made before.
    pub(super) fn slice(&mut self, part: &Part, from: usize, to: usize) {
        self.0
            .extend_from_slice(part.0.get(from..to).unwrap_or_default());
    }

    /// Length so far, in bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What has been written.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A text, escaped for where it stands.
    pub(super) fn put(&mut self, at: Position, text: &str) {
        match at {
            Position::Html => self.html(text),
            Position::Link => self.url(text),
            Position::Path => self.link(text, false),
            Position::Query => self.link(text, true),
            Position::Json => self.json(text),
            Position::Plain => self.plain(text),
        };
    }

    /// Text between tags, or the value of a double-quoted attribute of HTML: the five characters
    /// that can end either are replaced, what nobody can see (control characters, and the
    /// characters that reorder the text around them) does not get in.
    pub(super) fn html(&mut self, text: &str) -> &mut Self {
        self.escaped(text, &|c| match c {
            '&' => Some("&amp;"),
            '<' => Some("&lt;"),
            '>' => Some("&gt;"),
            '"' => Some("&quot;"),
            '\'' => Some("&#39;"),
            _ => invisible(c),
        })
    }

    /// The value of an attribute that is followed as a link. Bytes that browsers skip when they
    /// look for the scheme, and those that no URL may hold, are percent-encoded (RFC 3986 §2.1);
    /// an address with a scheme that is not safe to follow becomes empty (see [`is_safe_url`]).
    pub(super) fn url(&mut self, url: &str) -> &mut Self {
        if !is_safe_url(url) {
            return self;
        }
        self.link(url, false)
    }

    /// A piece of a link behind its scheme; in a query (`is_part`) nothing of it can end the part in
    /// which it stands.
    fn link(&mut self, url: &str, is_part: bool) -> &mut Self {
        for &byte in url.as_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    self.0.push(byte);
                }
                _ if is_part => self.percent(byte),
                b'&' => self.0.extend_from_slice(b"&amp;"),
                b'\'' => self.0.extend_from_slice(b"&#39;"),
                b'"' | b'<' | b'>' | b'`' | b'\\' | b'{' | b'}' | b'|' | b'^' => self.percent(byte),
                0x21..=0x7e => self.0.push(byte),
                _ => self.percent(byte),
            }
        }
        self
    }

    /// The inside of a JSON string (RFC 8259 §7). `<`, `>` and `&` are escaped too, so that the
    /// document stays inert where something takes it for HTML; so are the two line ends that
    /// JavaScript knows and JSON does not.
    pub(super) fn json(&mut self, text: &str) -> &mut Self {
        self.escaped_with(text, &|body, c| match c {
            '"' => body.extend_from_slice(b"\\\""),
            '\\' => body.extend_from_slice(b"\\\\"),
            '\n' => body.extend_from_slice(b"\\n"),
            // All that are escaped here lie in the first plane: one \u each.
            '<' | '>' | '&' | '\u{7f}' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let code = u32::from(c);
                body.extend_from_slice(b"\\u");
                body.extend([code >> 12, code >> 8, code >> 4, code].map(|d| hex(d, b'a')));
            }
            _ => body.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        })
    }

    /// Text for a terminal: no control character reaches it, so that nothing can recolour it, move
    /// its cursor or forge a line.
    pub(super) fn plain(&mut self, text: &str) -> &mut Self {
        self.escaped(text, &invisible)
    }

    /// A whole number.
    pub(super) fn number(&mut self, value: u64) -> &mut Self {
        let mut digits = [b'0'; 20];
        let mut rest = value;
        let mut used = 0_usize;
        for slot in digits.iter_mut().rev() {
            *slot = digit(rest);
            rest /= 10;
            used = used.wrapping_add(1);
            if rest == 0 {
                break;
            }
        }
        let start = digits.len().wrapping_sub(used);
        self.0
            .extend_from_slice(digits.get(start..).unwrap_or_default());
        self
    }

    /// A number with leading zeros, in two digits.
    pub(super) fn two_digits(&mut self, value: u64) -> &mut Self {
        self.0.push(digit(value / 10));
        self.0.push(digit(value));
        self
    }

    /// A colour, as CSS writes it.
    pub(super) fn color(&mut self, color: Color) -> &mut Self {
        self.0.push(b'#');
        for channel in [color.r, color.g, color.b] {
            self.0.push(hex(u32::from(channel >> 4), b'a'));
            self.0.push(hex(u32::from(channel), b'a'));
        }
        self
    }

    fn percent(&mut self, byte: u8) {
        self.0.push(b'%');
        self.0.push(hex(u32::from(byte >> 4), b'A'));
        self.0.push(hex(u32::from(byte), b'A'));
    }

    /// Copies `text`, with what `rule` puts in the place of a character.
    fn escaped(&mut self, text: &str, rule: &dyn Fn(char) -> Option<&'static str>) -> &mut Self {
        self.escaped_with(text, &|body, c| match rule(c) {
            Some(instead) => body.extend_from_slice(instead.as_bytes()),
            None => body.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        })
    }

    /// Copies `text`; `rule` writes the characters that may need it. Most text is ASCII that no
    /// rule touches: it is copied by runs, and only the rest is looked at as characters. The rule is
    /// no type parameter, so that the module has this once and not for each format.
    fn escaped_with(&mut self, text: &str, rule: &dyn Fn(&mut Vec<u8>, char)) -> &mut Self {
        let mut rest = text;
        let harmful = |byte: u8| !is_harmless(byte);
        while let Some((clean, tail)) = rest
            .bytes()
            .position(harmful)
            .and_then(|at| rest.split_at_checked(at))
        {
            self.0.extend_from_slice(clean.as_bytes());
            let mut chars = tail.chars();
            if let Some(c) = chars.next() {
                rule(&mut self.0, c);
            }
            rest = chars.as_str();
        }
        self.0.extend_from_slice(rest.as_bytes());
        self
    }
}

/// Whether no position of any format treats `byte` in a special way.
fn is_harmless(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'' | b'\\')
}

/// Whether `url` may stand in a link: `http`, `https`, `mailto`, `tel`, or no scheme at all. The
/// configuration refuses others; the page does not rely on that.
pub(super) fn is_safe_url(url: &str) -> bool {
    let end = url.bytes().position(|byte| b":/?#".contains(&byte));
    match end.and_then(|end| url.split_at_checked(end)) {
        Some((scheme, rest)) if rest.starts_with(':') => ["http", "https", "mailto", "tel"]
            .iter()
            .any(|safe| scheme.eq_ignore_ascii_case(safe)),
        _ => true,
    }
}

/// What stands for a character that must not be shown.
fn invisible(c: char) -> Option<&'static str> {
    match c {
        '\t' | '\n' | '\r' => Some(" "),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some(""),
        // HTML allows no non-character in a document either (WHATWG HTML §13.2.3.5).
        '\u{fdd0}'..='\u{fdef}' => Some("\u{fffd}"),
        _ if c.is_control() || (u32::from(c) & 0xfffe) == 0xfffe => Some("\u{fffd}"),
        _ => None,
    }
}

/// The last decimal digit of `value`.
fn digit(value: u64) -> u8 {
    u8::try_from(value % 10).map_or(b'0', |d| b'0'.wrapping_add(d))
}

/// The last hexadecimal digit of `value`; `ten` is the letter for ten.
fn hex(value: u32, ten: u8) -> u8 {
    match u8::try_from(value & 0xf) {
        Ok(d @ 0..=9) => b'0'.wrapping_add(d),
        Ok(d) => ten.wrapping_add(d.wrapping_sub(10)),
        Err(_) => b'0',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made(write: impl FnOnce(&mut Body) -> &mut Body) -> String {
        let mut body = Body::default();
        write(&mut body);
        String::from_utf8(body.into_bytes()).unwrap()
    }

    #[test]
    fn each_position_has_its_rule() {
        let hostile = "a<b>&\"'\u{202e}\u{1b}[31m\n</script>é";
        assert_eq!(
            made(|b| b.html(hostile)),
            "a&lt;b&gt;&amp;&quot;&#39;\u{fffd}[31m &lt;/script&gt;é"
        );
        assert_eq!(
            made(|b| b.plain(hostile)),
            "a<b>&\"'\u{fffd}[31m </script>é"
        );
        assert_eq!(
            made(|b| b.json("\"\\\n\u{1}</&\u{2028}é")),
            "\\\"\\\\\\n\\u0001\\u003c/\\u0026\\u2028é"
        );
        assert_eq!(
            made(|b| b.url("/a b?c=\"<é>&d='")),
            "/a%20b?c=%22%3C%C3%A9%3E&amp;d=&#39;"
        );
        assert_eq!(
            made(|b| b.color(Color {
                r: 0,
                g: 0x5f,
                b: 0xff
            })),
            "#005fff"
        );
        assert_eq!(made(|b| b.two_digits(7).two_digits(42)), "0742");
    }

    #[test]
    fn only_safe_schemes_are_followed() {
        for (url, safe) in [
            ("", true),
            ("/", true),
            ("a/b:c", true),
            ("?a:b", true),
            ("#a:b", true),
            ("https://example.com", true),
            ("HTTP://example.com", true),
            ("mailto:a@b", true),
            ("tel:+1", true),
            ("//example.com:8443/", true),
            ("javascript:alert(1)", false),
            (" javascript:alert(1)", false),
            ("java\nscript:alert(1)", false),
            ("\u{1}javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("vbscript:x", false),
            (":x", false),
        ] {
            assert_eq!(is_safe_url(url), safe, "{url:?}");
            assert_eq!(made(|b| b.url(url)).is_empty(), !safe || url.is_empty());
        }
    }

    proptest! {
        #[test]
        fn numbers_are_what_they_are(n in any::<u64>()) {
            prop_assert_eq!(made(|b| b.number(n)), n.to_string());
        }

        #[test]
        fn json_comes_back_as_it_was(text in any::<String>()) {
            let json = made(|b| b.markup("\"").json(&text).markup("\""));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn html_holds_no_markup_and_no_control(text in any::<String>()) {
            let html = made(|b| b.html(&text));
            prop_assert!(!html.contains(['<', '>', '"', '\'']));
            prop_assert!(!html.chars().any(char::is_control));
        }

        #[test]
        fn urls_stay_in_their_attribute(text in any::<String>()) {
            let url = made(|b| b.url(&text));
            prop_assert!(url.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"'`".contains(&b)));
        }

        #[test]
        fn terminals_get_no_control(text in any::<String>()) {
            prop_assert!(!made(|b| b.plain(&text)).chars().any(char::is_control));
        }
    }
}
