//! What a worker keeps for each route, by the key of the route.
//!
//! Two lists in the order of the hashes of the keys: for at most
//! [`MAX_ROUTES`] routes, a look-up is ten steps on whole numbers and one
//! comparison of keys. The hash table of `hashbrown` would be three kilobytes of the module.

use crate::breaker::bank::{MAX_ROUTES, OVERFLOW};
use crate::hash;
use crate::prelude::*;

/// A table of what there is of each route.
#[derive(Debug)]
pub(crate) struct Routes<T> {
    keys: Keys,
    /// In the order of the keys. Boxed: the list is short to move.
    values: Vec<Box<T>>,
}

type Keys = Vec<(u64, Box<str>)>;

impl<T> Default for Routes<T> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            values: Vec::new(),
        }
    }
}

impl<T> Routes<T> {
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        place(&self.keys, key).is_ok()
    }

    /// Whether this key is one of the first [`MAX_ROUTES`], or can still become one.
    pub(crate) fn has_room_for(&self, key: &str) -> bool {
        self.len() < MAX_ROUTES || self.has(key)
    }

    /// The key itself, or that of what routes beyond the limit share.
    pub(crate) fn or_overflow<'a>(&self, key: &'a str) -> &'a str {
        if self.has_room_for(key) {
            key
        } else {
            OVERFLOW
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        let at = place(&self.keys, key).ok()?;
        self.values.get(at).map(|value| &**value)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        let at = place(&self.keys, key).ok()?;
        self.values.get_mut(at).map(|value| &mut **value)
    }

    /// What there is for a key, from now on: what `make` makes, if nothing was there. (There always
    /// is something then.)
    pub(crate) fn get_or_insert_with(
        &mut self,
        key: &str,
        make: impl FnOnce() -> T,
    ) -> Option<&mut T> {
        let at = place(&self.keys, key).unwrap_or_else(|at| {
            self.keys.insert(at, (hash::of(key), key.into()));
            self.values.insert(at, Box::new(make()));
            at
        });
        self.values.get_mut(at).map(|value| &mut **value)
    }

    /// What an entry costs in memory at most, in bytes, without the text of its key: a list has room
    /// for twice as many as it holds.
    #[cfg(test)]
    pub(crate) fn bytes_per_entry() -> usize {
        let place = core::mem::size_of::<(u64, Box<str>)>() + core::mem::size_of::<Box<T>>();
        core::mem::size_of::<T>() + 2 * place
    }

    /// Everything, in an order that means nothing.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        let keys = self.keys.iter().map(|(_, key)| &**key);
        keys.zip(self.values.iter().map(|value| &**value))
    }

    /// The same to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut T)> {
        let keys = self.keys.iter().map(|(_, key)| &**key);
        keys.zip(self.values.iter_mut().map(|value| &mut **value))
    }
}

/// Where a key is, or where it belongs.
fn place(keys: &Keys, key: &str) -> Result<usize, usize> {
    let hash = hash::of(key);
    keys.binary_search_by(|(other, name)| other.cmp(&hash).then_with(|| (**name).cmp(key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0_u32..40, any::<u32>()), 0..120)) {
            let mut model = BTreeMap::new();
            let mut routes = Routes::default();
            for (key, value) in steps {
                let key = format!("route-{key}");
                prop_assert_eq!(routes.has(&key), model.contains_key(&key));
                // What is there already stays.
                let found = *routes.get_or_insert_with(&key, || value).unwrap();
                prop_assert_eq!(found, *model.entry(key.clone()).or_insert(value));
                prop_assert_eq!(routes.get(&key), model.get(&key));
                if value % 2 == 0 {
                    *routes.get_mut(&key).unwrap() = value;
                    model.insert(key, value);
                }
                prop_assert_eq!(routes.len(), model.len());
            }
            let all: BTreeMap<_, _> = routes.iter().map(|(key, value)| (key.to_owned(), *value)).collect();
            prop_assert_eq!(&all, &model);
            for (key, value) in routes.iter_mut() {
                prop_assert_eq!(Some(&*value), model.get(key));
            }
            prop_assert_eq!(routes.get("another"), None);
        }
    }
}
