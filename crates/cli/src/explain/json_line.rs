//! Reads lines that are JSON objects with the fields that `envoy/access-log.yaml` has. Most of these
//! names are those that Istio and Envoy Gateway use, so their own JSON logs are read too.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::entry::Entry;
use super::line::{sends_body, status, time_ms, Wrong};

/// Reads a line.
pub(super) fn parse(line: &[u8]) -> Result<Entry<'_>, Wrong> {
    let fields: Fields<'_> = serde_json::from_slice(line).map_err(|error| {
        Wrong::Json(error.to_string().replace(" at line 1 column", " at column"))
    })?;
    if fields.start_time.0.is_empty() {
        return Err(Wrong::Missing("start_time"));
    }
    if fields.response_code.0.is_empty() {
        return Err(Wrong::Missing("response_code"));
    }
    Ok(Entry {
        began_ms: time_ms(&fields.start_time.0)?,
        duration_ms: fields.duration.number(),
        status: status(&fields.response_code.0)?,
        bytes_sent: fields.bytes_sent.number(),
        flags: fields.response_flags.0,
        details: fields.response_code_details.0,
        sends_body: sends_body(&fields.method.0, fields.bytes_received.number()),
        method: fields.method.0,
        path: fields
            .path
            .or(fields.path_header)
            .or(fields.original_path)
            .0,
        transport: fields.upstream_transport_failure_reason.0,
        route: fields.route_name.0,
        authority: fields.authority.or(fields.authority_header).0,
        cluster: fields.upstream_cluster.0,
        host: fields.upstream_host.0,
        request_id: fields.request_id.or(fields.request_id_header).0,
        reason: fields.tidegate_reason.0,
        release: fields.release.0,
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow)]
    start_time: Text<'a>,
    response_code: Text<'a>,
    response_flags: Text<'a>,
    response_code_details: Text<'a>,
    upstream_transport_failure_reason: Text<'a>,
    duration: Text<'a>,
    bytes_sent: Text<'a>,
    bytes_received: Text<'a>,
    method: Text<'a>,
    path: Text<'a>,
    #[serde(rename = ":path")]
    path_header: Text<'a>,
    #[serde(rename = "x-envoy-origin-path")]
    original_path: Text<'a>,
    authority: Text<'a>,
    #[serde(rename = ":authority")]
    authority_header: Text<'a>,
    route_name: Text<'a>,
    upstream_cluster: Text<'a>,
    upstream_host: Text<'a>,
    request_id: Text<'a>,
    #[serde(rename = "x-request-id")]
    request_id_header: Text<'a>,
    tidegate_reason: Text<'a>,
    release: Text<'a>,
}

/// The text of a string or a number, borrowed unless it has escapes. It is empty for any other value,
/// and for the "-" that Envoy writes for a missing one.
#[derive(Default)]
struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    fn number(&self) -> u64 {
        self.0.parse().unwrap_or(0)
    }

    fn or(self, other: Self) -> Self {
        match self.0.is_empty() {
            true => other,
            false => self,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        Ok(Text(match json.as_bytes() {
            [] | [b'n' | b't' | b'f' | b'[' | b'{', ..] | b"\"-\"" => "".into(),
            [b'"', ..] if json.contains('\\') => {
                let text: String = serde_json::from_str(json).map_err(D::Error::custom)?;
                text.into()
            }
            [b'"', ..] => json.trim_matches('"').into(),
            _ => json.into(),
        }))
    }
}
