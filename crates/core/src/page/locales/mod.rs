//! The texts of the built-in pages, one file per language.
//!
//! To add a language, add a file with its [`Locale`] and its name in [`languages!`]. English has every
//! text. Other languages may leave out titles for programmers, which are English then. A language that
//! lacks any other text does not compile. A text with a number may have forms ([`super::plural`]):
//! `when.minutes.few`.

#[cfg(test)]
mod tests;

use crate::failure::Reason;

/// Declares the modules of the languages, and [`ALL`] in the same order.
macro_rules! languages {
    ($($name:ident)*) => {
        $(
            mod $name;
            const _: () = {
                // The compiler's message names this function, and so the language.
                const fn $name() {
                    assert_complete(&$name::LOCALE);
                }
                $name();
            };
        )*
        /// Every built-in language; English first.
        pub(super) const ALL: &[&Locale] = &[$(&$name::LOCALE),*];
    };
}
languages! {
    en de nl es pt it fr pl tr ru ar he ja zh
    zh_hant ko hi uk sv da nb fi cs el id vi th ro hu fa ur
}

/// English, which has every key.
pub(super) const EN: &Locale = &en::LOCALE;

/// The texts of one language.
#[derive(Debug)]
pub(super) struct Locale {
    /// The language tag (BCP 47).
    pub(super) tag: &'static str,
    /// The writing direction: `ltr` or `rtl`.
    pub(super) dir: &'static str,
    /// Keys and texts. `{n}` is a number of at least 2; `{when}` is one of the `when.*` texts. A key with
    /// a plural form (`when.minutes.few`) stands beside that without, which is for all other numbers.
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

    /// Returns whether there is a text for a key.
    const fn has(&self, wanted: &str) -> bool {
        let mut strings = self.strings;
        while let [(key, _), others @ ..] = strings {
            if matches!(after(key.as_bytes(), wanted), Some([])) {
                return true;
            }
            strings = others;
        }
        false
    }

    /// Returns the key of a text that the language must have and has not.
    const fn lacks(&self) -> Option<&'static str> {
        let mut english = EN.strings;
        while let [(key, _), others @ ..] = english {
            if !may_be_left_out(key) && !self.has(key) {
                return Some(key);
            }
            english = others;
        }
        None
    }
}

/// Returns whether a language may lack the text of a key of English.
const fn may_be_left_out(key: &str) -> bool {
    after(key.as_bytes(), "problem.").is_some()
        || after(key.as_bytes(), "title.tls_").is_some()
        || after(key.as_bytes(), "title.proxy_").is_some()
}

/// Stops the compiler at a language that lacks a text.
#[expect(clippy::panic, reason = "it is evaluated by the compiler")]
const fn assert_complete(locale: &Locale) {
    if let Some(key) = locale.lacks() {
        panic!("{}", key);
    }
}

/// Returns what follows `start` in a text that begins with it.
const fn after<'t>(text: &'t [u8], start: &str) -> Option<&'t [u8]> {
    let (mut text, mut start) = (text, start.as_bytes());
    while let [first, others @ ..] = start {
        match text {
            [same, rest @ ..] if *same == *first => text = rest,
            _ => return None,
        }
        start = others;
    }
    Some(text)
}

/// Returns the last part of the key of the message for a reason without a message of its own. The message
/// says all that a visitor needs to know; the page's details name the reason.
pub(super) const fn shared_message(reason: Reason) -> &'static str {
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
