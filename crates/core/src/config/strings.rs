//! What texts of the configuration may be: names, URLs, header fields, patterns and prose.
//!
//! A rule says in one place what it checks, what an error calls it, and (for the reference) the
//! regular expression that an editor can check it with.

use super::error::{quoted, ErrorKind};
use super::option::Refusal;
use super::{limits, logo, notation};
use crate::http::header_policy;

/// What a text may be.
#[derive(Debug)]
pub(super) struct TextRule {
    /// Fewest bytes.
    pub(super) min: usize,
    /// Most bytes.
    pub(super) max: usize,
    /// What an error and the reference call it.
    pub(super) allowed: &'static str,
    /// The check; the error says what is wrong, or nothing where that is plain to see.
    pub(super) check: fn(&str) -> Result<(), &'static str>,
    /// A regular expression (ECMA 262) that takes every text that the check takes; empty: none.
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
            return Err(Refusal::because("nothing in it"));
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
            },
        }
    }
}

/// Turns a yes or no into the result of a check.
fn plain(fine: bool) -> Result<(), &'static str> {
    if fine {
        Ok(())
    } else {
        Err("")
    }
}

/// Nothing that moves the cursor or hides what follows; with `lines`, line ends and tabs are fine.
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

/// `tchar` of RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Fields that frame the body that Tidegate makes, belong to one connection, or say that a page is a
/// page: to set one of them would break the page.
const FRAMING: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    header_policy::MARKER,
];

/// A name of a header, or a pattern of names: only a plain name can be said to be wrong, since a
/// pattern is meant for what else it matches.
fn header_pattern(
    text: &str,
    is_wrong: impl Fn(&str) -> bool,
    why: &'static str,
) -> Result<(), &'static str> {
    plain(text.bytes().all(is_token_byte))?;
    if !text.contains('*') && is_wrong(&text.to_ascii_lowercase()) {
        return Err(why);
    }
    Ok(())
}

/// One line of prose, possibly empty.
pub(super) static LINE: TextRule = TextRule {
    min: 0,
    max: limits::LABEL_BYTES,
    allowed: "one line of text",
    check: |text| prose(text, false),
    pattern: r"^[^\u0000-\u001f\u007f]*$",
};

/// One line of prose with something in it.
pub(super) static LABEL: TextRule = TextRule { min: 1, ..LINE };

/// Prose of a page.
pub(super) static PROSE: TextRule = TextRule {
    min: 0,
    max: limits::STRING_BYTES,
    allowed: "text",
    check: |text| prose(text, true),
    pattern: "",
};

/// A template.
pub(super) static TEMPLATE: TextRule = TextRule {
    min: 0,
    max: limits::TEMPLATE_BYTES,
    allowed: "the text of a template",
    // By bytes, since it may be a quarter of a megabyte: C1 is 0xc2 and a byte below 0xa0.
    check: |text| {
        let mut before = 0;
        for &byte in text.as_bytes() {
            let is_line = matches!(byte, b'\n' | b'\r' | b'\t');
            if (byte < b' ' && !is_line) || byte == 0x7f || (before == 0xc2 && byte < 0xa0) {
                return Err("a control character");
            }
            before = byte;
        }
        Ok(())
    },
    pattern: "",
};

/// What a template can show by a name.
pub(super) static VAR: TextRule = TextRule {
    min: 0,
    max: limits::VAR_BYTES,
    ..PROSE
};

/// A name of `vars`.
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

/// A name that other keys, metadata and metrics refer to.
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

/// The scheme of a URL in lower case, `None` for a relative one.
fn scheme(url: &str) -> Option<String> {
    let end = url.bytes().position(|byte| b":/?#".contains(&byte))?;
    let (scheme, rest) = url.split_at_checked(end)?;
    rest.starts_with(':').then(|| scheme.to_ascii_lowercase())
}

fn url(text: &str, schemes: &[&str]) -> Result<(), &'static str> {
    // What a browser strips or reads as something else could turn one scheme into another.
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
    {
        return Err("a character that has to be percent-encoded");
    }
    match scheme(text) {
        None => Ok(()),
        Some(scheme) if schemes.contains(&scheme.as_str()) => Ok(()),
        Some(_) => Err("another scheme"),
    }
}

/// Where a visitor can go.
pub(super) static PAGE_URL: TextRule = TextRule {
    min: 1,
    max: limits::URL_BYTES,
    allowed: "an http or https URL, or a relative one",
    check: |text| url(text, &["http", "https"]),
    pattern: r"^([Hh][Tt][Tt][Pp][Ss]?:|[^:/?#]*([/?#]|$))",
};

/// Where a visitor can go or write or call.
pub(super) static LINK_URL: TextRule = TextRule {
    min: 1,
    max: limits::URL_BYTES,
    allowed: "an http, https, mailto or tel URL, or a relative one",
    check: |text| url(text, &["http", "https", "mailto", "tel"]),
    pattern: r"^([Hh][Tt][Tt][Pp][Ss]?:|[Mm][Aa][Ii][Ll][Tt][Oo]:|[Tt][Ee][Ll]:|[^:/?#]*([/?#]|$))",
};

/// What the `type` of a problem begins with (RFC 9457 §3.1.1).
pub(super) static PROBLEM_TYPE: TextRule = TextRule {
    min: 1,
    max: limits::URL_BYTES,
    allowed: "\"about:blank\", an http or https URL, a urn or tag URI, or a path from `/` on",
    check: |text| match scheme(text) {
        _ if text == "about:blank" => Ok(()),
        None if !text.starts_with('/') => Err(""),
        _ => url(text, &["http", "https", "urn", "tag"]),
    },
    pattern: r"^(about:blank$|[Hh][Tt][Tt][Pp][Ss]?:|[Uu][Rr][Nn]:|[Tt][Aa][Gg]:|/)",
};

/// A path of requests, with wildcards.
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

/// What paths of requests begin with.
pub(super) static PATH_PREFIX: TextRule = TextRule {
    min: 1,
    max: limits::PATTERN_BYTES,
    allowed: "what a path begins with, from `/` on, without `*` and query",
    check: |text| {
        plain(visible_ascii(text) && text.starts_with('/') && !text.contains(['?', '#', '*']))
    },
    pattern: r"^/[!-~]*$",
};

/// Hosts of requests, with wildcards.
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

/// Names that Envoy gives to routes, virtual hosts and clusters, with wildcards.
pub(super) static ENVOY_NAME: TextRule = TextRule {
    min: 1,
    max: limits::PATTERN_BYTES,
    allowed: "a name of Envoy's configuration; `*` is any run of characters",
    check: |text| prose(text, false),
    pattern: r"^[^\u0000-\u001f\u007f]*$",
};

/// The name of a header.
pub(super) static HEADER_NAME: TextRule = TextRule {
    min: 1,
    max: limits::NAME_BYTES,
    allowed: "the name of a header (RFC 9110), such as x-release",
    check: |text| plain(text.bytes().all(is_token_byte)),
    pattern: r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
};

/// The name of a header that pages get.
pub(super) static HEADER_TO_SET: TextRule = TextRule {
    allowed: "the name of a header (RFC 9110) that does not frame the page, such as x-cache",
    check: |text| {
        plain(text.bytes().all(is_token_byte))?;
        let name = text.to_ascii_lowercase();
        if FRAMING.contains(&name.as_str()) || name.starts_with("grpc-") {
            return Err("Tidegate sets it itself");
        }
        Ok(())
    },
    ..HEADER_NAME
};

/// Names of headers that stay, with wildcards.
pub(super) static HEADER_TO_KEEP: TextRule = TextRule {
    allowed: "the name of a header; `*` is any run of characters",
    check: |text| {
        let why = "it speaks of the response that the page replaces";
        header_pattern(text, header_policy::is_never_kept, why)
    },
    ..HEADER_NAME
};

/// Names of headers that go, with wildcards.
pub(super) static HEADER_TO_REMOVE: TextRule = TextRule {
    allowed: "the name of a header; `*` is any run of characters",
    check: |text| {
        header_pattern(
            text,
            header_policy::is_essential,
            "no page can do without it",
        )
    },
    ..HEADER_NAME
};

/// The value of a header.
pub(super) static HEADER_VALUE: TextRule = TextRule {
    min: 0,
    max: limits::HEADER_VALUE_BYTES,
    allowed: "printable ASCII, without spaces at the ends",
    check: |text| plain(printable_ascii(text) && text.trim_ascii() == text),
    pattern: r"^([!-~]([ -~]*[!-~])?)?$",
};

/// `frame-ancestors` (CSP 3 §6.4.2).
pub(super) static FRAME_ANCESTORS: TextRule = TextRule {
    min: 1,
    max: limits::HEADER_VALUE_BYTES,
    allowed: "a source list such as \"'none'\" or \"'self' https://*.example\"",
    check: |text| {
        let fine = |source: &str| {
            visible_ascii(source)
                && !source.contains([';', ',', '"'])
                && (!source.contains('\'') || source == "'self'" || source == "'none'")
        };
        let sources = || text.split(' ');
        if !sources().all(|source| !source.is_empty() && fine(source)) {
            return Err("");
        }
        match sources().any(|source| source == "'none'") && text != "'none'" {
            true => Err("'none' beside another source"),
            false => Ok(()),
        }
    },
    pattern: r"^[!#-+.-:<-~-]+( [!#-+.-:<-~-]+)*$",
};

/// Content-Security-Policy.
pub(super) static CSP: TextRule = TextRule {
    min: 1,
    max: limits::HEADER_VALUE_BYTES,
    allowed: "\"auto\", \"off\", or one policy: printable ASCII without comma",
    check: |text| {
        (HEADER_VALUE.check)(text)?;
        // A policy of one word would be a misspelt "auto", and switch everything on.
        let one_word = !text.contains([' ', ';']);
        plain(!text.contains(',') && (!one_word || text == "auto" || text == "off"))
    },
    pattern: r"^(auto|off|[!-+.-~-]*[ ;][ -+.-~-]*)$",
};

/// The name of a proxy in `Proxy-Status` (RFC 9209 §2).
pub(super) static PROXY_NAME: TextRule = TextRule {
    min: 1,
    max: limits::NAME_BYTES,
    allowed: "printable ASCII",
    check: |text| plain(printable_ascii(text) && text.trim_ascii() == text),
    pattern: HEADER_VALUE.pattern,
};

/// What the name of a user agent begins with.
pub(super) static AGENT: TextRule = TextRule {
    min: 1,
    max: limits::NAME_BYTES,
    allowed: "what a user agent begins with, such as \"curl/\": printable ASCII",
    check: |text| plain(printable_ascii(text) && text.trim_ascii_start() == text),
    pattern: r"^[!-~][ -~]*$",
};

/// A language tag (BCP 47), in its general shape.
pub(super) static LANGUAGE: TextRule = TextRule {
    min: 2,
    max: limits::NAME_BYTES,
    allowed: "a language tag such as \"de\", \"pt-BR\" or \"zh-Hant\"",
    check: |text| {
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

/// The key of a text of a page.
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

/// Whether a text has the shape of [`STRING_KEY`].
pub(crate) fn is_text_key(text: &str) -> bool {
    STRING_KEY.check(text).is_ok()
}

/// Members that every problem has already.
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

/// What opens or closes a template tag.
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
