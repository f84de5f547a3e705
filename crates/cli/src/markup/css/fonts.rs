//! The forms of a font in `@font-face`. Style sheets list the same font in several forms, for browsers of all times;
//! a page holds the one that every supported browser reads.

use std::ops::Range;

use cssparser::{Delimiter, ParseError, Parser, Token};

use super::{Kind, Reference};
use crate::markup::{target, Target};

/// A form of a font, from the one that is preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Woff2,
    Woff,
    TrueType,
    OpenType,
    /// `local(…)`, or a form that this table does not have.
    Other,
    /// EOT was for Internet Explorer, SVG fonts for the first iPhones.
    Obsolete,
}

/// An entry of `src`.
struct Entry {
    at: Range<usize>,
    /// Its address and the place of its `url(…)`.
    url: Option<(String, Range<usize>)>,
    form: Form,
}

/// Collects the references of the block of a `@font-face`.
pub(super) fn collect(parser: &mut Parser<'_, '_>, found: &mut Vec<Reference>) {
    loop {
        parser.skip_whitespace();
        let start = parser.position().byte_index();
        let Ok(token) = parser.next() else {
            return;
        };
        let is_source = matches!(token, Token::Ident(name) if name.eq_ignore_ascii_case("src"));
        let entries = parser.parse_until_after(Delimiter::Semicolon, |value| {
            let is_source = is_source && value.try_parse(Parser::expect_colon).is_ok();
            let entries = match is_source {
                true => entries(value),
                false => Vec::new(),
            };
            while value.next().is_ok() {}
            Ok::<_, ParseError<'_, ()>>(entries)
        });
        let end = parser.position().byte_index();
        declaration(&entries.unwrap_or_default(), start..end, found);
    }
}

fn entries(value: &mut Parser<'_, '_>) -> Vec<Entry> {
    let read = value.parse_comma_separated(|entry| {
        entry.skip_whitespace();
        let start = entry.position().byte_index();
        let (mut end, mut url, mut format) = (start, None, None);
        loop {
            entry.skip_whitespace();
            let here = entry.position().byte_index();
            if let Ok(address) = entry.try_parse(Parser::expect_url) {
                end = entry.position().byte_index();
                url = Some((address.to_string(), here..end));
                continue;
            }
            match entry.next() {
                Err(_) => break,
                Ok(Token::Function(name)) => {
                    let is_format = name.eq_ignore_ascii_case("format");
                    let word = entry.parse_nested_block(|words| {
                        let word = words.expect_ident_or_string().map(|word| word.to_string());
                        while words.next().is_ok() {}
                        Ok::<_, ParseError<'_, ()>>(word.ok())
                    });
                    format = word.ok().flatten().filter(|_| is_format).or(format);
                }
                Ok(_) => {}
            }
            end = entry.position().byte_index();
        }
        let address = url.as_ref().map(|(address, _)| address.as_str());
        Ok::<_, ParseError<'_, ()>>(Entry {
            at: start..end,
            form: form(address.unwrap_or_default(), format.as_deref()),
            url,
        })
    });
    read.unwrap_or_default()
}

/// Returns the form that `format(…)` names, or else the name of the file.
fn form(address: &str, format: Option<&str>) -> Form {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    let name = format.unwrap_or(extension).to_ascii_lowercase();
    match name.strip_suffix("-variations").unwrap_or(&name) {
        "woff2" => Form::Woff2,
        "woff" => Form::Woff,
        "truetype" | "ttf" => Form::TrueType,
        "opentype" | "otf" => Form::OpenType,
        "embedded-opentype" | "eot" | "svg" => Form::Obsolete,
        _ => Form::Other,
    }
}

/// Adds the references of one `src` with this place.
fn declaration(entries: &[Entry], at: Range<usize>, found: &mut Vec<Reference>) {
    let is_file = |entry: &Entry| {
        let address = entry.url.as_ref().map(|(address, _)| target(address));
        matches!(address, Some(Target::File(_)))
    };
    let files = entries.iter().filter(|entry| is_file(entry));
    let best = files.map(|entry| entry.form).min();
    let left_out = |entry: &Entry| match entry.form {
        Form::Obsolete => Some(Kind::Obsolete),
        Form::Other => None,
        form => (is_file(entry) && Some(form) != best).then_some(Kind::Redundant),
    };
    let stays = |entry: &Entry| left_out(entry).is_none();
    let is_empty = !entries.iter().any(stays);
    for (number, entry) in entries.iter().enumerate() {
        let address = entry.url.as_ref();
        let Some(kind) = left_out(entry) else {
            if let Some((target, at)) = address {
                found.push(Reference {
                    target: target.clone(),
                    at: at.clone(),
                    kind: Kind::Url,
                });
            }
            continue;
        };
        let earlier = entries.get(..number).unwrap_or_default();
        let previous = earlier.last().map(|entry| entry.at.end);
        let next = entries.get(number + 1).map(|entry| entry.at.start);
        // With the comma to an entry that stays, or else to the next one.
        let place = match (previous, next) {
            // Nothing stays of the declaration.
            (None, _) if is_empty => at.clone(),
            (Some(_), _) if is_empty => at.end..at.end,
            (Some(previous), _) if earlier.iter().any(stays) => previous..entry.at.end,
            (_, Some(next)) => entry.at.start..next,
            (_, None) => entry.at.clone(),
        };
        found.push(Reference {
            target: address.map_or_else(String::new, |(target, _)| target.clone()),
            at: place,
            kind,
        });
    }
}
