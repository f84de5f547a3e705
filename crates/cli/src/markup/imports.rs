//! Finds the modules that a script imports. It is no parser of scripts: it skips comments and strings, and looks for
//! the word `import` or `from` before a string.

use std::ops::Range;

/// A module that a script imports.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Import {
    /// The address, as the string has it.
    pub(super) target: String,
    /// The string with its quotes.
    pub(super) at: Range<usize>,
}

/// Returns the modules that a script imports, in the order of the text. Names of packages (`"vue"`) are none, since
/// browsers do not load them.
pub(super) fn imports(script: &str) -> Vec<Import> {
    let bytes = script.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut is_import) = (0, false);
    while let Some(&byte) = bytes.get(at) {
        let rest = script.get(at..).unwrap_or_default();
        let end = match byte {
            b'/' if rest.starts_with("//") => at + rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => {
                at + rest.find("*/").map_or(rest.len(), |end| end + 2)
            }
            b'"' | b'\'' | b'`' => {
                let end = at + string(rest);
                let target = script.get(at + 1..end.saturating_sub(1));
                let target = target.unwrap_or_default().to_owned();
                let is_address = target.starts_with(['.', '/']) || target.contains("://");
                if is_import && byte != b'`' && is_address {
                    found.push(Import {
                        target,
                        at: at..end,
                    });
                }
                is_import = false;
                end
            }
            _ if is_word(byte) => {
                let length = rest.bytes().take_while(|&byte| is_word(byte)).count();
                let word = rest.get(..length).unwrap_or_default();
                let is_member = script.get(..at).unwrap_or_default().ends_with('.');
                is_import = matches!(word, "import" | "from") && !is_member;
                at + length
            }
            b'(' | b' ' | b'\t' | b'\n' => at + 1,
            _ => {
                is_import = false;
                at + 1
            }
        };
        at = end;
    }
    found
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}

/// Returns the length of a string with its quotes. Only a template has several lines.
fn string(text: &str) -> usize {
    let mut characters = text.char_indices();
    let quote = characters.next().map(|(_, quote)| quote);
    let mut is_escaped = false;
    for (at, character) in characters {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if Some(character) == quote => return at + 1,
            '\n' if quote != Some('`') => return at,
            _ => {}
        }
    }
    text.len()
}
