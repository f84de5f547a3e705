//! Walks a document along the tables of options, and tells everything that does not fit.

use crate::hash;
use crate::prelude::*;
use crate::text::count;

use super::error::{found, ConfigErrors, Fault};
use super::json::Json;
use super::kind::{Absent, Field, Kind, Refusal};
use super::nearest::nearest;
use crate::page::Program;

/// What the walk found.
pub(super) struct Findings {
    /// What is wrong.
    pub(super) errors: ConfigErrors,
    /// The templates that were read, in their order.
    pub(super) programs: Vec<Program>,
}

/// A walk: where it is, and what it found.
pub(super) struct Walk {
    at: String,
    pub(super) findings: Findings,
}

impl Walk {
    /// A walk that stands at the document as a whole.
    pub(super) fn new() -> Self {
        let findings = Findings {
            errors: ConfigErrors::none(),
            programs: Vec::new(),
        };
        Self {
            at: String::new(),
            findings,
        }
    }

    /// Says that something is wrong here.
    pub(super) fn refuse(&mut self, fault: Fault) {
        self.findings.errors.push(&self.at, fault);
    }

    /// Says that something is wrong one key further.
    pub(super) fn refuse_key(&mut self, key: &str, fault: Fault) {
        self.key(key, |walk| walk.refuse(fault));
    }

    /// Does something one key further.
    pub(super) fn key(&mut self, key: &str, work: impl FnOnce(&mut Self)) {
        let before = self.at.len();
        push_key(&mut self.at, key);
        work(self);
        self.at.truncate(before);
    }

    /// Does something at an item of a list.
    pub(super) fn item(&mut self, index: usize, work: impl FnOnce(&mut Self)) {
        let before = self.at.len();
        self.at.push_str(&["[", &count(index), "]"].joined());
        work(self);
        self.at.truncate(before);
    }

    /// Checks a value, with all that is in it.
    pub(super) fn check(&mut self, kind: &'static Kind, json: &Json) {
        let picked = kind.pick(json);
        if !picked.takes(json) {
            return self.refuse_value(kind, json, "", None);
        }
        match picked {
            Kind::Any => self.check_any(json),
            Kind::Object(fields) => self.check_object(fields, json),
            Kind::Map {
                keys,
                of,
                max,
                bundled,
            } => {
                if let (true, Some(file)) = (bundled, json.file_reference()) {
                    return self.refuse_file(file);
                }
                let entries = json.entries();
                self.check_count(entries.len(), 0, *max);
                self.each_entry(
                    entries.get(..*max).unwrap_or(entries),
                    &mut |walk, key, value| match keys.read(key) {
                        Ok(()) => walk.check(of, value),
                        Err(Refusal::Other(fault)) => walk.refuse(fault),
                        Err(Refusal::Value { why: "", .. }) => {
                            walk.refuse(Fault::UnknownKey {
                                keys: Vec::new(),
                                allowed: keys.allowed.to_owned(),
                                did_you_mean: None,
                            });
                        }
                        Err(Refusal::Value { why, .. }) => walk.refuse(Fault::Value {
                            found: super::error::quoted(key),
                            why,
                            allowed: keys.allowed.to_owned(),
                            did_you_mean: None,
                        }),
                    },
                );
            }
            Kind::List { of, min, max } => {
                let items = json.items();
                self.check_count(items.len(), *min, *max);
                for (index, item) in items.iter().take(*max).enumerate() {
                    self.item(index, |walk| walk.check(of, item));
                }
            }
            _ => match picked.leaf(json) {
                Ok(_) => {}
                Err(Refusal::Other(fault)) => self.refuse(fault),
                Err(Refusal::Value { why, did_you_mean }) => {
                    self.refuse_value(kind, json, why, did_you_mean);
                }
            },
        }
    }

    fn refuse_value(
        &mut self,
        kind: &Kind,
        json: &Json,
        why: &'static str,
        did_you_mean: Option<String>,
    ) {
        match json.file_reference() {
            Some(file) if kind.is_textual() => self.refuse_file(file),
            _ => self.refuse(Fault::Value {
                found: found(json),
                why,
                allowed: kind.allowed(),
                did_you_mean,
            }),
        }
    }

    fn refuse_file(&mut self, file: &str) {
        self.refuse(Fault::FileReference {
            file: super::error::quoted(file),
        });
    }

    fn check_count(&mut self, found: usize, min: usize, max: usize) {
        if found < min || found > max {
            self.refuse(Fault::Entries { found, min, max });
        }
    }

    fn check_object(&mut self, fields: &'static [Field], json: &Json) {
        self.each_entry(json.entries(), &mut |walk, key, value| {
            let Some(field) = fields.iter().find(|field| field.key == key) else {
                let keys: Vec<_> = fields.iter().map(|field| field.key).collect();
                let did_you_mean = nearest(key, &mut keys.iter().copied());
                return walk.refuse(Fault::UnknownKey {
                    keys,
                    allowed: String::new(),
                    did_you_mean,
                });
            };
            walk.check(&field.kind, value);
        });
        for field in fields {
            if matches!(field.absent, Absent::Required) && json.get(field.key).is_none() {
                self.key(field.key, |walk| {
                    walk.refuse(Fault::Missing {
                        allowed: field.kind.allowed(),
                    });
                });
            }
        }
    }

    /// JSON that means nothing to the filter still may not have a key twice.
    fn check_any(&mut self, json: &Json) {
        self.each_entry(json.entries(), &mut |walk, _, value| walk.check_any(value));
        for (index, item) in json.items().iter().enumerate() {
            self.item(index, |walk| walk.check_any(item));
        }
    }

    /// Walks the entries of an object, and refuses keys that stand there already.
    fn each_entry(
        &mut self,
        entries: &[(String, Json)],
        work: &mut dyn FnMut(&mut Self, &str, &Json),
    ) {
        for ((key, value), is_repeated) in entries.iter().zip(repeated(entries)) {
            self.key(key, |walk| match is_repeated {
                false => work(walk, key, value),
                true => walk.refuse(Fault::DuplicateKey),
            });
        }
    }
}

/// Of each entry whether one before it has the same key. By a small table of hashes: the document may
/// have a hundred thousand keys.
fn repeated(entries: &[(String, Json)]) -> Vec<bool> {
    // At least half of the places stay free, and one of them ends each search.
    let size = entries.len().wrapping_mul(2).max(1).next_power_of_two();
    let mut places: Vec<Option<&str>> = vec![None; size];
    let mut is_repeated = |key| {
        let mut at = hash::of(key) as usize;
        loop {
            at &= size.wrapping_sub(1);
            match places.get_mut(at) {
                Some(Some(other)) if *other == key => return true,
                Some(Some(_)) => at = at.wrapping_add(1),
                Some(free) => {
                    *free = Some(key);
                    return false;
                }
                // There is a place for every number below the size.
                None => return false,
            }
        }
    };
    let keys = entries.iter().map(|(key, _)| key.as_str());
    keys.map(&mut is_repeated).collect()
}

/// Adds a key to a key path as errors tell it: `.key`, or `["a key"]` where it is not a plain word.
pub fn push_key(path: &mut String, key: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if key.is_empty() || !key.bytes().all(plain) {
        path.push('[');
        path.push_str(&super::error::quoted(key));
        path.push(']');
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_repeated_where_one_before_is_the_same() {
        let entries: Vec<_> = ["b", "a", "b", "", "b", "a", ""]
            .map(|key| (key.to_owned(), Json::Null))
            .into();
        let expected = [false, false, true, false, true, true, true];
        assert_eq!(repeated(&entries), expected);
        assert_eq!(repeated(&[]), [false; 0]);
    }
}
