//! The texts of the built-in pages, one file per language.
//!
//! To add a language, add a file with its [`Locale`] and its name in [`languages!`]. English has every
//! text. Other languages may leave out texts: [`shared_message`] says which messages they can have
//! instead, and English replaces the titles for programmers. A language that lacks any other text does
//! not compile. A text with a number may have forms ([`super::plural`]): `when.minutes.few`.

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

    /// Returns whether there is a text for the key `group` + `rest`.
    const fn has(&self, group: &str, rest: &str) -> bool {
        let mut strings = self.strings;
        while let [(key, _), others @ ..] = strings {
            if let Some(found) = after(key.as_bytes(), group) {
                if matches!(after(found, rest), Some([])) {
                    return true;
                }
            }
            strings = others;
        }
        false
    }

    /// Returns the key of a text, or the reason of a message, that the language must have and has not.
    const fn lacks(&self) -> Option<&'static str> {
        let mut english = EN.strings;
        while let [(key, _), others @ ..] = english {
            if !may_be_left_out(key) && !self.has(key, "") {
                return Some(key);
            }
            english = others;
        }
        let mut reasons = Reason::ALL;
        while let [reason, others @ ..] = reasons {
            let is_shared = match what_is_shared(*reason) {
                Some(message) => self.has("message.", message),
                None => false,
            };
            if !is_shared && !self.has("message.", reason.as_str()) {
                return Some(reason.as_str());
            }
            reasons = others;
        }
        None
    }
}

/// Returns whether a language may lack the text of a key of English. Messages are checked by reason.
const fn may_be_left_out(key: &str) -> bool {
    after(key.as_bytes(), "message.").is_some()
        || after(key.as_bytes(), "problem.").is_some()
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

/// The keys of messages that a language may have for several reasons, which make no difference to a
/// visitor (who also sees the name of the reason).
pub(super) const SHARED: [&str; 4] = [
    "message.unreachable",
    "message.no_answer",
    "message.slow",
    "message.failed",
];

/// Returns the last part of the key in [`SHARED`] that applies to a reason.
pub(super) const fn shared_message(reason: Reason) -> &'static str {
    match what_is_shared(reason) {
        Some(message) => message,
        None => "failed",
    }
}

/// Returns the last part of the key in [`SHARED`] that says all that a visitor needs to know about a
/// reason. `None`: built-in languages have a message for the reason alone.
const fn what_is_shared(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::ConnectionRefused
        | Reason::ConnectionTimeout
        | Reason::TlsProtocolError
        | Reason::TlsCertificateError
        | Reason::DnsError
        | Reason::DestinationUnavailable
        | Reason::UpstreamUnavailable => Some("unreachable"),
        Reason::ConnectionTerminated
        | Reason::HttpProtocolError
        | Reason::HttpResponseIncomplete
        | Reason::UpstreamBadGateway => Some("no_answer"),
        Reason::HttpResponseTimeout | Reason::UpstreamTimeout => Some("slow"),
        Reason::UpstreamError
        | Reason::ProxyInternalError
        | Reason::ProxyConfigurationError
        | Reason::AuthorizationUnavailable => Some("failed"),
        _ => None,
    }
}
