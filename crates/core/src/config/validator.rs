//! Walks a document and collects everything that is wrong with it.

use std::collections::{HashMap, HashSet};

use super::error::{found, ConfigErrors, ErrorKind};
use super::json::Json;
use super::option::{OptionType, Refusal};
use super::section::{key, Section};
use super::shape::Shape;
use super::yaml::YamlReading;
use crate::diagnostics::{nearest, quoted};

/// Collects errors, each with the key path at which the validator stands.
#[derive(Debug)]
pub(crate) struct Validator {
    at: String,
    errors: ConfigErrors,
    /// The options that the document gives, by key path, and whether their value was accepted.
    given: HashMap<String, bool>,
}

impl Validator {
    /// Creates a validator that stands at the whole document.
    pub(super) fn new() -> Self {
        Self {
            at: String::new(),
            errors: ConfigErrors::none(),
            given: HashMap::new(),
        }
    }

    /// Returns the errors, if there are any.
    pub(super) fn into_result(self) -> Result<(), ConfigErrors> {
        match self.errors.total() {
            0 => Ok(()),
            _ => Err(self.errors),
        }
    }

    /// Returns the number of errors so far.
    pub(crate) fn total(&self) -> usize {
        self.errors.total()
    }

    /// Adds an error here.
    pub(crate) fn refuse(&mut self, kind: ErrorKind) {
        self.refuse_by(|| kind);
    }

    /// Adds an error here. `kind` takes long, and is only called if the error is reported.
    fn refuse_by(&mut self, kind: impl FnOnce() -> ErrorKind) {
        self.errors.push(&self.at, kind);
    }

    /// Adds an error at a key of this object.
    pub(crate) fn refuse_key(&mut self, key: &str, kind: ErrorKind) {
        self.key(key, |v| v.refuse(kind));
    }

    /// Does some work at a key of this object.
    pub(crate) fn key<T>(&mut self, key: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.at.len();
        push_key(&mut self.at, key);
        let result = work(self);
        self.at.truncate(before);
        result
    }

    /// Does some work at an item of this list.
    pub(crate) fn item<T>(&mut self, index: usize, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.at.len();
        self.at.push_str(&format!("[{index}]"));
        let result = work(self);
        self.at.truncate(before);
        result
    }

    /// Remembers that the document gives the option at which the validator stands.
    pub(super) fn record(&mut self, is_accepted: bool) {
        self.given.insert(self.at.clone(), is_accepted);
    }

    /// Returns whether the document gives an option of this object.
    pub(crate) fn is_given(&mut self, key: &str) -> bool {
        self.key(key, |v| v.given.contains_key(&v.at))
    }

    /// Returns whether the value that applies to an option of this object was refused: the one given
    /// here, or else the one of the top level.
    pub(crate) fn is_refused(&mut self, key: &str) -> bool {
        self.key(key, |v| {
            let rule = v.at.strip_prefix(key!(Config.routes));
            let inherited = rule.and_then(|rule| rule.split_once("]."));
            let inherited = inherited.and_then(|(_, at)| v.given.get(at));
            v.given.get(&v.at).or(inherited) == Some(&false)
        })
    }

    /// Returns whether there is an error at a key of this object, or within its value.
    pub(crate) fn has_error_within(&mut self, key: &str) -> bool {
        self.key(key, |v| {
            v.errors.iter().any(|error| {
                let inside = error.at().strip_prefix(&v.at);
                inside.is_some_and(|inside| inside.is_empty() || inside.starts_with(['.', '[']))
            })
        })
    }

    /// Reads a value. If it is refused, the error is added and there is no value.
    pub(super) fn read<T: OptionType>(&mut self, of: &T, json: &Json) -> Option<T::Value> {
        match of.read(json, self) {
            Ok(value) => Some(value),
            Err(refusal) => {
                self.refuse_value(&of.shape(), json, refusal);
                None
            }
        }
    }

    /// Reads the options of an object into `section`. Options that are not given, or refused, keep
    /// their value.
    pub(super) fn section<T: Section>(&mut self, section: &mut T, json: &Json) {
        let Json::Object(entries) = json else {
            return self.refuse_value(&Shape::Object, json, Refusal::plain());
        };
        self.entries(entries, |v, key, value| {
            if !section.read_option(key, value, v) {
                v.refuse_by(|| {
                    let mut keys = Vec::new();
                    T::push_keys(&mut keys);
                    let did_you_mean = nearest(key, keys.iter().copied());
                    ErrorKind::UnknownKey {
                        keys,
                        allowed: String::new(),
                        did_you_mean,
                    }
                });
            }
        });
        T::check_required(json, self);
    }

    /// Walks the entries of an object, and refuses repeated keys.
    pub(super) fn entries(
        &mut self,
        entries: &[(String, Json)],
        mut work: impl FnMut(&mut Self, &str, &Json),
    ) {
        let mut keys = HashSet::new();
        for (key, value) in entries {
            let is_new = keys.insert(key.as_str());
            self.key(key, |v| match is_new {
                true if key == "<<" => v.refuse(ErrorKind::MergeKey),
                true => work(v, key, value),
                false => v.refuse(ErrorKind::DuplicateKey),
            });
        }
    }

    /// Refuses a list or an object with too few or too many entries.
    pub(super) fn check_count(&mut self, found: usize, min: usize, max: usize) {
        if found < min || found > max {
            self.refuse(ErrorKind::Entries { found, min, max });
        }
    }

    /// Refuses a value that is not of the shape.
    pub(super) fn refuse_value(&mut self, shape: &Shape, json: &Json, refusal: Refusal) {
        let (why, did_you_mean) = match refusal {
            Refusal::Other(kind) => return self.refuse(kind),
            Refusal::Value { why, did_you_mean } => (why, did_you_mean),
        };
        match json.file_reference() {
            Some(file) if shape.is_textual() => self.refuse_file(file),
            _ => self.refuse(ErrorKind::Value {
                found: found(json),
                why,
                allowed: shape.allowed(),
                yaml: YamlReading::of(shape, json),
                did_you_mean: did_you_mean
                    .or_else(|| json.meant_reference().filter(|_| shape.is_textual())),
            }),
        }
    }

    /// Refuses a file reference.
    pub(super) fn refuse_file(&mut self, file: &str) {
        self.refuse(ErrorKind::FileReference { file: quoted(file) });
    }
}

/// A longer key is shortened in key paths: a line of the log is no place for a key of a megabyte.
const KEY_BYTES: usize = 100;

/// Appends a key to a key path as errors write it: `.key`, or `["a key"]`, which may be shortened, if it is
/// not a plain word or too long.
pub fn push_key(path: &mut String, key: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if key.is_empty() || key.len() > KEY_BYTES || !key.bytes().all(plain) {
        path.push('[');
        path.push_str(&quoted(key));
        path.push(']');
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}
