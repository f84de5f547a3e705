//! Events for the log, as lines of JSON.

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
        format!("{{{}}}", line.0)
    }
}

/// The members of a JSON object, in the order in which they were added.
struct Line(String);

impl Line {
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
