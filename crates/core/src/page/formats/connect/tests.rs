use super::*;
use crate::failure::Reason;

const RETRY: Option<Duration> = Some(Duration::from_millis(12_500));

#[test]
fn a_unary_error_has_code_message_and_retry_info() {
    let error = |reason, retry_after| {
        let error = unary(CallStatus::of(reason), "down \"now\"", retry_after);
        String::from_utf8(error).unwrap()
    };
    // RetryInfo { 1: Duration { 1: 12, 2: 500000000 } }
    assert_eq!(
        error(Reason::CircuitOpen, RETRY),
        r#"{"code":"unavailable","message":"down \"now\"","details":[{"type":"google.rpc.RetryInfo","value":"CggIDBCAyrXuAQ"}]}"#
    );
    assert_eq!(
        error(Reason::Unauthorized, None),
        r#"{"code":"unauthenticated","message":"down \"now\""}"#
    );
}

#[test]
fn a_stream_ends_with_one_message_that_has_the_error() {
    let message = end_of_stream(CallStatus::of(Reason::RateLimited), "slow down", None);
    let json = br#"{"error":{"code":"resource_exhausted","message":"slow down"}}"#;
    assert_eq!(
        message[..5],
        [2, 0, 0, 0, u8::try_from(json.len()).unwrap()]
    );
    assert_eq!(&message[5..], json);
}

#[test]
fn a_stream_has_the_content_type_of_its_request_if_it_is_known() {
    for (request, want) in [
        ("application/connect+json", "application/connect+json"),
        ("application/connect+proto", "application/connect+proto"),
        ("application/connect+evil", "application/connect+proto"),
    ] {
        assert_eq!(stream_content_type(request.as_bytes()), want);
    }
}
