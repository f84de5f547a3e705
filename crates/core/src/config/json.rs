//! JSON as it was written: keys keep their order, and a repeated key stays visible.
//!
//! `serde_json::Value` keeps only the last of two equal keys, which would drop a setting in silence.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::error::ErrorKind;
use crate::diagnostics::{nearest, quoted};

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Json {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number, whatever its notation: `502.0` is `502`, because a protobuf `Struct` has only
    /// floating-point numbers.
    Whole(i64),
    /// Any other number.
    Number(f64),
    /// A string.
    String(String),
    /// A list.
    List(Vec<Json>),
    /// An object; its keys are in the order of the document.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a whole document.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NotJson`] with the position of the mistake.
    pub fn parse(bytes: &[u8]) -> Result<Self, ErrorKind> {
        if bytes.starts_with(b"\xef\xbb\xbf") {
            return Err(ErrorKind::NotJson {
                line: 1,
                column: 1,
                problem: "a byte order mark at the beginning (save the file as UTF-8 without one)"
                    .to_owned(),
            });
        }
        serde_json::from_slice(bytes).map_err(|error| {
            if is_protobuf(bytes) {
                return ErrorKind::NotJson {
                    line: 1,
                    column: 1,
                    problem:
                        "a protobuf message, which Envoy makes of a `Struct` (allowed: JSON in a \
                        `StringValue`)"
                            .to_owned(),
                };
            }
            let (line, column) = (error.line(), error.column());
            let text = error.to_string();
            let position = format!(" at line {line} column {column}");
            ErrorKind::NotJson {
                line,
                column,
                problem: text.strip_suffix(&position).unwrap_or(&text).to_owned(),
            }
        })
    }

    /// Makes a number.
    pub(super) fn whole_or_fraction(value: f64) -> Self {
        if value.abs() <= EXACT && value.trunc() == value {
            Json::Whole(value as i64)
        } else {
            Json::Number(value)
        }
    }

    /// Returns the value of `key` if this is an object that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Json> {
        self.entries()
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// Returns the entries of an object; a value of another type has none.
    pub(super) fn entries(&self) -> &[(String, Json)] {
        match self {
            Json::Object(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the items of a list; a value of another type has none.
    pub(super) fn items(&self) -> &[Json] {
        match self {
            Json::List(items) => items,
            _ => &[],
        }
    }

    /// Returns the text of a string.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the file name if this is `{ "file": "…" }`.
    pub(super) fn file_reference(&self) -> Option<&str> {
        match self.entries() {
            [(key, Json::String(file))] if key == FILE => Some(file),
            _ => None,
        }
    }

    /// Returns the reference to a file that was probably meant, if this is one with a mistake in its key.
    pub(super) fn meant_reference(&self) -> Option<String> {
        match self.entries() {
            [(key, Json::String(file))] => nearest(key, [FILE]).map(|_| file_reference(file)),
            _ => None,
        }
    }
}

/// Returns whether bytes that are not JSON look like a serialized `Struct`: its first field has the tag of a
/// line feed, and others have those of control characters, which JSON has nowhere.
fn is_protobuf(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    bytes.starts_with(b"\n") && bytes.iter().any(is_control)
}

/// The key of a reference to a file.
const FILE: &str = "file";

/// Returns a reference to a file, as people write it in a source.
pub(super) fn file_reference(file: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    match file.bytes().all(is_plain) {
        true => format!("{{ {FILE}: {file} }}"),
        false => format!("{{ {FILE}: {} }}", quoted(file)),
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

/// Up to here every whole number has a floating-point form of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Whole(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(i64::try_from(value).map_or(Json::Number(value as f64), Json::Whole))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::whole_or_fraction(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Json::Object(entries))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Whole(value) => serializer.serialize_i64(*value),
            Json::Number(value) => serializer.serialize_f64(*value),
            Json::String(text) => serializer.serialize_str(text),
            Json::List(items) => serializer.collect_seq(items),
            Json::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl fmt::Display for Json {
    /// Writes the value as JSON on one line, without spaces.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        formatter.write_str(&text)
    }
}

#[cfg(test)]
mod tests;
