//! Whose failures a circuit counts: no client address alone opens what others use.
//!
//! A circuit keeps a small table of client addresses. Of the failures that are needed to open it, it
//! counts only a part from each address, the smaller the more addresses use the class. If only one
//! address is known, as behind a load balancer that does not name its clients, nothing is limited.

use std::net::{IpAddr, SocketAddr};

use crate::breaker::window::BUCKETS;

/// Number of addresses that a table keeps: twice as many as there are parts.
pub const MAX_CLIENTS: usize = 8;
/// A client that is held back tries again with its failures less one part of so many.
const CHANCE: u32 = 4;

/// Identifies the address of a client. Different addresses rarely have the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct ClientId(pub(crate) u32);

impl ClientId {
    /// The client whose address is not known.
    pub const UNKNOWN: Self = Self(0);

    /// Returns the client of an address as Envoy writes it, with the port.
    pub fn of_address(address: &[u8]) -> Self {
        let text = std::str::from_utf8(address).unwrap_or_default();
        let socket = text.parse::<SocketAddr>();
        socket.map_or(Self::UNKNOWN, |socket| Self::of_ip(socket.ip()))
    }

    /// Returns the client with this address. All addresses of an IPv6 network of 64 bits are one client: a
    /// single one usually has them all.
    pub fn of_ip(ip: IpAddr) -> Self {
        match ip.to_canonical() {
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

/// What a circuit knows about one client. Times are numbers of buckets of the window
/// ([`bucket_number`](super::window::bucket_number)), of which the lower bits are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KnownClient {
    /// The client.
    pub id: ClientId,
    /// When it was last seen.
    pub seen: u32,
    /// When the first of its counted failures was.
    pub since: u32,
    /// When it failed last, counted or not.
    pub failed_at: u32,
    /// The number of its failures that were counted.
    pub failed: u32,
    /// The number of all its failures since the first that was counted.
    pub all: u32,
}

impl KnownClient {
    /// Returns a client that has not failed, and was seen in this bucket.
    fn new(id: ClientId, seen: u32) -> Self {
        Self {
            id,
            seen,
            ..Self::default()
        }
    }
}

/// The clients of a circuit that were seen lately, at most [`MAX_CLIENTS`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clients {
    pub(crate) known: Vec<KnownClient>,
}

impl Clients {
    /// Notes that a client was seen in a bucket.
    pub fn note(&mut self, id: ClientId, bucket: u64) {
        let bucket = lower_bits(bucket);
        let place = self.place(id, bucket);
        if let Some(known) = place.and_then(|place| self.known.get_mut(place)) {
            known.seen = bucket;
        }
    }

    /// Returns the place of a client, which takes that of one that was not seen in the window if all
    /// are taken. None if all others were seen: more are not needed.
    fn place(&mut self, id: ClientId, bucket: u32) -> Option<usize> {
        let place = self.known.iter().position(|known| known.id == id);
        if place.is_some() {
            return place;
        }
        let new = KnownClient::new(id, bucket);
        if self.known.len() < MAX_CLIENTS {
            // Most circuits know one client, and there may be thousands of circuits.
            self.known.reserve_exact(1);
            self.known.push(new);
            return self.known.len().checked_sub(1);
        }
        let place = self
            .known
            .iter()
            .position(|known| is_over(known.seen, bucket))?;
        *self.known.get_mut(place)? = new;
        Some(place)
    }

    /// Returns the parts into which the needed failures are divided: one client counts at most one
    /// of them. One if a single client was seen within the window. With few clients, all but one of
    /// them together can open the circuit.
    pub fn parts(&self, bucket: u64) -> u32 {
        let bucket = lower_bits(bucket);
        let fresh = self.known.iter().filter(|c| !is_over(c.seen, bucket));
        match fresh.count() {
            0 | 1 => 1,
            2 | 3 => 2,
            4 => 3,
            _ => 4,
        }
    }

    /// Counts up to `limit` failures of a client within the window. Returns how many of `failed` count.
    pub fn count(&mut self, id: ClientId, failed: u32, limit: u32, bucket: u64) -> u32 {
        let bucket = lower_bits(bucket);
        let known = match self.place(id, bucket) {
            Some(place) => self.known.get_mut(place),
            // The least of the others gives up its place: the client that causes most of the failures never
            // does. If many clients fail, none of them is alone.
            None => {
                let least = self.known.iter_mut().min_by_key(|known| known.failed);
                least.map(|known| {
                    *known = KnownClient::new(id, bucket);
                    known
                })
            }
        };
        let Some(known) = known else { return failed };
        if known.failed == 0 || is_over(known.since, bucket) {
            known.since = bucket;
            (known.failed, known.all) = (0, 0);
        }
        known.all = known.all.saturating_add(failed);
        let counted = failed.min(limit.saturating_sub(known.failed));
        known.failed = known.failed.saturating_add(counted);
        known.failed_at = bucket;
        counted
    }

    /// Returns how often a client failed within the window, counted or not, if that began before this
    /// bucket.
    pub fn failed(&self, id: ClientId, bucket: u64) -> u32 {
        let bucket = lower_bits(bucket);
        let known = self.known.iter().find(|known| known.id == id);
        let known =
            known.filter(|c| c.failed > 0 && c.since != bucket && !is_over(c.since, bucket));
        known.map_or(0, |known| known.all)
    }

    /// Keeps the count of a client that still fails from ending with the window.
    pub fn keep(&mut self, id: ClientId, bucket: u64) {
        let bucket = lower_bits(bucket);
        if let Some(known) = self.failing_mut(id) {
            // As if it had begun in the bucket before: it is no newcomer.
            (known.since, known.failed_at) = (bucket.wrapping_sub(1), bucket);
        }
    }

    /// Keeps the failures of a client from being forgotten that asks although it is rejected now. When they
    /// would be forgotten, it gets another chance with a few requests, and not with all that it sends in
    /// the first bucket of a new window.
    pub fn keep_failing(&mut self, id: ClientId, bucket: u64) {
        let bucket = lower_bits(bucket);
        let Some(known) = self.failing_mut(id) else {
            return;
        };
        known.failed_at = bucket;
        if is_over(known.since.wrapping_sub(1), bucket) {
            known.since = bucket.wrapping_sub(1);
            known.all = known.all.saturating_sub(known.all.div_ceil(CHANCE));
            // What was counted is not in the window of the circuit any more.
            known.failed = 1;
        }
    }

    fn failing_mut(&mut self, id: ClientId) -> Option<&mut KnownClient> {
        let mut known = self.known.iter_mut();
        known.find(|known| known.id == id && known.failed > 0)
    }

    /// Begins to count failures anew, for each step of a ramp.
    pub fn begin_count(&mut self) {
        for known in &mut self.known {
            (known.failed, known.all) = (0, 0);
        }
    }

    /// Forgets the failures of clients that did not fail within the window.
    pub fn age(&mut self, bucket: u64) {
        let bucket = lower_bits(bucket);
        for known in &mut self.known {
            if is_over(known.failed_at, bucket) {
                known.failed = 0;
            }
        }
    }

    /// Returns whether a client failed within the window, even if that was not counted.
    pub fn has_failed(&self) -> bool {
        self.known.iter().any(|known| known.failed > 0)
    }
}

fn lower_bits(bucket: u64) -> u32 {
    (bucket & u64::from(u32::MAX)) as u32
}

/// Returns whether a bucket is not in the window; nor is one in the future, as after the clock was set
/// back.
fn is_over(then: u32, bucket: u32) -> bool {
    bucket.wrapping_sub(then) >= BUCKETS as u32
}

#[cfg(test)]
mod tests;
