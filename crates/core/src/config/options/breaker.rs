//! `breaker`: the circuit breaker of a route.

use std::time::Duration;

use super::{status_range, statuses};
use crate::config::option::{duration, flag, nullable, one_of, share, share_or_zero, text, whole};
use crate::config::section::{options, section, words, OptionTypeExt};
use crate::config::{limits, strings};
use crate::statuses::StatusSet;

options! {
    /// The circuit breaker of a route.
    pub struct Breaker {
        /// What the breaker does with what it decides.
        mode: BreakerMode = one_of().default(BreakerMode::Enforce),

        /// The time over which the share of failures is taken.
        window: Duration = duration(limits::WINDOW).default(Duration::from_secs(10)),

        /// With fewer requests in the window, the share of failures does not count.
        min_requests: u32 = whole(1..=limits::COUNT).default(20),

        /// The share of failures in the window that opens the circuit.
        failure_ratio: f64 = share().default(0.5),

        /// Failures in a row that open the circuit.
        consecutive: BreakerConsecutive = section(),

        /// What counts as a failure, besides no response at all.
        failures: BreakerFailures = section(),

        /// How long the circuit stays open.
        open: BreakerOpen = section(),

        /// The requests that try whether the upstream is back.
        probe: BreakerProbe = section(),

        /// The way from the first probes back to all requests.
        ramp: BreakerRamp = section(),

        /// Routes with the same group share one breaker; null: one for each route.
        group: Option<String> = nullable(text(&strings::NAME)).default(None),
    }

    /// Failures in a row that open the circuit.
    pub struct BreakerConsecutive {
        /// So many in a row open the circuit, ...
        failures: u32 = whole(1..=limits::COUNT).default(10),

        /// ... once they have lasted so long.
        duration as "for": Duration = duration(limits::RUN).default(Duration::from_secs(1)),
    }

    /// What counts as a failure, besides no response at all.
    pub struct BreakerFailures {
        /// Statuses that are failures.
        statuses: StatusSet = statuses().default(status_range(502, 504)),

        /// A response whose headers take longer is slow; null: the time does not matter, and nobody
        /// asks for it.
        slow: Option<Duration> = nullable(duration(limits::SLOW)).default(None),

        /// The share of slow responses in the window that opens the circuit.
        slow_ratio: f64 = share().default(0.8),
    }

    /// How long the circuit stays open.
    pub struct BreakerOpen {
        /// The first time; it doubles with each further one.
        base: Duration = duration(limits::OPEN).default(Duration::from_secs(2)),

        /// The longest time; not shorter than `base`.
        max: Duration = duration(limits::OPEN).default(Duration::from_secs(15)),

        /// By up to this share the time is longer, at random.
        jitter: f64 = share_or_zero().default(0.25),

        /// Whether a `Retry-After` of the upstream sets the time.
        honor_retry_after: bool = flag().default(true),
    }

    /// The requests that try whether the upstream is back.
    pub struct BreakerProbe {
        /// Probes out at once, over all workers.
        permits: u32 = whole(1..=limits::PROBES).default(3),

        /// A probe that has not answered by then counts as lost.
        timeout: Duration = duration(limits::PROBE).default(Duration::from_secs(10)),
    }

    /// The way from the first probes back to all requests.
    pub struct BreakerRamp {
        /// How long the way takes when all goes well.
        duration: Duration = duration(limits::RAMP).default(Duration::from_secs(10)),

        /// The share of failures in one second that halves the admitted share.
        failure_ratio: f64 = share().default(0.3),
    }
}

words! {
    /// What the breaker does with what it decides.
    pub enum BreakerMode {
        /// Acts.
        Enforce = "enforce",
        /// Decides and counts, lets everything through.
        Shadow = "shadow",
        /// Rejects everything.
        ForcedOpen = "forced_open",
        /// Does nothing.
        Disabled = "disabled",
    }
}
