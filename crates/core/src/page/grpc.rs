//! gRPC: the headers that tell a client whether and when to try again.
//!
//! `grpc-retry-pushback-ms` is read by the retry logic of gRPC libraries (proposal A6), the
//! `google.rpc.RetryInfo` in `grpc-status-details-bin` by programs. The message is two levels
//! deep and never changes, so it is encoded here by hand rather than by a library.

use crate::prelude::*;
use crate::text::decimal;

/// The gRPC status of every page: `UNAVAILABLE`.
pub const STATUS_UNAVAILABLE: u32 = 14;

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
/// Wire types of protobuf, as they stand in a tag.
const VARINT: u64 = 0;
const LENGTH_DELIMITED: u64 = 2;

/// The headers for an answer with `message`, to come back after `retry_after_ms` milliseconds;
/// `None`: trying again does not help, which is a negative pushback, and no details.
pub(super) fn headers(message: &str, retry_after_ms: Option<u64>) -> Vec<(&'static str, String)> {
    let Some(ms) = retry_after_ms else {
        return vec![("grpc-retry-pushback-ms", "-1".to_owned())];
    };
    // Clients read a signed 32-bit number.
    let ms = i32::try_from(ms).unwrap_or(i32::MAX);
    vec![
        ("grpc-retry-pushback-ms", decimal(ms.unsigned_abs().into())),
        (
            "grpc-status-details-bin",
            super::base64::unpadded(&status(message, ms)),
        ),
    ]
}

/// `google.rpc.Status { code, message, details: [RetryInfo { retry_delay }] }`.
fn status(message: &str, retry_after_ms: i32) -> Vec<u8> {
    let ms = u64::try_from(retry_after_ms).unwrap_or(0);
    let mut duration = Vec::new();
    number(&mut duration, 1, ms / 1000);
    number(&mut duration, 2, (ms % 1000).wrapping_mul(1_000_000));
    let mut retry_info = Vec::new();
    bytes(&mut retry_info, 1, &duration);
    let mut any = Vec::new();
    bytes(&mut any, 1, RETRY_INFO.as_bytes());
    bytes(&mut any, 2, &retry_info);
    let mut status = Vec::new();
    number(&mut status, 1, u64::from(STATUS_UNAVAILABLE));
    bytes(&mut status, 2, message.as_bytes());
    bytes(&mut status, 3, &any);
    status
}

fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    // proto3 leaves out what is zero.
    if value != 0 {
        varint(out, (field << 3) | VARINT);
        varint(out, value);
    }
}

fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(out, (field << 3) | LENGTH_DELIMITED);
    varint(out, u64::try_from(value.len()).unwrap_or(0));
    out.extend_from_slice(value);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use ::base64::engine::general_purpose::STANDARD_NO_PAD;
    use ::base64::Engine as _;

    use super::*;
    use proptest::prelude::*;
    use prost::Message as _;

    #[derive(Clone, PartialEq, prost::Message)]
    struct Status {
        #[prost(int32, tag = "1")]
        code: i32,
        #[prost(string, tag = "2")]
        message: String,
        #[prost(message, repeated, tag = "3")]
        details: Vec<prost_types::Any>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct RetryInfo {
        #[prost(message, optional, tag = "1")]
        retry_delay: Option<prost_types::Duration>,
    }

    fn header(headers: &[(&'static str, String)], name: &str) -> Option<String> {
        headers
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value.clone())
    }

    fn check(message: &str, ms: u64, told: i32) {
        let headers = headers(message, Some(ms));
        assert_eq!(
            header(&headers, "grpc-retry-pushback-ms"),
            Some(told.to_string())
        );
        let details = header(&headers, "grpc-status-details-bin").unwrap();
        let status = Status::decode(&*STANDARD_NO_PAD.decode(details).unwrap()).unwrap();
        assert_eq!(status.code, 14);
        assert_eq!(status.message, message);
        let [any] = &status.details[..] else {
            panic!("one detail: {status:?}");
        };
        assert_eq!(any.type_url, RETRY_INFO);
        let delay = RetryInfo::decode(&*any.value).unwrap().retry_delay.unwrap();
        assert_eq!(delay.seconds, i64::from(told) / 1000);
        assert_eq!(delay.nanos, told % 1000 * 1_000_000);
    }

    #[test]
    fn real_protobuf_reads_the_details() {
        check("The circuit is open.", 12_500, 12_500);
        check("", 0, 0);
        check(&"x".repeat(300), 999, 999);
        check("long", u64::MAX, i32::MAX);
    }

    #[test]
    fn what_cannot_be_retried_is_pushed_back_for_good() {
        let headers = headers("no", None);
        assert_eq!(
            header(&headers, "grpc-retry-pushback-ms").as_deref(),
            Some("-1")
        );
        assert_eq!(headers.len(), 1);
    }

    proptest! {
        #[test]
        fn any_message_and_delay_can_be_read(message in any::<String>(), ms in 0..i32::MAX) {
            check(&message, u64::try_from(ms).unwrap(), ms);
        }
    }
}
