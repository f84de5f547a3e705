//! Whose failures a circuit counts: no client address alone opens what others use.
//!
//! A circuit keeps a small table of client addresses. Of the failures that are needed to open it, it
//! counts only a part from each address, the smaller the more addresses use the class. If only one
//! address is known, as behind a load balancer that does not name its clients, nothing is limited.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::time::Timestamp;

/// Number of addresses that a table keeps. An address that causes more than one part in this number
/// of the failures is always among them.
pub const MAX_CLIENTS: usize = 8;
/// A client that was seen within this time is waiting to be served.
const ASKS_WITHIN_SECONDS: u32 = 2;

/// Identifies the address of a client. Different addresses rarely have the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct ClientId(pub(crate) u32);

impl ClientId {
    /// The client whose address is not known.
    pub const UNKNOWN: Self = Self(0);

    /// Returns the client of an address as Envoy writes it, with the port. All addresses of an IPv6
    /// network of 64 bits are one client: a single one usually has them all.
    pub fn of_address(address: &[u8]) -> Self {
        let text = std::str::from_utf8(address).unwrap_or_default();
        let Ok(socket) = text.parse::<SocketAddr>() else {
            return Self::UNKNOWN;
        };
        match socket.ip().to_canonical() {
            IpAddr::V4(ip) => Self::of_bytes(&ip.octets()),
            IpAddr::V6(ip) => {
                let network = ip.octets();
                Self::of_bytes(network.first_chunk::<8>().unwrap_or(&[0; 8]))
            }
        }
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        // FNV-1a, 32 bits.
        let hash = bytes.iter().fold(0x811c_9dc5_u32, |hash, &byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        Self(hash.max(1))
    }
}

/// What a circuit knows about one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KnownClient {
    /// The client.
    pub id: ClientId,
    /// When it was last seen, in seconds since the Unix epoch.
    pub seen: u32,
    /// The first of the counted failures, in seconds since the Unix epoch.
    pub since: u32,
    /// The number of its failures that were counted since then.
    pub failed: u32,
}

/// The clients of a circuit that were seen lately, at most [`MAX_CLIENTS`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clients {
    pub(crate) known: Vec<KnownClient>,
}

impl Clients {
    /// Notes that a client was seen.
    pub fn note(&mut self, id: ClientId, now: Timestamp, window: Duration) {
        let now = seconds(now);
        if let Some(known) = self.find(id) {
            known.seen = now;
        } else if self.known.len() < MAX_CLIENTS {
            self.known.push(KnownClient {
                id,
                seen: now,
                ..KnownClient::default()
            });
        } else {
            // One that was not seen in the window, if there is any: more are not needed.
            let is_old = |known: &&mut KnownClient| is_over(known.seen, now, window);
            if let Some(old) = self.known.iter_mut().find(is_old) {
                *old = KnownClient {
                    id,
                    seen: now,
                    ..KnownClient::default()
                };
            }
        }
    }

    /// Returns the parts into which the needed failures are divided: one client counts at most one
    /// of them. One if a single client was seen within the window. With few clients, all but one of
    /// them together can open the circuit.
    pub fn parts(&self, now: Timestamp, window: Duration) -> u32 {
        let now = seconds(now);
        let fresh = self.known.iter().filter(|c| !is_over(c.seen, now, window));
        match fresh.count() {
            0 | 1 => 1,
            2 | 3 => 2,
            4 => 3,
            _ => 4,
        }
    }

    /// Counts up to `limit` failures of a client within the window. Returns how many of `failed` count.
    pub fn count(
        &mut self,
        id: ClientId,
        failed: u32,
        limit: u32,
        now: Timestamp,
        window: Duration,
    ) -> u32 {
        self.note(id, now, window);
        let now = seconds(now);
        let index = self.known.iter().position(|known| known.id == id);
        let known = match index {
            Some(index) => self.known.get_mut(index),
            // The least of the others gives up its place, with its count: whoever causes many
            // failures cannot be missed (the algorithm "Space-Saving" for frequent items).
            None => {
                let least = self.known.iter_mut().min_by_key(|known| known.failed);
                least.map(|known| {
                    known.id = id;
                    known.seen = now;
                    known
                })
            }
        };
        let Some(known) = known else { return failed };
        if is_over(known.since, now, window) {
            known.since = now;
            known.failed = 0;
        }
        let counted = failed.min(limit.saturating_sub(known.failed));
        known.failed = known.failed.saturating_add(counted);
        counted
    }

    /// Returns whether another client asked within the last two seconds.
    pub fn others_ask(&self, id: ClientId, now: Timestamp) -> bool {
        let now = seconds(now);
        let asks = |known: &KnownClient| known.seen.abs_diff(now) <= ASKS_WITHIN_SECONDS;
        self.known.iter().any(|known| known.id != id && asks(known))
    }

    fn find(&mut self, id: ClientId) -> Option<&mut KnownClient> {
        self.known.iter_mut().find(|known| known.id == id)
    }
}

fn seconds(now: Timestamp) -> u32 {
    u32::try_from(now.since_epoch().as_secs()).unwrap_or(u32::MAX)
}

/// Returns whether a time is not within the window; nor is one in the future, as after the clock was
/// set back.
fn is_over(then: u32, now: u32, window: Duration) -> bool {
    then > now.saturating_add(1) || u64::from(now.saturating_sub(then)) >= window.as_secs().max(1)
}

#[cfg(test)]
mod tests;
