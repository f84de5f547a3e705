//! Texts that become part of HTTP headers.

use super::{plain, printable_ascii, visible_ascii, TextRule};
use crate::config::limits;
use crate::http::header_policy;

/// Returns whether a byte is a `tchar` (RFC 9110 §5.6.2).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Headers that describe the body of a page, belong to one connection, or mark a page as one. Setting
/// one of them would break the page.
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

/// Checks the name of a header, or a pattern of names. Only a plain name can be wrong: a pattern may
/// match such a name among others.
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

/// The name of a header.
pub(in crate::config) static HEADER_NAME: TextRule = TextRule {
    min: 1,
    max: limits::NAME_BYTES,
    allowed: "the name of a header (RFC 9110), such as x-release",
    check: |text| plain(text.bytes().all(is_token_byte)),
    pattern: r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
};

/// The name of a header that is set on pages.
pub(in crate::config) static HEADER_TO_SET: TextRule = TextRule {
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

/// A pattern of names of headers that are kept.
pub(in crate::config) static HEADER_TO_KEEP: TextRule = TextRule {
    allowed: "the name of a header; `*` is any run of characters",
    check: |text| {
        let why = "it describes the response that the page replaces";
        header_pattern(text, header_policy::is_never_kept, why)
    },
    ..HEADER_NAME
};

/// A pattern of names of headers that are removed.
pub(in crate::config) static HEADER_TO_REMOVE: TextRule = TextRule {
    allowed: "the name of a header; `*` is any run of characters",
    check: |text| header_pattern(text, header_policy::is_essential, "every page needs it"),
    ..HEADER_NAME
};

/// The value of a header.
pub(in crate::config) static HEADER_VALUE: TextRule = TextRule {
    min: 0,
    max: limits::HEADER_VALUE_BYTES,
    allowed: "printable ASCII, without spaces at the ends",
    check: |text| plain(printable_ascii(text) && text.trim_ascii() == text),
    pattern: r"^([!-~]([ -~]*[!-~])?)?$",
};

/// `frame-ancestors` (CSP 3 §6.4.2).
pub(in crate::config) static FRAME_ANCESTORS: TextRule = TextRule {
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
            true => Err("'none' together with another source"),
            false => Ok(()),
        }
    },
    pattern: r"^[!#-+.-:<-~-]+( [!#-+.-:<-~-]+)*$",
};

/// Content-Security-Policy.
pub(in crate::config) static CSP: TextRule = TextRule {
    min: 1,
    max: limits::HEADER_VALUE_BYTES,
    allowed: "\"auto\", \"off\", or one policy: printable ASCII without comma",
    check: |text| {
        (HEADER_VALUE.check)(text)?;
        // A policy of one word is probably a misspelt "auto", and would allow everything.
        let one_word = !text.contains([' ', ';']);
        plain(!text.contains(',') && (!one_word || text == "auto" || text == "off"))
    },
    pattern: r"^(auto|off|[!-+.-~-]*[ ;][ -+.-~-]*)$",
};

/// The name of a proxy in `Proxy-Status` (RFC 9209 §2).
pub(in crate::config) static PROXY_NAME: TextRule = TextRule {
    min: 1,
    max: limits::NAME_BYTES,
    allowed: "printable ASCII",
    check: |text| plain(printable_ascii(text) && text.trim_ascii() == text),
    pattern: HEADER_VALUE.pattern,
};

/// The beginning of the name of a user agent.
pub(in crate::config) static AGENT: TextRule = TextRule {
    min: 1,
    max: limits::NAME_BYTES,
    allowed: "the beginning of a user agent, such as \"curl/\": printable ASCII",
    check: |text| plain(printable_ascii(text) && text.trim_ascii_start() == text),
    pattern: r"^[!-~][ -~]*$",
};
