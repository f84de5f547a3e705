//! The heartbeat: a small shared value that tells all workers whether there is something to do.

use std::time::Duration;

use crate::host::SharedData;
use crate::time::Timestamp;
use crate::worker::shared::{u64s_to_bytes, update, SyncError};

/// No client is expected to come back after a longer time, whatever it was told.
pub(super) const LONGEST_RETURN: Duration = Duration::from_secs(24 * 3600);

/// How far ahead the times of a heartbeat can lie. Those of one that was published before the clock was set
/// back may lie further ahead, and all workers would track requests until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) now: Timestamp,
    /// How long requests are tracked at most.
    pub(super) longest_track: Duration,
}

/// The heartbeat of all workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Heartbeat {
    /// Until when all workers track requests.
    pub(super) track_until: Timestamp,
    /// Until when clients that got a hint may come back.
    pub(super) returns_until: Timestamp,
    /// Changes with every event.
    pub(super) change: u64,
}

impl Heartbeat {
    fn encode(self) -> Vec<u8> {
        u64s_to_bytes(&[
            self.track_until.as_millis(),
            self.returns_until.as_millis(),
            self.change,
        ])
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (track_until, rest) = bytes.split_first_chunk()?;
        let (returns_until, rest) = rest.split_first_chunk()?;
        Some(Self {
            track_until: Timestamp::from_millis(u64::from_le_bytes(*track_until)),
            returns_until: Timestamp::from_millis(u64::from_le_bytes(*returns_until)),
            change: u64::from_le_bytes(rest.try_into().ok()?),
        })
    }

    fn within(self, bounds: Bounds) -> Self {
        let Bounds { now, longest_track } = bounds;
        Self {
            track_until: self.track_until.at_most_ahead(now, longest_track),
            returns_until: self.returns_until.at_most_ahead(now, LONGEST_RETURN),
            ..self
        }
    }

    /// Returns whether a time lies further ahead than it can: then it must be published again.
    pub(super) fn exceeds(self, bounds: Bounds) -> bool {
        self != self.within(bounds)
    }

    /// Reads the heartbeat. Returns `None` if it does not exist or cannot be read.
    pub(super) fn read(host: &mut impl SharedData, key: &str) -> Option<Self> {
        let (bytes, _) = host.shared_data(key).ok()??;
        Self::decode(&bytes)
    }

    /// Extends the times of the heartbeat, within their bounds, and changes [`change`](Self::change).
    /// Returns the heartbeat before and after. No two writers write the same change, so a worker that has
    /// seen one of them notices the other.
    ///
    /// # Errors
    /// [`SyncError`] if it could not be written; it must be published again.
    pub(super) fn publish(
        host: &mut impl SharedData,
        key: &str,
        track_until: Timestamp,
        returns_until: Timestamp,
        bounds: Bounds,
    ) -> Result<(Self, Self), SyncError> {
        let mut published = (Self::default(), Self::default());
        update(host, key, |found| {
            let before = found.and_then(Self::decode).unwrap_or_default();
            let before = before.within(bounds);
            let after = Self {
                track_until: before.track_until.max(track_until),
                returns_until: before.returns_until.max(returns_until),
                change: before.change.wrapping_add(1),
            };
            let after = after.within(bounds);
            published = (before, after);
            Ok(Some(after.encode()))
        })?;
        Ok(published)
    }
}
