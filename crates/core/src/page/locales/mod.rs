//! The wording of the built-in pages, one file per language.
//!
//! A language is a file with its [`Locale`], and its name in [`languages!`]. English says
//! everything; what another language may leave out, and what stands in for it, is said at
//! [`Locale::message`] and [`Locale::problem`]. The tests below check the rest.

use crate::reason::Reason;

/// Makes the `Locale` of a file from its table. Packed into two texts, a language costs the module
/// a quarter less than as a list of pairs: nothing needs an address, and languages with the same keys
/// in the same order share them.
macro_rules! locale {
    (tag: $tag:literal, dir: $dir:literal, strings: [$(($key:literal, $text:literal)),* $(,)?] $(,)?) => {
        pub(super) const LOCALE: super::Locale = super::Locale {
            tag: $tag,
            dir: $dir,
            keys: concat!($($key, "\n"),*),
            texts: concat!($($text, "\n"),*),
        };
    };
}
use locale;

/// Names the files of the languages, in the order of [`ALL`].
macro_rules! languages {
    ($($name:ident)*) => {
        $(mod $name;)*
        /// Every built-in language; English first.
        pub(super) const ALL: &[&Locale] = &[$(&$name::LOCALE),*];
    };
}
languages! { en ar de es fr he it ja nl pl pt ru tr zh }

/// The language of `tag`; English where there is no such language.
pub(super) fn of(tag: &str) -> &'static Locale {
    ALL.iter()
        .find(|locale| locale.tag.eq_ignore_ascii_case(tag))
        .copied()
        .unwrap_or(&en::LOCALE)
}

/// The wording of one language.
#[derive(Debug)]
pub(super) struct Locale {
    /// Language tag (BCP 47).
    pub(super) tag: &'static str,
    /// Direction of writing: `ltr` or `rtl`.
    pub(super) dir: &'static str,
    /// A line each.
    keys: &'static str,
    /// A line for each key. `{n}` is a number, at least 2; `{when}` a phrase of the table.
    texts: &'static str,
}

impl Locale {
    /// Every key with its text.
    pub(super) fn strings(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.keys.lines().zip(self.texts.lines())
    }

    /// The text of `key`.
    pub(super) fn find(&self, key: &str) -> Option<&'static str> {
        self.strings()
            .find(|(name, _)| *name == key)
            .map(|(_, text)| text)
    }

    /// The text of `<prefix>.<name>`.
    pub(super) fn find_in(&self, prefix: &str, name: &str) -> Option<&'static str> {
        self.find(&[prefix, ".", name].concat())
    }

    /// The text of a key that every language has (a test checks that).
    pub(super) fn text(&self, key: &str) -> &'static str {
        self.find(key).unwrap_or_default()
    }

    /// What happened, for a visitor. A language may have one sentence for reasons that make no
    /// difference to a visitor, who also sees the name of the reason.
    pub(super) fn message(&self, reason: Reason) -> &'static str {
        self.find_in("message", reason.as_str())
            .unwrap_or_else(|| self.text(shared_message(reason)))
    }

    /// The title of the problem type, for people who write programs: in English where the
    /// language leaves it out, as the built-in ones do.
    pub(super) fn problem(&self, reason: Reason) -> &'static str {
        self.find_in("problem", reason.as_str())
            .or_else(|| en::LOCALE.find_in("problem", reason.as_str()))
            .unwrap_or_default()
    }
}

/// The message that a language may have for several reasons.
fn shared_message(reason: Reason) -> &'static str {
    match reason {
        Reason::ConnectionRefused
        | Reason::ConnectionTimeout
        | Reason::TlsProtocolError
        | Reason::TlsCertificateError
        | Reason::DnsError
        | Reason::DestinationUnavailable
        | Reason::UpstreamUnavailable => "message.unreachable",
        Reason::ConnectionTerminated
        | Reason::HttpProtocolError
        | Reason::HttpResponseIncomplete
        | Reason::UpstreamBadGateway => "message.no_answer",
        Reason::HttpResponseTimeout | Reason::UpstreamTimeout => "message.slow",
        _ => "message.failed",
    }
}

#[cfg(test)]
mod tests;
