//! The incidents of the upstream.

use clap::ValueEnum;
use serde::Serialize;

use super::upstream::Condition;

/// Time before the incident in milliseconds.
pub const BEFORE_MS: u64 = 20_000;
/// Share of the capacity at the beginning of a cold start...
const COLD_SHARE: f64 = 0.3;
/// ...and its length in milliseconds.
const COLD_MS: u64 = 15_000;
/// A flapping upstream is down for this long, in milliseconds...
const FLAP_DOWN_MS: u64 = 5_000;
/// ...and then up for this long.
const FLAP_UP_MS: u64 = 10_000;
/// How long an answer of a long poll takes, in milliseconds.
const LONG_POLL_MS: u64 = 12_000;
/// New visitors per second...
const RATE: u32 = 200;
/// ...and where one path fails: a site on which one client can send most of the requests.
const RATE_OF_SMALL_SITE: u32 = 20;
/// Time after an outage in which goodput is measured, in milliseconds.
const AFTER_MS: u64 = 60_000;

/// A kind of incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// Dead, then at once as good as before
    Outage,
    /// Dead, then back with 30 % of its capacity, growing to all of it within 15 s
    ColdStart,
    /// Alive, with capacity for half of the visitors
    #[value(name = "brownout-50")]
    #[serde(rename = "brownout-50")]
    Brownout50,
    /// Alive, with capacity for 30 % of the visitors
    #[value(name = "brownout-30")]
    #[serde(rename = "brownout-30")]
    Brownout30,
    /// Down for 5 s and up for 10 s, again and again
    Flapping,
    /// One path fails, and one client asks for it 40 times a second
    BrokenPath,
    /// One path fails, and the page of each visitor polls it
    BrokenPoll,
    /// Dead, then back with 401 as the answer to all requests
    #[value(name = "4xx-only")]
    #[serde(rename = "4xx-only")]
    ClientErrors,
    /// Dead, then as good as before; each answer takes 12 s, as of a long poll
    LongPolls,
    /// Accepts requests and never answers; clients leave after 2 s
    Hanging,
}

/// Who asks for the path that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Askers {
    /// One client, many times a second.
    OneClient,
    /// Each visitor, for as long as the page is open.
    Visitors,
}

/// Which figures of a scenario are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparing {
    /// How much of the capacity is used.
    Goodput,
    /// How many of the visitors are served.
    Served,
    /// When the breaker opens, and when it is closed again.
    Times,
}

impl Scenario {
    /// All scenarios, in the order of the tables: first the upstream that is alive and overloaded,
    /// which is what a breaker is for.
    pub const ALL: [Self; 10] = [
        Self::Brownout50,
        Self::Brownout30,
        Self::Outage,
        Self::ColdStart,
        Self::Flapping,
        Self::BrokenPath,
        Self::BrokenPoll,
        Self::ClientErrors,
        Self::LongPolls,
        Self::Hanging,
    ];

    /// Returns its name on the command line and in file names.
    pub fn name(self) -> String {
        crate::value_name(&self)
    }

    /// Returns its help text as a part of a sentence.
    pub fn story(self) -> String {
        let value = self.to_possible_value();
        let help = value.and_then(|value| value.get_help().map(ToString::to_string));
        let mut story = help.unwrap_or_default();
        if let Some(first) = story.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        story
    }

    /// Returns the default length of the incident in milliseconds.
    pub fn default_ms(self) -> u64 {
        match self {
            Self::Outage
            | Self::ColdStart
            | Self::ClientErrors
            | Self::LongPolls
            | Self::Hanging => 40_000,
            Self::Brownout50
            | Self::Brownout30
            | Self::Flapping
            | Self::BrokenPath
            | Self::BrokenPoll => 120_000,
        }
    }

    /// Returns the default number of new visitors per second.
    pub fn default_rate(self) -> u32 {
        match self.comparing() {
            Comparing::Served => RATE_OF_SMALL_SITE,
            Comparing::Goodput | Comparing::Times => RATE,
        }
    }

    /// Returns which figures are compared.
    pub fn comparing(self) -> Comparing {
        match self {
            Self::Outage
            | Self::ColdStart
            | Self::Brownout50
            | Self::Brownout30
            | Self::Flapping => Comparing::Goodput,
            Self::BrokenPath | Self::BrokenPoll => Comparing::Served,
            Self::ClientErrors | Self::LongPolls | Self::Hanging => Comparing::Times,
        }
    }

    /// Returns who asks for the path that fails, if one path fails.
    pub(crate) fn askers(self) -> Option<Askers> {
        match self {
            Self::BrokenPath => Some(Askers::OneClient),
            Self::BrokenPoll => Some(Askers::Visitors),
            _ => None,
        }
    }
}

/// The course of an incident. Times are in milliseconds since the start of the run.
#[derive(Debug, Clone, Copy)]
pub struct Incident {
    scenario: Scenario,
    /// Visitors per second.
    rate: f64,
    /// Requests per second that the healthy upstream can serve.
    capacity: f64,
    /// When it ends, [`BEFORE_MS`] included; after that, the upstream recovers.
    pub end_ms: u64,
}

impl Incident {
    /// Creates an incident of `length_ms` at an upstream that has `rate` new visitors per second, and can
    /// serve `capacity` requests per second when it is healthy.
    pub fn new(scenario: Scenario, rate: f64, capacity: f64, length_ms: u64) -> Self {
        Self {
            scenario,
            rate,
            capacity,
            end_ms: BEFORE_MS + length_ms,
        }
    }

    /// Returns who asks for the path that fails, while it does.
    pub(crate) fn askers(&self, now_ms: u64) -> Option<Askers> {
        let is_broken = (BEFORE_MS..self.end_ms).contains(&now_ms);
        self.scenario.askers().filter(|_| is_broken)
    }

    /// Returns the condition of the upstream at `now_ms`.
    pub(crate) fn condition(&self, now_ms: u64) -> Condition {
        let is_over = now_ms >= self.end_ms;
        let is_on = now_ms >= BEFORE_MS && !is_over;
        Condition {
            capacity: self.capacity(now_ms),
            hangs: self.scenario == Scenario::Hanging && is_on,
            delay_ms: if self.scenario == Scenario::LongPolls {
                LONG_POLL_MS
            } else {
                0
            },
            denies: self.scenario == Scenario::ClientErrors && is_over,
        }
    }

    /// Returns the requests per second that the upstream can serve at `now_ms`; 0 if it serves none.
    fn capacity(&self, now_ms: u64) -> f64 {
        let Some(into) = now_ms.checked_sub(BEFORE_MS) else {
            return self.capacity;
        };
        let after = now_ms.checked_sub(self.end_ms);
        match (self.scenario, after) {
            (Scenario::ColdStart, Some(after)) if after < COLD_MS => {
                let warm = after as f64 / COLD_MS as f64;
                self.capacity * (COLD_SHARE + (1.0 - COLD_SHARE) * warm)
            }
            (_, Some(_)) => self.capacity,
            (
                Scenario::Outage
                | Scenario::ColdStart
                | Scenario::ClientErrors
                | Scenario::LongPolls
                | Scenario::Hanging,
                None,
            ) => 0.0,
            (Scenario::Brownout50, None) => self.rate * 0.5,
            (Scenario::Brownout30, None) => self.rate * 0.3,
            (Scenario::Flapping, None) if into % (FLAP_DOWN_MS + FLAP_UP_MS) < FLAP_DOWN_MS => 0.0,
            (Scenario::Flapping | Scenario::BrokenPath | Scenario::BrokenPoll, None) => {
                self.capacity
            }
        }
    }

    /// Returns the seconds in which goodput is measured: the incident itself if the upstream is
    /// alive in it, otherwise the time after it.
    pub(crate) fn measured(&self) -> std::ops::Range<usize> {
        let (from, to) = match self.scenario {
            Scenario::Outage
            | Scenario::ColdStart
            | Scenario::ClientErrors
            | Scenario::LongPolls
            | Scenario::Hanging => (self.end_ms, self.end_ms + AFTER_MS),
            Scenario::Brownout50
            | Scenario::Brownout30
            | Scenario::Flapping
            | Scenario::BrokenPath
            | Scenario::BrokenPoll => (BEFORE_MS, self.end_ms),
        };
        (from / 1000) as usize..(to / 1000) as usize
    }
}
