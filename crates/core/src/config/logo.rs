//! Checks logos.

#[cfg(test)]
mod tests;

use super::strings::check_url_characters;
use super::svg;

/// Checks that a text is a `data:` URI of an image, or an inline `<svg>` that only draws.
pub(super) fn check(text: &str) -> Result<(), &'static str> {
    let Some(rest) = text.strip_prefix("data:image/") else {
        return if text.starts_with('<') {
            svg::check(text)
        } else {
            Err("")
        };
    };
    let (kind, data) = rest.split_once(',').ok_or("no comma before the data")?;
    check_url_characters(text)?;
    let base64 = kind.strip_suffix(";base64");
    let (subtype, parameters) = match base64.unwrap_or(kind).split_once(';') {
        Some((subtype, parameters)) => (subtype, Some(parameters)),
        None => (base64.unwrap_or(kind), None),
    };
    let kinds = [
        "svg+xml",
        "png",
        "jpeg",
        "gif",
        "webp",
        "avif",
        "x-icon",
        "vnd.microsoft.icon",
    ];
    if !kinds.contains(&subtype) || !matches!(parameters, None | Some("utf8" | "charset=utf-8")) {
        return Err("an image type that browsers do not show");
    }
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    if data.is_empty() || (base64.is_some() && !data.bytes().all(is_base64)) {
        return Err("no image data");
    }
    Ok(())
}

/// The longest name of a file that an error repeats as a suggestion.
const FILE_NAME_BYTES: usize = 100;

/// Returns whether a text is the name of a picture in a file of the source, such as `images/logo.png`.
pub(super) fn names_a_picture(text: &str) -> bool {
    let extensions = ["svg", "png", "jpg", "jpeg", "gif", "webp", "avif", "ico"];
    let is_other = |character: char| character.is_control() || ":<>\"".contains(character);
    let extension = text.rsplit_once('.').map(|(_, extension)| extension);
    let is_picture = |found: &str| extensions.iter().any(|e| e.eq_ignore_ascii_case(found));
    text.len() <= FILE_NAME_BYTES && !text.contains(is_other) && extension.is_some_and(is_picture)
}
