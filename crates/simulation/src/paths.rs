//! Who asks for what: the paths of the simulated site, and the addresses of its visitors.

use std::net::Ipv4Addr;

use tidegate_core::breaker::{ClientId, PathClass};
use tidegate_core::worker::Caller;

use super::rng::Stream;

const HOST: &[u8] = b"shop.example";
/// The paths that visitors ask for, with the number of those among a hundred requests.
const PATHS: [(&str, u64); 8] = [
    ("/", 30),
    ("/products/chair", 10),
    ("/products/table", 10),
    ("/search", 10),
    ("/cart", 10),
    ("/api/v1/items", 15),
    ("/api/v1/session", 10),
    ("/help", 5),
];
/// The path that fails when one path fails. Its neighbours are good.
const BROKEN: &str = "/api/v1/messages";
/// Number of the address of a client that asks all the time. Visitors have lower ones.
pub(crate) const ONE_CLIENT: u32 = u32::MAX;

/// One of the paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SitePath(usize);

impl SitePath {
    /// The front page.
    pub(crate) const FRONT: Self = Self(0);
    /// The path that fails when one path fails.
    pub(crate) const BROKEN: Self = Self(PATHS.len());

    /// Draws the path of a visitor.
    pub(crate) fn draw(rng: &mut Stream) -> Self {
        let mut drawn = rng.below(100);
        let found = PATHS.iter().position(|(_, share)| {
            let is_found = drawn < *share;
            drawn = drawn.saturating_sub(*share);
            is_found
        });
        Self(found.unwrap_or(0))
    }
}

/// The callers of all paths, as the filter names them.
#[derive(Debug)]
pub(crate) struct Callers {
    by_path: Vec<Caller>,
    unknown: Caller,
}

impl Callers {
    /// Computes the classes of the paths.
    pub(crate) fn new() -> Self {
        let paths = PATHS.iter().map(|(path, _)| *path).chain([BROKEN]);
        let caller = |path: &str| Caller {
            class: PathClass::of_request(HOST, path.as_bytes()),
            ..Caller::default()
        };
        Self {
            by_path: paths.map(caller).collect(),
            unknown: Caller::default(),
        }
    }

    /// Returns a caller if it `is_known`, else the one that stands for all.
    pub(crate) fn get(&mut self, asker: Asker, is_known: bool) -> &Caller {
        match self.by_path.get_mut(asker.path.0) {
            Some(caller) if is_known => {
                caller.client = asker.address;
                caller
            }
            _ => &self.unknown,
        }
    }
}

/// The path of a request and the address of its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asker {
    pub(crate) path: SitePath,
    pub(crate) address: ClientId,
}

/// Returns the client with the address of this number.
pub(crate) fn address(number: u32) -> ClientId {
    // All of 10.0.0.0/8 and what follows: a made-up address may be anything.
    let ip = Ipv4Addr::from(0x0a00_0000_u32.wrapping_add(number));
    ClientId::of_ip(ip.into())
}

#[cfg(test)]
mod tests;
