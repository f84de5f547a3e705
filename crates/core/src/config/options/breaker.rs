//! `breaker`: the circuit breaker of a route.

use std::time::Duration;

use super::{status_range, statuses};
use crate::config::option::{
    duration, either, flag, nullable, number_to, one_of, share, share_or_zero, text, whole, Either,
    EitherOf, Mapped, Number, OneOf, OptionType,
};
use crate::config::section::{options, section, words, OptionTypeExt};
use crate::config::{limits, strings};
use crate::http::status::StatusSet;

options! {
    /// The circuit breaker of a route.
    pub struct Breaker {
        /// What the breaker does with its decisions.
        mode: BreakerMode = one_of().default(BreakerMode::Enforce),

        /// The period over which failures are counted.
        window: Duration = duration(limits::WINDOW).default(Duration::from_secs(10)),

        /// The number of requests in the window from which `failure_ratio` and `slow_ratio` apply.
        min_requests: u32 = whole(1..=limits::COUNT).default(20),

        /// The share of failures in the window that opens the circuit.
        failure_ratio: f64 = share().default(0.5),

        /// Consecutive failures that open the circuit, whatever their share.
        consecutive: BreakerConsecutive = section(),

        /// What counts as a failure, in addition to requests without a response.
        failures: BreakerFailures = section(),

        /// How long the circuit stays open.
        open: BreakerOpen = section(),

        /// The requests that test whether the upstream has recovered.
        probe: BreakerProbe = section(),

        /// The gradual return from the first probes to all requests.
        ramp: BreakerRamp = section(),

        /// How much a circuit rejects.
        scope: BreakerScope = one_of().default(BreakerScope::Path),

        /// Routes with the same group share one breaker. `null`: every route has its own.
        group: Option<String> = nullable(text(&strings::NAME)).default(None),
    }

    /// Consecutive failures that open the circuit.
    pub struct BreakerConsecutive {
        /// The number of consecutive failures.
        failures: u32 = whole(1..=limits::COUNT).default(10),

        /// How long the failures must have lasted, in addition to their number.
        duration as "for": Duration = duration(limits::RUN).default(Duration::from_secs(1)),
    }

    /// What counts as a failure.
    pub struct BreakerFailures {
        /// Response statuses that count as failures.
        statuses: StatusSet = statuses().default(status_range(502, 504)),

        /// Responses whose headers take longer than this count as slow. `null`: response times are
        /// not measured.
        slow: Option<Duration> = nullable(duration(limits::SLOW)).default(None),

        /// The share of slow responses in the window that opens the circuit.
        slow_ratio: f64 = share().default(0.8),
    }

    /// How long the circuit stays open.
    pub struct BreakerOpen {
        /// The first open time. Each further one is twice as long, up to `max`.
        base: Duration = duration(limits::OPEN).default(Duration::from_secs(2)),

        /// The longest open time, including `jitter`. It must not be shorter than `base`.
        max: Duration = duration(limits::OPEN).default(Duration::from_secs(5)),

        /// Random extra open time, as a fraction of the open time (0 to 1).
        jitter: f64 = share_or_zero().default(0.25),

        /// Whether a `Retry-After` of the upstream sets the open time.
        honor_retry_after: bool = flag().default(true),
    }

    /// The requests that test whether the upstream has recovered.
    pub struct BreakerProbe {
        /// The number of concurrent probes, over all workers.
        permits: u32 = whole(1..=limits::PROBES).default(3),

        /// The time after which another probe may be sent in place of one without a response.
        timeout: Duration = duration(limits::PROBE).default(Duration::from_secs(10)),
    }

    /// The gradual return from the first probes to all requests.
    pub struct BreakerRamp {
        /// The time within which the admitted rate reaches `rate` if nothing fails.
        duration: Duration = duration(limits::RAMP).default(Duration::from_secs(10)),

        /// The share of failures in one second that cuts the admitted rate to what succeeded.
        failure_ratio: f64 = share().default(0.3),

        /// The rate that the upstream is known to carry. A number is in requests per second, over
        /// all workers of one Envoy.
        rate: RampRate = ramp_rate().default(RampRate::Auto),

        /// Whether a visitor who is admitted gets a cookie for one minute, whose further requests
        /// are admitted first. It is set and read only while the circuit is not closed.
        pass: bool = flag().default(true),
    }
}

words! {
    /// What the breaker does with its decisions.
    pub enum BreakerMode {
        /// Applies them.
        Enforce = "enforce",
        /// Decides and counts, but lets every request pass.
        Shadow = "shadow",
        /// Rejects every request.
        ForcedOpen = "forced_open",
        /// Does nothing.
        Disabled = "disabled",
    }

    /// How much a circuit rejects.
    pub enum BreakerScope {
        /// Only requests for the host, or for the beginning of its paths, that fail.
        Path = "path",
        /// All requests of the route.
        Route = "route",
    }
}

/// The rate that the upstream is known to carry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RampRate {
    /// The healthy rate that was measured on the route.
    Auto,
    /// This many requests per second, over all workers.
    PerSecond(f64),
}

words! {
    /// The rates that have a name.
    pub(super) enum RampRateWord {
        /// The healthy rate that was measured on the route.
        Auto = "auto",
    }
}

fn ramp_rate() -> Mapped<EitherOf<OneOf<RampRateWord>, Number>, RampRate> {
    either(one_of(), number_to(limits::RATE)).map(
        |value| match value {
            Either::First(RampRateWord::Auto) => RampRate::Auto,
            Either::Second(rate) => RampRate::PerSecond(rate),
        },
        |rate| match rate {
            RampRate::Auto => Either::First(RampRateWord::Auto),
            RampRate::PerSecond(rate) => Either::Second(*rate),
        },
    )
}
