//! Rules for the texts of the configuration: names, URLs, header fields, patterns and prose.
//!
//! A rule defines in one place its check, its name in errors and in the reference, and the regular
//! expression of the JSON Schema.

mod headers;

pub(super) use headers::*;

use super::error::ErrorKind;
use super::option::Refusal;
use super::{limits, logo, notation};
use crate::diagnostics::quoted;
use crate::http::uri::scheme;

/// A rule for a text.
#[derive(Debug)]
pub(super) struct TextRule {
    /// Smallest length in bytes.
    pub(super) min: usize,
    /// Largest length in bytes.
    pub(super) max: usize,
    /// What is allowed, as errors and the reference say it.
    pub(super) allowed: &'static str,
    /// The check. Its error says what is wrong, and is empty where that is obvious.
    pub(super) check: fn(&str) -> Result<(), &'static str>,
    /// A regular expression (ECMA 262) that matches at least every text that passes the check; empty:
    /// none.
    pub(super) pattern: &'static str,
}

impl TextRule {
    /// Checks a text.
    pub(super) fn check(&self, text: &str) -> Result<(), Refusal> {
        if text.len() > self.max {
            return Err(Refusal::Other(ErrorKind::TooLong {
                found: text.len(),
                limit: self.max,
            }));
        }
        if text.is_empty() && self.min > 0 {
            return Err(Refusal::because("it is empty"));
        }
        if text.len() < self.min {
            return Err(Refusal::because("too short"));
        }
        (self.check)(text).map_err(Refusal::because)
    }

    /// Returns the error for a key that [`TextRule::check`] refuses.
    pub(super) fn refused_key(&self, key: &str, refusal: Refusal) -> ErrorKind {
        let allowed = self.allowed.to_owned();
        match refusal {
            Refusal::Other(kind) => kind,
            Refusal::Value { why: "", .. } => ErrorKind::UnknownKey {
                keys: Vec::new(),
                allowed,
                did_you_mean: None,
            },
            Refusal::Value { why, .. } => ErrorKind::Value {
                found: quoted(key),
                why,
                allowed,
                did_you_mean: None,
                yaml: None,
            },
        }
    }
}

/// Turns a condition into the result of a check whose error needs no explanation.
fn plain(is_fine: bool) -> Result<(), &'static str> {
    if is_fine {
        Ok(())
    } else {
        Err("")
    }
}

/// Refuses control characters, which could move the cursor of a terminal or hide text. With `lines`,
/// line ends and tabs are allowed.
fn prose(text: &str, lines: bool) -> Result<(), &'static str> {
    let harmless = |character: char| lines && matches!(character, '\n' | '\r' | '\t');
    if text
        .chars()
        .any(|character| character.is_control() && !harmless(character))
    {
        Err("a control character")
    } else {
        Ok(())
    }
}

fn visible_ascii(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn printable_ascii(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

/// One line of prose, possibly empty.
pub(super) static LINE: TextRule = TextRule {
    min: 0,
    max: limits::LABEL_BYTES,
    allowed: "one line of text",
    check: |text| prose(text, false),
    pattern: r"^[^\u0000-\u001f\u007f]*$",
};

/// One line of prose that is not empty.
pub(super) static LABEL: TextRule = TextRule { min: 1, ..LINE };

/// Text of a page, with line ends.
pub(super) static PROSE: TextRule = TextRule {
    min: 0,
    max: limits::STRING_BYTES,
    allowed: "text",
    check: |text| prose(text, true),
    pattern: "",
};

/// The source of a template.
pub(super) static TEMPLATE: TextRule = TextRule {
    max: limits::TEMPLATE_BYTES,
    allowed: "the text of a template",
    ..PROSE
};

/// A text that templates can show by its name.
pub(super) static VAR: TextRule = TextRule {
    min: 0,
    max: limits::VAR_BYTES,
    ..PROSE
};

/// The name of such a text.
pub(super) static VAR_NAME: TextRule = TextRule {
    min: 1,
    max: limits::NAME_BYTES,
    allowed: "a name of letters, digits and `_`",
    check: |text| {
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        plain(text.bytes().all(fine))
    },
    pattern: r"^[A-Za-z0-9_]+$",
};

/// A name to which other keys, metadata and metrics refer.
pub(super) static NAME: TextRule = TextRule {
    min: 1,
    max: limits::NAME_BYTES,
    allowed: "a name of letters, digits, `_`, `-` and `.`",
    check: |text| {
        plain(
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)),
        )
    },
    pattern: r"^[A-Za-z0-9_.-]+$",
};

/// The logo.
pub(super) static LOGO: TextRule = TextRule {
    min: 1,
    max: limits::LOGO_BYTES,
    allowed: "a data:image/... URI, or an `<svg>` element without scripts and references",
    check: logo::check,
    pattern: r"^(data:image/|<svg)",
};

/// Refuses characters that no URL may contain. Browsers remove or replace them, which could turn one
/// scheme into another.
pub(super) fn check_url_characters(text: &str) -> Result<(), &'static str> {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    match text.bytes().all(is_allowed) {
        true => Ok(()),
        false => Err("a character that has to be percent-encoded"),
    }
}

/// Refuses a URL that is neither relative nor of one of these schemes.
fn url(text: &str, schemes: &[&str]) -> Result<(), &'static str> {
    check_url_characters(text)?;
    let is_allowed = |scheme: &str| {
        schemes
            .iter()
            .any(|other| scheme.eq_ignore_ascii_case(other))
    };
    match scheme(text).is_none_or(is_allowed) {
        true => Ok(()),
        false => Err("a scheme that is not allowed"),
    }
}

/// A URL that a visitor can open.
pub(super) static PAGE_URL: TextRule = TextRule {
    min: 1,
    max: limits::URL_BYTES,
    allowed: "an http or https URL, or a relative one",
    check: |text| url(text, &["http", "https"]),
    pattern: r"^([Hh][Tt][Tt][Pp][Ss]?:|[^:/?#]*([/?#]|$))",
};

/// A URL that a visitor can open, write to or call.
pub(super) static LINK_URL: TextRule = TextRule {
    min: 1,
    max: limits::URL_BYTES,
    allowed: "an http, https, mailto or tel URL, or a relative one",
    check: |text| url(text, &["http", "https", "mailto", "tel"]),
    pattern: r"^([Hh][Tt][Tt][Pp][Ss]?:|[Mm][Aa][Ii][Ll][Tt][Oo]:|[Tt][Ee][Ll]:|[^:/?#]*([/?#]|$))",
};

/// The beginning of the `type` of a problem (RFC 9457 §3.1.1).
pub(super) static PROBLEM_TYPE: TextRule = TextRule {
    min: 1,
    max: limits::URL_BYTES,
    allowed:
        "\"about:blank\", an http or https URL, a urn or tag URI, or a path that begins with `/`",
    check: |text| match scheme(text) {
        _ if text == "about:blank" => Ok(()),
        None if !text.starts_with('/') => Err(""),
        _ => url(text, &["http", "https", "urn", "tag"]),
    },
    pattern: r"^(about:blank$|[Hh][Tt][Tt][Pp][Ss]?:|[Uu][Rr][Nn]:|[Tt][Aa][Gg]:|/)",
};

/// A pattern of request paths.
pub(super) static PATH_PATTERN: TextRule = TextRule {
    min: 1,
    max: limits::PATTERN_BYTES,
    allowed: "a path that begins with `/` or `*`, without query; `*` is any run of characters",
    check: |text| {
        plain(
            visible_ascii(text)
                && (text.starts_with('/') || text.starts_with('*'))
                && !text.contains(['?', '#']),
        )
    },
    pattern: r"^[/*][!-~]*$",
};

/// The beginning of request paths.
pub(super) static PATH_PREFIX: TextRule = TextRule {
    min: 1,
    max: limits::PATTERN_BYTES,
    allowed: "the beginning of a path: `/` first, without `*` and query",
    check: |text| {
        plain(visible_ascii(text) && text.starts_with('/') && !text.contains(['?', '#', '*']))
    },
    pattern: r"^/[!-~]*$",
};

/// A pattern of request hosts.
pub(super) static HOST_PATTERN: TextRule = TextRule {
    min: 1,
    max: limits::PATTERN_BYTES,
    allowed: "a host without port (international names as xn--); `*` is any run of characters",
    check: |text| {
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte);
        let is_ipv6 = text.starts_with('[') && text.ends_with(']');
        plain(text.bytes().all(fine) || (is_ipv6 && visible_ascii(text)))
    },
    pattern: r"^([A-Za-z0-9._*-]+|\[[!-~]*\])$",
};

/// A pattern of names of Envoy's routes, virtual hosts or clusters.
pub(super) static ENVOY_NAME: TextRule = TextRule {
    min: 1,
    max: limits::PATTERN_BYTES,
    allowed: "a name of Envoy's configuration; `*` is any run of characters",
    check: |text| prose(text, false),
    pattern: r"^[^\u0000-\u001f\u007f]*$",
};

/// A language tag (BCP 47). Only its general shape is checked.
pub(super) static LANGUAGE: TextRule = TextRule {
    min: 2,
    max: limits::NAME_BYTES,
    allowed: "a language tag such as \"de\", \"pt-BR\" or \"zh-Hant\"",
    check: |text| {
        if text == "false" {
            return Err("YAML 1.1 makes it of no without quotes");
        }
        let mut parts = text.split('-');
        let first = parts.next().unwrap_or_default();
        let letters = first.bytes().all(|byte| byte.is_ascii_alphabetic());
        let part = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        plain((2..=8).contains(&first.len()) && letters && parts.all(part))
    },
    pattern: r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$",
};

/// The key of a text of the pages.
pub(super) static STRING_KEY: TextRule = TextRule {
    min: 1,
    max: limits::NAME_BYTES,
    allowed: "the key of a text, such as `title` or `title.502`: a-z, 0-9, `_` and `.`",
    check: |text| {
        let fine =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.".contains(&byte);
        plain(text.bytes().all(fine))
    },
    pattern: r"^[a-z0-9_.]+$",
};

/// Returns whether a text has the shape of [`STRING_KEY`].
pub(crate) fn is_text_key(text: &str) -> bool {
    STRING_KEY.check(text).is_ok()
}

/// Members that Tidegate sets in every problem.
const PROBLEM_OWN: &[&str] = &[
    "type",
    "title",
    "status",
    "detail",
    "instance",
    "reason",
    "retryable",
    "retry_after",
    "retry_after_ms",
    "request_id",
    "timestamp",
];

/// The name of a member of problem+json (RFC 9457 §3.2).
pub(super) static PROBLEM_MEMBER: TextRule = TextRule {
    min: 3,
    max: limits::NAME_BYTES,
    allowed: "a name of three or more letters, digits and `_` that begins with a letter",
    check: |text| {
        if PROBLEM_OWN.contains(&text) {
            return Err("a member that Tidegate sets itself");
        }
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        plain(text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(fine))
    },
    pattern: r"^[A-Za-z][A-Za-z0-9_]{2,}$",
};

/// The opener or closer of a template tag.
pub(super) static DELIMITER: TextRule = TextRule {
    min: 1,
    max: limits::DELIMITER_BYTES,
    allowed: "punctuation such as \"{{\" or \"[[\"",
    check: |text| plain(text.bytes().all(|byte| byte.is_ascii_punctuation())),
    pattern: r"^[!-/:-@\[-`{-~]+$",
};

/// A point in time.
pub(super) static DATE: TextRule = TextRule {
    min: 1,
    max: limits::NAME_BYTES,
    allowed: "a date and time with zone (RFC 3339), such as \"2026-12-01T06:00:00Z\"",
    check: |text| plain(notation::date(text).is_some()),
    pattern: r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}",
};

/// A key of `retry.after`.
pub(super) static AFTER_KEY: TextRule = TextRule {
    min: 1,
    max: limits::NAME_BYTES,
    allowed: "`default`, or a status from 400 to 599",
    check: |text| plain(text == "default" || notation::status(text).is_some()),
    pattern: r"^(default|[45][0-9]{2})$",
};
