//! Classification of transport failure reasons: error strings of BoringSSL and of sockets.

use std::borrow::Cow;

use crate::failure::Reason;

/// Parts of the texts, blanks as underscores. A TLS error is first, since it can quote others.
const PARTS: &[(&str, Reason)] = &[
    ("CERTIFICATE", Reason::TlsCertificateError),
    ("certificate", Reason::TlsCertificateError),
    ("verify_SAN", Reason::TlsCertificateError),
    // The upstream does not trust the authority that signed Envoy's certificate.
    ("UNKNOWN_CA", Reason::TlsCertificateError),
    // Envoy itself has no certificate yet, or none to verify the upstream's with.
    ("Secret_is_not_supplied_by_SDS", Reason::TlsCertificateError),
];
const TLS: &[&str] = &["TLS_error", "OPENSSL_internal", "SSL_routines"];
const SOCKET: &[(&str, Reason)] = &[
    ("Connection_refused", Reason::ConnectionRefused),
    ("timed_out", Reason::ConnectionTimeout),
    ("connect_timeout", Reason::ConnectionTimeout),
    ("Connection_reset", Reason::ConnectionTerminated),
    ("Broken_pipe", Reason::ConnectionTerminated),
    ("unreachable", Reason::DestinationUnavailable),
    ("No_route_to_host", Reason::DestinationUnavailable),
    ("Host_is_down", Reason::DestinationUnavailable),
    // No local port is left for another connection.
    (
        "Cannot_assign_requested_address",
        Reason::DestinationUnavailable,
    ),
];

/// No text that is known is shorter.
const SHORTEST: usize = "timed_out".len();

/// Returns the reason by the transport failure reason (blanks or underscores), where it says what happened.
///
/// Envoys up to about 1.29 write the number of a socket's error instead of its text
/// (`delayed_connect_error:_111`): Linux, `errno(3)`.
pub fn by_transport(text: &[u8]) -> Option<Reason> {
    // Most details end after the reset: what is left of them is a brace.
    if text.len() < SHORTEST {
        return None;
    }
    let text = String::from_utf8_lossy(text);
    let text = match text.contains(' ') {
        true => Cow::Owned(text.replace(' ', "_")),
        false => text,
    };
    find(PARTS, &text)
        .or_else(|| by_tls_error(&text))
        .or_else(|| find(SOCKET, &text))
        .or_else(|| by_number(number_after(&text, "connect_error:")?))
}

fn find(table: &[(&str, Reason)], text: &str) -> Option<Reason> {
    let found = table.iter().find(|(part, _)| text.contains(part));
    found.map(|&(_, reason)| reason)
}

fn by_tls_error(text: &str) -> Option<Reason> {
    if !TLS.iter().any(|part| text.contains(part)) {
        return None;
    }
    // The text of an error can be missing. Its number has the reason in the lowest twelve bits, and that of
    // an alert is 1,000 and the alert's own (BoringSSL `err.h`, `ssl.h`; RFC 8446 section 6).
    let reason = number_after(text, "TLS_error:").map(|number| number & 0xfff);
    Some(match reason {
        // CERTIFICATE_VERIFY_FAILED; the alerts about certificates, unknown_ca, certificate_required.
        Some(125 | 1042..=1046 | 1048 | 1116) => Reason::TlsCertificateError,
        _ => Reason::TlsProtocolError,
    })
}

/// Returns the number that follows a word and, maybe, a bar or an underscore.
fn number_after(text: &str, word: &str) -> Option<u32> {
    let (_, rest) = text.split_once(word)?;
    let rest = rest.trim_start_matches(['_', '|']);
    let end = rest.find(|c: char| !c.is_ascii_digit());
    rest.get(..end.unwrap_or(rest.len()))?.parse().ok()
}

/// Returns the reason by the number of a socket's error.
fn by_number(number: u32) -> Option<Reason> {
    match number {
        // EPIPE, ECONNABORTED, ECONNRESET
        32 | 103 | 104 => Some(Reason::ConnectionTerminated),
        // EADDRNOTAVAIL (no local port), ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH
        99..=101 | 112 | 113 => Some(Reason::DestinationUnavailable),
        // ETIMEDOUT
        110 => Some(Reason::ConnectionTimeout),
        // ECONNREFUSED
        111 => Some(Reason::ConnectionRefused),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
