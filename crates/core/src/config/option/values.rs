//! Options without parts: flags, numbers, durations, statuses, colours, texts, words.

use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{OptionType, Refusal};
use crate::config::color::Color;
use crate::config::json::Json;
use crate::config::notation;
use crate::config::shape::{Shape, Word};
use crate::config::strings::TextRule;
use crate::config::validator::Validator;
use crate::failure::Reason;

/// Returns the text of a string; another value is refused.
fn text_of(json: &Json) -> Result<&str, Refusal> {
    json.text().ok_or_else(Refusal::plain)
}

/// An option type that is described by a shape and three functions.
macro_rules! option_type {
    (
        $(#[doc = $doc:literal])+
        $name:ident { $($field:ident: $of:ty),* } -> $value:ty,
        shape |$self:ident| $shape:expr,
        read |$json:ident| $read:expr,
        write |$out:ident| $write:expr $(,)?
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy)]
        pub(in crate::config) struct $name { $($field: $of),* }

        impl OptionType for $name {
            type Value = $value;

            fn shape(&$self) -> Shape {
                $shape
            }

            fn read(&$self, $json: &Json, _: &mut Validator) -> Result<$value, Refusal> {
                $read
            }

            fn write(&self, $out: &$value) -> Json {
                $write
            }
        }
    };
}

option_type! {
    /// `null`.
    Null {} -> (),
    shape |self| Shape::Null,
    read |json| match json {
        Json::Null => Ok(()),
        _ => Err(Refusal::plain()),
    },
    write |_out| Json::Null,
}

option_type! {
    /// `true` or `false`.
    Bool {} -> bool,
    shape |self| Shape::Bool,
    read |json| match json {
        Json::Bool(value) => Ok(*value),
        _ => Err(Refusal::plain()),
    },
    write |value| Json::Bool(*value),
}

option_type! {
    /// A whole number.
    Whole { min: u32, max: u32 } -> u32,
    shape |self| Shape::Whole { min: self.min.into(), max: self.max.into() },
    read |json| match json {
        Json::Whole(value) => u32::try_from(*value)
            .ok()
            .filter(|value| (self.min..=self.max).contains(value))
            .ok_or_else(Refusal::plain),
        _ => Err(Refusal::plain()),
    },
    write |value| Json::Whole((*value).into()),
}

option_type! {
    /// A number.
    Number { zero: bool, max: f64 } -> f64,
    shape |self| Shape::Number { zero: self.zero, max: self.max },
    read |json| {
        let value = match json {
            Json::Whole(value) => *value as f64,
            Json::Number(value) => *value,
            _ => return Err(Refusal::plain()),
        };
        match value <= self.max && (value > 0.0 || (self.zero && value == 0.0)) {
            true => Ok(value),
            false => Err(Refusal::plain()),
        }
    },
    write |value| Json::whole_or_fraction(*value),
}

option_type! {
    /// A duration.
    Time { min: Duration, max: Duration } -> Duration,
    shape |self| Shape::Duration { min: self.min, max: self.max },
    read |json| notation::duration(text_of(json)?)
        .filter(|time| (self.min..=self.max).contains(time))
        .ok_or_else(Refusal::plain),
    write |value| Json::String(notation::duration_text(*value)),
}

option_type! {
    /// A status, or a range of them: the first and the last one.
    Status {} -> (u16, u16),
    shape |self| Shape::Status,
    read |json| match json {
        Json::Whole(number) => notation::status_number(*number).map(|status| (status, status)),
        Json::String(text) => notation::status_range(text),
        _ => None,
    }
    .ok_or_else(Refusal::plain),
    write |value| match value {
        (low, high) if low == high => Json::Whole((*low).into()),
        (low, high) => Json::String(format!("{low}-{high}")),
    },
}

option_type! {
    /// A reason of a failure.
    ReasonName {} -> Reason,
    shape |self| Shape::Reason,
    read |json| {
        let text = text_of(json)?;
        let names = || Reason::ALL.iter().map(|reason| reason.as_str());
        Reason::from_token(text).ok_or_else(|| Refusal::unknown_word(text, names()))
    },
    write |value| Json::String(value.as_str().to_owned()),
}

option_type! {
    /// A colour.
    AnyColor {} -> Color,
    shape |self| Shape::Color,
    read |json| Color::parse(text_of(json)?).ok_or_else(Refusal::plain),
    write |value| Json::String(value.to_hex()),
}

option_type! {
    /// A text.
    Text { rule: &'static TextRule } -> String,
    shape |self| Shape::Text(self.rule),
    read |json| {
        let text = text_of(json)?;
        self.rule.check(text).map(|()| text.to_owned())
    },
    write |value| Json::String(value.clone()),
}

fn refuse_repeated_keys(json: &Json, v: &mut Validator) {
    v.entries(json.entries(), |v, _, value| refuse_repeated_keys(value, v));
    for (index, item) in json.items().iter().enumerate() {
        v.item(index, |v| refuse_repeated_keys(item, v));
    }
}

/// Any JSON.
#[derive(Debug)]
pub(in crate::config) struct Any {}

impl OptionType for Any {
    type Value = Json;

    fn shape(&self) -> Shape {
        Shape::Any
    }

    /// Reads any JSON. Refuses repeated keys even where the filter gives them no meaning.
    fn read(&self, json: &Json, v: &mut Validator) -> Result<Json, Refusal> {
        refuse_repeated_keys(json, v);
        Ok(json.clone())
    }

    fn write(&self, value: &Json) -> Json {
        value.clone()
    }
}

/// An enumeration of words; [`words!`](crate::config::section::words) implements it.
pub(in crate::config) trait Words: Copy + PartialEq + 'static {
    /// The variants with their words.
    const ALL: &'static [(Self, Word)];
}

/// One of some words.
#[derive(Debug)]
pub(in crate::config) struct OneOf<T>(PhantomData<T>);

impl<T: Words> OptionType for OneOf<T> {
    type Value = T;

    fn shape(&self) -> Shape {
        Shape::Words(T::ALL.iter().map(|(_, word)| *word).collect())
    }

    fn read(&self, json: &Json, _: &mut Validator) -> Result<T, Refusal> {
        let text = text_of(json)?;
        let found = T::ALL.iter().find(|(_, word)| word.name == text);
        found
            .map(|(value, _)| *value)
            .ok_or_else(|| Refusal::unknown_word(text, T::ALL.iter().map(|(_, word)| word.name)))
    }

    fn write(&self, value: &T) -> Json {
        let word = T::ALL.iter().find(|(other, _)| other == value);
        Json::String(word.map_or("", |(_, word)| word.name).to_owned())
    }
}

/// Makes the type of `true` or `false`.
pub(in crate::config) fn flag() -> Bool {
    Bool {}
}

/// Makes the type of a whole number.
pub(in crate::config) fn whole(range: RangeInclusive<u32>) -> Whole {
    let (min, max) = range.into_inner();
    Whole { min, max }
}

/// Makes the type of a number above 0, up to `max`.
pub(in crate::config) fn number_to(max: f64) -> Number {
    Number { zero: false, max }
}

/// Makes the type of a share: above 0, up to 1.
pub(in crate::config) fn share() -> Number {
    number_to(1.0)
}

/// Makes the type of a share that can be 0.
pub(in crate::config) fn share_or_zero() -> Number {
    Number {
        zero: true,
        max: 1.0,
    }
}

/// Makes the type of a duration.
pub(in crate::config) fn duration(range: RangeInclusive<Duration>) -> Time {
    let (min, max) = range.into_inner();
    Time { min, max }
}

/// Makes the type of a status, or a range of them.
pub(in crate::config) fn status() -> Status {
    Status {}
}

/// Makes the type of a reason of a failure.
pub(in crate::config) fn reason() -> ReasonName {
    ReasonName {}
}

/// Makes the type of a colour.
pub(in crate::config) fn color() -> AnyColor {
    AnyColor {}
}

/// Makes the type of a text.
pub(in crate::config) fn text(rule: &'static TextRule) -> Text {
    Text { rule }
}

/// Makes the type of any JSON.
pub(in crate::config) fn any() -> Any {
    Any {}
}

/// Makes the type of one word of an enumeration.
pub(in crate::config) fn one_of<T: Words>() -> OneOf<T> {
    OneOf(PhantomData)
}
