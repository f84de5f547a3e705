//! Events for the log, as lines of JSON.

use std::time::Duration;

use serde_json::Value;

use crate::breaker::Transition;
use crate::failure::Reason;
use crate::time::{saturating_millis, Timestamp};
use crate::worker::releases::Releases;
use crate::worker::routes::RouteKey;

/// An event for the log.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A change of state that this worker made.
    Transition {
        /// The route.
        route: RouteKey,
        /// The class whose circuit changed; `None` for the circuit of the route.
        class: Option<String>,
        /// The change.
        transition: Transition,
    },
    /// Failures or rejections of a route that were intercepted.
    Intercepted {
        /// The route.
        route: RouteKey,
        /// Why the requests failed.
        reason: Reason,
        /// Whether they only would have been intercepted without shadow mode.
        is_shadow: bool,
        /// The number since the last event of this kind.
        count: u64,
    },
    /// The metadata of a route name a policy or a page that does not exist. Reported once.
    UnknownName {
        /// The route.
        route: RouteKey,
    },
}

impl Event {
    /// Returns the change of state, if the event is one.
    pub fn transition(&self) -> Option<Transition> {
        match self {
            Self::Transition { transition, .. } => Some(*transition),
            Self::Intercepted { .. } | Self::UnknownName { .. } => None,
        }
    }

    /// Returns the route.
    pub fn route(&self) -> &RouteKey {
        match self {
            Self::Transition { route, .. }
            | Self::Intercepted { route, .. }
            | Self::UnknownName { route } => route,
        }
    }

    /// Returns the event as one line of JSON, with the releases of its route.
    pub fn line(&self, releases: Option<&Releases>, now: Timestamp) -> String {
        let name = match self {
            Self::Transition { .. } => "breaker",
            Self::Intercepted {
                is_shadow: false, ..
            } => "intercepted",
            Self::Intercepted { .. } => "would_intercept",
            Self::UnknownName { .. } => "unknown_name",
        };
        let mut line = Line(String::new());
        line.text("event", name);
        line.text("route", self.route().as_str());
        match self {
            Self::Transition {
                class, transition, ..
            } => {
                if let Some(class) = class {
                    line.text("class", class);
                }
                line.text("from", transition.from.as_str());
                line.text("to", transition.to.as_str());
                line.text("reason", transition.reason.as_str());
                line.number("total", transition.counts.total.into());
                line.number("failed", transition.counts.failed.into());
                line.number("open_ms", saturating_millis(transition.open_for));
            }
            Self::Intercepted { reason, count, .. } => {
                line.text("reason", reason.as_str());
                line.number("count", *count);
            }
            Self::UnknownName { .. } => {}
        }
        let current = releases.and_then(|releases| releases.current.as_ref());
        let previous = releases.and_then(|releases| releases.previous.as_ref());
        if let Some(current) = current {
            line.text("release", current);
        }
        if let (Some(previous), Some(releases)) = (previous, releases) {
            line.text("release_before", previous);
            let age = now.saturating_since(releases.since);
            line.number("release_age_ms", saturating_millis(age));
        }
        line.object()
    }
}

/// Lines about failures that a worker writes to the log in a second. A thousand routes that fail at once
/// would fill the log with a hundred lines a second, for as long as they fail.
const LINES_PER_SECOND: usize = 20;

/// Limits the lines about failures in the log.
#[derive(Debug)]
pub(super) struct LogLimit {
    second_began: Timestamp,
    /// Lines that may still be written in this second.
    left: usize,
    dropped: u64,
}

impl Default for LogLimit {
    fn default() -> Self {
        Self {
            second_began: Timestamp::EPOCH,
            left: LINES_PER_SECOND,
            dropped: 0,
        }
    }
}

impl LogLimit {
    /// Begins a new second if the last one is over. Returns the line that says how many were dropped until
    /// then, if some were.
    pub(super) fn begin_second(&mut self, now: Timestamp) -> Option<String> {
        // After the clock was set back, too.
        let second = now.saturating_since(self.second_began);
        if second < Duration::from_secs(1) && now >= self.second_began {
            return None;
        }
        self.second_began = now;
        self.left = LINES_PER_SECOND;
        let dropped = std::mem::take(&mut self.dropped);
        (dropped > 0).then(|| {
            let mut line = Line(String::new());
            line.text("event", "lines_dropped");
            line.number("count", dropped);
            line.object()
        })
    }

    /// Returns whether one more line may be written, and counts it.
    pub(super) fn take(&mut self) -> bool {
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or(0);
        self.dropped = self.dropped.saturating_add(u64::from(left.is_none()));
        left.is_some()
    }
}

/// The members of a JSON object, in the order in which they were added.
struct Line(String);

impl Line {
    fn object(self) -> String {
        format!("{{{}}}", self.0)
    }

    fn member(&mut self, key: &str, value: &str) {
        let comma = if self.0.is_empty() { "" } else { "," };
        self.0 += &format!("{comma}\"{key}\":{value}");
    }

    fn number(&mut self, key: &str, number: u64) {
        self.member(key, &number.to_string());
    }

    fn text(&mut self, key: &str, text: &str) {
        let json = Value::from(text).to_string();
        self.member(key, &escape_controls(&json));
    }
}

/// Escapes DEL and the C1 control characters, which JSON allows in strings: a terminal that shows
/// the log would obey them.
fn escape_controls(json: &str) -> String {
    let mut escaped = String::new();
    for c in json.chars() {
        if c.is_control() {
            escaped += &format!("\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}
