//! What goes in and out of a worker's [`Bank`](super::Bank).

use crate::breaker::machine::{Outcome, Permit, Transition};
use crate::breaker::record::State;
use crate::prelude::*;
use crate::reason::Reason;
use crate::release::Releases;
use crate::text::{decimal, hex};

/// Whether a request may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may; the ticket belongs to its outcome.
    Admit(Ticket),
    /// It may not.
    Reject(Rejection),
}

/// Under what a request was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ticket {
    /// The generation; `None` where nobody looked.
    pub generation: Option<u32>,
    /// The permit, if it is a probe.
    pub permit: Option<Permit>,
    /// Whether only the shadow mode let it through; its outcome is not counted.
    pub is_shadow: bool,
    /// What the worker had seen by then; `None`: not known. See [`Bank::ticket`].
    ///
    /// [`Bank::ticket`]: super::Bank::ticket
    pub seen: Option<u32>,
}

/// Why a request was rejected, and what is known about the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// The state that rejected it.
    pub state: State,
    /// What tripped the breaker.
    pub reason: Option<Reason>,
    /// For how much longer the circuit is open, in milliseconds; 0: not known.
    pub remaining_ms: u64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// What it says about the upstream.
    pub outcome: Outcome,
    /// Whether it took longer than the settings allow.
    pub is_slow: bool,
    /// `Retry-After` of the upstream, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            is_slow: false,
            retry_after_ms: None,
        }
    }
}

/// The moment of a call: the time, and a draw of chance.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// In [0, 1).
    pub draw: f64,
}

impl Moment {
    /// The moment `now_ns` nanoseconds after the Unix epoch. The module has no source of chance:
    /// the draw comes from the time and from `salt`, which differs from request to request.
    pub fn new(now_ns: u64, salt: u64) -> Self {
        // The upper 53 bits are what a number in [0, 1) holds.
        let bits = crate::hint::seed(&salt.to_le_bytes(), now_ns) >> 11;
        let draw = bits as f64 / (1_u64 << 53) as f64;
        Self {
            now_ms: crate::millis::from_ns(now_ns),
            draw,
        }
    }
}

/// Something to write a line about.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A change of state that this worker made.
    Changed {
        /// Key of the route.
        route: String,
        /// What changed.
        transition: Transition,
    },
    /// Failures or requests of a route were answered.
    Answered {
        /// Key of the route.
        route: String,
        /// Why.
        reason: Reason,
        /// Whether they would have been, but for shadow mode.
        is_shadow: bool,
        /// How many, since the last such line.
        count: u64,
    },
    /// The metadata of a route name a policy or a page that is not there; written once.
    UnknownName {
        /// Key of the route.
        route: String,
    },
}

impl Event {
    /// The change of state, if it is one.
    pub fn transition(&self) -> Option<Transition> {
        match self {
            Self::Changed { transition, .. } => Some(*transition),
            _ => None,
        }
    }

    /// Key of the route.
    pub fn route(&self) -> &str {
        match self {
            Self::Changed { route, .. }
            | Self::Answered { route, .. }
            | Self::UnknownName { route } => route,
        }
    }

    /// One line of JSON. `releases`: those of its route, where they are known.
    pub fn line(&self, releases: Option<&Releases>, now_ms: u64) -> String {
        let name = match self {
            Self::Changed { .. } => "breaker",
            Self::Answered {
                is_shadow: false, ..
            } => "intercepted",
            Self::Answered { .. } => "would_intercept",
            Self::UnknownName { .. } => "unknown_name",
        };
        let mut line = Line("{".to_owned());
        line.text("event", name);
        line.text("route", self.route());
        match self {
            Self::Changed { transition, .. } => {
                line.text("from", transition.from.as_str());
                line.text("to", transition.to.as_str());
                line.text("reason", transition.reason.as_str());
                line.number("total", transition.counts.total.into());
                line.number("failed", transition.counts.failed.into());
                line.number("open_ms", transition.open_ms);
            }
            Self::Answered { reason, count, .. } => {
                line.text("reason", reason.as_str());
                line.number("count", *count);
            }
            Self::UnknownName { .. } => {}
        }
        if let Some(now) = releases.and_then(|known| known.now.as_ref()) {
            line.text("release", now);
        }
        if let Some(known) = releases.filter(|known| known.before.is_some()) {
            line.text(
                "release_before",
                known.before.as_deref().unwrap_or_default(),
            );
            line.number("release_age_ms", now_ms.saturating_sub(known.since_ms));
        }
        line.0.push('}');
        line.0
    }
}

/// A line of JSON in the making.
struct Line(String);

impl Line {
    fn key(&mut self, key: &str) {
        let comma = if self.0.len() > 1 { ",\"" } else { "\"" };
        self.0.push_str(&[comma, key, "\":"].joined());
    }

    fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        self.0.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => self.0.extend(['\\', c]),
                c if c.is_control() => {
                    self.0.push_str("\\u");
                    self.0.push_str(&hex(u32::from(c), 4));
                }
                c => self.0.push(c),
            }
        }
        self.0.push('"');
    }

    fn number(&mut self, key: &str, number: u64) {
        self.key(key);
        self.0.push_str(&decimal(number));
    }
}
