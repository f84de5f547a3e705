//! Asks the shop what a visitor gets, while somebody looks at the panel.
//!
//! A question is a request like those of visitors, and the breaker counts it. So it is asked only at
//! changes and now and then.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::client::{ask, Answer};
use crate::http::lock;

/// The shop is asked at every change, and at this interval.
const EVERY: Duration = Duration::from_secs(5);
/// The panel asks for the state each second; after this time without that, nobody looks.
const LOOKED_AT: Duration = Duration::from_secs(3);

/// The last answer, and when to ask again.
pub(super) struct Probe {
    shop: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// `None` until the shop has answered after a switch.
    answer: Option<Answer>,
    asked: Option<Instant>,
    looked_at: Option<Instant>,
    /// Counts the switches, so that an answer from before one is not shown after it.
    switches: u64,
}

impl State {
    fn is_due(&self) -> bool {
        let within = |at: Option<Instant>, limit| at.is_some_and(|at| at.elapsed() < limit);
        within(self.looked_at, LOOKED_AT) && !within(self.asked, EVERY)
    }
}

impl Probe {
    /// Starts asking.
    pub(super) fn start(shop: SocketAddr) -> std::io::Result<Arc<Self>> {
        let probe = Arc::new(Self {
            shop,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let asking = probe.clone();
        let thread = std::thread::Builder::new().name("probe".into());
        thread.spawn(move || asking.run()).map(|_| probe)
    }

    fn run(&self) {
        loop {
            let state = lock(&self.state);
            // A poisoned lock is as good as another.
            let wait = self
                .changed
                .wait_timeout_while(state, EVERY, |state| !state.is_due());
            let switches = match wait {
                Ok((mut state, _)) if state.is_due() => {
                    state.asked = Some(Instant::now());
                    state.switches
                }
                _ => continue,
            };
            // As a program, since its document names the reason; visitors get the page for it.
            let accept = [("accept", "application/problem+json")];
            let answer = ask(self.shop, Ipv4Addr::LOCALHOST, "GET", &accept);
            let mut state = lock(&self.state);
            if state.switches == switches {
                state.answer = answer.ok();
            }
        }
    }

    /// Forgets the answer, since the site was switched.
    pub(super) fn switched(&self) {
        let mut state = lock(&self.state);
        state.switches += 1;
        (state.answer, state.asked) = (None, None);
        self.changed.notify_all();
    }

    /// Asks again soon, since the state of the circuit has changed.
    pub(super) fn changed(&self) {
        lock(&self.state).asked = None;
        self.changed.notify_all();
    }

    /// Returns what a visitor gets, and the retry hint in seconds. Somebody looks at it.
    pub(super) fn look(&self) -> Option<(String, Option<u64>)> {
        let mut state = lock(&self.state);
        state.looked_at = Some(Instant::now());
        self.changed.notify_all();
        let answer = state.answer.as_ref()?;
        let hint_s = answer.hint_s.filter(|_| answer.is_page);
        Some((answer.words(), hint_s))
    }
}
