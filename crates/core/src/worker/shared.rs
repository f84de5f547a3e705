//! Values in the host's shared data, and how they are changed.
//!
//! The host keeps values with versions, and offers a write that fails if the version has changed
//! (compare-and-swap). It has no lock, no increment and no delete.

use crate::breaker::CircuitBreaker;
use crate::config::Breaker as Settings;
use crate::host::{HostError, SharedData};

/// After this number of conflicts in a row a change is left for the next tick.
const MAX_TRIES: u32 = 5;
/// A version that no value has: a write with it creates a value or fails. A write without a version
/// would replace a value that another worker created in between. (The host counts versions up from
/// 1: proxy-wasm-cpp-host, `shared_data.cc`.)
const NO_VERSION: u32 = u32::MAX;

/// Why a shared value could not be read or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SyncError {
    /// Other workers wrote each time between the read and the write.
    Conflict,
    /// The host failed, or the value is not of this version.
    Unavailable,
}

impl From<HostError> for SyncError {
    fn from(error: HostError) -> Self {
        match error {
            HostError::CasMismatch => Self::Conflict,
            HostError::NotFound | HostError::Status(_) => Self::Unavailable,
        }
    }
}

/// Encodes numbers in little-endian order.
pub(super) fn u64s_to_bytes(numbers: &[u64]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

/// Changes a shared value. `change` gets the present value and returns the new one, or `None` to
/// keep it. It is called again if another worker wrote in between.
///
/// # Errors
/// [`SyncError`]; then nothing was written.
pub(super) fn update(
    host: &mut impl SharedData,
    key: &str,
    mut change: impl FnMut(Option<&[u8]>) -> Result<Option<Vec<u8>>, SyncError>,
) -> Result<(), SyncError> {
    for _ in 0..MAX_TRIES {
        let (found, version) = match host.shared_data(key)? {
            Some((bytes, version)) => (Some(bytes), version),
            None => (None, NO_VERSION),
        };
        let Some(value) = change(found.as_deref())? else {
            return Ok(());
        };
        match host.compare_and_swap(key, &value, Some(version)) {
            Err(HostError::CasMismatch) => {}
            other => return Ok(other?),
        }
    }
    Err(SyncError::Conflict)
}

/// Changes a shared circuit. `change` returns whether the change must be written. Returns the
/// circuit after the change.
///
/// # Errors
/// [`SyncError`]; then nothing was written.
pub(super) fn update_circuit(
    host: &mut impl SharedData,
    key: &str,
    settings: &Settings,
    mut change: impl FnMut(&mut CircuitBreaker) -> bool,
) -> Result<CircuitBreaker, SyncError> {
    let mut updated = Err(SyncError::Unavailable);
    update(host, key, |found| {
        let mut circuit = decode_circuit(found, settings)?;
        let bytes = change(&mut circuit).then(|| circuit.encode());
        updated = Ok(circuit);
        Ok(bytes)
    })?;
    updated
}

/// Reads a shared circuit; a new one if there is none.
///
/// # Errors
/// [`SyncError`] if the host failed or the record is not of this version.
pub(super) fn read_circuit(
    host: &mut impl SharedData,
    key: &str,
    settings: &Settings,
) -> Result<CircuitBreaker, SyncError> {
    let found = host.shared_data(key)?;
    decode_circuit(found.as_ref().map(|(bytes, _)| bytes.as_slice()), settings)
}

/// Decodes a circuit. Returns a new one if there are no bytes, or if the window has another shape.
fn decode_circuit(bytes: Option<&[u8]>, settings: &Settings) -> Result<CircuitBreaker, SyncError> {
    let new = CircuitBreaker::new(settings);
    let Some(bytes) = bytes else {
        return Ok(new);
    };
    let circuit = CircuitBreaker::decode(bytes).ok_or(SyncError::Unavailable)?;
    Ok(if circuit.bucket_width == new.bucket_width {
        circuit
    } else {
        new
    })
}
