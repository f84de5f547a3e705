//! A line that is a JSON object: with the fields that `envoy/access-log.yaml` has. Most of their
//! names are those that Istio and Envoy Gateway use, so that their own JSON logs are read too.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::entry::Entry;
use super::line::{status, time_ms, Wrong};

/// Reads a line.
pub(super) fn parse(line: &[u8]) -> Result<Entry<'_>, Wrong> {
    // Borrowed strings must be UTF-8; a log that has other bytes is read all the same.
    let fields: Fields<'_> = serde_json::from_slice(line).map_err(|error| {
        Wrong::Json(error.to_string().replace(" at line 1 column", " at column"))
    })?;
    if fields.start_time.is_empty() {
        return Err(Wrong::Missing("start_time"));
    }
    if fields.response_code.is_empty() {
        return Err(Wrong::Missing("response_code"));
    }
    Ok(Entry {
        began_ms: time_ms(&fields.start_time)?,
        status: status(&fields.response_code)?,
        ..fields.entry
    })
}

#[derive(Default)]
struct Fields<'a> {
    start_time: Cow<'a, str>,
    response_code: Cow<'a, str>,
    entry: Entry<'a>,
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(Text(key)) = map.next_key()? {
            let entry = &mut fields.entry;
            let place = match key.as_ref() {
                "start_time" => &mut fields.start_time,
                "response_code" => &mut fields.response_code,
                "response_flags" => &mut entry.flags,
                "response_code_details" => &mut entry.details,
                "upstream_transport_failure_reason" => &mut entry.transport,
                "authority" | ":authority" => &mut entry.authority,
                "route_name" => &mut entry.route,
                "upstream_cluster" => &mut entry.cluster,
                "upstream_host" => &mut entry.host,
                "request_id" | "x-request-id" => &mut entry.request_id,
                "tidegate_reason" => &mut entry.reason,
                "release" => &mut entry.release,
                "duration" => {
                    entry.duration_ms = map.next_value::<Text<'_>>()?.number();
                    continue;
                }
                "bytes_sent" => {
                    entry.bytes_sent = map.next_value::<Text<'_>>()?.number();
                    continue;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *place = map.next_value::<Text<'_>>()?.0;
        }
        Ok(fields)
    }
}

/// A string, borrowed where it has no escapes; a number as its text; anything else as nothing, and
/// so is what Envoy writes where it has nothing.
#[derive(Default)]
struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    fn number(&self) -> u64 {
        self.0.parse().unwrap_or(0)
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(if text == "-" { "" } else { text })))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Text(number.to_string().into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Text(number.to_string().into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Text(number.to_string().into()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Text::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Text::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }
}
