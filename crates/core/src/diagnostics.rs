//! What error messages have in common: quoted input, and the known name that was probably meant.

#[cfg(test)]
mod tests;

/// Longer input is shortened to about this many bytes.
const QUOTED_BYTES: usize = 60;
/// Longer names get no suggestion: they are no typing mistakes, and the comparison takes quadratic time.
const NAME_BYTES: usize = 64;

/// Returns `text` in quotes, shortened, with every character escaped that could break a log line.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        if out.len() > QUOTED_BYTES {
            out.push('…');
            break;
        }
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            _ if character.is_control() || is_invisible(character) => {
                out.extend(character.escape_unicode());
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

/// Returns whether `character` separates lines, or reorders or hides the text after it.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Returns the candidate that is most similar to `name`, or `None` if none is similar. Upper and lower
/// case are equal.
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    // A long name may contain more mistakes, but with a third of its letters wrong it is another name.
    let most = (name.len() / 3).clamp(1, 3);
    let name = name.to_ascii_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| name.len().max(candidate.len()) <= NAME_BYTES)
        .map(|candidate| {
            let distance = strsim::osa_distance(&name, &candidate.to_ascii_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}
