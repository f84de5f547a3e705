use super::*;

/// Texts as Envoy 1.10 to 1.40 writes them, each with blanks and with underscores.
#[test]
fn a_transport_failure_reason_is_read_by_its_text_or_number() {
    use Reason::*;
    for (text, want) in [
        ("delayed connect error: Connection refused", Some(ConnectionRefused)),
        ("delayed connect error: 111", Some(ConnectionRefused)),
        ("delayed connect error: 110", Some(ConnectionTimeout)),
        ("delayed connect error: 104", Some(ConnectionTerminated)),
        ("delayed connect error: 113", Some(DestinationUnavailable)),
        ("immediate connect error: 101", Some(DestinationUnavailable)),
        ("immediate connect error: 99", Some(DestinationUnavailable)),
        ("immediate connect error: Cannot assign requested address", Some(DestinationUnavailable)),
        ("delayed connect error: No route to host", Some(DestinationUnavailable)),
        ("immediate connect error: Network is unreachable|remote address:10.0.0.1:111", Some(DestinationUnavailable)),
        ("delayed connect error: 111|remote address:10.0.0.1:113", Some(ConnectionRefused)),
        // The number is whole, and that of the error.
        ("delayed connect error: 1110", None),
        ("delayed connect error: 95", None),
        ("remote address:10.0.0.1:111", None),
        ("TLS error: 268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED", Some(TlsCertificateError)),
        ("TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end", Some(TlsCertificateError)),
        ("TLS error: 268435581", Some(TlsCertificateError)),
        ("TLS error: 268436502:SSL routines", Some(TlsCertificateError)),
        ("TLS error: 268435703", Some(TlsProtocolError)),
        ("TLS error: 268436496:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE 268435610:SSL routines", Some(TlsProtocolError)),
        ("TLS error: Secret is not supplied by SDS", Some(TlsCertificateError)),
        ("something new", None),
        ("", None),
    ] {
        assert_eq!(by_transport(text.as_bytes()), want, "{text}");
        let text = text.replace(' ', "_");
        assert_eq!(by_transport(text.as_bytes()), want, "{text}");
    }
}

#[test]
fn no_known_part_is_shorter_than_what_is_looked_at() {
    let tables = PARTS.iter().chain(SOCKET).map(|(part, _)| *part);
    for part in tables.chain(TLS.iter().copied()) {
        assert!(part.len() >= SHORTEST, "{part}");
    }
}
