//! How the values of HTML attributes are read.

use super::escape::SAFE_SCHEMES;

/// Attributes whose value is a URL.
const URLS: &[&str] = &[
    "href",
    "src",
    "action",
    "formaction",
    "poster",
    "cite",
    "data",
    "background",
    "ping",
    "manifest",
    "longdesc",
    "usemap",
    "profile",
    "codebase",
    "icon",
];
/// Attributes whose value is code, markup, a list of URLs, or the value of another attribute.
const FORBIDDEN: &[&str] = &[
    "style",
    "srcdoc",
    "srcset",
    "imagesrcset",
    "http-equiv",
    "from",
    "to",
    "by",
    "values",
];

/// The prefix of attributes that only the page itself reads.
pub(super) const DATA: &[u8] = b"data-";

/// How an attribute's value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribute {
    /// As text.
    Plain,
    /// As a URL.
    Link(Link),
    /// As something in which no value is allowed.
    Forbidden,
}

/// How far a URL has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// Not at all.
    Start,
    /// Up to text that may still become a scheme.
    Open,
    /// Past a safe scheme, or far enough that there is none.
    Path,
    /// Into the query or fragment.
    Query,
    /// Past a scheme that may be unsafe.
    Unsafe,
}

impl Attribute {
    /// Returns how the value of an attribute is read that is not a `data-*` attribute. An empty name is
    /// one that is too long to be in the tables.
    pub(super) fn from_name(name: &[u8]) -> Self {
        let local = local_name(name);
        let is_one_of = |names: &[&str]| names.iter().any(|other| other.as_bytes() == local);
        let contains = |part: &[u8]| name.windows(part.len()).any(|window| window == part);
        if name.is_empty() || local.starts_with(b"on") || is_one_of(FORBIDDEN) {
            Self::Forbidden
        } else if is_one_of(URLS) || contains(b"url") || contains(b"uri") || contains(b"src") {
            Self::Link(Link::Start)
        } else {
            Self::Plain
        }
    }
}

impl Link {
    /// Returns how far a URL has been read after its next byte; `read` is what was read before.
    pub(super) fn after(self, byte: u8, read: &[u8]) -> Self {
        let is_safe = || SAFE_SCHEMES.iter().any(|scheme| scheme.as_bytes() == read);
        match (self, byte) {
            (Self::Start | Self::Open, b':') if is_safe() => Self::Path,
            // A character reference (`&`) could stand for any character.
            (Self::Start | Self::Open, b':' | b'&') | (Self::Unsafe, _) => Self::Unsafe,
            (_, b'?' | b'#') => Self::Query,
            (Self::Start | Self::Open, b'/') => Self::Path,
            (Self::Start | Self::Open, _) => Self::Open,
            (Self::Path | Self::Query, _) => self,
        }
    }
}

/// Returns a name without its namespace prefix.
pub(super) fn local_name(name: &[u8]) -> &[u8] {
    name.rsplit(|&byte| byte == b':').next().unwrap_or_default()
}
