//! What the host shares between its workers, and how a record in it is changed.
//!
//! The host knows values with numbers, and a write that fails where the number is no longer the
//! one that was read (compare-and-set). It has no lock, no increment and no delete.

use crate::breaker::record::Record;
use crate::config::Breaker as Settings;
use crate::prelude::*;

/// A compare-and-set that fails this often in a row is left for the next tick.
const MAX_TRIES: u32 = 5;
/// A number that no value has. A write with it creates a value or changes nothing, where a write
/// without a number would put a new record over one that another worker made in between. (The
/// host's numbers count up from 1: proxy-wasm-cpp-host, `shared_data.cc`.)
const NOT_THERE: u32 = u32::MAX;

/// What the host shares between its workers: values with a number that changes with each write.
pub trait Store {
    /// The value and its number; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError::Broken`] for anything else that the host says.
    fn get(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError>;

    /// Writes a value, if its number still is `number`, or if there is no such value; without a
    /// number, in any case.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it is not; [`StoreError::Broken`] for anything else.
    fn set(&mut self, key: &str, value: &[u8], number: Option<u32>) -> Result<(), StoreError>;
}

/// Why shared data could not be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// Another worker wrote in between.
    Changed,
    /// The host failed, or the value is not ours.
    Broken,
}

/// The one word that says whether any breaker is worth a look, and whether any client is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Word {
    /// Until when all workers watch their routes, in milliseconds since the Unix epoch.
    pub(super) watch_until_ms: u64,
    /// Until when somebody may come back who was told when to, likewise.
    pub(super) awaited_until_ms: u64,
    /// Changes with every event.
    pub(super) change: u64,
}

impl Word {
    fn encode(self) -> Vec<u8> {
        bytes_of(&[self.watch_until_ms, self.awaited_until_ms, self.change])
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (watch_until_ms, rest) = bytes.split_first_chunk()?;
        let (awaited_until_ms, rest) = rest.split_first_chunk()?;
        let (change, rest) = rest.split_first_chunk()?;
        rest.is_empty().then(|| Self {
            watch_until_ms: u64::from_le_bytes(*watch_until_ms),
            awaited_until_ms: u64::from_le_bytes(*awaited_until_ms),
            change: u64::from_le_bytes(*change),
        })
    }

    /// The word as it stands; `None` where there is none that can be read.
    pub(super) fn read(store: &mut dyn Store, name: &str) -> Option<Self> {
        let (bytes, _) = store.get(name).ok()??;
        Self::decode(&bytes)
    }

    /// Says that something changed, that it is worth watching until `watch_ms`, and that somebody is
    /// awaited until `awaited_ms`. Returns the word that was there before, and the one that was
    /// written. No two writers write the same change: a reader that has seen one has not seen the other.
    ///
    /// # Errors
    /// [`StoreError`] where it could not be said; it must be said again.
    pub(super) fn announce(
        store: &mut dyn Store,
        name: &str,
        watch_ms: u64,
        awaited_ms: u64,
    ) -> Result<(Self, Self), StoreError> {
        let mut words = (Self::default(), Self::default());
        swap(store, name, &mut |found| {
            let before = found.and_then(Self::decode).unwrap_or_default();
            let word = Self {
                watch_until_ms: before.watch_until_ms.max(watch_ms),
                awaited_until_ms: before.awaited_until_ms.max(awaited_ms),
                change: before.change.wrapping_add(1),
            };
            words = (before, word);
            Ok(Some(word.encode()))
        })?;
        Ok(words)
    }
}

/// Words one after the other, as [`u64::to_le_bytes`] writes them.
pub(crate) fn bytes_of(words: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in words {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// What a value becomes; `None`: it stays.
pub(crate) type Changed = Result<Option<Vec<u8>>, StoreError>;

/// Changes a value: `change` gets what is there, and says what is to be there, or that it may stay.
/// It is asked again when another worker was faster.
///
/// # Errors
/// [`StoreError::Changed`] where others were faster each time, [`StoreError::Broken`] where the host
/// failed or `change` says so. Nothing was written then.
pub(crate) fn swap(
    store: &mut dyn Store,
    name: &str,
    change: &mut dyn FnMut(Option<&[u8]>) -> Changed,
) -> Result<(), StoreError> {
    for _ in 0..MAX_TRIES {
        let found = store.get(name)?;
        let number = found.as_ref().map_or(NOT_THERE, |(_, number)| *number);
        let Some(value) = change(found.as_ref().map(|(bytes, _)| bytes.as_slice()))? else {
            return Ok(());
        };
        match store.set(name, &value, Some(number)) {
            Err(StoreError::Changed) => {}
            other => return other,
        }
    }
    Err(StoreError::Changed)
}

/// Reads a record, lets `change` move it, and writes it back; again, when another worker was
/// faster. `change` says whether what it made of the record is worth a write.
///
/// # Errors
/// [`StoreError::Changed`] where others were faster each time, [`StoreError::Broken`] where the
/// host failed or the record is of another version. Nothing was written then.
pub(super) fn update(
    store: &mut dyn Store,
    name: &str,
    settings: &Settings,
    change: &mut dyn FnMut(&mut Record) -> bool,
) -> Result<Record, StoreError> {
    let mut outcome = Err(StoreError::Broken);
    swap(store, name, &mut |found| {
        let mut record = fitting(found, settings)?;
        let is_worth_a_write = change(&mut record);
        let bytes = is_worth_a_write.then(|| record.encode());
        outcome = Ok(record);
        Ok(bytes)
    })?;
    outcome
}

/// Reads a record; a new one where there is none.
///
/// # Errors
/// As [`update`].
pub(super) fn read(
    store: &mut dyn Store,
    name: &str,
    settings: &Settings,
) -> Result<Record, StoreError> {
    let found = store.get(name)?;
    fitting(found.as_ref().map(|(bytes, _)| bytes.as_slice()), settings)
}

/// The record that these bytes are. Where there are none, and where it was counted in windows of another
/// shape, a new one.
fn fitting(bytes: Option<&[u8]>, settings: &Settings) -> Result<Record, StoreError> {
    let fresh = Record::new(settings);
    let Some(bytes) = bytes else {
        return Ok(fresh);
    };
    let record = Record::decode(bytes).ok_or(StoreError::Broken)?;
    Ok(if record.bucket_ms == fresh.bucket_ms {
        record
    } else {
        fresh
    })
}
