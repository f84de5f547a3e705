use super::*;
use crate::failure::Reason;
use proptest::prelude::*;

fn unavailable() -> CallStatus {
    CallStatus::of(Reason::ConnectionRefused)
}

fn header(headers: &[(&'static str, String)], name: &str) -> Option<String> {
    let mut headers = headers.iter();
    let (_, value) = headers.find(|(other, _)| *other == name)?;
    Some(value.clone())
}

/// Asserts that the headers carry this message and delay.
fn check(message: &str, retry_after: Duration, expected_ms: i32) {
    let headers = headers(unavailable(), message, Some(retry_after));
    assert_eq!(
        header(&headers, "grpc-retry-pushback-ms"),
        Some(expected_ms.to_string())
    );
    let details = header(&headers, "grpc-status-details-bin").unwrap();
    let status = Status::decode(&*STANDARD_NO_PAD.decode(details).unwrap()).unwrap();
    assert_eq!(status.code, 14);
    assert_eq!(status.message, message);
    let [any] = &status.details[..] else {
        panic!("one detail: {status:?}");
    };
    assert_eq!(any.type_url, "type.googleapis.com/google.rpc.RetryInfo");
    let delay = RetryInfo::decode(&*any.value).unwrap().retry_delay.unwrap();
    assert_eq!(delay.seconds, i64::from(expected_ms) / 1000);
    assert_eq!(delay.nanos, expected_ms % 1000 * 1_000_000);
}

#[test]
fn the_details_are_a_status_with_a_retry_info() {
    // Status { 1: 14, 2: "x", 3: Any { 1: type, 2: RetryInfo { 1: Duration { 1: 12, 2: 500000000 } } } }
    let headers = headers(unavailable(), "x", Some(Duration::from_millis(12_500)));
    assert_eq!(
        header(&headers, "grpc-status-details-bin").unwrap(),
        "CA4SAXgaNgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIKCggIDBCAyrXuAQ"
    );
}

#[test]
fn the_delay_is_limited_to_a_signed_32_bit_number() {
    check(
        "The circuit is open.",
        Duration::from_millis(12_500),
        12_500,
    );
    check("", Duration::ZERO, 0);
    check(&"x".repeat(300), Duration::from_millis(999), 999);
    check("long", Duration::MAX, i32::MAX);
}

#[test]
fn a_failure_that_is_not_retryable_has_a_negative_pushback() {
    let headers = headers(unavailable(), "no", None);
    let pushback = header(&headers, "grpc-retry-pushback-ms");
    assert_eq!(pushback.as_deref(), Some("-1"));
    assert_eq!(headers.len(), 1);
}

proptest! {
    #[test]
    fn any_message_and_delay_reads_back(message in any::<String>(), ms in 0..i32::MAX) {
        let retry_after = Duration::from_millis(u64::try_from(ms).unwrap());
        check(&message, retry_after, ms);
    }
}

#[test]
fn the_message_header_is_percent_encoded() {
    for (message, want) in [
        ("The server hung up.", "The server hung up."),
        (
            "100 % weg – tschüß\n",
            "100 %25 weg %E2%80%93 tsch%C3%BC%C3%9F%0A",
        ),
    ] {
        assert_eq!(message_header(message.as_bytes()), want);
    }
}

#[test]
fn the_status_of_a_call_says_what_the_http_status_would() {
    for (reason, number, http) in [
        (Reason::RateLimited, 8, 429),
        (Reason::Unauthorized, 16, 401),
        (Reason::Forbidden, 7, 403),
        (Reason::DestinationNotFound, 12, 501),
        (Reason::ClientError, 2, 500),
        (Reason::UpstreamTimeout, 14, 503),
        (Reason::CircuitOpen, 14, 503),
    ] {
        let status = CallStatus::of(reason);
        assert_eq!((status.number, status.http), (number, http), "{reason:?}");
    }
}
