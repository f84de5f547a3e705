//! What a worker keeps for each route.
//!
//! The text of a key is kept once, in [`Keys`], where it has a number; what there is of a route stands in
//! one [`ByRoute`] of each kind by that number. So a route that is only measured needs no room for a
//! breaker, nor one that is only rejected.
//!
//! The keys are found by a list in the order of their hashes: for some thousand routes, a look-up is a
//! dozen steps on whole numbers and one comparison of texts. The hash table of `hashbrown` would be
//! three kilobytes of the module.

use crate::breaker::bank::{MAX_ROUTES, OVERFLOW};
use crate::hash;
use crate::prelude::*;

/// The keys of the routes of which something is kept. There are never more than what the limits of the
/// kinds come to.
#[derive(Debug, Default)]
pub struct Keys {
    /// Hash and number of each key, in the order of the hashes, then of the texts.
    places: Vec<(u32, u16)>,
    /// By number, where the text of a key stands.
    spans: Vec<Span>,
    /// The texts, one after the other: each for itself would need a block of memory.
    chunks: Vec<String>,
}

/// Bytes of a chunk of texts; a text that is longer has a chunk of its own.
const CHUNK: usize = 1024;

/// Where a text stands.
#[derive(Debug, Clone, Copy)]
struct Span {
    chunk: u16,
    start: u16,
    length: u32,
}

impl Keys {
    /// The number of a key, where it is known.
    pub(crate) fn number(&self, key: &str) -> Option<usize> {
        let at = self.place(hash_of(key), key).ok()?;
        self.places.get(at).map(|&(_, number)| number.into())
    }

    /// The number of a key, from now on; it never changes.
    pub(crate) fn number_or_new(&mut self, key: &str) -> usize {
        let hash = hash_of(key);
        match self.place(hash, key) {
            Ok(at) => self.places.get(at).map_or(0, |&(_, number)| number.into()),
            Err(at) => {
                let number = self.spans.len();
                // There are some thousand at most.
                let place = (hash, u16::try_from(number).unwrap_or(u16::MAX));
                self.places.insert(at, place);
                let span = self.write(key);
                self.spans.push(span);
                number
            }
        }
    }

    fn write(&mut self, key: &str) -> Span {
        let room = |chunk: &String| CHUNK.saturating_sub(chunk.len());
        if self.chunks.last().map_or(0, room) < key.len() {
            let bytes = key.len().max(CHUNK);
            self.chunks.push(String::with_capacity(bytes));
        }
        let chunk = self.chunks.len().saturating_sub(1);
        let start = self.chunks.last().map_or(0, String::len);
        if let Some(last) = self.chunks.last_mut() {
            last.push_str(key);
        }
        Span {
            // As few as there are keys.
            chunk: u16::try_from(chunk).unwrap_or(u16::MAX),
            // Of a longer text it is 0.
            start: u16::try_from(start).unwrap_or(u16::MAX),
            // As in the module, where no text is longer.
            length: u32::try_from(key.len()).unwrap_or(u32::MAX),
        }
    }

    /// The text of a key.
    pub(crate) fn text(&self, number: usize) -> &str {
        self.spans
            .get(number)
            .and_then(|span| {
                let start = usize::from(span.start);
                let end = start.saturating_add(span.length as usize);
                self.chunks.get(usize::from(span.chunk))?.get(start..end)
            })
            .unwrap_or_default()
    }

    /// Where a key is, or where it belongs.
    fn place(&self, hash: u32, key: &str) -> Result<usize, usize> {
        self.places.binary_search_by(|&(other, number)| {
            other
                .cmp(&hash)
                .then_with(|| self.text(number.into()).cmp(key))
        })
    }
}

fn hash_of(key: &str) -> u32 {
    // The upper half depends on all of the key.
    (hash::of(key) >> 32) as u32
}

/// One kind of thing that is kept of routes, at most [`MAX_ROUTES`] and those that the others share.
#[derive(Debug)]
pub(crate) struct ByRoute<T> {
    /// By number of the key. Boxed: the numbers of other kinds leave gaps.
    values: Vec<Option<Box<T>>>,
    count: usize,
}

impl<T> Default for ByRoute<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            count: 0,
        }
    }
}

impl<T> ByRoute<T> {
    /// The key itself, or that of what routes beyond the limit share.
    pub(crate) fn or_overflow<'a>(&self, keys: &Keys, key: &'a str) -> &'a str {
        if self.has_room_for(keys, key) {
            key
        } else {
            OVERFLOW
        }
    }

    /// Whether there is something for this key, or can be.
    pub(crate) fn has_room_for(&self, keys: &Keys, key: &str) -> bool {
        self.count < MAX_ROUTES || self.get(keys, key).is_some()
    }

    pub(crate) fn get(&self, keys: &Keys, key: &str) -> Option<&T> {
        self.at(keys.number(key)?)
    }

    pub(crate) fn get_mut(&mut self, keys: &Keys, key: &str) -> Option<&mut T> {
        self.at_mut(keys.number(key)?)
    }

    /// What there is for the key with this number.
    pub(crate) fn at(&self, number: usize) -> Option<&T> {
        self.values.get(number)?.as_deref()
    }

    /// The same to be changed.
    pub(crate) fn at_mut(&mut self, number: usize) -> Option<&mut T> {
        self.values.get_mut(number)?.as_deref_mut()
    }

    /// What there is for a key, from now on: what `make` makes, if nothing was there. (There always
    /// is something then.) The caller has asked whether there is room.
    pub(crate) fn get_or_insert_with(
        &mut self,
        keys: &mut Keys,
        key: &str,
        make: impl FnOnce() -> T,
    ) -> Option<&mut T> {
        let number = keys.number_or_new(key);
        while self.values.len() <= number {
            self.values.push(None);
        }
        let value = self.values.get_mut(number)?;
        if value.is_none() {
            self.count = self.count.wrapping_add(1);
        }
        Some(value.get_or_insert_with(|| Box::new(make())))
    }

    /// No number is as great.
    pub(crate) fn end(&self) -> usize {
        self.values.len()
    }

    /// Everything, with its numbers.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut T)> {
        let values = self.values.iter_mut().enumerate();
        values.filter_map(|(number, value)| Some((number, value.as_deref_mut()?)))
    }

    /// The same under other numbers: those that the keys have in `new`, which did in `old`.
    pub(crate) fn moved(self, old: &Keys, new: &mut Keys) -> Self {
        let mut moved = Self::default();
        for (number, value) in self.values.into_iter().enumerate() {
            if let Some(value) = value {
                moved.get_or_insert_with(new, old.text(number), || *value);
            }
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Model = BTreeMap<String, u32>;

    fn all(kept: &ByRoute<u32>, keys: &Keys) -> Model {
        let all = (0..kept.end()).filter_map(|number| Some((number, kept.at(number)?)));
        all.map(|(number, value)| (keys.text(number).to_owned(), *value))
            .collect()
    }

    proptest! {
        /// Two kinds of things under the same keys are two maps; each moves to other keys by itself.
        #[test]
        fn they_are_maps(steps in prop::collection::vec((0_u32..40, any::<bool>(), any::<u32>()), 0..120)) {
            let mut keys = Keys::default();
            let mut models = [Model::new(), Model::new()];
            let mut kinds = [ByRoute::default(), ByRoute::default()];
            for (key, kind, value) in steps {
                // Some are longer than a chunk, some end one.
                let key = format!("{}-{key}", "route".repeat(key as usize * 9));
                let (model, kept) = (&mut models[usize::from(kind)], &mut kinds[usize::from(kind)]);
                prop_assert_eq!(kept.get(&keys, &key), model.get(&key));
                // What is there already stays.
                let found = *kept.get_or_insert_with(&mut keys, &key, || value).unwrap();
                prop_assert_eq!(found, *model.entry(key.clone()).or_insert(value));
                if value % 2 == 0 {
                    *kept.get_mut(&keys, &key).unwrap() = value;
                    model.insert(key.clone(), value);
                }
                let number = keys.number(&key).unwrap();
                prop_assert_eq!(kept.at(number), model.get(&key));
                prop_assert!(kept.iter_mut().any(|(at, found)| at == number && Some(&*found) == model.get(&key)));
                prop_assert_eq!(kept.count, model.len());
            }
            let mut others = Keys::default();
            others.number_or_new("another");
            for (kept, model) in kinds.into_iter().zip(models) {
                prop_assert_eq!(&all(&kept, &keys), &model);
                prop_assert_eq!(kept.get(&keys, "another"), None);
                let moved = kept.moved(&keys, &mut others);
                prop_assert_eq!(moved.count, model.len());
                prop_assert_eq!(&all(&moved, &others), &model);
            }
        }
    }

    #[test]
    fn texts_of_the_same_hash_are_told_apart() {
        // Found by trying.
        let [one, other] = ["shop-51727/app", "shop-68777/app"];
        assert_eq!(hash_of(one), hash_of(other));
        for pair in [[one, other], [other, one]] {
            let mut keys = Keys::default();
            let numbers = pair.map(|key| keys.number_or_new(key));
            assert_eq!(numbers, [0, 1]);
            assert_eq!(pair.map(|key| keys.number(key)), [Some(0), Some(1)]);
        }
    }
}
