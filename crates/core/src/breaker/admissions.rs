//! How much of a ramp's rate each client takes.
//!
//! A ramp is a queue at a narrow door. A client that asks fifty times a second would go through it fifty
//! times as often as a visitor, so a circuit counts the requests of those clients that go through most.

use crate::breaker::clients::ClientId;

/// Number of clients that are counted. A client that takes a larger part of the rate than one in so many
/// is always among them (the algorithm "Space-Saving" of Metwally, Agrawal and El Abbadi, 2005).
pub const MAX_TAKERS: usize = 32;
/// In each step a count falls by one part in so many: it is about the number of requests in as many steps.
const STEPS: u32 = 3;

/// The requests that clients were admitted for lately.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Admissions {
    pub(crate) known: Vec<(ClientId, u32)>,
}

impl Admissions {
    /// Adds requests of a client.
    pub fn add(&mut self, client: ClientId, requests: u32) {
        if let Some((_, count)) = self.known.iter_mut().find(|(known, _)| *known == client) {
            *count = count.saturating_add(requests);
            return;
        }
        if self.known.len() < MAX_TAKERS {
            self.known.push((client, requests));
            return;
        }
        // The new client takes over the count of the least, which is at most an even part of all.
        if let Some(least) = self.known.iter_mut().min_by_key(|(_, count)| *count) {
            *least = (client, least.1.saturating_add(requests));
        }
    }

    /// Returns whether a client may be admitted at this many requests per second, or has been admitted
    /// for more in the last three seconds.
    pub fn is_within(&self, client: ClientId, per_second: f64) -> bool {
        let known = self.known.iter().find(|(known, _)| *known == client);
        let count = known.map_or(0, |(_, count)| *count);
        f64::from(count) < per_second * f64::from(STEPS)
    }

    /// Lets the counts fall, once for each step of the ramp.
    pub fn fade(&mut self) {
        for (_, count) in &mut self.known {
            *count = count.saturating_sub(count.div_ceil(STEPS));
        }
        self.known.retain(|(_, count)| *count > 0);
    }
}

#[cfg(test)]
mod tests;
