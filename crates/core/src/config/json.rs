//! JSON as it was written: keys in order, and twice where they stand twice.
//!
//! `serde_json::Value` would keep only the last of two equal keys, and so silently drop a setting.

mod parse;

use super::error::Fault;
use crate::prelude::*;

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
    ///
    /// # Errors
    ///
    /// [`Fault::NotJson`], with the place of the mistake.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        parse::parse(bytes)
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
