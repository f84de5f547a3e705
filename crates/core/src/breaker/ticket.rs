//! What goes in and out of a worker's [`Bank`](super::Bank).

use crate::breaker::machine::{Outcome, Permit, Transition};
use crate::breaker::record::State;
use crate::prelude::*;
use crate::reason::Reason;
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
            Self::UnknownName { .. } => None,
        }
    }
}

impl Event {
    /// One line of JSON.
    pub fn line(&self) -> String {
        let (name, route) = match self {
            Self::Changed { route, .. } => ("breaker", route),
            Self::UnknownName { route } => ("unknown_name", route),
        };
        let mut line = ["{\"event\":\"", name, "\",\"route\":\""].concat();
        for c in route.chars() {
            match c {
                '"' | '\\' => line.extend(['\\', c]),
                c if c.is_control() => {
                    line.push_str("\\u");
                    line.push_str(&hex(u32::from(c), 4));
                }
                c => line.push(c),
            }
        }
        if let Self::Changed { transition, .. } = self {
            let counts = &transition.counts;
            for (key, value) in [
                ("from", transition.from.as_str()),
                ("to", transition.to.as_str()),
                ("reason", transition.reason.as_str()),
            ] {
                line.push_str(&["\",\"", key, "\":\"", value].concat());
            }
            line.push('"');
            for (key, value) in [
                ("total", counts.total.into()),
                ("failed", counts.failed.into()),
                ("open_ms", transition.open_ms),
            ] {
                line.push_str(&[",\"", key, "\":", &decimal(value)].concat());
            }
        } else {
            line.push('"');
        }
        line.push('}');
        line
    }
}

impl core::fmt::Display for Event {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str(&self.line())
    }
}
