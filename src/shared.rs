//! The host's shared data, as the breakers need it.

use alloc::vec::Vec;

use tidegate_core::breaker::{Store, StoreError};

use crate::host::{self, HostError};

/// The shared data of all workers that have the same `vm_id`.
pub(crate) struct SharedData;

impl Store for SharedData {
    fn get(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        match host::shared_data(key) {
            Ok(found) => Ok(Some(found)),
            Err(HostError::NOT_FOUND) => Ok(None),
            Err(_) => Err(StoreError::Broken),
        }
    }

    fn set(&mut self, key: &str, value: &[u8], number: Option<u32>) -> Result<(), StoreError> {
        match host::set_shared_data(key, value, number.unwrap_or(0)) {
            Ok(()) => Ok(()),
            Err(HostError::CHANGED) => Err(StoreError::Changed),
            Err(_) => Err(StoreError::Broken),
        }
    }
}
