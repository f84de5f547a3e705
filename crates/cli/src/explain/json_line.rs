//! Reads lines that are JSON objects with the fields that `envoy/access-log.yaml` has. Most of these
//! names are those that Istio and Envoy Gateway use, so their own JSON logs are read too, and Contour's.
//!
//! A collector may put the line into an object of its own, as text (Docker's `log`) or as an object
//! (`jsonPayload` of Google Cloud Logging).

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::entry::Entry;
use super::line::{sends_body, status, time_ms, Wrong};
use super::wrapped;

/// Docker writes a longer line in several parts, of which only the last one ends the line.
const DOCKER_PART: usize = 16 << 10;

/// Reads a line, which may be in the objects of `depth` collectors.
pub(super) fn parse(line: &[u8], depth: u8) -> Result<Entry<'_>, Wrong> {
    let fields: Fields<'_> = match serde_json::from_slice(line) {
        Ok(fields) => fields,
        // Envoy writes what clients send, which need not be UTF-8.
        Err(error) => match std::str::from_utf8(line) {
            Ok(_) => {
                let error = error.to_string();
                return Err(Wrong::Json(
                    error.replace(" at line 1 column", " at column"),
                ));
            }
            Err(_) => {
                let text = String::from_utf8_lossy(line);
                return parse(text.as_bytes(), depth).map(Entry::into_owned);
            }
        },
    };
    let inner = fields.inner().filter(|_| depth > 0);
    match inner {
        Some(inner) if fields.response_code.0.is_empty() => match of_collector(inner, depth - 1) {
            // The collector's own fields, such as `status`, can look like those of a request.
            Err(Wrong::Missing(_) | Wrong::Text(_) | Wrong::Json(_)) if fields.has_status() => {
                fields.entry()
            }
            entry => entry,
        },
        _ => fields.entry(),
    }
}

/// Reads the line in the object of a collector: JSON of a text or of an object.
fn of_collector(inner: &RawValue, depth: u8) -> Result<Entry<'_>, Wrong> {
    if inner.get().starts_with('{') {
        return parse(inner.get().as_bytes(), depth);
    }
    let text: String =
        serde_json::from_str(inner.get()).map_err(|error| Wrong::Json(error.to_string()))?;
    if text.len() >= DOCKER_PART && !text.ends_with('\n') {
        return Err(Wrong::Part);
    }
    match wrapped::parse(text.trim_end().as_bytes(), depth) {
        Some(entry) => entry.map(Entry::into_owned),
        None => Err(Wrong::Text("text")),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow)]
    start_time: Text<'a>,
    #[serde(rename = "@timestamp")]
    at_timestamp: Text<'a>,
    timestamp: Text<'a>,
    ts: Text<'a>,
    time: Text<'a>,
    response_code: Text<'a>,
    status: Text<'a>,
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
    log: Option<&'a RawValue>,
    message: Option<&'a RawValue>,
    #[serde(rename = "MESSAGE")]
    journal_message: Option<&'a RawValue>,
    #[serde(rename = "textPayload")]
    text_payload: Option<&'a RawValue>,
    #[serde(rename = "jsonPayload")]
    json_payload: Option<&'a RawValue>,
}

impl<'a> Fields<'a> {
    /// Returns the line that a collector has put into its object: Docker and Fluent Bit, Filebeat, journald,
    /// Google Cloud Logging.
    fn inner(&self) -> Option<&'a RawValue> {
        let texts = [
            self.log,
            self.text_payload,
            self.message,
            self.journal_message,
        ];
        let text = texts.into_iter().flatten();
        let mut text = text.filter(|value| value.get().starts_with('"'));
        let object = self.json_payload;
        object
            .filter(|value| value.get().starts_with('{'))
            .or_else(|| text.next())
    }

    /// Returns whether there is a status, and not a word for the severity of a message.
    fn has_status(&self) -> bool {
        status(&self.status.0).is_ok()
    }

    fn entry(self) -> Result<Entry<'a>, Wrong> {
        let time = self.start_time.or(self.at_timestamp).or(self.timestamp);
        let time = time.or(self.ts).or(self.time).0;
        if time.is_empty() {
            return Err(Wrong::Missing("start_time"));
        }
        let code = self.response_code.or(self.status).0;
        if code.is_empty() {
            return Err(Wrong::Missing("response_code"));
        }
        Ok(Entry {
            began_ms: time_ms(&time)?,
            duration_ms: self.duration.number(),
            status: status(&code)?,
            bytes_sent: self.bytes_sent.number(),
            flags: self.response_flags.0,
            details: self.response_code_details.0,
            sends_body: sends_body(&self.method.0, self.bytes_received.number()),
            method: self.method.0,
            path: self.path.or(self.path_header).or(self.original_path).0,
            transport: self.upstream_transport_failure_reason.0,
            route: self.route_name.0,
            authority: self.authority.or(self.authority_header).0,
            cluster: self.upstream_cluster.0,
            host: self.upstream_host.0,
            request_id: self.request_id.or(self.request_id_header).0,
            reason: self.tidegate_reason.0,
            release: self.release.0,
            has_more: false,
        })
    }
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
