//! The texts of the built-in pages, one file per language.
//!
//! To add a language, add a file with its [`Locale`] and its name in [`languages!`]. English has every
//! text. Other languages may leave out texts: [`shared_message`] says which messages they can have
//! instead, and English replaces the others. Tests check all of this.

#[cfg(test)]
mod tests;

use crate::failure::Reason;

/// Declares the modules of the languages, and [`ALL`] in the same order.
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

/// The texts of one language.
#[derive(Debug)]
pub(super) struct Locale {
    /// The language tag (BCP 47).
    pub(super) tag: &'static str,
    /// The writing direction: `ltr` or `rtl`.
    pub(super) dir: &'static str,
    /// Keys and texts. `{n}` is a number of at least 2; `{when}` is one of the `when.*` texts.
    pub(super) strings: &'static [(&'static str, &'static str)],
}

impl Locale {
    /// Returns the text for a key.
    pub(super) fn find(&self, key: &str) -> Option<&'static str> {
        let mut strings = self.strings.iter();
        strings
            .find(|(name, _)| *name == key)
            .map(|(_, text)| *text)
    }
}

/// The keys of messages that a language may have for several reasons, which make no difference to a
/// visitor (who also sees the name of the reason).
pub(super) const SHARED: [&str; 4] = [
    "message.unreachable",
    "message.no_answer",
    "message.slow",
    "message.failed",
];

/// Returns the last part of the key in [`SHARED`] that applies to a reason.
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
