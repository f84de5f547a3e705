//! The types that an option can have: how each is read from JSON, written back, and described.

mod containers;
mod values;

pub(super) use containers::*;
pub(super) use values::*;

use super::error::ErrorKind;
use super::json::Json;
use super::shape::{Field, Shape};
use super::validator::Validator;
use crate::diagnostics::nearest;

/// The type of an option.
pub(super) trait OptionType {
    /// What a valid value becomes.
    type Value;

    /// Describes what is allowed.
    fn shape(&self) -> Shape;

    /// Describes the options of the object that the option takes, or of the objects in its list or map.
    fn options(&self) -> Vec<Field> {
        Vec::new()
    }

    /// Reads a value. Errors inside of a list or an object go to the validator, and the right parts
    /// are returned, so that later checks see as much as possible.
    fn read(&self, json: &Json, v: &mut Validator) -> Result<Self::Value, Refusal>;

    /// Writes a value as [`OptionType::read`] reads it.
    fn write(&self, value: &Self::Value) -> Json;

    /// Converts the values to another type, and back.
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
    /// Refuses a value for an obvious reason.
    pub(super) fn plain() -> Self {
        Self::because("")
    }

    /// Refuses a value for this reason.
    pub(super) fn because(why: &'static str) -> Self {
        Self::Value {
            why,
            did_you_mean: None,
        }
    }

    /// Refuses a text that is none of these words.
    fn unknown_word(text: &str, words: impl Iterator<Item = &'static str>) -> Self {
        Self::Value {
            why: "",
            did_you_mean: nearest(text, words),
        }
    }
}
