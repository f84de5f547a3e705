//! The Connect protocol: the error of a unary call, and the end of a stream.
//!
//! A unary error is JSON, whatever the call's own encoding, with the HTTP status of its code. A stream
//! always has the status 200; its last message carries the error (Connect Protocol Reference,
//! "Error-End-Stream" and "EndStreamResponse").

#[cfg(test)]
mod tests;

use std::time::Duration;

use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::Engine as _;

use super::grpc::retry_info;
use super::CallStatus;
use crate::template::{Output, Position};

/// The content type of a unary error.
pub(in crate::page) const CONTENT_TYPE: &str = "application/json";
/// The content types of streams, the usual one first.
const STREAMS: [&str; 2] = ["application/connect+proto", "application/connect+json"];
/// The flag of the last message of a stream.
const END_STREAM: u8 = 0b10;
/// Room for most errors.
const CAPACITY: usize = 256;

/// Returns the error of a unary call.
pub(in crate::page) fn unary(
    status: CallStatus,
    message: &str,
    retry_after: Option<Duration>,
) -> Vec<u8> {
    let mut out = Output::with_capacity(CAPACITY);
    error(&mut out, status, message, retry_after);
    out.into_string().into_bytes()
}

/// Returns the last message of a stream.
pub(in crate::page) fn end_of_stream(
    status: CallStatus,
    message: &str,
    retry_after: Option<Duration>,
) -> Vec<u8> {
    let mut out = Output::with_capacity(CAPACITY);
    out.markup("{\"error\":");
    error(&mut out, status, message, retry_after);
    out.markup("}");
    let json = out.into_string();
    let length = u32::try_from(json.len()).unwrap_or(u32::MAX);
    [&[END_STREAM][..], &length.to_be_bytes(), json.as_bytes()].concat()
}

/// Returns the content type of a stream whose request has this one.
pub(in crate::page) fn stream_content_type(request: &[u8]) -> &'static str {
    let mut same = STREAMS.iter().filter(|kind| kind.as_bytes() == request);
    same.next().or(STREAMS.first()).copied().unwrap_or_default()
}

fn error(out: &mut Output, status: CallStatus, message: &str, retry_after: Option<Duration>) {
    out.markup("{\"code\":\"").markup(status.name);
    out.markup("\",\"message\":\"").put(Position::Json, message);
    out.markup("\"");
    if let Some(retry_after) = retry_after {
        let value = STANDARD_NO_PAD.encode(retry_info(retry_after));
        out.markup(",\"details\":[{\"type\":\"google.rpc.RetryInfo\",\"value\":\"");
        out.put(Position::Json, &value).markup("\"}]");
    }
    out.markup("}");
}
