//! JSON as it was written: keys in order, and twice where they stand twice.
//!
//! `serde_json::Value` would keep only the last of two equal keys, and so silently drop a setting.

use crate::prelude::*;
use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::Fault;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number, however it was written: `502.0` is `502`, since a protobuf `Struct` knows
    /// only floating-point numbers.
    Whole(i64),
    /// Any other number.
    Number(f64),
    /// A string.
    String(String),
    /// A list.
    List(Vec<Json>),
    /// An object, its keys in order.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a whole document.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        serde_json::from_slice(bytes).map_err(|error| {
            let text = error.to_string();
            Fault::NotJson {
                line: error.line(),
                column: error.column(),
                problem: text
                    .split(" at line ")
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            }
        })
    }

    /// The value of `key`, if this is an object that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Json> {
        self.entries()
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// The entries of an object, else none.
    pub(super) fn entries(&self) -> &[(String, Json)] {
        match self {
            Json::Object(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list, else none.
    pub(super) fn items(&self) -> &[Json] {
        match self {
            Json::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a string.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// The file, if this is `{ "file": "…" }`.
    pub(super) fn file_reference(&self) -> Option<&str> {
        match self.entries() {
            [(key, Json::String(file))] if key == "file" => Some(file),
            _ => None,
        }
    }

    /// The same value for `serde_json`, which writes the reference; of equal keys the last.
    #[cfg(feature = "reference")]
    pub(super) fn to_value(&self) -> serde_json::Value {
        use serde_json::{Number, Value};
        match self {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Whole(value) => Value::Number(Number::from(*value)),
            Json::Number(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
            Json::String(value) => Value::String(value.clone()),
            Json::List(items) => Value::Array(items.iter().map(Json::to_value).collect()),
            Json::Object(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.to_value()))
                    .collect(),
            ),
        }
    }
}

/// The largest whole number up to which every whole number has a floating-point form of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

struct JsonVisitor;

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
        // Up to `EXACT` it fits; the cast cuts off what is behind the point.
        let whole = value as i64;
        Ok(if value.abs() <= EXACT && whole as f64 == value {
            Json::Whole(whole)
        } else {
            Json::Number(value)
        })
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
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

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn keeps_order_and_duplicates() {
        let json = Json::parse(br#"{"b": 1, "a": [], "b": null}"#).unwrap();
        let keys: Vec<_> = json.entries().iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["b", "a", "b"]);
    }

    #[test]
    fn whole_numbers_are_whole_however_written() {
        for (text, expected) in [
            ("502", Json::Whole(502)),
            ("502.0", Json::Whole(502)),
            ("5.02e2", Json::Whole(502)),
            ("-0.0", Json::Whole(0)),
            ("-3", Json::Whole(-3)),
            ("0.5", Json::Number(0.5)),
            ("1e300", Json::Number(1e300)),
            (
                "18446744073709551615",
                Json::Number(18_446_744_073_709_551_615.0),
            ),
        ] {
            assert_eq!(Json::parse(text.as_bytes()), Ok(expected), "{text}");
        }
    }
}
