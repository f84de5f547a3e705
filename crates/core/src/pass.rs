//! The pass of a client that was let in: a cookie that lets its next requests in first.
//!
//! A ramp that draws for each request lets a page in and rejects half of its styles, scripts and calls. So
//! who is let in gets a pass for a minute. It says nothing but for which route and until when, and carries
//! a message authentication code (HMAC-SHA-256, RFC 2104, cut to 128 bits) by a secret of this Envoy: a
//! pass that is forged, that is over, or that is of another route or Envoy is worth nothing.
//!
//! A pass is not bound to an address, which a visitor may change. How much a client can take by a pass is
//! limited where it is used (`breaker::circuit::gate`).

use std::time::Duration;

use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use base64::Engine as _;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::time::Timestamp;

/// How long a pass is valid.
pub const PASS_LIFETIME: Duration = Duration::from_secs(60);
/// The names of the cookies of all routes begin with this.
const COOKIE: &str = "tidegate_pass_";
/// Number of bytes of the code.
const CODE_BYTES: usize = 16;
/// Number of bytes of the hash of the route in the name of its cookie.
const NAME_BYTES: usize = 6;
/// Number of bytes of the secret.
pub const SECRET_BYTES: usize = 32;
/// Number of bytes of a block of SHA-256.
const BLOCK_BYTES: usize = 64;
/// Longest text of cookies that is looked at: the passes of a few routes.
const MAX_PASSES_BYTES: usize = 512;

/// The secret of the passes of one Envoy.
#[derive(Clone, PartialEq, Eq)]
pub struct PassKey([u8; SECRET_BYTES]);

impl std::fmt::Debug for PassKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PassKey(..)")
    }
}

impl PassKey {
    /// Returns the key with this secret.
    pub fn new(secret: [u8; SECRET_BYTES]) -> Self {
        Self(secret)
    }

    /// Returns the key that shared data holds; `None` if these are not the bytes of one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Returns the bytes for shared data.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the value of `Set-Cookie` for a pass of a route from `now` on (RFC 6265, 4.1).
    pub fn set_cookie(&self, route: &str, now: Timestamp, is_secure: bool) -> String {
        let expiry = now.saturating_add(PASS_LIFETIME).as_millis() / 1000;
        let code = self.mac(route, expiry).finalize().into_bytes();
        let code = BASE64.encode(code.get(..CODE_BYTES).unwrap_or(&code));
        let name = cookie_name(route);
        let max_age = PASS_LIFETIME.as_secs();
        let secure = if is_secure { "; Secure" } else { "" };
        format!(
            "{name}={expiry:x}.{code}; Max-Age={max_age}; Path=/; HttpOnly; SameSite=Lax{secure}"
        )
    }

    /// Returns whether the cookies of a request hold a pass of a route that is valid now.
    pub fn admits(&self, route: &str, cookies: &[u8], now: Timestamp) -> bool {
        let name = cookie_name(route);
        let mut pairs = pairs(cookies);
        pairs.any(|pair| {
            let value = pair.strip_prefix(name.as_bytes());
            let value = value.and_then(|rest| rest.strip_prefix(b"="));
            value.is_some_and(|value| self.is_valid(route, value, now))
        })
    }

    fn is_valid(&self, route: &str, value: &[u8], now: Timestamp) -> bool {
        let parsed = || {
            let (expiry, code) = std::str::from_utf8(value).ok()?.split_once('.')?;
            let code = BASE64.decode(code).ok()?;
            // A shorter one would be easier to guess.
            let code = Some(code).filter(|code| code.len() == CODE_BYTES)?;
            Some((u64::from_str_radix(expiry, 16).ok()?, code))
        };
        let Some((expiry, code)) = parsed() else {
            return false;
        };
        let now = now.as_millis() / 1000;
        // None is valid for longer than a pass that is made now: the clock may have been set back.
        let is_in_time = expiry > now && expiry <= now.saturating_add(PASS_LIFETIME.as_secs());
        // In constant time.
        is_in_time && self.mac(route, expiry).verify_truncated_left(&code).is_ok()
    }

    fn mac(&self, route: &str, expiry: u64) -> Hmac<Sha256> {
        // A shorter key is the same as one with zeros to the length of a block (RFC 2104, 2).
        let mut key = [0; BLOCK_BYTES];
        for (to, from) in key.iter_mut().zip(self.0) {
            *to = from;
        }
        let mut mac = Hmac::<Sha256>::new(&key.into());
        mac.update(&expiry.to_le_bytes());
        mac.update(route.as_bytes());
        mac
    }
}

/// Returns those of the cookies of a request that may be passes, and no others.
pub fn pass_cookies<'a>(cookies: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut kept = Vec::new();
    for pair in cookies.flat_map(pairs) {
        let is_pass = pair.starts_with(COOKIE.as_bytes());
        if is_pass && kept.len().saturating_add(pair.len()) < MAX_PASSES_BYTES {
            kept.extend_from_slice(pair);
            kept.push(b';');
        }
    }
    kept
}

fn pairs(cookies: &[u8]) -> impl Iterator<Item = &[u8]> {
    cookies.split(|&byte| byte == b';').map(<[u8]>::trim_ascii)
}

/// Returns the name of the cookie of a route: each route has its own, since a browser sends the cookies of
/// all routes of a host.
fn cookie_name(route: &str) -> String {
    let digest = Sha256::digest(route.as_bytes());
    let id = BASE64.encode(digest.get(..NAME_BYTES).unwrap_or_default());
    format!("{COOKIE}{id}")
}

#[cfg(test)]
mod tests;
