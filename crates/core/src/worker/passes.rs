//! The passes of clients that were let in.

use sha2::{Digest, Sha256};

use crate::breaker::State;
use crate::host::Host;
use crate::pass::PassKey;
use crate::time::Timestamp;
use crate::worker::permit::CircuitId;
use crate::worker::shared::update;
use crate::worker::Worker;

impl Worker {
    /// Returns whether a pass means something for a route: one of its circuits lets some requests pass.
    pub fn uses_passes(&self, circuit: CircuitId<'_>) -> bool {
        let is_on = self.settings(circuit).is_some_and(|s| s.ramp.pass);
        let is_gate = |state: State| matches!(state, State::HalfOpen | State::Ramp);
        let known = self.circuit(circuit).filter(|_| is_on);
        known.is_some_and(|known| known.view.circuits().any(|c| is_gate(c.state)))
    }

    /// Returns whether cookies hold a valid pass for a route.
    pub fn has_pass(
        &mut self,
        host: &mut impl Host,
        circuit: CircuitId<'_>,
        cookies: &[u8],
        now: Timestamp,
    ) -> bool {
        let key = self.pass_key(host, now);
        key.is_some_and(|key| key.admits(circuit.route.as_str(), cookies, now))
    }

    /// Returns the value of `Set-Cookie` for a pass of a route; `None` if passes are off, or if shared data
    /// failed.
    pub fn new_pass(
        &mut self,
        host: &mut impl Host,
        circuit: CircuitId<'_>,
        now: Timestamp,
        is_secure: bool,
    ) -> Option<String> {
        if !self.settings(circuit)?.ramp.pass {
            return None;
        }
        let key = self.pass_key(host, now)?;
        Some(key.set_cookie(circuit.route.as_str(), now, is_secure))
    }

    /// Returns the key of the passes of all workers. The first one that needs it makes it.
    fn pass_key(&mut self, host: &mut impl Host, now: Timestamp) -> Option<&PassKey> {
        if self.pass_key.is_none() {
            self.pass_key = shared_key(host, &format!("{}$", self.prefix), now);
        }
        self.pass_key.as_ref()
    }
}

fn shared_key(host: &mut impl Host, name: &str, now: Timestamp) -> Option<PassKey> {
    let new = new_key(host, now);
    let make = |found: Option<&[u8]>| {
        let is_key = found.and_then(PassKey::from_bytes).is_some();
        Ok((!is_key).then(|| new.as_bytes().to_vec()))
    };
    update(host, name, make).ok()?;
    // What is there now: two workers may have made one at the same time.
    let (bytes, _) = host.shared_data(name).ok()??;
    PassKey::from_bytes(&bytes)
}

/// Returns a new key: random, or, if the host has no source of randomness, derived from what differs from
/// proxy to proxy and from request to request and is hard to know from outside.
fn new_key(host: &mut impl Host, now: Timestamp) -> PassKey {
    if let Ok(secret) = host.random() {
        return PassKey::new(secret);
    }
    let mut hash = Sha256::new();
    hash.update(now.as_millis().to_le_bytes());
    for path in [
        "request\0id",
        "request\0time",
        "source\0address",
        "connection\0id",
        "upstream\0local_address",
    ] {
        hash.update(host.attribute(path).unwrap_or_default());
        hash.update([0]);
    }
    PassKey::new(hash.finalize().into())
}
