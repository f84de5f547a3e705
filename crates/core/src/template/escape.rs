//! The only way into a page: every value is escaped for its position.
//!
//! An [`Output`] takes unescaped text only if it is `'static` text of this program, or text of a template
//! that was compiled ([`Output::trusted`]). Everything else (client input, operator settings) goes
//! through [`Output::put`] with its position, so that an escaping rule cannot be forgotten, only chosen
//! wrongly in plain sight.

#[cfg(test)]
mod tests;

use percent_encoding::{utf8_percent_encode, AsciiSet, CONTROLS, NON_ALPHANUMERIC};

use super::{Position, Value};
use crate::http::uri::scheme;

/// What a link cannot contain. `&` and `'` are escaped as HTML.
const LINK: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'\\')
    .add(b'{')
    .add(b'}')
    .add(b'|')
    .add(b'^');
/// What could end a part of a query: all but the unreserved characters (RFC 3986 §2.3).
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The schemes that a link may have.
pub(super) const SAFE_SCHEMES: [&str; 4] = ["http", "https", "mailto", "tel"];

/// A page under construction.
#[derive(Debug, Default)]
pub(crate) struct Output(String);

impl Output {
    /// Returns an empty output with room for `bytes`.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// Returns the finished text.
    pub(crate) fn into_string(self) -> String {
        self.0
    }

    /// Returns what was written so far.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the length so far, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Appends markup of this program.
    pub(crate) fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Appends text of a template, or markup that the operator configured: the only unescaped input.
    pub(super) fn trusted(&mut self, text: &str) {
        self.0.push_str(text);
    }

    /// Appends a whole number.
    pub(crate) fn number(&mut self, value: u64) -> &mut Self {
        self.0.push_str(itoa::Buffer::new().format(value));
        self
    }

    /// Appends a value, escaped for `position`.
    pub(crate) fn value(&mut self, position: Position, value: &Value<'_>) {
        match (value, position) {
            (Value::Text(text), _) => self.put(position, text),
            (Value::Joined(text), Position::Link) => self.put(Position::Query, text),
            (Value::Joined(text), _) => self.put(position, text),
            (Value::Number(number), _) => self.number(*number),
            (Value::Verbatim(text), _) => {
                self.0.push_str(text);
                self
            }
        };
    }

    /// Appends `text`, escaped for `position`.
    pub(crate) fn put(&mut self, position: Position, text: &str) -> &mut Self {
        match position {
            Position::Html => self.html(text),
            Position::Link if is_safe_url(text) => self.link(text, LINK),
            Position::Link => {}
            Position::Path => self.link(text, LINK),
            Position::Query => self.link(text, QUERY),
            Position::Json => self.json(text),
            Position::Plain => self.escape(text, |out, c| out.push_visible(c)),
            Position::Markdown => self.markdown(text),
        }
        self
    }

    /// Appends text between tags, or a quoted attribute value. The five characters that could end either
    /// are replaced. Characters that cannot be seen, or that reorder the text around them, are removed.
    fn html(&mut self, text: &str) {
        self.escape(text, |out, c| match c {
            '&' => out.0.push_str("&amp;"),
            '<' => out.0.push_str("&lt;"),
            '>' => out.0.push_str("&gt;"),
            '"' => out.0.push_str("&quot;"),
            '\'' => out.0.push_str("&#39;"),
            _ => out.push_visible(c),
        });
    }

    /// Appends text of one paragraph (CommonMark §2.4). Escaped are the characters that begin markup
    /// anywhere, and those that begin a list, a rule or a heading at the beginning of a line, of which the
    /// text has one: its line ends become blanks.
    fn markdown(&mut self, text: &str) {
        if text.starts_with(['+', '-', '=']) {
            self.0.push('\\');
        }
        for c in text.chars() {
            let is_markup = matches!(
                c,
                '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '#'
            );
            if is_markup {
                self.0.push('\\');
            }
            self.push_visible(c);
        }
    }

    /// Appends a part of a link. Characters that browsers skip when they look for the scheme, and those
    /// that no URL may contain, are percent-encoded (RFC 3986 §2.1).
    fn link(&mut self, text: &str, encoded: &'static AsciiSet) {
        for part in utf8_percent_encode(text, encoded) {
            self.html(part);
        }
    }

    /// Appends the content of a JSON string (RFC 8259 §7). `<`, `>` and `&` are escaped too, so that the
    /// document stays inert where a program takes it for HTML, and so are the two line ends that
    /// JavaScript knows and JSON does not, and the control characters that YAML forbids.
    fn json(&mut self, text: &str) {
        self.escape(text, |out, c| match c {
            '"' => out.0.push_str("\\\""),
            '\\' => out.0.push_str("\\\\"),
            '\n' => out.0.push_str("\\n"),
            // One `\u` each: all of them are in the Basic Multilingual Plane.
            '<' | '>' | '&' | '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                out.0.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => out.0.push(c),
        });
    }

    /// Appends a character unless it cannot be seen: a control character could move the cursor of a
    /// terminal, recolour it or forge a line.
    fn push_visible(&mut self, c: char) {
        match c {
            '\t' | '\n' | '\r' => self.0.push(' '),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            _ if c.is_control() || is_noncharacter(c) => self.0.push(char::REPLACEMENT_CHARACTER),
            _ => self.0.push(c),
        }
    }

    /// Appends `text`, with `rule` for the characters that some position treats specially. The others,
    /// most of any text, are copied in runs.
    fn escape(&mut self, text: &str, rule: impl Fn(&mut Self, char)) {
        let mut rest = text;
        while let Some((harmless, tail)) = rest.split_at_checked(harmless_len(rest.as_bytes())) {
            self.0.push_str(harmless);
            let mut characters = tail.chars();
            let Some(c) = characters.next() else {
                return;
            };
            rule(self, c);
            rest = characters.as_str();
        }
    }
}

/// For each byte, whether no position treats it specially. A table is cheaper than comparisons, and every byte
/// of every value is looked up. Of the characters beyond ASCII, those that are special begin with one of few
/// bytes: C1 controls with `c2`, what reorders or ends lines with `e2`, noncharacters with `ef` or more.
static HARMLESS: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest: &mut [bool] = &mut table;
    let mut byte: u8 = 0;
    while let [entry, tail @ ..] = rest {
        let is_special = matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'' | b'\\');
        let is_text = matches!(byte, b' '..=b'~' | 0x80..=0xc1 | 0xc3..=0xe1 | 0xe3..=0xee);
        *entry = is_text && !is_special;
        byte = byte.wrapping_add(1);
        rest = tail;
    }
    table
};

/// Returns how many bytes there are before the first one that some position treats specially.
fn harmless_len(bytes: &[u8]) -> usize {
    // A chunk has one branch for all of its bytes.
    const CHUNK: usize = 8;
    let are_harmless = |chunk: &&[u8]| {
        let bytes = chunk.iter().copied();
        bytes.fold(true, |all, byte| all & is_harmless(byte))
    };
    let chunks = bytes.chunks_exact(CHUNK).take_while(are_harmless);
    let checked = chunks.count().saturating_mul(CHUNK);
    let mut rest = bytes.iter().copied().skip(checked);
    rest.position(|byte| !is_harmless(byte))
        .map_or(bytes.len(), |at| checked.saturating_add(at))
}

/// Returns whether no position treats `byte` specially.
fn is_harmless(byte: u8) -> bool {
    HARMLESS.get(usize::from(byte)) == Some(&true)
}

/// Returns whether `c` is a noncharacter, which HTML does not allow (WHATWG HTML §13.2.3.5).
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

/// Returns whether a link may lead to `url`: it has one of [`SAFE_SCHEMES`], or no scheme. The
/// configuration refuses other URLs; pages do not rely on that.
pub(crate) fn is_safe_url(url: &str) -> bool {
    let is_safe = |scheme: &str| {
        SAFE_SCHEMES
            .iter()
            .any(|safe| scheme.eq_ignore_ascii_case(safe))
    };
    scheme(url).is_none_or(is_safe)
}
