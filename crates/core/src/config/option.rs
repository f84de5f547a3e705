//! The types that an option can have: how each is read from JSON, written back, and described.

use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::color::Color;
use super::error::{quoted, ErrorKind};
use super::json::Json;
use super::nearest::nearest;
use super::section::Section;
use super::shape::{Shape, Word};
use super::strings::TextRule;
use super::validator::Validator;
use super::{limits, notation};
use crate::reason::Reason;

/// The type of an option.
pub(super) trait OptionType {
    /// What a valid value becomes.
    type Value;

    /// Describes what is allowed.
    fn shape(&self) -> Shape;

    /// Reads a value. Errors inside of a list or an object are added to the validator; what is right
    /// is returned all the same, so that further checks see as much as possible.
    fn read(&self, json: &Json, v: &mut Validator) -> Result<Self::Value, Refusal>;

    /// Writes a value as [`OptionType::read`] reads it.
    fn write(&self, value: &Self::Value) -> Json;

    /// Turns the values into another type.
    fn map<T>(self, read: fn(Self::Value) -> T, write: fn(&T) -> Self::Value) -> Mapped<Self, T>
    where
        Self: Sized,
    {
        Mapped {
            of: self,
            read,
            write,
        }
    }
}

/// Why a value is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is not what is allowed.
    Value {
        /// What is wrong with it, where that is not obvious; else empty.
        why: &'static str,
        /// What was probably meant.
        did_you_mean: Option<String>,
    },
    /// Another error.
    Other(ErrorKind),
}

impl Refusal {
    /// It is not what is allowed, for an obvious reason.
    pub(super) fn plain() -> Self {
        Self::because("")
    }

    /// It is not what is allowed, for this reason.
    pub(super) fn because(why: &'static str) -> Self {
        Self::Value {
            why,
            did_you_mean: None,
        }
    }

    /// It is none of these words.
    fn unknown_word(text: &str, words: impl Iterator<Item = &'static str>) -> Self {
        Self::Value {
            why: "",
            did_you_mean: nearest(text, words),
        }
    }
}

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
        pub(super) struct $name { $($field: $of),* }

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
        let reason = Reason::ALL.iter().find(|reason| reason.as_str() == text);
        let names = || Reason::ALL.iter().map(|reason| reason.as_str());
        reason.copied().ok_or_else(|| Refusal::unknown_word(text, names()))
    },
    write |value| Json::String(value.as_str().to_owned()),
}

option_type! {
    /// A colour with enough contrast to a page: the dark one or the light one.
    PageColor { dark: bool } -> Color,
    shape |self| Shape::Color,
    read |json| {
        let text = text_of(json)?;
        let color = Color::parse(text).ok_or_else(Refusal::plain)?;
        let (page, background) = match self.dark {
            true => ("dark", Color::DARK_PAGE),
            false => ("light", Color::LIGHT_PAGE),
        };
        let hundredths = color.contrast_hundredths(background);
        match hundredths >= limits::CONTRAST_HUNDREDTHS {
            true => Ok(color),
            false => Err(Refusal::Other(ErrorKind::Contrast {
                found: quoted(text),
                hundredths,
                page,
                background: background.to_hex(),
            })),
        }
    },
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
pub(super) struct Any {}

impl OptionType for Any {
    type Value = Json;

    fn shape(&self) -> Shape {
        Shape::Any
    }

    /// JSON without a meaning for the filter may not have a key twice either.
    fn read(&self, json: &Json, v: &mut Validator) -> Result<Json, Refusal> {
        refuse_repeated_keys(json, v);
        Ok(json.clone())
    }

    fn write(&self, value: &Json) -> Json {
        value.clone()
    }
}

/// An enumeration of words; [`words!`](super::section::words) implements it.
pub(super) trait Words: Copy + PartialEq + 'static {
    /// The variants with their words.
    const ALL: &'static [(Self, Word)];
}

/// One of some words.
#[derive(Debug)]
pub(super) struct OneOf<T>(PhantomData<T>);

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

/// An object with options.
#[derive(Debug)]
pub(super) struct Object<T>(PhantomData<T>);

impl<T: Section> OptionType for Object<T> {
    type Value = T;

    fn shape(&self) -> Shape {
        Shape::Object(T::fields())
    }

    fn read(&self, json: &Json, v: &mut Validator) -> Result<T, Refusal> {
        let mut section = T::default();
        v.section(&mut section, json);
        Ok(section)
    }

    fn write(&self, value: &T) -> Json {
        Json::Object(value.write())
    }
}

/// A list.
#[derive(Debug)]
pub(super) struct List<K> {
    of: K,
    min: usize,
    max: usize,
}

impl<K: OptionType> OptionType for List<K> {
    type Value = Vec<K::Value>;

    fn shape(&self) -> Shape {
        Shape::List {
            of: Box::new(self.of.shape()),
            min: self.min,
            max: self.max,
        }
    }

    fn read(&self, json: &Json, v: &mut Validator) -> Result<Self::Value, Refusal> {
        let Json::List(items) = json else {
            return Err(Refusal::plain());
        };
        v.check_count(items.len(), self.min, self.max);
        let mut values = Vec::new();
        for (index, item) in items.iter().enumerate().take(self.max) {
            values.extend(v.item(index, |v| v.read(&self.of, item)));
        }
        Ok(values)
    }

    fn write(&self, value: &Self::Value) -> Json {
        Json::List(value.iter().map(|item| self.of.write(item)).collect())
    }
}

/// An object with keys of the operator's choice.
#[derive(Debug)]
pub(super) struct Map<K> {
    keys: &'static TextRule,
    of: K,
    max: usize,
    is_bundled: bool,
}

impl<K> Map<K> {
    /// Lets `tidegate bundle` fill the whole object from a file.
    pub(super) fn bundled(mut self) -> Self {
        self.is_bundled = true;
        self
    }
}

impl<K> OptionType for Map<K>
where
    K: OptionType,
    K::Value: Default,
{
    type Value = Vec<(String, K::Value)>;

    fn shape(&self) -> Shape {
        Shape::Map {
            keys: self.keys,
            of: Box::new(self.of.shape()),
            max: self.max,
        }
    }

    /// An entry that is wrong has the default value: what refers to its key is not wrong as well.
    fn read(&self, json: &Json, v: &mut Validator) -> Result<Self::Value, Refusal> {
        let Json::Object(entries) = json else {
            return Err(Refusal::plain());
        };
        if let (true, Some(file)) = (self.is_bundled, json.file_reference()) {
            v.refuse_file(file);
            return Ok(Vec::new());
        }
        v.check_count(entries.len(), 0, self.max);
        let mut values = Vec::new();
        let entries = entries.get(..self.max).unwrap_or(entries);
        v.entries(entries, |v, key, json| {
            let value = match self.keys.check(key) {
                Ok(()) => v.read(&self.of, json),
                Err(refusal) => {
                    v.refuse(self.keys.refused_key(key, refusal));
                    None
                }
            };
            values.push((key.to_owned(), value.unwrap_or_default()));
        });
        Ok(values)
    }

    fn write(&self, value: &Self::Value) -> Json {
        let entries = value.iter();
        Json::Object(
            entries
                .map(|(key, value)| (key.clone(), self.of.write(value)))
                .collect(),
        )
    }
}

/// A value of one of two option types.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Either<A, B> {
    /// Of the first.
    First(A),
    /// Of the second.
    Second(B),
}

/// One option type or another; the type of the JSON value tells which.
#[derive(Debug)]
pub(super) struct EitherOf<A, B> {
    first: A,
    second: B,
}

impl<A: OptionType, B: OptionType> OptionType for EitherOf<A, B> {
    type Value = Either<A::Value, B::Value>;

    fn shape(&self) -> Shape {
        Shape::Either(Box::new(self.first.shape()), Box::new(self.second.shape()))
    }

    fn read(&self, json: &Json, v: &mut Validator) -> Result<Self::Value, Refusal> {
        match self.second.shape().takes(json) {
            true => self.second.read(json, v).map(Either::Second),
            false => self.first.read(json, v).map(Either::First),
        }
    }

    fn write(&self, value: &Self::Value) -> Json {
        match value {
            Either::First(value) => self.first.write(value),
            Either::Second(value) => self.second.write(value),
        }
    }
}

/// An option type whose values are turned into another type.
pub(super) struct Mapped<K: OptionType, T> {
    of: K,
    read: fn(K::Value) -> T,
    write: fn(&T) -> K::Value,
}

impl<K: OptionType + fmt::Debug, T> fmt::Debug for Mapped<K, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of.fmt(formatter)
    }
}

impl<K: OptionType, T> OptionType for Mapped<K, T> {
    type Value = T;

    fn shape(&self) -> Shape {
        self.of.shape()
    }

    fn read(&self, json: &Json, v: &mut Validator) -> Result<T, Refusal> {
        self.of.read(json, v).map(self.read)
    }

    fn write(&self, value: &T) -> Json {
        self.of.write(&(self.write)(value))
    }
}

/// `true` or `false`.
pub(super) fn flag() -> Bool {
    Bool {}
}

/// A whole number.
pub(super) fn whole(range: RangeInclusive<u32>) -> Whole {
    let (min, max) = range.into_inner();
    Whole { min, max }
}

/// A number above 0, up to `max`.
pub(super) fn number_to(max: f64) -> Number {
    Number { zero: false, max }
}

/// A share: above 0, up to 1.
pub(super) fn share() -> Number {
    number_to(1.0)
}

/// A share that can be 0.
pub(super) fn share_or_zero() -> Number {
    Number {
        zero: true,
        max: 1.0,
    }
}

/// A duration.
pub(super) fn duration(range: RangeInclusive<Duration>) -> Time {
    let (min, max) = range.into_inner();
    Time { min, max }
}

/// A status, or a range of them.
pub(super) fn status() -> Status {
    Status {}
}

/// A reason of a failure.
pub(super) fn reason() -> ReasonName {
    ReasonName {}
}

/// A colour with enough contrast to the light page.
pub(super) fn color() -> PageColor {
    PageColor { dark: false }
}

/// A colour with enough contrast to the dark page.
pub(super) fn color_dark() -> PageColor {
    PageColor { dark: true }
}

/// A text.
pub(super) fn text(rule: &'static TextRule) -> Text {
    Text { rule }
}

/// Any JSON.
pub(super) fn any() -> Any {
    Any {}
}

/// One word of an enumeration.
pub(super) fn one_of<T: Words>() -> OneOf<T> {
    OneOf(PhantomData)
}

/// An object with options.
pub(super) fn object<T: Section>() -> Object<T> {
    Object(PhantomData)
}

/// A list of at most [`limits::LIST`] items.
pub(super) fn list<K: OptionType>(of: K) -> List<K> {
    list_of(of, 0..=limits::LIST)
}

/// A list with a number of items in this range.
pub(super) fn list_of<K: OptionType>(of: K, count: RangeInclusive<usize>) -> List<K> {
    let (min, max) = count.into_inner();
    List { of, min, max }
}

/// An object with at most `max` keys of the operator's choice.
pub(super) fn map<K: OptionType>(keys: &'static TextRule, of: K, max: usize) -> Map<K> {
    Map {
        keys,
        of,
        max,
        is_bundled: false,
    }
}

/// One option type or another.
pub(super) fn either<A: OptionType, B: OptionType>(first: A, second: B) -> EitherOf<A, B> {
    EitherOf { first, second }
}

/// `null` or something else.
pub(super) fn nullable<K>(of: K) -> Mapped<EitherOf<Null, K>, Option<K::Value>>
where
    K: OptionType,
    K::Value: Clone,
{
    either(Null {}, of).map(
        |value| match value {
            Either::First(()) => None,
            Either::Second(value) => Some(value),
        },
        |value| match value {
            None => Either::First(()),
            Some(value) => Either::Second(value.clone()),
        },
    )
}
