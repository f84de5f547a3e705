//! Options with parts: objects, lists, maps, and one type or another.

use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;

use super::{Null, OptionType, Refusal};
use crate::config::json::Json;
use crate::config::limits;
use crate::config::section::Section;
use crate::config::shape::{Field, Shape};
use crate::config::strings::TextRule;
use crate::config::validator::Validator;

/// An object with options.
#[derive(Debug)]
pub(in crate::config) struct Object<T>(PhantomData<T>);

impl<T: Section> OptionType for Object<T> {
    type Value = T;

    fn shape(&self) -> Shape {
        Shape::Object
    }

    fn options(&self) -> Vec<Field> {
        T::fields()
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
pub(in crate::config) struct List<K> {
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

    fn options(&self) -> Vec<Field> {
        self.of.options()
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
pub(in crate::config) struct Map<K> {
    keys: &'static TextRule,
    of: K,
    max: usize,
    is_bundled: bool,
}

impl<K> Map<K> {
    /// Lets `tidegate bundle` fill the whole object from a file.
    pub(in crate::config) fn bundled(mut self) -> Self {
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

    fn options(&self) -> Vec<Field> {
        self.of.options()
    }

    /// Reads the entries. An entry that is wrong gets the default value, so that a reference to its key
    /// is no further error.
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
pub(in crate::config) enum Either<A, B> {
    /// A value of the first.
    First(A),
    /// A value of the second.
    Second(B),
}

/// One option type or another; the type of the JSON value tells which.
#[derive(Debug)]
pub(in crate::config) struct EitherOf<A, B> {
    first: A,
    second: B,
}

impl<A: OptionType, B: OptionType> OptionType for EitherOf<A, B> {
    type Value = Either<A::Value, B::Value>;

    fn shape(&self) -> Shape {
        Shape::Either(Box::new(self.first.shape()), Box::new(self.second.shape()))
    }

    fn options(&self) -> Vec<Field> {
        // At most one of both has options.
        let mut options = self.first.options();
        options.extend(self.second.options());
        options
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
pub(in crate::config) struct Mapped<K: OptionType, T> {
    pub(super) of: K,
    pub(super) read: fn(K::Value) -> T,
    pub(super) write: fn(&T) -> K::Value,
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

    fn options(&self) -> Vec<Field> {
        self.of.options()
    }

    fn read(&self, json: &Json, v: &mut Validator) -> Result<T, Refusal> {
        self.of.read(json, v).map(self.read)
    }

    fn write(&self, value: &T) -> Json {
        self.of.write(&(self.write)(value))
    }
}

/// Makes the type of an object with options.
pub(in crate::config) fn object<T: Section>() -> Object<T> {
    Object(PhantomData)
}

/// Makes the type of a list of at most [`limits::LIST`] items.
pub(in crate::config) fn list<K: OptionType>(of: K) -> List<K> {
    list_of(of, 0..=limits::LIST)
}

/// Makes the type of a list with a number of items in this range.
pub(in crate::config) fn list_of<K: OptionType>(of: K, count: RangeInclusive<usize>) -> List<K> {
    let (min, max) = count.into_inner();
    List { of, min, max }
}

/// Makes the type of an object with at most `max` keys of the operator's choice.
pub(in crate::config) fn map<K: OptionType>(keys: &'static TextRule, of: K, max: usize) -> Map<K> {
    Map {
        keys,
        of,
        max,
        is_bundled: false,
    }
}

/// Makes a type of one option type or another.
pub(in crate::config) fn either<A: OptionType, B: OptionType>(
    first: A,
    second: B,
) -> EitherOf<A, B> {
    EitherOf { first, second }
}

/// Makes the type of `null` or something else.
pub(in crate::config) fn nullable<K>(of: K) -> Mapped<EitherOf<Null, K>, Option<K::Value>>
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
