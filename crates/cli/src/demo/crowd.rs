//! Visitors of the shop whom the owner's panel sends: real requests to the Envoy of the demo, from
//! addresses of their own. Their number and time are bounded.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{json, Value};

use super::client::{ask, Answer};

/// Largest crowd.
const MAX_VISITORS: u32 = 200;
/// The visitors of a crowd come within this time.
const ARRIVAL: Duration = Duration::from_secs(3);
/// A visitor gives up after this time.
const PATIENCE: Duration = Duration::from_secs(120);
/// A visitor who ignores hints comes back after this time, as does one without a hint.
const RELOAD: Duration = Duration::from_secs(1);
/// How long the rude client sends requests.
const RUDE: Duration = Duration::from_secs(30);
/// The pause between two of its requests.
const RUDE_PAUSE: Duration = Duration::from_millis(20);
/// A visitor needs little memory.
const STACK: usize = 128 * 1024;

/// Whom to send.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Wish {
    /// Visitors who each want one page.
    Crowd {
        visitors: u32,
        /// Whether they come back as the page does, when its hint is over, or each second.
        obey: bool,
    },
    /// One client that asks fifty times a second.
    Rude { rude: bool },
}

/// The form of a [`Wish`].
pub(super) const FORM: &str =
    "{\"visitors\": 1 to 200, \"obey\": true or false}, or {\"rude\": true}";

/// Sends visitors to the shop.
pub(super) struct Crowds {
    shop: SocketAddr,
    /// Number of visitors so far, which gives each an address.
    sent: AtomicU32,
    present: Arc<Present>,
}

/// How the visitors are doing.
#[derive(Default)]
struct Present {
    waiting: AtomicU32,
    served: AtomicU32,
    gave_up: AtomicU32,
    rude: AtomicU32,
}

impl Crowds {
    pub(super) fn new(shop: SocketAddr) -> Self {
        Self {
            shop,
            sent: AtomicU32::new(0),
            present: Arc::default(),
        }
    }

    /// Returns how the visitors are doing.
    pub(super) fn state(&self) -> Value {
        let count = |number: &AtomicU32| number.load(Ordering::Relaxed);
        json!({
            "waiting": count(&self.present.waiting),
            "served": count(&self.present.served),
            "gave_up": count(&self.present.gave_up),
            "rude": count(&self.present.rude) > 0,
        })
    }

    /// Sends a crowd or a client.
    ///
    /// # Errors
    /// It is too large, or there are too many.
    pub(super) fn send(&self, wish: Wish) -> Result<(), String> {
        match wish {
            Wish::Crowd { visitors, obey } => self.send_crowd(visitors, obey),
            Wish::Rude { rude: false } => Err(format!("wanted: {FORM}")),
            Wish::Rude { rude: true } => self.send_rude(),
        }
    }

    fn send_crowd(&self, visitors: u32, obey: bool) -> Result<(), String> {
        if !(1..=MAX_VISITORS).contains(&visitors) {
            return Err(format!("a crowd has 1 to {MAX_VISITORS} visitors"));
        }
        let waiting = &self.present.waiting;
        let all = waiting.fetch_add(visitors, Ordering::Relaxed) + visitors;
        if all > 2 * MAX_VISITORS {
            waiting.fetch_sub(visitors, Ordering::Relaxed);
            return Err("two crowds are there already; wait until they are served".to_owned());
        }
        for at in 0..visitors {
            let visitor = Visitor {
                shop: self.shop,
                address: self.address(1),
                obeys: obey,
            };
            let (present, arrival) = (self.present.clone(), ARRIVAL * at / visitors);
            spawn(move || {
                thread::sleep(arrival);
                let outcome = match visitor.stay() {
                    true => &present.served,
                    false => &present.gave_up,
                };
                outcome.fetch_add(1, Ordering::Relaxed);
                present.waiting.fetch_sub(1, Ordering::Relaxed);
            })?;
        }
        Ok(())
    }

    fn send_rude(&self) -> Result<(), String> {
        if self.present.rude.swap(1, Ordering::Relaxed) > 0 {
            return Err("the rude client is still there".to_owned());
        }
        let (shop, present, address) = (self.shop, self.present.clone(), self.address(2));
        spawn(move || {
            let end = Instant::now() + RUDE;
            while Instant::now() < end {
                // It does not care.
                let _ = ask(shop, address, "GET", &[]);
                thread::sleep(RUDE_PAUSE);
            }
            present.rude.store(0, Ordering::Relaxed);
        })
    }

    /// Returns an address that no other visitor had lately.
    fn address(&self, network: u8) -> Ipv4Addr {
        let [.., high, low] = self.sent.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        Ipv4Addr::new(127, network, high, low)
    }
}

fn spawn(run: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let thread = thread::Builder::new().name("visitor".into());
    let started = thread.stack_size(STACK).spawn(run);
    started.map(drop).map_err(|error| error.to_string())
}

/// A visitor who wants one page.
struct Visitor {
    shop: SocketAddr,
    address: Ipv4Addr,
    obeys: bool,
}

impl Visitor {
    /// Asks until the shop is there. Returns whether it was.
    fn stay(&self) -> bool {
        let end = Instant::now() + PATIENCE;
        let mut answer = self.get(None);
        for retry in 1.. {
            if answer.is_served() {
                return true;
            }
            let hint = answer.hint_s.filter(|_| self.obeys);
            let wait = hint.map_or(RELOAD, Duration::from_secs);
            if Instant::now() + wait > end {
                break;
            }
            thread::sleep(wait);
            answer = match self.obeys {
                true => self.check_in(retry),
                false => self.get(None),
            };
        }
        false
    }

    /// Asks whether the shop is back, as the page does, and loads it if it is.
    fn check_in(&self, retry: u32) -> Answer {
        let retry = retry.to_string();
        let answer = self.ask("HEAD", &[("x-tidegate-retry", &retry)]);
        match answer.is_served() {
            true => self.get(answer.pass.as_deref()),
            false => answer,
        }
    }

    fn get(&self, pass: Option<&str>) -> Answer {
        match pass {
            Some(pass) => self.ask("GET", &[("accept", "text/html"), ("cookie", pass)]),
            None => self.ask("GET", &[("accept", "text/html")]),
        }
    }

    fn ask(&self, method: &str, headers: &[(&str, &str)]) -> Answer {
        ask(self.shop, self.address, method, headers).unwrap_or_else(|_| Answer::none())
    }
}

#[cfg(test)]
mod tests;
