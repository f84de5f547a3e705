//! gRPC: the headers that tell a client whether and when to try again.
//!
//! The retry logic of gRPC libraries reads `grpc-retry-pushback-ms` (proposal A6); programs read the
//! `google.rpc.RetryInfo` in `grpc-status-details-bin`.

#[cfg(test)]
mod tests;

use std::time::Duration;

use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::Engine as _;
use percent_encoding::{percent_encode, AsciiSet, CONTROLS};
use prost::Message as _;

use super::CallStatus;
use crate::time::saturating_millis;

/// What a message cannot contain: all but printable ASCII, and `%`.
const MESSAGE: &AsciiSet = &CONTROLS.add(b'%');

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(uint32, tag = "1")]
    code: u32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<prost_types::Duration>,
}

/// Returns the headers for a failure with this message. Without a `retry_after` the client does not try
/// again: the pushback is negative and there are no details.
pub(in crate::page) fn headers(
    status: CallStatus,
    message: &str,
    retry_after: Option<Duration>,
) -> Vec<(&'static str, String)> {
    const PUSHBACK: &str = "grpc-retry-pushback-ms";
    let Some(retry_after) = retry_after else {
        return vec![(PUSHBACK, "-1".to_owned())];
    };
    // Clients read a signed 32-bit number.
    let ms = i32::try_from(saturating_millis(retry_after)).unwrap_or(i32::MAX);
    let details = STANDARD_NO_PAD.encode(status_details(status, message, ms));
    vec![
        (PUSHBACK, ms.to_string()),
        ("grpc-status-details-bin", details),
    ]
}

/// Returns the value of `grpc-message` (gRPC over HTTP/2, "Responses": Percent-Encoded).
pub(crate) fn message_header(message: &[u8]) -> String {
    percent_encode(message, MESSAGE).to_string()
}

/// Returns a `google.rpc.RetryInfo` in bytes.
pub(super) fn retry_info(retry_after: Duration) -> Vec<u8> {
    let ms = i32::try_from(saturating_millis(retry_after)).unwrap_or(i32::MAX);
    retry_info_of_millis(ms).encode_to_vec()
}

fn retry_info_of_millis(ms: i32) -> RetryInfo {
    RetryInfo {
        retry_delay: Some(prost_types::Duration {
            seconds: i64::from(ms / 1000),
            nanos: (ms % 1000).saturating_mul(1_000_000),
        }),
    }
}

/// Returns a status with the time after which to retry.
fn status_details(status: CallStatus, message: &str, retry_after_ms: i32) -> Vec<u8> {
    let retry_info = retry_info_of_millis(retry_after_ms);
    let status = Status {
        code: status.number,
        message: message.to_owned(),
        details: vec![prost_types::Any {
            type_url: RETRY_INFO.to_owned(),
            value: retry_info.encode_to_vec(),
        }],
    };
    status.encode_to_vec()
}
