//! Reads valid options as what they are: the value that is given, else that of the top level (for a
//! route rule), else the default of the table.
//!
//! A view is only read where [`super::check`] found nothing wrong, except by the cross-checks, for
//! which a value that is wrong by itself is no value: hence every reader gives an `Option`.

use crate::prelude::*;
use alloc::borrow::Cow;
use core::time::Duration;

use super::color::Color;
use super::json::Json;
use super::kind::{Absent, Field, Kind, Leaf};
use super::pattern::Pattern;
use super::table;
use crate::statuses::StatusSet;

/// An object of options, given or not.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    fields: &'static [Field],
    /// What is given here.
    own: Option<&'a Json>,
    /// What is given at the top level, where it can be overridden.
    base: Option<&'a Json>,
}

impl<'a> View<'a> {
    /// The whole document.
    pub(super) fn root(json: &'a Json) -> Self {
        Self {
            fields: table::ROOT,
            own: Some(json),
            base: None,
        }
    }

    /// An object of a list or map of this view; what it does not say, `base` says.
    pub(super) fn element(fields: &'static [Field], own: &'a Json, base: Option<View<'a>>) -> Self {
        Self {
            fields,
            own: Some(own),
            base: base.and_then(|view| view.own),
        }
    }

    /// What is given here, if an object is.
    pub(super) fn own(&self, key: &str) -> Option<&'a Json> {
        self.own?.get(key)
    }

    /// A section of this view.
    pub(super) fn section(&self, key: &str) -> Self {
        let part = |json: Option<&'a Json>| json.and_then(|json| json.get(key));
        let fields: &'static [Field] = match self.field(key).map(|field| &field.kind) {
            Some(Kind::Object(fields)) => fields,
            _ => &[],
        };
        Self {
            fields,
            own: part(self.own),
            base: part(self.base),
        }
    }

    fn field(&self, key: &str) -> Option<&'static Field> {
        let field = self.fields.iter().find(|field| field.key == key)?;
        match field.absent {
            Absent::TopLevel => table::ROOT.iter().find(|field| field.key == key),
            _ => Some(field),
        }
    }

    /// The value of a key, wherever it comes from.
    pub(super) fn value(&self, key: &str) -> Option<Cow<'a, Json>> {
        let given = |json: Option<&'a Json>| json.and_then(|json| json.get(key));
        if let Some(json) = given(self.own).or_else(|| given(self.base)) {
            return Some(Cow::Borrowed(json));
        }
        self.default_value(key).map(Cow::Owned)
    }

    /// The default of a key.
    pub(super) fn default_value(&self, key: &str) -> Option<Json> {
        match self.field(key)?.absent {
            Absent::Default(json) => Json::parse(json.as_bytes()).ok(),
            _ => None,
        }
    }

    fn leaf(&self, key: &str) -> Option<Leaf> {
        self.field(key)?.kind.leaf(&*self.value(key)?).ok()
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.leaf(key)? {
            Leaf::Bool(value) => Some(value),
            _ => None,
        }
    }

    pub(super) fn count(&self, key: &str) -> Option<u32> {
        match self.leaf(key)? {
            Leaf::Whole(value) => u32::try_from(value).ok(),
            _ => None,
        }
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        match self.leaf(key)? {
            Leaf::Number(value) => Some(value),
            _ => None,
        }
    }

    pub(super) fn duration(&self, key: &str) -> Option<Duration> {
        match self.leaf(key)? {
            Leaf::Duration(value) => Some(value),
            _ => None,
        }
    }

    pub(super) fn color(&self, key: &str) -> Option<Color> {
        match self.leaf(key)? {
            Leaf::Color(value) => Some(value),
            _ => None,
        }
    }

    /// The word that an option is.
    pub(super) fn word(&self, key: &str) -> Option<&'static str> {
        match self.leaf(key)? {
            Leaf::Word(word) => Some(word.name),
            _ => None,
        }
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        match self.leaf(key)? {
            Leaf::Text => Some(self.value(key)?.text()?.to_owned()),
            _ => None,
        }
    }

    /// A flag; off where there is none. (Here and below: what follows a value that may be missing would
    /// stand wherever one is read.)
    #[inline(never)]
    pub(super) fn is_on(&self, key: &str) -> bool {
        self.flag(key).unwrap_or_default()
    }

    /// A whole number; 0 where there is none.
    #[inline(never)]
    pub(super) fn whole(&self, key: &str) -> u32 {
        self.count(key).unwrap_or_default()
    }

    /// A number; 0 where there is none.
    #[inline(never)]
    pub(super) fn ratio(&self, key: &str) -> f64 {
        self.number(key).unwrap_or_default()
    }

    /// A duration; 0 where there is none.
    #[inline(never)]
    pub(super) fn time(&self, key: &str) -> Duration {
        self.duration(key).unwrap_or_default()
    }

    /// The text of an option; nothing where there is none.
    pub(super) fn string(&self, key: &str) -> String {
        self.text(key).unwrap_or_default()
    }

    pub(super) fn pattern(&self, key: &str) -> Option<Pattern> {
        self.text(key).map(Pattern)
    }

    /// Reads the items of a list, each on its own; items that are wrong are left out. Not generic, since
    /// it would be in the module once for each type.
    fn leaves(&self, key: &str, read: &mut dyn FnMut(&Json, Leaf)) {
        let (
            Some(Field {
                kind: Kind::List { of, .. },
                ..
            }),
            Some(value),
        ) = (self.field(key), self.value(key))
        else {
            return;
        };
        for item in value.items() {
            if let Ok(leaf) = of.leaf(item) {
                read(item, leaf);
            }
        }
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let mut texts = Vec::new();
        self.leaves(key, &mut |item, _| {
            if let Some(text) = item.text() {
                texts.push(text.to_owned());
            }
        });
        texts
    }

    pub(super) fn patterns(&self, key: &str) -> Vec<Pattern> {
        self.texts(key).into_iter().map(Pattern).collect()
    }

    pub(super) fn statuses(&self, key: &str) -> StatusSet {
        let mut set = StatusSet::empty();
        self.leaves(key, &mut |_, leaf| {
            if let Leaf::Status(low, high) = leaf {
                set.insert_range(low, high);
            }
        });
        set
    }

    pub(super) fn reasons(&self, key: &str) -> Vec<crate::reason::Reason> {
        let mut reasons = Vec::new();
        self.leaves(key, &mut |_, leaf| {
            if let Leaf::Reason(reason) = leaf {
                reasons.push(reason);
            }
        });
        reasons
    }

    /// The hints of `retry.after` with their keys, and whether each is given here. The statuses are
    /// those of one place; `default` comes from the next place where there is none.
    pub(super) fn after(&self) -> Vec<(String, Duration, bool)> {
        const KEY: &str = "after";
        let hint = |json: &Json| super::value::duration(json.text()?);
        let Some(chosen) = self.value(KEY) else {
            return Vec::new();
        };
        let here = self.own(KEY).is_some();
        let mut hints = Vec::new();
        for (key, json) in chosen.entries() {
            if let Some(time) = hint(json) {
                hints.push((key.clone(), time, here));
            }
        }
        if chosen.get("default").is_none() {
            let above = self
                .base
                .and_then(|base| base.get(KEY)?.get("default").and_then(hint));
            let table = || self.default_value(KEY)?.get("default").and_then(hint);
            if let Some(time) = above.or_else(table) {
                hints.push(("default".to_owned(), time, false));
            }
        }
        hints
    }

    /// The objects of a list, or of the values of a map.
    pub(super) fn elements(&self, key: &str) -> &'a [Json] {
        self.own(key).map_or(&[], Json::items)
    }

    /// The entries of a map.
    pub(super) fn entries(&self, key: &str) -> &'a [(String, Json)] {
        self.own(key).map_or(&[], Json::entries)
    }
}
