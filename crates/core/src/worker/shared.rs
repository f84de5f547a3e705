//! Values in the host's shared data, and how they are changed.
//!
//! The host keeps values with versions, and offers a write that fails if the version has changed
//! (compare-and-swap). It has no lock, no increment and no delete.

use crate::breaker::RouteCircuits;
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
    /// The host failed, or the value is of a later version.
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

/// The shared circuits of a route, as they were read.
#[derive(Debug, Clone)]
pub(super) struct FoundCircuits {
    /// The circuits; new ones if there was no record for windows of this shape.
    pub(super) circuits: RouteCircuits,
    /// Whether the value was no record at all. It is replaced by the next write.
    pub(super) was_unreadable: bool,
}

/// Changes the shared circuits of a route. `change` returns whether the change must be written. Returns
/// the circuits after the change.
///
/// # Errors
/// [`SyncError`]; then nothing was written.
pub(super) fn update_circuits(
    host: &mut impl SharedData,
    key: &str,
    settings: &Settings,
    mut change: impl FnMut(&mut RouteCircuits) -> bool,
) -> Result<FoundCircuits, SyncError> {
    let mut updated = Err(SyncError::Unavailable);
    update(host, key, |bytes| {
        let mut found = decode_circuits(bytes, settings)?;
        let has_changed = change(&mut found.circuits);
        let bytes = (has_changed || found.was_unreadable).then(|| found.circuits.encode());
        updated = Ok(found);
        Ok(bytes)
    })?;
    updated
}

/// Reads the shared circuits of a route; new ones if there are none.
///
/// # Errors
/// [`SyncError`] if the host failed or the record is of a later version.
pub(super) fn read_circuits(
    host: &mut impl SharedData,
    key: &str,
    settings: &Settings,
) -> Result<FoundCircuits, SyncError> {
    let found = host.shared_data(key)?;
    decode_circuits(found.as_ref().map(|(bytes, _)| bytes.as_slice()), settings)
}

/// Decodes circuits. Returns new ones if there are no bytes, if they are no record, or if the windows have
/// another shape.
fn decode_circuits(bytes: Option<&[u8]>, settings: &Settings) -> Result<FoundCircuits, SyncError> {
    let new = RouteCircuits::new(settings);
    if bytes.is_some_and(RouteCircuits::is_of_later_version) {
        return Err(SyncError::Unavailable);
    }
    let decoded = bytes.and_then(RouteCircuits::decode);
    let was_unreadable = bytes.is_some() && decoded.is_none();
    let has_shape = |circuits: &RouteCircuits| circuits.bucket_width() == new.bucket_width();
    Ok(FoundCircuits {
        circuits: decoded.filter(has_shape).unwrap_or(new),
        was_unreadable,
    })
}
