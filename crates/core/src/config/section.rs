//! Objects of options: one definition of each option, from which everything else is derived.
//!
//! [`options!`] takes a struct whose fields are the options. A field defines the key of its option, its
//! type, range and default, and its description (the doc comment). Reading, writing, the reference
//! page and the JSON Schema follow from that.

mod macros;

use std::marker::PhantomData;

use super::error::ErrorKind;
use super::json::Json;
use super::option::OptionType;
use super::shape::{Absent, Field, Shape};
use super::validator::Validator;
pub(crate) use macros::key;
pub(super) use macros::{option_key, options, words};

/// An object of options, made by [`options!`]. Its default applies when nothing is given.
pub(super) trait Section: Default {
    /// Describes the options, for the reference and the JSON Schema. The filter must not need it: descriptions
    /// would be part of the module.
    fn fields() -> Vec<Field>;

    /// Adds the keys of the options.
    fn push_keys(keys: &mut Vec<&'static str>);

    /// Reads the option with this key, or refuses it if it was removed. Returns whether there is, or
    /// was, such an option.
    fn read_option(&mut self, key: &str, json: &Json, v: &mut Validator) -> bool;

    /// Refuses an object that lacks a required option.
    fn check_required(json: &Json, v: &mut Validator);

    /// Writes the options that have a value.
    fn write(&self) -> Vec<(String, Json)>;
}

/// A field of a [`Section`]: an option, or several.
pub(super) trait Entry {
    /// The type of the field.
    type Value;

    /// Whether the field is read from one option only: the one with its key.
    const HAS_ONE_KEY: bool = true;

    /// Describes the options.
    fn fields(&self, key: &'static str, doc: String) -> Vec<Field>;

    /// Adds the keys of the options.
    fn push_keys(key: &'static str, keys: &mut Vec<&'static str>) {
        keys.push(key);
    }

    /// Returns the value when nothing is given.
    fn initial(self) -> Self::Value;

    /// Reads the option `found` into the field, if the field has it. Returns whether it has.
    fn read(
        &self,
        value: &mut Self::Value,
        key: &str,
        found: &str,
        json: &Json,
        v: &mut Validator,
    ) -> bool;

    /// Refuses an object that lacks the option, if it is required.
    fn check_required(&self, _key: &str, _json: &Json, _v: &mut Validator) {}

    /// Writes the options that have a value.
    fn write(&self, value: &Self::Value, key: &str) -> Vec<(String, Json)>;
}

/// What applies when an option is not given.
enum Fallback {
    /// Its initial value, which is a valid value.
    Default,
    /// No value at all; the initial value stands for that.
    Unset,
    /// The option must be given.
    Required,
    /// The option of the same name at the top level.
    TopLevel,
}

/// One option.
pub(super) struct Single<K: OptionType> {
    of: K,
    initial: K::Value,
    fallback: Fallback,
}

impl<K: OptionType> Entry for Single<K>
where
    K::Value: PartialEq,
{
    type Value = K::Value;

    fn fields(&self, key: &'static str, doc: String) -> Vec<Field> {
        let absent = match self.fallback {
            Fallback::Default => Absent::Default(self.of.write(&self.initial)),
            Fallback::Unset => Absent::None,
            Fallback::Required => Absent::Required,
            Fallback::TopLevel => Absent::TopLevel,
        };
        vec![Field {
            key,
            shape: self.of.shape(),
            options: self.of.options(),
            absent,
            doc,
        }]
    }

    fn initial(self) -> K::Value {
        self.initial
    }

    fn read(
        &self,
        value: &mut K::Value,
        key: &str,
        found: &str,
        json: &Json,
        v: &mut Validator,
    ) -> bool {
        if key != found {
            return false;
        }
        let read = v.read(&self.of, json);
        v.record(read.is_some());
        if let Some(read) = read {
            *value = read;
        }
        true
    }

    fn check_required(&self, key: &str, json: &Json, v: &mut Validator) {
        if matches!(self.fallback, Fallback::Required) && json.get(key).is_none() {
            let allowed = self.of.shape().allowed();
            v.refuse_key(key, ErrorKind::Missing { allowed });
        }
    }

    fn write(&self, value: &K::Value, key: &str) -> Vec<(String, Json)> {
        let is_unset = matches!(self.fallback, Fallback::Unset) && *value == self.initial;
        match is_unset {
            true => Vec::new(),
            false => vec![(key.to_owned(), self.of.write(value))],
        }
    }
}

/// One option that may be absent.
pub(super) struct Optional<K>(K);

impl<K: OptionType> Entry for Optional<K> {
    type Value = Option<K::Value>;

    fn fields(&self, key: &'static str, doc: String) -> Vec<Field> {
        vec![Field {
            key,
            shape: self.0.shape(),
            options: self.0.options(),
            absent: Absent::None,
            doc,
        }]
    }

    fn initial(self) -> Self::Value {
        None
    }

    fn read(
        &self,
        value: &mut Self::Value,
        key: &str,
        found: &str,
        json: &Json,
        v: &mut Validator,
    ) -> bool {
        if key != found {
            return false;
        }
        let read = v.read(&self.0, json);
        v.record(read.is_some());
        *value = read.or(value.take());
        true
    }

    fn write(&self, value: &Self::Value, key: &str) -> Vec<(String, Json)> {
        let written = value.iter().map(|value| self.0.write(value));
        written.map(|json| (key.to_owned(), json)).collect()
    }
}

/// An object of options inside of another one.
pub(super) struct Nested<T>(PhantomData<T>);

impl<T: Section> Entry for Nested<T> {
    type Value = T;

    fn fields(&self, key: &'static str, doc: String) -> Vec<Field> {
        vec![Field {
            key,
            shape: Shape::Object,
            options: T::fields(),
            absent: Absent::Parts,
            doc,
        }]
    }

    fn initial(self) -> T {
        T::default()
    }

    fn read(&self, value: &mut T, key: &str, found: &str, json: &Json, v: &mut Validator) -> bool {
        if key != found {
            return false;
        }
        v.section(value, json);
        true
    }

    fn write(&self, value: &T, key: &str) -> Vec<(String, Json)> {
        vec![(key.to_owned(), Json::Object(value.write()))]
    }
}

/// Options of another section that stand beside those of this one.
pub(super) struct Flattened<T> {
    section: PhantomData<T>,
    /// What the documentation says about a key that overrides one of the top level; `None`: it
    /// overrides none.
    overrides: Option<Overrides>,
}

/// What the options of a rule override.
#[derive(Debug, Clone, Copy)]
enum Overrides {
    /// Single keys of the objects of the same name at the top level.
    Sections,
    /// The options of this object of the top level.
    OptionsOf(&'static str),
}

impl Overrides {
    fn apply(self, field: &mut Field) {
        let key = field.key;
        (field.absent, field.doc) = match self {
            Self::Sections => (
                Absent::TopLevel,
                format!("Overrides single keys of `{key}` of the top level."),
            ),
            Self::OptionsOf(section) => (
                Absent::OptionOf(section),
                format!("Overrides `{section}.{key}`."),
            ),
        };
    }
}

impl<T: Section> Entry for Flattened<T> {
    type Value = T;

    const HAS_ONE_KEY: bool = false;

    fn fields(&self, _: &'static str, _: String) -> Vec<Field> {
        let mut fields = T::fields();
        if let Some(overrides) = self.overrides {
            fields.iter_mut().for_each(|field| overrides.apply(field));
        }
        fields
    }

    fn push_keys(_: &'static str, keys: &mut Vec<&'static str>) {
        T::push_keys(keys);
    }

    fn initial(self) -> T {
        T::default()
    }

    fn read(&self, value: &mut T, _: &str, found: &str, json: &Json, v: &mut Validator) -> bool {
        value.read_option(found, json, v)
    }

    fn check_required(&self, _: &str, json: &Json, v: &mut Validator) {
        T::check_required(json, v);
    }

    fn write(&self, value: &T, _: &str) -> Vec<(String, Json)> {
        value.write()
    }
}

/// What follows an option type in the definition of an option.
pub(super) trait OptionTypeExt: OptionType + Sized {
    /// Makes an option with a default.
    fn default(self, initial: Self::Value) -> Single<Self> {
        Single {
            of: self,
            initial,
            fallback: Fallback::Default,
        }
    }

    /// Makes an option that may be absent.
    fn optional(self) -> Optional<Self> {
        Optional(self)
    }

    /// Makes an option that may be absent; an empty value stands for that.
    fn or_empty(self) -> Single<Self>
    where
        Self::Value: Default,
    {
        Single {
            of: self,
            initial: Default::default(),
            fallback: Fallback::Unset,
        }
    }

    /// Makes an option that must be given.
    fn required(self) -> Single<Self>
    where
        Self::Value: Default,
    {
        Single {
            of: self,
            initial: Default::default(),
            fallback: Fallback::Required,
        }
    }

    /// Makes an option of a route rule that overrides the one at the top level.
    fn inherited(self, initial: Self::Value) -> Single<Self> {
        Single {
            of: self,
            initial,
            fallback: Fallback::TopLevel,
        }
    }
}

impl<K: OptionType> OptionTypeExt for K {}

/// Makes an object of options inside of another one.
pub(super) fn section<T: Section>() -> Nested<T> {
    Nested(PhantomData)
}

/// Makes options of another section that stand beside those of this one.
pub(super) fn flattened<T: Section>() -> Flattened<T> {
    Flattened {
        section: PhantomData,
        overrides: None,
    }
}

/// Makes options of a route rule, each an object, that override single keys of the top level.
pub(super) fn overrides<T: Section>() -> Flattened<T> {
    Flattened {
        section: PhantomData,
        overrides: Some(Overrides::Sections),
    }
}

/// Makes options of a rule that override those of an object of the top level.
pub(super) fn overrides_of<T: Section>(section: &'static str) -> Flattened<T> {
    Flattened {
        section: PhantomData,
        overrides: Some(Overrides::OptionsOf(section)),
    }
}

/// Refuses a key that is one of the `removed` ones: pairs of a key and what to use instead. Returns
/// whether it is.
pub(super) fn refuse_removed(
    removed: &[(&'static str, &'static str)],
    found: &str,
    v: &mut Validator,
) -> bool {
    let Some((_, instead)) = removed.iter().find(|(key, _)| *key == found) else {
        return false;
    };
    v.refuse(ErrorKind::RemovedKey { instead });
    true
}

/// Ties the definition of an option to the type of its field.
pub(super) fn entry<T, E: Entry<Value = T>>(entry: E) -> E {
    entry
}

/// Reads the option `found` into the field with this key, if the field has it. Returns whether it has.
pub(super) fn read_entry<T, E: Entry<Value = T>>(
    make: impl FnOnce() -> E,
    value: &mut T,
    key: &str,
    found: &str,
    json: &Json,
    v: &mut Validator,
) -> bool {
    // To make an entry takes long, and a document may have a hundred thousand keys that no entry has.
    if E::HAS_ONE_KEY && key != found {
        return false;
    }
    make().read(value, key, found, json, v)
}

/// Adds the keys of an entry, without making it.
pub(super) fn push_keys_of<T, E: Entry<Value = T>>(
    _make: impl FnOnce() -> E,
    key: &'static str,
    keys: &mut Vec<&'static str>,
) {
    E::push_keys(key, keys);
}

/// Returns the text of doc comments, as the documentation shows it.
pub(super) fn doc(lines: &str) -> String {
    lines.trim().to_owned()
}
