//! The wording of the built-in pages, one file per language.
//!
//! A language is a file with its [`Locale`], and its name in [`languages!`]. English says
//! everything; what another language may leave out, and what stands in for it, is said at
//! [`shared_message`], and English stands in for the rest. Tests check it all.

use crate::reason::Reason;
use crate::text::split_once;

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
languages! { en de nl es pt it fr pl tr ru ar he ja zh }

/// English, which has every key.
pub(super) const EN: &Locale = &en::LOCALE;

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
        let (mut keys, mut texts) = (self.keys, self.texts);
        core::iter::from_fn(move || {
            let (key, text);
            (key, keys) = split_once(keys, "\n")?;
            (text, texts) = split_once(texts, "\n")?;
            Some((key, text))
        })
    }

    /// The text of `key`.
    pub(super) fn find(&self, key: &str) -> Option<&'static str> {
        self.strings()
            .find(|(name, _)| *name == key)
            .map(|(_, text)| text)
    }
}

/// Keys of messages that a language may have for several reasons, which make no difference to a
/// visitor (who also sees the name of the reason).
pub(super) const SHARED: [&str; 4] = [
    "message.unreachable",
    "message.no_answer",
    "message.slow",
    "message.failed",
];

/// The last part of the one of [`SHARED`] that is for this reason.
pub(super) fn shared_message(reason: Reason) -> &'static str {
    match reason {
        Reason::ConnectionRefused
        | Reason::ConnectionTimeout
        | Reason::TlsProtocolError
        | Reason::TlsCertificateError
        | Reason::DnsError
        | Reason::DestinationUnavailable
        | Reason::UpstreamUnavailable => "unreachable",
        Reason::ConnectionTerminated
        | Reason::HttpProtocolError
        | Reason::HttpResponseIncomplete
        | Reason::UpstreamBadGateway => "no_answer",
        Reason::HttpResponseTimeout | Reason::UpstreamTimeout => "slow",
        _ => "failed",
    }
}

#[cfg(test)]
mod tests;
